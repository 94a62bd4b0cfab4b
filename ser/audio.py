"""Audio in, one way: any clip becomes mono float32 at one sample rate.

A clip is decoded in short blocks, twice. The first pass measures: it refuses what
cannot be used and decides which channels to mix. The second mixes and resamples.
So memory holds only the result, however many channels a file has and whatever
length its header claims.

libsndfile decodes what it knows (WAV, FLAC, MP3, Ogg, Opus, AIFF and more), FFmpeg's
libraries the rest (M4A, AAC, MP4, WebM). Content alone tells the format: neither
decoder sees the name, nor can it open another file or an address that a clip names.
"""

import io
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from numbers import Real
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ser.errors import (
    AudioError,
    AudioNotFoundError,
    AudioTooLongError,
    EmptyAudioError,
    InvalidSampleRateError,
    NonFiniteAudioError,
    TruncatedAudioError,
    UnreadableAudioError,
)

SAMPLE_RATE_RANGE = (8_000, 192_000)  # Hz
MAX_DURATION = 600.0  # s

BLOCK = 4096  # samples of each channel that are decoded at once
LOUDEST = 2.0**31  # unscaled 32-bit integers; beyond it a float is no sample
SILENT = 1e-6  # power of a channel relative to the loudest: -60 dB
CANCELLED = 0.1  # power of the sum of channels relative to the sum of their powers
STREAM_LIMIT = 2**31  # bytes that are read from a file object

# Demuxers that FFmpeg may use: none of them follows references out of the clip.
FFMPEG_FORMATS = "aac,ac3,aiff,amr,asf,avi,caf,flac,matroska,mov,mp3,ogg,wav,wv"

# How audio starts, so that a damaged file is told from one that never was audio.
AUDIO_START = re.compile(
    rb"RIFF(.{0,7}$|.{4}WAVE)|RF64|riff|FORM(.{0,7}$|.{4}AIF)|fLaC|OggS|ID3|caff|\.snd|#!AMR"
    rb"|\xff[\xe2\xe3\xf1-\xf3\xf9-\xfb]|.{4}ftyp|\x1aE\xdf\xa3",
    re.DOTALL,
)
# How libsndfile's log says that a file is shorter than its header promises.
CUT_SHORT = re.compile("should be|unexpectedly")

# Sample rate in Hz and float32 samples (n_samples, n_channels), block after block.
Blocks = Iterator[tuple[float, np.ndarray]]


def load_audio(clip, sample_rate, *, max_duration=MAX_DURATION):
    """Read a clip as mono at one sample rate.

    Silent channels are left out of the mix, so that a voice on one side of a stereo
    recording is as loud as in mono. Channels that cancel each other, one being the other
    turned upside down, are represented by the loudest. Level is kept, not normalised.

    Parameters
    ----------
    clip : str, Path, bytes, binary file object or (waveform, sample_rate)
        A file object is read from its position to its end; it need not be seekable and
        stays open. A waveform is (n_samples,), (n_samples, n_channels) or (n_channels,
        n_samples), channels being the fewer. Integers of up to 32 bits are scaled to
        [-1, 1]; other numbers are taken as they are.
    sample_rate : int
        Sample rate of the result in Hz.
    max_duration : float
        Longest clip that is accepted, in seconds.

    Returns
    -------
    numpy.ndarray of float32, shape (n_samples,)
        What can be decoded: of a file that breaks off, the part before that.

    Raises
    ------
    AudioNotFoundError
        The path is missing, or is a folder.
    EmptyAudioError
        There are no bytes or no samples.
    UnreadableAudioError
        The content is not audio.
    TruncatedAudioError
        The content starts as audio, and nothing of it can be decoded.
    NonFiniteAudioError
        Samples are NaN, infinite or beyond any recording.
    AudioTooLongError
        The clip is longer than `max_duration`.
    InvalidSampleRateError
        The clip's sample rate is outside `SAMPLE_RATE_RANGE`.
    AudioError
        The clip is of another type or shape, or the file cannot be opened.
    """
    name = _name(clip)
    with _decoder(clip, name) as decode:
        with closing(decode()) as blocks:
            rate, channels = _survey(blocks, name, max_duration)
        resampler = soxr.ResampleStream(rate, sample_rate, 1, dtype="float32", quality="HQ")
        chunks = [
            resampler.resample_chunk(block[:, channels].mean(axis=1)) for _, block in decode()
        ]
    chunks.append(resampler.resample_chunk(np.empty(0, np.float32), last=True))
    return np.concatenate(chunks)


