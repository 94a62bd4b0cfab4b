"""From the content of a clip to its samples, block after block.

libsndfile decodes samples that are stored as they are (WAV, AIFF and more), FFmpeg's libraries
the rest. The format is detected from the content alone: decoders do not see the name, and cannot
open other files or addresses that a clip names.
"""

import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any, BinaryIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from ser.audio.parts import Part, Span, split
from ser.errors import AudioError, EmptyAudioError, TruncatedAudioError, UnreadableAudioError

BLOCK = 1 << 18  # samples of all channels in a block, about, since each costs time

# How audio starts, to tell a damaged file from one that never was audio.
AUDIO_START = re.compile(
    rb"RIFF(.{0,7}$|.{4}WAVE)|RF64|riff|FORM(.{0,7}$|.{4}AIF)|fLaC|OggS|ID3|caff|\.snd|#!AMR"
    rb"|\xff[\xe2\xe3\xf1-\xf3\xf9-\xfb]|.{4}ftyp|\x1aE\xdf\xa3|FLV\x01|\0\0\x01\xba"
    rb"|(.{4})?G@[\0\x11][\x10-\x3f]|\x0bw|\x7f\xfe\x80\x01",
    re.DOTALL,
)
# What FFmpeg alone decodes: libsndfile would print what it finds wrong.
COMPRESSED = re.compile(
    rb"fLaC|OggS|ID3|\xff[\xe0-\xff]|RIFF.{4}WAVEfmt .{4}\x55\0",  # the last is MP3 in WAV
    re.DOTALL,
)
LONGEST_START = 22  # bytes

# How libsndfile's log says that a file is shorter than its header promises: in bytes or samples.
CUT_SHORT = re.compile(
    r"(?:data|SSND|riff|Data Size) *: (\d+) \(should be (\d+)\)"
    r"|'ds64' chunk of (\d+)"
)
UNKNOWN_SIZE = 0x7F000000  # bytes from which a size in a header stands for one yet unknown
MISSING = 0.2  # s of sound that may be less than promised
DAMAGED = "It is damaged: parts of it cannot be decoded."

# Sample rate in Hz and float32 samples (n_samples, n_channels), block after block.
Block = tuple[float, NDArray[np.float32]]
Blocks = Generator[Block, None, None]


