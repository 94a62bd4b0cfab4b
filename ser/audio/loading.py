"""Audio input: any clip becomes mono float32 at one sample rate.

A clip is taken block after block, twice. The first pass measures: it refuses what
cannot be used and decides which channels to mix. The second mixes and resamples.
Blocks are kept in between, unless they are many: then the clip is decoded again. So
memory is bounded, however many channels a file has and whatever length its header claims.
"""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from ser.audio.clips import Clip, clip_name, open_clip
from ser.audio.decoding import Block, runs
from ser.audio.levels import split_frames
from ser.errors import AudioTooLongError, InvalidSampleRateError, NonFiniteAudioError

SAMPLE_RATE_RANGE = (8_000, 192_000)  # Hz
MAX_DURATION = 600.0  # s
KEPT = 1 << 22  # samples of all channels that are kept rather than decoded again: 16 MB

LOUDEST = 2.0**31  # unscaled 32-bit integers; a float beyond it is not a sample
LOUDEST_FLOAT = 16.0  # times full scale; floats that go further are unscaled integers
FULL_SCALES = 2.0**15, 2.0**23, 2.0**31  # of unscaled integers
SILENT = 1e-6  # power of a channel relative to the loudest: -60 dB
CANCELLED = 0.1  # power of the sum of channels relative to the sum of their powers

STEP = 2.0**-7  # between neighbouring values of 8-bit samples
ROUNDING = 1.7  # steps that rounding alone spans, once it is resampled
ROUNDING_FRAME = 0.02  # s
ROUNDING_SMOOTHING = 5  # frames, most of which must span more to count as sound


@dataclass(frozen=True, eq=False)
class Recording:
    """A clip that was read; whatever takes a clip takes it, too.

    Attributes
    ----------
    waveform : ndarray of float32, shape (n_samples,)
    sample_rate : int
        In Hz.
    notes : tuple of str
        Reasons to doubt that all of the clip is in it, a sentence each.
    """

    waveform: NDArray[np.float32]
    sample_rate: int
    notes: tuple[str, ...] = ()


def load_audio(
    clip: Clip, sample_rate: int, *, max_duration: float = MAX_DURATION
) -> NDArray[np.float32]:
    """Read a clip as `read_recording` does, and return its waveform alone."""
    return read_recording(clip, sample_rate, max_duration=max_duration).waveform


def read_recording(
    clip: Clip, sample_rate: int, *, max_duration: float = MAX_DURATION
) -> Recording:
    """Read a clip as mono at one sample rate.

    Silent channels are left out of the mix, so that a voice on one side of a stereo
    recording is as loud as in mono. If channels cancel each other, one being the inverse
    of the other, the loudest is used. The level is kept, not normalised. In an 8-bit
    recording, the rounding noise before and after the sound becomes silence.

    Parameters
    ----------
    clip : str, Path, bytes, binary file object, (waveform, sample_rate) or Recording
        A file object is read from its position to its end; it need not be seekable and
        stays open. A waveform is (n_samples,), (n_samples, n_channels) or (n_channels,
        n_samples), channels being fewer than samples, or a list of arrays that follow each
        other, as a microphone gives them. Integers of up to 32 bits are scaled to [-1, 1],
        and so are floats in their range. What `datasets` gives is a clip, too: a dict of bytes and
        path, or of array and sampling_rate, or a decoder; so is an upload of FastAPI and an open
        `soundfile.SoundFile`. Addresses are not fetched.
    sample_rate : int
        Sample rate of the result in Hz.
    max_duration : float
        Longest clip that is accepted, in seconds.

    Returns
    -------
    Recording
        What can be decoded: of joined files all, of a damaged one the rest. Of a film, it is the
        first sound track that is not silent.

    Raises
    ------
    AudioNotFoundError
        The path is missing, or is a folder.
    EmptyAudioError
        There are no bytes or no samples.
    UnreadableAudioError
        The content is not audio.
    TruncatedAudioError
        The content starts as audio, but nothing in it can be decoded.
    NonFiniteAudioError
        Samples are NaN, infinite or beyond any recording.
    AudioTooLongError
        The clip is longer than `max_duration`.
    InvalidSampleRateError
        The clip's sample rate is outside `SAMPLE_RATE_RANGE`.
    AudioError
        The clip is of another type or shape, or the file cannot be opened.
    """
    if isinstance(clip, Recording):
        if clip.sample_rate == sample_rate:
            return clip
        clip = clip.waveform, clip.sample_rate
    name = clip_name(clip)
    with open_clip(clip) as source:
        kept = _Kept()
        with closing(source.blocks()) as blocks:
            mixes, full_scale, is_coarse = _survey(map(kept.keep, blocks), name, max_duration)
        again = source.blocks() if kept.blocks is None else kept.blocks
        chunks = []
        for ((rate, n_channels), run), channels in zip(runs(again), mixes, strict=True):
            resampler = soxr.ResampleStream(rate, sample_rate, 1, dtype="float32", quality="HQ")
            weight = np.float32(1 / (len(channels) * full_scale))
            for _, block in run:
                first, *others = block.T[channels] if n_channels > 1 else block.T
                mix = sum(others, first) * weight
                chunks.append(resampler.resample_chunk(mix))
            chunks.append(resampler.resample_chunk(np.empty(0, np.float32), last=True))
    waveform = np.concatenate(chunks)
    waveform = _mute_rounding(waveform, sample_rate) if is_coarse else waveform
    return Recording(waveform, sample_rate, tuple(source.notes))


