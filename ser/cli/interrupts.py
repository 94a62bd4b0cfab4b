"""Ctrl-C: one sentence, and an end for certain."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = "Interrupted: what was not finished has not been written."
STATUS = 130

PATIENCE = 5.0
"""Seconds that processes have to end; now and then a pool of them waits for itself for ever."""


@contextmanager
def ends_when_interrupted() -> Iterator[None]:
    """Raise KeyboardInterrupt at Ctrl-C, and end this process if that leads nowhere."""
    is_elsewhere = threading.current_thread() is not threading.main_thread()
    if is_elsewhere or signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # by a shell, with `&`
        yield
        return
    watch = threading.Timer(PATIENCE, _end)
    watch.daemon = True

    def interrupt(*_: object) -> None:
        signal.signal(signal.SIGINT, before)
        watch.start()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        watch.cancel()
        signal.signal(signal.SIGINT, before)


def _end() -> None:
    for name in ("multiprocessing", "multiprocess"):  # the latter is that of `datasets`
        if module := sys.modules.get(name):
            for child in module.active_children():
                child.kill()
    print(f"\n{INTERRUPTED}", file=sys.stderr, flush=True)
    os._exit(STATUS)