def _name(clip):
    """Return what to call a clip in messages: its file name without the folder, if it has one."""
    path = clip if isinstance(clip, str | os.PathLike) else getattr(clip, "name", None)
    if not isinstance(path, str | os.PathLike):
        return "The clip"
    return repr(Path(path).name or str(path))


@contextmanager
def _decoder(clip, name) -> Iterator[Callable[[], Blocks]]:
    """Open a clip and return a function that decodes it, as often as it is called."""
    if isinstance(clip, tuple):
        yield partial(_array_blocks, *_check_waveform(clip))
    elif isinstance(clip, str | os.PathLike):
        with _open(clip, name) as stream:
            yield partial(_file_blocks, _Stream(stream), name)
    elif isinstance(clip, bytes | bytearray | memoryview):
        yield partial(_file_blocks, _Stream(io.BytesIO(clip)), name)
    elif hasattr(clip, "read"):
        with tempfile.TemporaryFile() as stream:
            _copy(clip, stream, name)
            yield partial(_file_blocks, _Stream(stream), name)
    else:
        raise AudioError(
            f"A clip cannot be of type {type(clip).__name__}; give a path, bytes, a binary file "
            "object or (waveform, sample_rate)."
        )


def _open(path, name):
    """Open a file for reading."""
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):  # ValueError: the path holds a NUL
        raise AudioNotFoundError(f"{name} was not found; check the path.") from None
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "not a file"
        raise AudioNotFoundError(f"{name} is {kind}; give the path of one audio file.")
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise AudioError(f"{name} cannot be opened ({error.strerror}); check its rights.") from None


def _copy(source, target, name):
    """Copy the rest of a file object, which need not be seekable."""
    while chunk := source.read(1 << 20):
        if isinstance(chunk, str):
            raise AudioError(f'{name} is opened as text; open it in binary mode, "rb".')
        if target.tell() + len(chunk) > STREAM_LIMIT:
            raise AudioTooLongError(
                f"{name} is larger than the limit of {STREAM_LIMIT >> 20} MiB; cut it to the part "
                "that matters."
            )
        target.write(chunk)


class _Stream(io.RawIOBase):
    """A seekable binary file as the decoders may see it.

    It has no name, from which they would guess a format, and seeks to places that only a
    damaged header can name change nothing: raised through C, their errors would be printed.
    """

    def __init__(self, file):
        self._file = file

    def readable(self):
        return True

    def seekable(self):
        return True

    def readinto(self, buffer):
        return self._file.readinto(buffer)

    def tell(self):
        return self._file.tell()

    def seek(self, offset, whence=os.SEEK_SET):
        with suppress(OSError, ValueError):
            self._file.seek(offset, whence)
        return self._file.tell()


def _check_waveform(clip):
    """Return the waveform (n_samples, n_channels), its type unchanged, and the sample rate."""
    if len(clip) != 2:
        raise AudioError(f"The clip is a tuple of {len(clip)}; give (waveform, sample_rate).")
    waveform, rate = clip
    if isinstance(waveform, Real):
        raise AudioError("The clip is (sample_rate, waveform); give (waveform, sample_rate).")
    if not isinstance(rate, Real):
        raise InvalidSampleRateError(f"{rate!r} is not a sample rate; give a number in Hz.")
    try:
        waveform = np.asarray(waveform)
    except ValueError:
        raise AudioError(
            "The waveform's channels differ in length; give them all the same."
        ) from None
    if waveform.dtype.kind not in "fiu":
        raise AudioError(f"The waveform is of type {waveform.dtype}; give floats or integers.")
    if waveform.ndim not in (1, 2):
        raise AudioError(
            f"The waveform's shape is {waveform.shape}; give (samples,) or (samples, channels)."
        )
    if waveform.size == 0:
        raise EmptyAudioError("The clip holds no samples; record it again.")
    if waveform.ndim == 1:
        return waveform[:, np.newaxis], rate
    return (waveform if len(waveform) >= waveform.shape[1] else waveform.T), rate


