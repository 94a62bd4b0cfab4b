"""The process that decodes: whatever a file makes the decoders do, it costs this process alone.

It knows neither names nor addresses of files: it asks for their bytes through its standard input
and output, and answers with samples. The system ends it if a file takes too much processor time
or memory. A message is a kind, a length, and as many bytes.
"""

import io
import json
import os
import signal
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ser.audio.decoding import FileSource
from ser.errors import AudioError, AudioTooComplexError

MEMORY = 200_000_000  # bytes that a file may take beside the decoders themselves
TIME = 3.0, 0.02  # s of processor time that it may take, and for each second of its sound
SAMPLES = 1 << 25, 400_000  # of all channels that it may hold, and for each second
CHANGES = 200  # of sample rate or channels that it may make

OPEN, READ, BLOCK, END = b"O", b"R", b"B", b"E"
HEAD = struct.Struct("<cI")
PLACE = struct.Struct("<qI")  # of bytes in a file: position and count
SHAPE = struct.Struct("<qI")  # of a block: sample rate in Hz and channels
BUFFER = 1 << 17  # bytes that are asked for at once


def send(pipe: IO[bytes], kind: bytes, *content: Any) -> None:
    """Send a message whose content may be in several pieces."""
    pipe.write(HEAD.pack(kind, sum(memoryview(each).nbytes for each in content)))
    for each in content:
        pipe.write(each)
    pipe.flush()


def receive(pipe: IO[bytes]) -> tuple[bytes, bytes]:
    """Return a message's kind and content.

    Raises
    ------
    EOFError
        The other process has ended.
    """
    head = pipe.read(HEAD.size)
    if len(head) < HEAD.size:
        raise EOFError
    kind, length = HEAD.unpack(head)
    content = pipe.read(length)
    if len(content) < length:
        raise EOFError
    return kind, content


class _RemoteFile(io.RawIOBase):
    """A file whose bytes the other process has."""

    def __init__(self, size: int, ask: Callable[[int, int], bytes]) -> None:
        self._size = size
        self._ask = ask
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = max(0, min(len(buffer), self._size - self._position))
        content = self._ask(self._position, count) if count else b""
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = origin + offset
        return self._position


class Budget:
    """What a file may cost: it grows with the sound that was decoded.

    Parameters
    ----------
    name : str
        What to call the file in messages.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._started = time.process_time()
        self._seconds = 0.0
        self._samples = self._changes = 0
        self._last: tuple[int, int] | None = None
        self._limit_time()

    def take(self, rate: int, block: NDArray[np.float32]) -> None:
        """Count a block of samples (n_samples, n_channels).

        Raises
        ------
        AudioTooComplexError
            If the file holds more than a recording of its length.
        """
        self._samples += block.size
        self._seconds += len(block) / rate
        self._changes += self._last not in (None, (rate, block.shape[1]))
        self._last = rate, block.shape[1]
        most, more = SAMPLES
        if self._samples > most + more * self._seconds:
            raise AudioTooComplexError(
                f"{self._name} has {block.shape[1]} channels of {rate} Hz, which is more than can "
                "be read at its length; export it in mono or stereo at 48000 Hz or less."
            )
        if self._changes > CHANGES:
            raise AudioTooComplexError(
                f"{self._name} changes its channels or its sample rate more than {CHANGES} times; "
                "export it again with one of each."
            )
        self._limit_time()

    def _limit_time(self) -> None:
        """Let the system end this process when the time is over."""
        fixed, each = TIME
        with suppress(ImportError, OSError, ValueError):  # other systems have no limits
            import resource

            end = int(self._started + fixed + each * self._seconds) + 1
            resource.setrlimit(resource.RLIMIT_CPU, (end, resource.RLIM_INFINITY))


def _memory() -> int:
    """Return the bytes of address space in use; 0 if the system does not tell."""
    with suppress(ImportError, OSError):
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        return pages * resource.getpagesize()
    return 0


def _limit_memory(size: int) -> None:
    """Let allocations fail from a size on, where the system tells and limits it."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if size > MEMORY:
            resource.setrlimit(resource.RLIMIT_AS, (size, size))


def serve() -> None:
    """Decode one file after the other, until the other process ends."""
    for each in (signal.SIGINT, signal.SIGTERM):  # which are for the other process
        signal.signal(each, signal.SIG_IGN)
    requests = sys.stdin.buffer
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # for libraries that print
    with suppress(EOFError, OSError):
        import av  # noqa: F401 - before its memory is counted as a file's

        size = _memory()
        _limit_memory(size + MEMORY)
        while True:
            _, content = receive(requests)
            last = _decode(json.loads(content), requests, replies)
            is_worn = _memory() > size + MEMORY // 2
            send(replies, END, json.dumps(last | {"is_worn": is_worn}).encode())
    os._exit(0)


def _decode(task: dict[str, Any], requests: IO[bytes], replies: IO[bytes]) -> dict[str, Any]:
    """Send the samples of a file, and return the last message."""

    def ask(position: int, count: int) -> bytes:
        try:
            send(replies, READ, PLACE.pack(position, count))
            return receive(requests)[1]
        except (EOFError, MemoryError, OSError):  # decoders that call this would go on
            os._exit(0)

    name = task["name"]
    budget = Budget(name)
    try:
        file = io.BufferedReader(_RemoteFile(task["size"], ask), BUFFER)
        source = FileSource(file, name)
        for rate, block in source.blocks():
            budget.take(int(rate), block)
            samples = np.ascontiguousarray(block)
            send(replies, BLOCK, SHAPE.pack(int(rate), block.shape[1]), samples.data.cast("B"))
        return {"notes": source.notes}
    except MemoryError:
        return {"error": AudioTooComplexError.__name__, "message": too_complex(name)}
    except AudioError as error:
        return {"error": type(error).__name__, "message": str(error)}
    except Exception as error:  # ours to mend, and so not among those that a person can act on
        return {"error": "", "message": f"{type(error).__name__}: {error}"}


def too_complex(name: str) -> str:
    """Return the sentence for a file that is beyond the limits of this process."""
    return (
        f"{name} breaks the decoder, or takes more time or memory than recordings of its length; "
        "export it again, best as WAV or FLAC."
    )
