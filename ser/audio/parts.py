"""The recordings that a file holds: more than one, where files were joined.

Joined MP3, AAC and MPEG streams are one stream to a decoder. Of other formats a decoder reads one
of the joined files alone, so each is given to it as a file of its own.
"""

import io
import os
import re
import struct
from contextlib import suppress
from typing import Any, BinaryIO

WAV = re.compile(rb"RIFF.{4}WAVE", re.DOTALL)
FIRST_OF_BLOCKS = re.escape(bytes(byte for byte in range(256) if byte & 8))  # of other channels
BEGINNINGS = (
    WAV,
    re.compile(rb"RF64.{4}WAVE", re.DOTALL),
    re.compile(rb"FORM.{4}AIF[FC]", re.DOTALL),
    re.compile(rb"\.snd\0\0.{6}\0\0\0.", re.DOTALL),
    re.compile(rb"caff\0\x01\0\0desc"),
    re.compile(rb"fLaC\0\0\0\x22"),
    re.compile(rb"OggS\0\x02"),
    re.compile(rb"FLV\x01.\0\0\0\x09", re.DOTALL),
    re.compile(rb"\0\0\0.ftyp", re.DOTALL),
    re.compile(rb"wvpk.{5}\x04.{6}\0{4}.[" + FIRST_OF_BLOCKS + rb"]", re.DOTALL),
    re.compile(rb"#!AMR(-WB)?\n"),
    re.compile(rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\0\xaa\0\x62\xce\x6c"),  # of ASF
)
"""How files start, by format."""

LONGEST_BEGINNING = 26  # bytes
APART = 300  # bytes; beginnings that are nearer are of streams side by side in one Ogg file
SEARCHED = 1 << 20  # bytes at once
UNCOUNTED = 4096  # bytes behind samples that are samples, too, unless they are a chunk or zeros
MOST = 1000  # recordings that are read of one file; opening each takes its time


Span = tuple[int, int] | tuple[int, int, bytes]  # what `Part` takes beside the file


class Part(io.RawIOBase):
    """A part of a seekable binary file, as the decoders may see it: as a file of its own.

    It has no name from which they would guess a format. Seeks to places that only a damaged
    header can name do nothing: errors raised through C would be printed.

    Parameters
    ----------
    file : binary file
    start, stop : int
        Where the part is, in bytes.
    header : bytes
        What to put before it.
    """

    def __init__(self, file: BinaryIO, start: int, stop: int, header: bytes = b"") -> None:
        self._file = file
        self._start = start - len(header)
        self._header = header
        self._size = stop - self._start
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as the part goes, and return how many bytes there are."""
        position, left = self._position, max(0, self._size - self._position)
        wanted = min(len(buffer), left)
        if position < len(self._header):
            content = self._header[position : position + wanted]
        elif wanted:
            self._file.seek(self._start + position)
            content = self._file.read(wanted)
        else:  # beyond the end, perhaps too far for the file to go there
            content = b""
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)

    def tell(self) -> int:
        """Return the position in the part."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Change the position, and return it."""
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if 0 <= origin + offset < 1 << 62:
            self._position = origin + offset
        return self._position


def split(file: BinaryIO) -> list[Span]:
    """Find the recordings in a seekable binary file.

    Returns
    -------
    list of tuple
        What `Part` takes beside the file, for each.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    first = file.read(LONGEST_BEGINNING)
    for beginning in BEGINNINGS:
        if beginning.match(first):
            starts = _find(file, beginning)
            bounds = list(zip(starts, [*starts[1:], size], strict=True))[:MOST]
            if beginning is not WAV:
                return list[Span](bounds)
            return [part for each in bounds for part in _split_wav(file, *each)][:MOST]
    return [(0, size)]


def _find(file: BinaryIO, beginning: re.Pattern[bytes]) -> list[int]:
    """Return where files begin in a file that begins with one."""
    starts, last = [0], 0
    position, before = 0, b""
    file.seek(0)
    while chunk := file.read(SEARCHED):
        for match in beginning.finditer(before + chunk):
            start = position - len(before) + match.start()
            if start > last + APART:
                starts.append(start)
            last = max(last, start)
        position += len(chunk)
        before = chunk[1 - LONGEST_BEGINNING :]
    return starts


def _split_wav(file: BinaryIO, start: int, stop: int) -> list[Span]:
    """Return a part for each chunk of samples in a WAV file, under the header of the first.

    A recorder that ended early may have written too small a size: what follows is no chunk then.
    """
    chunks: list[int] = []
    position, is_larger = start + 12, False
    with suppress(struct.error):  # at the end
        while position < stop:
            file.seek(position)
            name, size = struct.unpack("<4sI", file.read(8))
            if not name.isascii() or name[0] < ord(" "):  # samples, since a size is not true
                rest = file.read(UNCOUNTED - 8)
                is_larger = bool(chunks) and len(rest) == UNCOUNTED - 8 and any(rest)
                break
            if name == b"data":
                chunks.append(position)
            position += 8 + size + size % 2
    if len(chunks) < 2 and not is_larger:
        return [(start, stop)]
    file.seek(start)
    header = file.read(chunks[0] - start)
    if is_larger and len(chunks) == 1:
        return [(chunks[0] + 8, stop, header + b"data\xff\xff\xff\xff")]
    bounds = zip(chunks, [*chunks[1:], stop], strict=True)
    return [(chunk, end, header) for chunk, end in bounds]
