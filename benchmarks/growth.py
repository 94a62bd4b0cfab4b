"""How the time of an answer grows with the length of the clip."""

import numpy as np

from benchmarks.processes import own_seconds
from benchmarks.sounds import RATE, encoded, speech
from benchmarks.tables import Table
from ser import EmotionRecognizer

LENGTHS = (1, 3, 10, 30, 60, 300)  # s
ROUNDS = 7  # timed, after one that is not


def run(quick):
    """Return the time of an answer by the length of the clip."""
    recognizer = EmotionRecognizer.from_pretrained()
    lengths = LENGTHS[:3] if quick else LENGTHS
    clips = {seconds: encoded(speech(recognizer, seconds)) for seconds in lengths}
    times = {seconds: [] for seconds in lengths}
    for _ in range(2 if quick else 1 + ROUNDS):
        for seconds, clip in clips.items():
            start = own_seconds()
            recognizer.predict(clip)
            times[seconds].append(own_seconds() - start)
    rows = [["seconds of sound", "ms", "ms for each second"]]
    for seconds, each in times.items():
        milliseconds = 1000 * float(np.median(each[1:]))
        rows.append([str(seconds), f"{milliseconds:.1f}", f"{milliseconds / seconds:.1f}"])
    return Table(
        "How an answer grows with the clip",
        f"Processor time of `predict` for a FLAC file at {RATE // 1000} kHz; median of "
        f"{len(each) - 1}.",
        rows,
    )