def _array_blocks(waveform, rate) -> Blocks:
    """Cut a waveform (n_samples, n_channels) into blocks."""
    for start in range(0, len(waveform), BLOCK):
        yield rate, np.ascontiguousarray(_as_float32(waveform[start : start + BLOCK]))


def _as_float32(samples):
    """Scale integers of up to 32 bits to [-1, 1], unsigned ones about their middle."""
    if samples.dtype.kind in "iu" and samples.dtype.itemsize <= 4:
        full_scale = 2.0 ** (8 * samples.dtype.itemsize - 1)
        middle = full_scale if samples.dtype.kind == "u" else 0.0
        samples = (samples - middle) / full_scale
    with np.errstate(over="ignore"):  # what becomes infinite is refused later
        return samples.astype(np.float32)


def _file_blocks(stream, name) -> Blocks:
    """Decode a file with the first decoder that gets any samples out of it."""
    for decode in (_libsndfile_blocks, _ffmpeg_blocks):
        stream.seek(0)
        blocks = decode(stream, name)
        first = next(blocks, None)
        if first is not None:
            yield first
            yield from blocks
            return
    raise _undecodable(stream, name)


def _libsndfile_blocks(stream, name) -> Blocks:
    """Decode with libsndfile up to the end, or to where the file is damaged."""
    with suppress(soundfile.SoundFileError), soundfile.SoundFile(stream) as file:
        while len(block := file.read(BLOCK, dtype="float32", always_2d=True)):
            yield file.samplerate, block


def _ffmpeg_blocks(stream, name) -> Blocks:
    """Decode the first audio track with FFmpeg's libraries, leaving out damaged packets."""
    import av  # here, since few clips need it and it takes long to import

    options = {"container_options": {"format_whitelist": FFMPEG_FORMATS}}
    if int(av.__version__.partition(".")[0]) < 19:  # later PyAV bears tags that are not UTF-8
        options["metadata_errors"] = "replace"
    with (
        suppress(av.FFmpegError, IndexError),  # IndexError: PyAV's, if a track starts midway
        av.open(stream, **options) as container,
    ):
        if not container.streams.audio:
            raise UnreadableAudioError(f"{name} has no audio track; give a recording with sound.")
        first = None
        for packet in container.demux(audio=0):
            frames = []
            with suppress(av.FFmpegError, ValueError):  # ValueError: a codec that is not known
                frames = packet.decode()
            for frame in frames:
                channels = frame.layout.nb_channels
                first = first or (frame.rate, channels)
                if (frame.rate, channels) != first:
                    return  # another recording begins
                block = _as_float32(frame.to_ndarray())
                yield frame.rate, block.T if frame.format.is_planar else block.reshape(-1, channels)


def _undecodable(stream, name):
    """Return the error that says why no decoder got any samples out of a file."""
    stream.seek(0)
    start = stream.read(16)
    if not start:
        return EmptyAudioError(f"{name} is empty (0 bytes); record or export it again.")
    stream.seek(0)
    with suppress(soundfile.SoundFileError), soundfile.SoundFile(stream) as file:
        if file.frames == 0 and not CUT_SHORT.search(file.extra_info):
            return EmptyAudioError(f"{name} holds no samples; record or export it again.")
    if AUDIO_START.match(start):
        return TruncatedAudioError(
            f"{name} starts as audio but is cut off or damaged, and nothing in it can be decoded; "
            "record or export it again."
        )
    return UnreadableAudioError(
        f"{name} is not audio in a known format; give WAV, FLAC, MP3, Ogg, Opus, M4A or WebM."
    )


def _survey(blocks, name, max_duration):
    """Check a clip block by block, and choose the channels to mix.

    Returns
    -------
    rate : float
        Sample rate of the clip in Hz.
    channels : numpy.ndarray of int
        The channels whose mean is the mix.
    """
    n_samples = 0
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
        power = power + np.square(block, dtype=np.float64).sum(axis=0)
        power_of_sum += np.square(block.sum(axis=1), dtype=np.float64).sum()
    if power_of_sum < CANCELLED * power.sum():
        return rate, np.array([power.argmax()])
    return rate, np.flatnonzero(power >= SILENT * power.max())
