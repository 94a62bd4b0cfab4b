"""Processes of their own: to measure what one needs, and to keep the machine busy."""

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path

BUSY = 4
MEGABYTE = 1e6

_busy: set[str] = set()  # processes that only keep the machine busy


def alone(module, function, *inputs):
    """Return what a function returns in a new process, which imports its module first."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_call, module, function, inputs).result()


def _call(module, function, inputs):
    return getattr(import_module(module), function)(*inputs)


@contextmanager
def busy_machine():
    """Let `BUSY` processes do nothing as fast as they can meanwhile."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BUSY)]
    _busy.update(str(process.pid) for process in busy)
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()
        _busy.clear()


def seconds_of(pid):
    """Return the seconds that a process and its descendants computed, of those that ended, too.

    None where that is not known. It is counted in hundredths of a second.
    """
    try:
        counts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]
    except OSError:
        return None
    known = sum(map(int, counts)) / os.sysconf("SC_CLK_TCK")
    return known + sum(seconds_of(child) or 0 for child in _children(pid))


def own_seconds():
    """Return the seconds that this process computed, and the threads that decode for it."""
    decoding = set(_children(os.getpid())) - _busy
    return time.process_time() + sum(map(_seconds_of_threads, decoding))


def _seconds_of_threads(pid):
    """Return the seconds, to the nanosecond, that the threads of a process computed; 0 if unknown.

    Those that ended are not among them: this is for a process with the same ones throughout.
    """
    try:
        threads = [each.read_text() for each in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    except OSError:
        return 0.0
    return sum(int(each.split()[0]) for each in threads) / 1e9


def own_peak():
    """Return the peak memory of this process and those that decode for it; 0 where not known."""
    processes = ["self", *_children(os.getpid())]
    return sum(_status(process, "VmHWM") for process in processes)


def run_and_watch(command):
    """Run a command, and watch it and all processes that it starts.

    Parameters
    ----------
    command : list of str

    Returns
    -------
    cpu : float
        Seconds that all of them computed.
    peak : int
        Most memory that they had together, in bytes; 0 where that is not known. What several share
        counts for each.
    """
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    most, ended = [0], threading.Event()

    def watch():
        while not ended.wait(0.1):
            most[0] = max(most[0], _family_memory(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    problem = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    ended.set()
    watcher.join()
    if status:
        raise RuntimeError(f"{' '.join(command)} failed:\n{problem.decode()}")
    return usage.ru_utime + usage.ru_stime, most[0]


def _family_memory(pid):
    """Return the bytes in memory of a process and its descendants; 0 where that is not known."""
    return _status(pid, "VmRSS") + sum(map(_family_memory, _children(pid)))


def _children(pid):
    """Return the processes that a process started and that have not ended."""
    found = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # has just ended
            found += children.read_text().split()
    return found


def _status(pid, name):
    """Return a value in bytes of what Linux tells about a process, or 0."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def in_megabytes(memory):
    """Write a number of bytes."""
    return f"{memory / MEGABYTE:.0f}" if memory else "not known"
