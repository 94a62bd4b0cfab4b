"""From the content of a clip to its samples, block after block.

libsndfile decodes what it knows (WAV, FLAC, MP3, Ogg, Opus, AIFF and more), FFmpeg's
libraries the rest (M4A, AAC, MP4, WebM). The format is detected from the content
alone: decoders do not see the name, and cannot open other files or addresses that a clip names.
"""

import io
import os
import re
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import soundfile

from ser.errors import EmptyAudioError, TruncatedAudioError, UnreadableAudioError

BLOCK = 4096  # samples of each channel that are decoded at once

# Demuxers that FFmpeg may use: none of them follows references out of the clip.
FFMPEG_FORMATS = "aac,ac3,aiff,amr,asf,avi,caf,flac,matroska,mov,mp3,ogg,wav,wv"

# How audio starts, to tell a damaged file from one that never was audio.
AUDIO_START = re.compile(
    rb"RIFF(.{0,7}$|.{4}WAVE)|RF64|riff|FORM(.{0,7}$|.{4}AIF)|fLaC|OggS|ID3|caff|\.snd|#!AMR"
    rb"|\xff[\xe2\xe3\xf1-\xf3\xf9-\xfb]|.{4}ftyp|\x1aE\xdf\xa3",
    re.DOTALL,
)
# How libsndfile's log says that a file is shorter than its header promises.
CUT_SHORT = re.compile("should be|unexpectedly")

# Sample rate in Hz and float32 samples (n_samples, n_channels), block after block.
Blocks = Iterator[tuple[float, np.ndarray]]


def array_blocks(waveform, rate) -> Blocks:
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


def file_blocks(stream, name) -> Blocks:
    """Decode a seekable binary file.

    FFmpeg decodes what libsndfile cannot, and what follows the damage at which libsndfile gives up.
    """
    stream = _Stream(stream)
    decoded, first = 0, None  # samples of each channel; sample rate and channels
    for blocks in (_libsndfile_blocks(stream, name), _ffmpeg_blocks(stream, name)):
        stream.seek(0)
        position = 0
        try:
            for rate, block in blocks:
                first = first or (rate, block.shape[1])
                if (rate, block.shape[1]) != first:
                    return  # the decoders do not agree
                start, position = position, position + len(block)
                if position > decoded:
                    yield rate, block[max(0, decoded - start) :]
                    decoded = position
        except soundfile.SoundFileError:
            continue
        except UnreadableAudioError:
            if not decoded:
                raise
        if decoded:
            return
    raise _undecodable(stream, name)


def _libsndfile_blocks(stream, name) -> Blocks:
    """Decode with libsndfile; raise its error where the file is damaged."""
    with soundfile.SoundFile(stream) as file:
        while len(block := file.read(BLOCK, dtype="float32", always_2d=True)):
            yield file.samplerate, block


def _ffmpeg_blocks(stream, name) -> Blocks:
    """Decode the first audio track with FFmpeg's libraries, leaving out damaged packets."""
    import av  # here, since few clips need it and it takes long to import

    options = {
        "container_options": {"format_whitelist": FFMPEG_FORMATS},
        "metadata_errors": "replace",  # of tags that are not UTF-8
    }
    with (
        suppress(av.FFmpegError, IndexError),  # IndexError: PyAV's, if a track starts midway
        av.open(stream, **options) as container,
    ):
        if not container.streams.audio:
            raise UnreadableAudioError(f"{name} has no audio track; give a recording with sound.")
        first, packer = None, None
        for packet in container.demux(audio=0):
            frames = []
            # ValueError: a codec or a type of samples that PyAV does not know
            with suppress(av.FFmpegError, ValueError):
                frames = packet.decode()
            for frame in frames:
                channels = frame.layout.nb_channels
                first = first or (frame.rate, channels)
                if (frame.rate, channels) != first:
                    return  # another recording begins
                # PyAV crashes on the planes of eight channels, so samples are interleaved before.
                packer = packer or av.AudioResampler("flt", frame.layout, frame.rate)
                with suppress(av.FFmpegError, ValueError):
                    for packed in packer.resample(frame):
                        yield frame.rate, packed.to_ndarray().reshape(-1, channels)


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


class _Stream(io.RawIOBase):
    """A seekable binary file as the decoders may see it.

    It has no name from which they would guess a format. Seeks to places that only a damaged
    header can name do nothing: errors raised through C would be printed.
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
