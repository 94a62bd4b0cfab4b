"""What work costs a process and its children: processor time and peak memory, as Linux counts."""

import os
from contextlib import suppress
from pathlib import Path


class Costs:
    """Counts from `start` to `stop`, for this process and those that it started.

    Of a child that ended in between, the time counts, and its memory does not.
    """

    def start(self):
        """Begin to count."""
        self._seconds = self._time()
        for process in self._processes():
            with suppress(OSError):
                Path(f"/proc/{process}/clear_refs").write_text("5")  # forget the peak

    def stop(self):
        """Return the processor time in seconds, and the peaks of memory in bytes, added up."""
        return self._time() - self._seconds, sum(map(_peak, self._processes()))

    def _time(self):
        times = os.times()
        ended = times.user + times.system + times.children_user + times.children_system
        return ended + sum(map(_time, self._processes()[1:]))

    def _processes(self):
        own = os.getpid()
        return [own, *children(own)]


def children(process):
    """Return the numbers of the processes that a process started, and of those that these did."""
    try:
        tasks = list(Path(f"/proc/{process}/task").iterdir())
        found = [int(each) for task in tasks for each in (task / "children").read_text().split()]
    except OSError:
        return []
    return [each for child in found for each in (child, *children(child))]


def _time(process):
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak(process):
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    return 1024 * sum(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line)
