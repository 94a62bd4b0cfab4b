"""Answers a second over HTTP, beside an app that does nothing, with several clients at once.

Clients are threads of one program on the same machine, and so take part of it. Those of plain HTTP
take little; gradio_client, with which most programs ask gradio, takes more than gradio itself.
"""

import json
import sys
import threading
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import gradio_client
import numpy as np

from benchmarks import nothing_app
from benchmarks.clients import ask_gradio, ask_plainly
from benchmarks.servers import serving
from benchmarks.sounds import USUAL, encoded, speech
from benchmarks.tables import Table
from ser import EmotionRecognizer

CLIENTS = (1, 2, 8, 32)
SECONDS = 5.0
"""How long the clients of each line ask."""
CLIPS = 8  # that differ


def run(quick):
    """Return rates, times and wrong answers by number of clients and interface."""
    recognizer = EmotionRecognizer.from_pretrained()
    counts, seconds = (CLIENTS[:2], 1.0) if quick else (CLIENTS, SECONDS)
    clips = [encoded(speech(recognizer, USUAL, start)) for start in range(CLIPS)]
    right = [json.loads(json.dumps(recognizer.predict(clip).to_dict())) for clip in clips]
    nothing = [nothing_app.ANSWER] * CLIPS
    rows = [["interface", "clients", "answers a second", "95 % within ms", "wrong", "of nothing"]]
    with (
        TemporaryDirectory() as folder,
        serving("app.py") as (app, _),
        serving("-m", "benchmarks.nothing_app") as (other, _),
    ):
        paths = [Path(folder, f"{index}.flac") for index in range(CLIPS)]
        for path, clip in zip(paths, clips, strict=True):
            path.write_bytes(clip)
        lines = (  # what is compared with a do-nothing app after it
            ("nothing, gradio_client", by_gradio_client(other, counts[-1]), paths, nothing),
            ("`/predict`, gradio_client", by_gradio_client(app, counts[-1]), paths, right),
            ("nothing, HTTP", [partial(ask_gradio, other)] * counts[-1], clips, nothing),
            ("`/predict`, HTTP", [partial(ask_gradio, app)] * counts[-1], clips, right),
            ("`POST /v1/predict`", [partial(ask_plainly, app)] * counts[-1], clips, right),
        )
        for count in counts:
            for name, clients, files, expected in lines:
                pairs = list(zip(files, expected, strict=True))
                rate, late, wrong = load(clients[:count], pairs, seconds)
                if expected is nothing:
                    base = rate
                share = f"{rate / base:.2f}" if name.startswith("`/predict`") else ""
                figures = f"{rate:.1f}", f"{1000 * late:.0f}", str(wrong), share
                rows.append([name, str(count), *figures])
    return Table(
        "Serving",
        f"`python app.py` and an app of gradio that returns a constant, with clips of {USUAL} s; "
        f"clients ask without a pause, for {seconds:.0f} s a line. They are threads of one program "
        "on the same machine. Wrong is what differs from the library's answer.",
        rows,
    )


def by_gradio_client(url, count):
    """Return so many clients of an app: functions that take the path of a clip."""

    def client():
        app = gradio_client.Client(url, verbose=False)
        return lambda path: app.predict(gradio_client.handle_file(path), api_name="/predict")

    return [client() for _ in range(count)]


def load(clients, pairs, seconds):
    """Let clients ask without a pause, each in a thread.

    Parameters
    ----------
    clients : list of callable
        From a file to an answer.
    pairs : list of (file, dict)
        Files to ask for, each with the right answer.
    seconds : float
        After these, none asks again; answers that are due are waited for.

    Returns
    -------
    rate : float
        Answers a second.
    late : float
        Seconds within which 95 of 100 came.
    wrong : int
        How many were not right, or failed.
    """
    times, wrong = [], []
    start = time.monotonic()

    def ask(index, client):
        while (begin := time.monotonic()) < start + seconds:
            file, right = pairs[index % len(pairs)]
            try:
                answer = client(file)
            except Exception as error:  # whatever a server or client may do under load
                answer = error
            times.append(time.monotonic() - begin)
            if answer != right:
                wrong.append(answer)
            index += 1

    threads = [threading.Thread(target=ask, args=each) for each in enumerate(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        print(f"wrong: {wrong[0]!r:.500}", file=sys.stderr)
    return len(times) / (time.monotonic() - start), float(np.quantile(times, 0.95)), len(wrong)
