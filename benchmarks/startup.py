"""How long the app takes from its command to its page and to its first answer.

A start is fresh if nothing is compiled to bytecode, as in an environment that was just installed.
"""

import time
from contextlib import nullcontext
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.clients import ask_gradio
from benchmarks.processes import BUSY, busy_machine
from benchmarks.servers import serving
from benchmarks.sounds import USUAL, encoded, speech
from benchmarks.tables import Table
from ser import EmotionRecognizer

STARTS = 3
COMMAND = """
import gradio, time, runpy
print("gradio after", time.monotonic(), flush=True)
runpy.run_path("app.py", run_name="__main__")
"""
"""Runs the app, which begins by importing gradio, and says when that has ended."""


def run(quick):
    """Return when the page and the first answer came, of fresh starts and later ones."""
    clip = encoded(speech(EmotionRecognizer.from_pretrained(), USUAL))
    starts = 1 if quick else STARTS
    rows = [["start", "gradio imported", "page up", "after gradio", "first answer", "after page"]]

    def add(name, count, machine, **environment):
        with machine:
            times = [start(clip, **environment) for _ in range(count)]
        imported, page, answer = np.median(times, axis=0)
        moments = imported, page, page - imported, answer, answer - page
        rows.append([name, *(f"{seconds:.1f}" for seconds in moments)])

    with TemporaryDirectory() as empty:
        bare = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": empty}
        add("fresh", starts, nullcontext(), **bare)
    add("later", starts, nullcontext())
    add(f"later, beside {BUSY} busy processes", 1, busy_machine())
    return Table(
        "Start",
        "Seconds from `python app.py` to its page, and to an answer of gradio's `/predict`, asked "
        f"for at once. A fresh start finds nothing compiled to bytecode. Median of {starts}; one "
        "beside busy processes.",
        rows,
    )


def start(clip, **environment):
    """Start the app; return when gradio was imported, the page up and an answer there, in s."""
    begin = time.monotonic()
    with serving("-c", COMMAND, **environment) as app:
        page = time.monotonic()
        ask_gradio(app.url, clip)
        answer = time.monotonic()
        imported = float(app.log.read_text().partition("gradio after ")[2].split()[0])
    return imported - begin, page - begin, answer - begin
