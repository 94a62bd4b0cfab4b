"""How much memory and processor time answers and timelines need, each in a process of its own."""

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.processes import alone, in_megabytes, own_peak, own_seconds
from benchmarks.sounds import encoded, speech
from benchmarks.tables import Table
from ser import EmotionRecognizer

LENGTHS = {"3 s": 3, "60 s": 60, "10 min": 600}  # s


def run(quick):
    """Return peak memory and processor time by what a process does."""
    recognizer = EmotionRecognizer.from_pretrained()
    rows = [["", "peak MB", "processor seconds"]]
    with TemporaryDirectory() as folder:
        clip = Path(folder, "clip.flac")
        clip.write_bytes(encoded(speech(recognizer, 1)))
        rows.append(["model loaded", *alone(__name__, "need", "labels", clip)])
        for name, seconds in LENGTHS.items():
            clip.write_bytes(encoded(speech(recognizer, min(seconds, 10) if quick else seconds)))
            rows.append([f"answer for {name}", *alone(__name__, "need", "predict", clip)])
        rows.append([f"timeline of {name}", *alone(__name__, "need", "timeline", clip)])
    return Table(
        "Memory",
        "Each line is a process of its own, with Python and all libraries. Processor time includes "
        "what a first use costs, but not the imports.",
        rows,
    )


def need(method, clip):
    """Do something with a clip in this process; return its peak memory and seconds, as text."""
    recognizer = EmotionRecognizer.from_pretrained()
    start = own_seconds()
    use = getattr(recognizer, method)
    if callable(use):
        use(clip)
    return in_megabytes(own_peak()), f"{own_seconds() - start:.2f}"
