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
HOURS = 1000


def run(quick):
    """Return the speed, memory and cost of a collection by number of processes."""
    count = 20 if quick else CLIPS
    rows = [
        [
            *("processes", "seconds", "clips a second", "speed-up", "peak MB of all"),
            f"core hours for {HOURS} hours of sound",
        ]
    ]
    with TemporaryDirectory() as folder:
        clips = Path(folder, "clips")
        total = write_clips(clips, count)
        first = None
        for jobs in (1, 2):
            table = Path(folder, f"{jobs}.parquet")
            start = time.monotonic()
            command = [sys.executable, "-m", "ser", "predict", str(clips), "--to", str(table)]
            cpu, peak = run_and_watch([*command, "--jobs", str(jobs)])
            elapsed = time.monotonic() - start
            first = first or elapsed
            answers = pd.read_parquet(table)
            if len(answers) != count or answers["emotion"].isna().any():
                raise RuntimeError(f"{table} does not hold {count} answers")
            rows.append(
                [
                    *(str(jobs), f"{elapsed:.1f}", f"{count / elapsed:.1f}"),
                    *(f"{first / elapsed:.2f}", in_megabytes(peak), f"{HOURS * cpu / total:.1f}"),
                ]
            )
    return Table(
        "A whole collection",
        f"`ser predict FOLDER --to TABLE --jobs N` with {count} clips of {SHORTEST:.0f} to "
        f"{LONGEST:.0f} s, {total / 60:.0f} minutes in all; the time is that of the whole command. "
        "Memory that processes share counts for each.",
        rows,
    )


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
