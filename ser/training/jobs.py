"""Clips processed by several processes at once."""

import os
import signal
from collections.abc import Callable
from typing import Any

from datasets import Dataset

_working = 0


def map_clips(
    clips: Dataset, function: Callable[..., dict[str, Any]], *, jobs: int, **options: Any
) -> Dataset:
    """Return what a function makes of each clip, or take it from the cache.

    Ctrl-C reaches all processes of a terminal. Those that work here leave it to the one that
    started them, which ends them, and would otherwise each print where they were.

    Parameters
    ----------
    clips : datasets.Dataset
    function : callable
        From a clip to its new columns.
    jobs : int
        Processes.
    **options
        As `datasets.Dataset.map` takes them.
    """
    global _working
    _working += 1
    try:
        return clips.map(function, num_proc=jobs if jobs > 1 else None, **options)
    finally:
        _working -= 1


def _leave_interrupts() -> None:
    """Ignore Ctrl-C in a process that has just been forked, if it is one of ours."""
    if _working:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_leave_interrupts)