class _Kept:
    """Blocks of a clip, kept as long as they are few.

    Attributes
    ----------
    blocks : list of Block or None
        None if there were more than `KEPT` samples.
    """

    def __init__(self) -> None:
        self.blocks: list[Block] | None = []
        self._size = 0

    def keep(self, block: Block) -> Block:
        """Keep a block, and return it."""
        self._size += block[1].size
        if self._size > KEPT:
            self.blocks = None
        if self.blocks is not None:
            self.blocks.append(block)
        return block


def _survey(
    blocks: Iterable[Block], name: str, max_duration: float
) -> tuple[list[NDArray[np.intp]], float, bool]:
    """Check a clip block by block, and choose the channels to mix.

    Returns
    -------
    mixes : list of numpy.ndarray of int
        The channels whose mean is the mix, for each run of blocks.
    full_scale : float
        What to divide samples by.
    is_coarse : bool
        Whether samples have no more than 8 bits.
    """
    seconds, peak, is_coarse, mixes = 0.0, 0.0, True, []
    for (rate, n_channels), run in runs(blocks):
        lowest, highest = SAMPLE_RATE_RANGE
        if not lowest <= rate <= highest:
            raise InvalidSampleRateError(
                f"{name} has a sample rate of {rate:g} Hz; give one of {lowest} to {highest} Hz."
            )
        n_samples = 0
        power = np.zeros(n_channels)
        power_of_sum = 0.0
        for _, block in run:
            n_samples += len(block)
            if seconds + n_samples / rate > max_duration:
                raise AudioTooLongError(
                    f"{name} is longer than the limit of {max_duration:g} s; cut it to the part "
                    "that matters."
                )
            loudest = max(block.max(initial=0), -block.min(initial=0))
            if not loudest <= LOUDEST:  # NaN is not, either
                value = block[~(np.abs(block) <= LOUDEST)][0]
                raise NonFiniteAudioError(
                    f"{name} holds a sample of {value:g}; export it again with finite samples, "
                    "best between -1 and 1."
                )
            peak = max(peak, loudest)
            is_coarse = is_coarse and _is_coarse(block)
            if n_channels > 1:  # else there is no choice
                power += np.square(block, dtype=np.float64).sum(axis=0)
                power_of_sum += np.square(block.sum(axis=1), dtype=np.float64).sum()
        seconds += n_samples / rate
        mixes.append(_mix(power, power_of_sum))
    if peak <= LOUDEST_FLOAT:
        return mixes, 1.0, is_coarse
    return mixes, min(scale for scale in FULL_SCALES if peak <= scale), False


def _is_coarse(block: NDArray[np.float32]) -> bool:
    """Whether all samples are multiples of `STEP`."""
    for some in (block[:1000], block):  # the first are nearly always enough to see it
        steps = some / np.float32(STEP)
        if np.any(steps != np.rint(steps)):
            return False
    return True


def _mix(power: NDArray[np.float64], power_of_sum: float) -> NDArray[np.intp]:
    """Choose the channels to mix, from the power of each and that of their sum."""
    if power_of_sum < CANCELLED * power.sum():
        return np.array([power.argmax()])
    return np.flatnonzero(power >= SILENT * power.max())


def _mute_rounding(waveform: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    """Silence an 8-bit recording before and after its sound.

    Where nobody speaks, samples flip between two neighbouring values: this is not sound, and yet
    as loud as quiet speech.
    """
    length = int(ROUNDING_FRAME * sample_rate)
    spans = np.ptp(split_frames(waveform, length), axis=1)
    spans = median_filter(spans, ROUNDING_SMOOTHING, mode="constant")
    (sounding,) = np.nonzero(spans > ROUNDING * STEP)
    if sounding.size:
        reach = ROUNDING_SMOOTHING // 2  # by which the filter may have shortened the sound
        waveform[: max(0, sounding[0] - reach) * length] = 0
        waveform[(sounding[-1] + 1 + reach) * length :] = 0
    return waveform
