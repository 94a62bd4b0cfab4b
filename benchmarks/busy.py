"""What four other busy processes cost an answer, a timeline and live recognition."""

import time
from concurrent.futures import wait
from contextlib import nullcontext

import numpy as np

from benchmarks.processes import BUSY, busy_machine, own_seconds
from benchmarks.sounds import RATE, USUAL, encoded, speech
from benchmarks.tables import Table
from ser import EmotionRecognizer
from ser.demo.live.session import LiveSession

ROUNDS = 30
LISTEN = 15  # s
PIECE = 0.1
"""Seconds of sound that a browser sends at once."""


def run(quick):
    """Return times on the machine as it is and beside busy processes."""
    recognizer = EmotionRecognizer.from_pretrained()
    clip = encoded(speech(recognizer, USUAL))
    long = encoded(speech(recognizer, 20 if quick else 600))
    recognizer.predict(clip)
    columns = []
    for machine in (nullcontext(), busy_machine()):
        with machine:
            answers = [cost(recognizer.predict, clip) for _ in range(3 if quick else ROUNDS)]
            cpu, elapsed = np.median(answers, axis=0)
            timeline, _ = cost(recognizer.timeline, long)
            updates = live_updates(recognizer, 3 if quick else LISTEN)
        columns.append([1000 * cpu, 1000 * elapsed, timeline, updates])
    names = (
        "answer, processor ms",
        "answer, ms on the clock",
        "timeline of 10 minutes, processor seconds",
        "Live, updates a second (at most 2)",
    )
    rows = [["", "as it is", f"beside {BUSY}", "ratio"]]
    for name, quiet, busy in zip(names, *columns, strict=True):
        rows.append([name, f"{quiet:.1f}", f"{busy:.1f}", f"{busy / quiet:.2f}"])
    return Table(
        "Beside busy processes",
        f"The machine as it is, and while {BUSY} other processes compute all the time. Clips of "
        f"{USUAL} s, median of {len(answers)}; Live heard speech for {LISTEN} s.",
        rows,
    )


def cost(function, clip):
    """Return the seconds of the processor, and of the clock, that a function needs."""
    cpu, clock = own_seconds(), time.monotonic()
    function(clip)
    return own_seconds() - cpu, time.monotonic() - clock


def live_updates(recognizer, seconds):
    """Return updates a second of a session that hears speech in real time."""
    session, updates = LiveSession(), 0
    sound = speech(recognizer, seconds)
    start = time.monotonic()
    for index, piece in enumerate(np.array_split(sound, int(seconds / PIECE))):
        time.sleep(max(0.0, start + (1 + index) * PIECE - time.monotonic()))
        updates += session.add(recognizer, piece, RATE)
    elapsed = time.monotonic() - start
    if session.running:
        wait([session.running])
    return updates / elapsed
