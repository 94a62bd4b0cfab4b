"""Files are decoded in processes of their own, so that no file can end this one or take its memory.

The processes are started at first need, and wait for the next file afterwards. Each reads the file
through this process, see `ser.audio.worker`.
"""

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import suppress
from threading import BoundedSemaphore
from typing import Any, BinaryIO

import numpy as np

from ser import errors
from ser.audio import worker
from ser.audio.decoding import Block, Blocks
from ser.errors import AudioError, AudioTooComplexError

MOST = max(2, os.cpu_count() or 2)  # files that are decoded at the same time; others wait
ENVIRONMENT = {  # of a process whose memory is limited: nothing is reserved for threads
    "MALLOC_ARENA_MAX": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}

_Process = subprocess.Popen[bytes]
_Message = tuple[bytes, bytes]


class IsolatedSource:
    """A seekable binary file that another process decodes, block after block.

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

    def blocks(self) -> Blocks:
        """Decode the file from its start.

        Raises
        ------
        AudioTooComplexError
            It takes more time or memory than a recording of its length.
        AudioError
            It cannot be decoded.
        """
        task = {"name": self._name, "size": self._file.seek(0, os.SEEK_END)}
        with _workers.places:
            process, message = _workers.take(json.dumps(task).encode())
            is_idle = False
            try:
                last = yield from self._take_blocks(process, message)
                is_idle = not last["is_worn"]
            except (EOFError, BrokenPipeError):
                raise AudioTooComplexError(worker.too_complex(self._name)) from None
            finally:
                _workers.give_back(process, is_idle)
        if "error" in last:
            raise getattr(errors, last["error"], RuntimeError)(last["message"])
        self.notes.extend(note for note in last["notes"] if note not in self.notes)

    def _take_blocks(
        self, process: _Process, message: _Message
    ) -> Generator[Block, None, dict[str, Any]]:
        """Give a process what it asks for, until its last message."""
        assert process.stdin is not None and process.stdout is not None  # they are pipes
        while True:
            kind, content = message
            if kind == worker.READ:
                position, count = worker.PLACE.unpack(content)
                self._file.seek(position)
                worker.send(process.stdin, worker.READ, self._file.read(count))
            elif kind == worker.BLOCK:
                rate, channels = worker.SHAPE.unpack_from(content)
                samples = np.frombuffer(content, np.float32, offset=worker.SHAPE.size)
                yield rate, samples.reshape(-1, channels)
            else:
                return json.loads(content)
            message = worker.receive(process.stdout)


class _Workers:
    """Processes that decode, started when all others are busy."""

    def __init__(self) -> None:
        self.places = BoundedSemaphore(MOST)
        self._idle: list[_Process] = []

    def take(self, task: bytes) -> tuple[_Process, _Message]:
        """Give a task to a process, and return it and its first message, which asks for bytes."""
        while True:
            try:
                process, is_new = self._idle.pop(), False
            except IndexError:
                process, is_new = _start(), True
            assert process.stdin is not None and process.stdout is not None  # they are pipes
            try:
                worker.send(process.stdin, worker.OPEN, task)
                return process, worker.receive(process.stdout)
            except (EOFError, BrokenPipeError):  # ended by somebody else while it waited
                _end(process)
                if is_new:
                    raise _no_process("it ended at once") from None

    def give_back(self, process: _Process, is_idle: bool) -> None:
        """Keep a process that waits for the next file, and end another."""
        if is_idle:
            self._idle.append(process)
        else:
            _end(process)

    def start(self) -> None:
        """Start a process if there is none, without waiting for it."""
        if not self._idle:
            self._idle.append(_start())

    def end(self) -> None:
        """End the processes that wait."""
        while self._idle:
            _end(self._idle.pop())

    def forget(self) -> None:
        """Leave the processes to the one that this one was forked from."""
        for process in self._idle:
            process.returncode = 0  # it is not ours to wait for
        self._idle = []
        self.places = BoundedSemaphore(MOST)


def _start() -> _Process:
    """Start a process that decodes, with the modules that this one has."""
    command = f"import sys; sys.path[:] = {sys.path!r}; from ser.audio.worker import serve; serve()"
    try:
        return subprocess.Popen(  # noqa: S603 - ourselves, with a command of our own
            [sys.executable, "-c", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | ENVIRONMENT,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # of Windows
        )
    except OSError as error:
        raise _no_process(error.strerror) from error


def _no_process(reason: str | None) -> AudioError:
    return AudioError(
        f"No process that decodes files can be started with {sys.executable!r} ({reason}); free "
        "memory, or give (waveform, sample_rate)."
    )


def _end(process: _Process) -> None:
    """End a process, and forget what it had not yet taken."""
    process.kill()
    with suppress(OSError):
        process.communicate()


_workers = _Workers()
warm_up = _workers.start
atexit.register(_workers.end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_workers.forget)
