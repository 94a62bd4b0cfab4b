"""Processes that recognise the pieces of a collection, each with the model in memory."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path

import pyarrow

from ser.collection.pieces import Piece
from ser.collection.rows import Settings, Voices, answer_clips
from ser.collection.shards import write_shard
from ser.collection.tables import to_parquet
from ser.errors import SerError
from ser.recognizer import EmotionRecognizer
from ser.storage.audit import REQUIRED_FILES, audit

AHEAD = 2  # pieces for each process, so that none waits for the next


@dataclass(frozen=True)
class Work:
    """What is to be done with each piece; everything but the model."""

    folder: Path
    schema: pyarrow.Schema
    settings: Settings
    voices: Voices

    def do(self, recognizer: EmotionRecognizer, number: int, piece: Piece) -> tuple[int, int]:
        """Write the shard of a piece; return how many clips it has, and how many of them failed."""
        answers = list(answer_clips(recognizer, piece.items(), self.settings, self.voices))
        rows = [row for answer in answers for row in answer]
        write_shard(self.folder, number, to_parquet(rows, self.schema))
        return len(answers), sum("error" in answer[0] for answer in answers)


def do_all(
    work: Work, recognizer: EmotionRecognizer, pieces: Mapping[int, Piece], jobs: int
) -> Generator[tuple[int, int], None, None]:
    """Do the work for all pieces.

    Parameters
    ----------
    work : Work
    recognizer : EmotionRecognizer
    pieces : dict of int to Piece
        By their numbers.
    jobs : int
        Processes. One of them is this one; others are started, and end if this one ends.

    Yields
    ------
    clips, failed : int
        Of a piece, when it is done.

    Raises
    ------
    SerError
        If a process is killed.
    HubError
        If clips cannot be fetched.
    """
    others = min(jobs, len(pieces)) - 1
    if others <= 0:
        for number, piece in pieces.items():
            yield work.do(recognizer, number, piece)
        return
    context = multiprocessing.get_context("spawn")  # threads and forks do not mix
    ears, mouth = context.Pipe(duplex=False)
    files = {name: recognizer.files[name] for name in REQUIRED_FILES}
    arguments = (ears, work, files, recognizer.source, recognizer.revision)
    pool = ProcessPoolExecutor(others, context, _start, arguments)
    try:
        yield from _share(pool, AHEAD * others, work, recognizer, pieces)
    except BrokenProcessPool as error:
        raise SerError(
            "A process was ended from outside, perhaps for want of memory: start again, "
            "with fewer processes (--jobs) if it was that; what is done is kept."
        ) from error
    except BaseException:
        mouth.close()  # which ends the processes, busy as they are
        pool.shutdown()
        raise
    pool.shutdown(wait=False)  # the table can be made while they end


def _share(
    pool: ProcessPoolExecutor,
    most: int,
    work: Work,
    recognizer: EmotionRecognizer,
    pieces: Mapping[int, Piece],
) -> Iterator[tuple[int, int]]:
    """Share pieces between a pool, which has so many in its hands at once, and this process.

    This one begins at once, while others start, which takes seconds.
    """
    left, running = iter(pieces.items()), set[Future[tuple[int, int]]]()
    while True:
        with _interrupts_wait():  # so that processes that are started now never see any
            running |= {pool.submit(_do, *each) for each in islice(left, most - len(running))}
        own = next(left, None)
        if own:
            yield work.do(recognizer, *own)
        elif not running:
            return
        done, running = wait(running, 0 if own else None, FIRST_COMPLETED)
        for future in done:
            yield future.result()


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Hold back Ctrl-C, which goes to all processes at once; those that are started inherit it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_at_work: tuple[Work, EmotionRecognizer]
"""In a process of a pool: what it does, and with which model."""


def _start(
    ears: Connection, work: Work, files: Mapping[str, bytes], source: str, revision: str | None
) -> None:
    """Make a process ready."""
    global _at_work
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one that started this one will tell
    threading.Thread(target=_end_with, args=(ears,), daemon=True).start()
    folder = audit(files, source=source)
    _at_work = work, EmotionRecognizer(folder, source=source, revision=revision)


def _end_with(ears: Connection) -> None:
    """End this process when the one that started it closes its end of a pipe, or is killed."""
    try:
        ears.recv_bytes()
    except EOFError:
        os._exit(1)


def _do(number: int, piece: Piece) -> tuple[int, int]:
    work, recognizer = _at_work
    return work.do(recognizer, number, piece)
