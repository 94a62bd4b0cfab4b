"""Audio input: any clip becomes mono float32 at one sample rate.

A clip is decoded in short blocks, twice. The first pass measures: it refuses what
cannot be used and decides which channels to mix. The second mixes and resamples.
So memory holds only the result, however many channels a file has and whatever
length its header claims.
"""

from contextlib import closing

import numpy as np
import soxr
from scipy.ndimage import median_filter

from ser.clips import clip_name, open_clip
from ser.errors import AudioTooLongError, InvalidSampleRateError, NonFiniteAudioError

SAMPLE_RATE_RANGE = (8_000, 192_000)  # Hz
MAX_DURATION = 600.0  # s

LOUDEST = 2.0**31  # unscaled 32-bit integers; a float beyond it is not a sample
SILENT = 1e-6  # power of a channel relative to the loudest: -60 dB
CANCELLED = 0.1  # power of the sum of channels relative to the sum of their powers

STEP = 2.0**-7  # between neighbouring values of 8-bit samples
ROUNDING = 1.7  # steps that rounding alone spans, once it is resampled
ROUNDING_FRAME = 0.02  # s
ROUNDING_SMOOTHING = 5  # frames, most of which must span more to count as sound


def load_audio(clip, sample_rate, *, max_duration=MAX_DURATION):
    """Read a clip as mono at one sample rate.

    Silent channels are left out of the mix, so that a voice on one side of a stereo
    recording is as loud as in mono. If channels cancel each other, one being the inverse
    of the other, the loudest is used. The level is kept, not normalised. In an 8-bit
    recording, the rounding noise before and after the sound becomes silence.

    Parameters
    ----------
    clip : str, Path, bytes, binary file object or (waveform, sample_rate)
        A file object is read from its position to its end; it need not be seekable and
        stays open. A waveform is (n_samples,), (n_samples, n_channels) or (n_channels,
        n_samples), channels being fewer than samples, or a list of arrays that follow each
        other, as a microphone gives them. Integers of up to 32 bits are scaled to [-1, 1];
        other numbers are taken as they are. What `datasets` gives is a clip, too: a dict of
        bytes and path, or of array and sampling_rate, or a decoder; so is an upload of FastAPI
        and an open `soundfile.SoundFile`. Addresses are not fetched.
    sample_rate : int
        Sample rate of the result in Hz.
    max_duration : float
        Longest clip that is accepted, in seconds.

    Returns
    -------
    numpy.ndarray of float32, shape (n_samples,)
        What can be decoded; for a file that breaks off, the part before the break.

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
    name = clip_name(clip)
    with open_clip(clip) as decode:
        with closing(decode()) as blocks:
            rate, channels, is_coarse = _survey(blocks, name, max_duration)
        resampler = soxr.ResampleStream(rate, sample_rate, 1, dtype="float32", quality="HQ")
        chunks = [
            resampler.resample_chunk(block[:, channels].mean(axis=1)) for _, block in decode()
        ]
    chunks.append(resampler.resample_chunk(np.empty(0, np.float32), last=True))
    waveform = np.concatenate(chunks)
    return _mute_rounding(waveform, sample_rate) if is_coarse else waveform


def _survey(blocks, name, max_duration):
    """Check a clip block by block, and choose the channels to mix.

    Returns
    -------
    rate : float
        Sample rate of the clip in Hz.
    channels : numpy.ndarray of int
        The channels whose mean is the mix.
    is_coarse : bool
        Whether samples have no more than 8 bits.
    """
    n_samples = 0
    is_coarse = True
    power = 0.0  # of each channel
    power_of_sum = 0.0
    for rate, block in blocks:
        lowest, highest = SAMPLE_RATE_RANGE
        if not lowest <= rate <= highest:
            raise InvalidSampleRateError(
                f"{name} has a sample rate of {rate:g} Hz; give one of {lowest} to {highest} Hz."
            )
        n_samples += len(block)
        if n_samples > max_duration * rate:
            raise AudioTooLongError(
                f"{name} is longer than the limit of {max_duration:g} s; cut it to the part that "
                "matters."
            )
        usable = np.abs(block) <= LOUDEST  # False for NaN
        if not usable.all():
            value = block[~usable][0]
            raise NonFiniteAudioError(
                f"{name} holds a sample of {value:g}; export it again with finite samples, best "
                "between -1 and 1."
            )
        is_coarse = is_coarse and not np.any(block % STEP)
        power = power + np.square(block, dtype=np.float64).sum(axis=0)
        power_of_sum += np.square(block.sum(axis=1), dtype=np.float64).sum()
    if power_of_sum < CANCELLED * power.sum():
        channels = np.array([power.argmax()])
    else:
        channels = np.flatnonzero(power >= SILENT * power.max())
    return rate, channels, is_coarse


def _mute_rounding(waveform, sample_rate):
    """Silence an 8-bit recording before and after its sound.

    Where nobody speaks, samples flip between two neighbouring values: this is not sound, and yet
    as loud as quiet speech.
    """
    length = int(ROUNDING_FRAME * sample_rate)
    spans = np.ptp(waveform[: waveform.size // length * length].reshape(-1, length), axis=1)
    spans = median_filter(spans, ROUNDING_SMOOTHING, mode="constant")
    (sounding,) = np.nonzero(spans > ROUNDING * STEP)
    if sounding.size:
        reach = ROUNDING_SMOOTHING // 2  # by which the filter may have shortened the sound
        waveform[: max(0, sounding[0] - reach) * length] = 0
        waveform[(sounding[-1] + 1 + reach) * length :] = 0
    return waveform
