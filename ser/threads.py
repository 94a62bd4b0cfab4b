"""One thread for linear algebra: the products here are too small for several to share.

By default BLAS spreads each product over all cores, and its threads wait for each other: beside
other busy processes an answer takes ten times as long. Whoever wants all cores runs several
processes or threads of ours.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = Lock()
_inside = 0
_limits: Any = None


@contextmanager
def one_thread() -> Iterator[None]:
    """Give BLAS one thread in a block, or in a function that this decorates.

    The number of threads belongs to the process. So several threads may be inside, and leave in any
    order: the first sets it, and the last restores what it was.
    """
    global _inside, _limits
    with _lock:
        if not _inside:
            _take_control()
            _limits = _controller().limit(limits=1, user_api="blas")
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _take_control()
                _limits.restore_original_limits()


@lru_cache
def _controller() -> ThreadpoolController:
    """Return what controls BLAS; looking for the libraries takes milliseconds."""
    import scipy.linalg  # noqa: F401 - its library is another one than NumPy's

    return ThreadpoolController()


def _take_control() -> None:
    """Let this thread set the number, which threadpoolctl leaves to the thread that set it last."""
    for library in _controller().lib_controllers:
        if hasattr(library, "clear_controlling_thread"):  # from version 3.8
            library.clear_controlling_thread(force=True)