class ArraySource:
    """A waveform that is taken block after block.

    Parameters
    ----------
    waveform : ndarray, shape (n_samples, n_channels)
    rate : float
        In Hz.
    """

    notes: Sequence[str] = ()

    def __init__(self, waveform: NDArray[Any], rate: float) -> None:
        self._waveform = waveform
        self._rate = rate

    def blocks(self) -> Blocks:
        """Cut the waveform into blocks."""
        full_scale = _full_scale(self._waveform)
        length = max(1, BLOCK // self._waveform.shape[1])
        for start in range(0, len(self._waveform), length):
            block = _as_float32(self._waveform[start : start + length], full_scale)
            yield self._rate, np.ascontiguousarray(block)


def runs(blocks: Iterable[Block]) -> Iterator[tuple[tuple[float, int], Iterator[Block]]]:
    """Group blocks by sample rate and number of channels, which change where files were joined."""
    return groupby(blocks, lambda block: (block[0], block[1].shape[1]))


def _join(blocks: Blocks) -> Blocks:
    """Join short blocks to some of at least `BLOCK` samples."""
    for (rate, _), run in runs(blocks):
        found: list[NDArray[np.float32]] = []
        size = 0
        for _, block in run:
            found.append(block)
            size += block.size
            if size >= BLOCK:
                yield rate, np.concatenate(found)
                found, size = [], 0
        if found:
            yield rate, np.concatenate(found)


def _full_scale(waveform: NDArray[Any]) -> float:
    """Return the full scale of integers of up to 32 bits; wider ones than 16 may hold 16 bits."""
    bits = 8 * waveform.dtype.itemsize
    if waveform.dtype.kind == "f":
        return 1.0
    if (
        waveform.dtype.kind == "i"
        and bits > 16
        and -(2**15) <= waveform.min() <= waveform.max() < 2**15
    ):
        return 2.0**15
    return 2.0 ** (bits - 1) if bits <= 32 else 1.0


def _as_float32(samples: NDArray[Any], full_scale: float) -> NDArray[np.float32]:
    """Scale integers to [-1, 1], unsigned ones about their middle."""
    if full_scale > 1:
        middle = full_scale if samples.dtype.kind == "u" else 0.0
        samples = (samples - middle) / full_scale
    with np.errstate(over="ignore"):  # what becomes infinite is refused later
        return samples.astype(np.float32)


class FileSource:
    """A seekable binary file that is decoded block after block.

    Files that were joined are decoded one after the other. Of several sound tracks, the first that
    is not silent is decoded.

    Parameters
    ----------
    file : binary file
    name : str
        What to call it in messages.

    Attributes
    ----------
    notes : list of str
        Reasons to doubt that all is heard, a sentence each; complete after the last block.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.notes: list[str] = []
        self._file = file
        self._name = name
        self._parts = split(file)
        self._tracks: dict[Span, int] = {}  # which one to decode, by part

    def blocks(self) -> Blocks:
        """Decode the file from its start."""
        decoded = set()
        for part in self._parts:
            for rate, block in self._decode(part):
                decoded.add(part)
                yield rate, block
        if not decoded:
            raise _undecodable(self._open(self._parts[0]), self._name)
        if len(decoded) < len(self._parts):
            self._note(DAMAGED)

    def _decode(self, part: Span) -> Blocks:
        if not COMPRESSED.match(self._open(part).read(LONGEST_START)):
            decoded = False
            with suppress(soundfile.SoundFileError):
                for block in self._decode_with_libsndfile(self._open(part)):
                    decoded = True
                    yield block
            if decoded:
                return
        yield from _join(self._decode_with_ffmpeg(part))

    def _decode_with_libsndfile(self, stream: Part) -> Blocks:
        with soundfile.SoundFile(stream) as file:
            decoded, length = 0, max(1, BLOCK // file.channels)
            while len(block := file.read(length, dtype="float32", always_2d=True)):
                decoded += len(block)
                yield file.samplerate, block
            seconds = decoded / file.samplerate
            for size, actual, count in CUT_SHORT.findall(file.extra_info):
                if count:
                    promised = int(count) / file.samplerate
                else:
                    promised = seconds * int(size) / max(1, int(actual))
                if promised - seconds > MISSING and int(size or 0) < UNKNOWN_SIZE:
                    self._note_missing(seconds, promised)

    def _decode_with_ffmpeg(self, part: Span) -> Blocks:
        """Decode with FFmpeg's libraries, leaving out damaged packets."""
        from ser.audio import (
            ffmpeg,  # here, since it takes long to import, and some clips do not need it
        )

        with suppress(*ffmpeg.ERRORS), ffmpeg.open_container(self._open(part)) as container:
            tracks = container.streams.audio
            if not tracks:
                raise UnreadableAudioError(
                    f"{self._name} has no audio track; give a recording with sound."
                )
            if len(tracks) > 1 and part not in self._tracks:
                self._tracks[part] = ffmpeg.sounding_track(self._open(part))
                self._note_track(self._tracks[part], len(tracks))
            track = tracks[self._tracks.get(part, 0)]
            unpack = ffmpeg.Unpacker()
            is_film = len(container.streams) > 1  # its picture may last longer than its sound
            seconds = end = 0.0
            with suppress(*ffmpeg.ERRORS):
                for packet in container.demux():
                    if is_film:
                        end = max(end, ffmpeg.packet_end(packet, container))
                    if packet.stream.index == track.index:
                        for rate, samples in unpack(packet):
                            seconds += len(samples) / rate
                            yield rate, samples
            if not seconds:
                return
            if is_film:
                seconds = end
            promised = ffmpeg.promised_duration(container, self._open(part))
            if container.format.name == "ogg" and not ffmpeg.has_last_page(self._open(part)):
                self._note("It is cut short: the end of the file is missing.")
            elif promised is not None and promised - seconds > MISSING:
                self._note_missing(seconds, promised)
            elif unpack.lost:
                self._note(DAMAGED)

    def _open(self, part: Span) -> Part:
        return Part(self._file, *part)

    def _note_missing(self, seconds: float, promised: float) -> None:
        self._note(
            f"It is cut short or damaged: its header promises {promised:.1f} s, of which "
            f"{seconds:.1f} s are there."
        )

    def _note_track(self, track: int, count: int) -> None:
        reason = ", the first that is not silent" if track else ""
        self._note(f"It has {count} sound tracks: track {track + 1} is used{reason}.")

    def _note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)


def _undecodable(stream: Part, name: str) -> AudioError:
    """Return the error that says why no decoder got any samples out of a file."""
    start = stream.read(LONGEST_START)
    if not start:
        return EmptyAudioError(f"{name} is empty (0 bytes); record or export it again.")
    stream.seek(0)
    if not COMPRESSED.match(start):
        with suppress(soundfile.SoundFileError), soundfile.SoundFile(stream) as file:
            if file.frames == 0 and "should be" not in file.extra_info:
                return EmptyAudioError(f"{name} holds no samples; record or export it again.")
    if AUDIO_START.match(start):
        return TruncatedAudioError(
            f"{name} starts as audio but is cut off or damaged, and nothing in it can be decoded; "
            "record or export it again."
        )
    return UnreadableAudioError(
        f"{name} is not audio in a known format; give WAV, FLAC, MP3, Ogg, Opus, M4A or WebM."
    )
