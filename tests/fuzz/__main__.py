"""Run mutants in a process that may die, and keep those that crash, hang, swell or surprise."""

import argparse
import importlib
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # where the tests' own modules are

from tests.fuzz import KINDS
from tests.fuzz.child import Child

PATIENCE = 6  # times the processor time that a mutant may take, in seconds of the clock


def main(arguments=None):
    """Run mutants until the time or the count is over; return 1 if any failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--kind", choices=KINDS, help="run these alone (default: one by one)")
    parser.add_argument("--minutes", type=float, default=5.0, help="for each kind")
    parser.add_argument("--count", type=int, help="of mutants of each kind, however long they take")
    parser.add_argument("--seed", type=int, default=0, help="other seeds give other mutants")
    parser.add_argument("--only", type=int, metavar="INDEX", help="run one mutant alone")
    parser.add_argument("--keep", type=Path, default="fuzz-failures", help="folder for failures")
    options = parser.parse_args(arguments)
    failed = 0
    for kind in [options.kind] if options.kind else KINDS:
        failed += run(kind, options)
    return int(failed > 0)


def run(kind, options):
    """Run mutants of one kind, print what came of them, and return how many failed."""
    module = importlib.import_module(KINDS[kind])
    end = time.monotonic() + 60 * options.minutes
    first = options.only or 0
    last = first if options.only is not None else (options.count or sys.maxsize) - 1
    outcomes, failures, most = Counter(), 0, (0.0, 0)
    with tempfile.TemporaryDirectory() as folder:
        child = Child(kind, folder)
        index = first
        while index <= last and (options.count or time.monotonic() < end):
            outcome, seconds, size = child.check(options.seed, index, PATIENCE * module.MAX_SECONDS)
            if outcome is None:
                child = Child(kind, folder)
            most = max(most[0], seconds), max(most[1], size)
            problem = find_problem(module, outcome, seconds, size)
            if problem:
                failures += 1
                name = f"{kind}-{options.seed}-{index}"
                print(f"{name}: {problem}", flush=True)
                keep(Path(folder, "mutant"), options.keep / name)
            outcomes[problem.split(":")[0] if problem else outcome] += 1
            index += 1
        child.stop()
    print(f"{kind}, seed {options.seed}: {outcomes.total()} mutants, {failures} failures")
    print(f"most of one: {most[0]:.1f} s of processor time, {most[1] / 1e6:.0f} MB")
    for outcome, count in outcomes.most_common():
        print(f"{count:7d} {outcome}")
    return failures


def find_problem(module, outcome, seconds, size):
    """Return what is wrong with how a mutant was taken, or None."""
    if outcome is None:
        return "crash or hang"
    if outcome.startswith("Traceback"):
        return f"foreign exception: {outcome}"
    if seconds > module.MAX_SECONDS:
        return f"too slow: {seconds:.1f} s"
    if size > module.MAX_BYTES:
        return f"too large: {size / 1e6:.0f} MB"
    return None


def keep(mutant, place):
    """Copy a mutant that failed, to a place that an earlier run may have used."""
    if mutant.is_dir():
        shutil.copytree(mutant, place, dirs_exist_ok=True)
    elif mutant.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(mutant, place)


if __name__ == "__main__":
    sys.exit(main())
