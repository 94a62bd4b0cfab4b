"""The command `python -m benchmarks`.

All benchmarks together are written to docs/benchmarks.md; some are only printed. It takes less than
ten minutes on two cores that have nothing else to do.
"""

import argparse
import os
import platform
import subprocess
import time
from pathlib import Path

from benchmarks.processes import alone
from ser.training.report import to_markdown, to_text

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "benchmarks.md"
NAMES = ("answer", "growth", "memory", "busy", "collection", "startup", "serving")


def main():
    """Run benchmarks one after the other, each in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(NAMES)}")
    parser.add_argument(
        "--quick", action="store_true", help="see that they run; the figures mean nothing"
    )
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"there is no {', '.join(unknown)}: there are {', '.join(NAMES)}")
    start, place = time.monotonic(), machine()
    tables = []
    for name in options.names or NAMES:
        tables.append(alone(f"benchmarks.{name}", "run", options.quick))
        print(f"{tables[-1].title}\n{to_text(tables[-1].rows)}\n", flush=True)
    minutes = (time.monotonic() - start) / 60
    print(f"{place} In all, {minutes:.1f} minutes.")
    if not options.names and not options.quick:
        DOCUMENT.write_text(document(tables, place, minutes), encoding="utf-8")


def machine():
    """Say when and where this is, of which commit, and how busy the machine is."""
    now = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    commit = git("rev-parse", "--short", "HEAD") or "unknown"
    changed = " with changes" if git("status", "--porcelain") else ""
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return (
        f"{now}, commit {commit}{changed}, machine {platform.node()} ({processor()}, "
        f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}), load "
        f"{load} at the start."
    )


def git(*command):
    """Return what git says in this repository; nothing if there is none."""
    try:
        done = subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout.strip()


def processor():
    """Return the name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def document(tables, place, minutes):
    """Return docs/benchmarks.md."""
    parts = [
        "# Benchmarks",
        "`python -m benchmarks` writes this page, in less than ten minutes on two cores that have "
        "nothing else to do; `python -m benchmarks serving` prints one table. What a table "
        "compares was measured side by side in one run.",
        f"{place} In all, {minutes:.1f} minutes.",
    ]
    for table in tables:
        parts += [f"## {table.title}", table.about, to_markdown(table.rows)]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
