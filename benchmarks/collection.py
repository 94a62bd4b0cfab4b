"""How fast a collection of a thousand clips becomes a table, with one process and with two."""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from benchmarks.processes import in_megabytes, run_and_watch
from benchmarks.sounds import encoded, speech
from benchmarks.tables import Table
from ser import EmotionRecognizer

CLIPS = 1000
SHORTEST, LONGEST = 2.0, 5.0  # s
JOBS = (1, 2)
ROUNDS = 2
HOURS = 1000


def run(quick):
    """Return the speed, memory and cost of a collection by number of processes."""
    count = 20 if quick else CLIPS
    runs = {jobs: [] for jobs in JOBS}
    with TemporaryDirectory() as folder:
        clips = Path(folder, "clips")
        total = write_clips(clips, count)
        for _ in range(1 if quick else ROUNDS):
            for jobs, each in runs.items():
                each.append(recognise(clips, count, jobs))
    heading = ["processes", "seconds", "clips a second", "speed-up", "peak MB of all"]
    rows = [[*heading, f"core hours for {HOURS} hours of sound"]]
    for jobs, each in runs.items():
        elapsed, cpu, peak = np.mean(each, axis=0)
        speed_up = np.mean(runs[JOBS[0]], axis=0)[0] / elapsed
        times = f"{elapsed:.1f}", f"{count / elapsed:.1f}", f"{speed_up:.2f}"
        rows.append([str(jobs), *times, in_megabytes(peak), f"{HOURS * cpu / total:.1f}"])
    return Table(
        "A whole collection",
        f"`ser predict FOLDER --to TABLE --jobs N` with {count} clips of {SHORTEST:.0f} to "
        f"{LONGEST:.0f} s, {total / 60:.0f} minutes in all; the time is that of the whole command, "
        f"the mean of {len(each)} by turns. Memory that processes share counts for each.",
        rows,
    )


def recognise(clips, count, jobs):
    """Return the seconds on the clock and of all processors, and the peak memory, of a command."""
    with TemporaryDirectory() as folder:
        table = Path(folder, "answers.parquet")
        command = [sys.executable, "-m", "ser", "predict", str(clips), "--to", str(table)]
        start = time.monotonic()
        cpu, peak = run_and_watch([*command, "--jobs", str(jobs)])
        elapsed = time.monotonic() - start
        answers = pd.read_parquet(table)
    if len(answers) != count or answers["emotion"].isna().any():
        raise RuntimeError(f"there are not {count} answers, but {answers['emotion'].count()}")
    return elapsed, cpu, peak


def write_clips(folder, count):
    """Write clips that all differ, and return how many seconds they last together."""
    folder.mkdir()
    sound = speech(EmotionRecognizer.from_pretrained(), LONGEST)
    random = np.random.default_rng(0)
    lengths = random.uniform(SHORTEST / LONGEST, 1, count)
    for index, length in enumerate(lengths):
        rolled = np.roll(sound, random.integers(sound.size))
        Path(folder, f"{index:04}.flac").write_bytes(encoded(rolled[: int(length * sound.size)]))
    return LONGEST * lengths.sum()
