"""Answers a second over HTTP, beside an app that does nothing, with several clients at once.

Clients are threads of one program on the same machine, and so take part of it. Those of plain HTTP
take little; gradio_client, with which most programs ask gradio, takes more than gradio itself.
"""

import json
import sys
import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import gradio_client
import numpy as np

from benchmarks import nothing_app
from benchmarks.clients import ask_gradio, ask_plainly
from benchmarks.processes import seconds_of
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
    heading = ("interface", "clients", "answers a second", "95 % within ms", "wrong")
    rows = [[*heading, "server's ms", "client's ms", "of nothing"]]
    with (
        TemporaryDirectory() as folder,
        serving("app.py") as app,
        serving("-m", "benchmarks.nothing_app") as other,
    ):
        paths = [Path(folder, f"{index}.flac") for index in range(CLIPS)]
        for path, clip in zip(paths, clips, strict=True):
            path.write_bytes(clip)
        for server in (other, app):
            ask_gradio(server.url, clips[0])  # the first one waits for what loads
        idle = [idle_share(server, seconds) for server in (app, other)]
        most = counts[-1]
        lines = (  # what is compared with a do-nothing app after it
            ("nothing, gradio_client", other, by_gradio_client(other, most), paths, nothing),
            ("`/predict`, gradio_client", app, by_gradio_client(app, most), paths, right),
            ("nothing, HTTP", other, [partial(ask_gradio, other.url)] * most, clips, nothing),
            ("`/predict`, HTTP", app, [partial(ask_gradio, app.url)] * most, clips, right),
            ("`POST /v1/predict`", app, [partial(ask_plainly, app.url)] * most, clips, right),
        )
        for count in counts:
            for name, server, clients, files, expected in lines:
                pairs = list(zip(files, expected, strict=True))
                load = measure(server, clients[:count], pairs, seconds)
                if server is other:
                    base = load.rate
                share = f"{load.rate / base:.2f}" if name.startswith("`/predict`") else ""
                rows.append([name, str(count), *load.cells(), share])
    return Table(
        "Serving",
        "`python app.py` beside an app of gradio that returns a constant (nothing), for clips of "
        f"{USUAL} s. Clients ask without a pause, for {seconds:.0f} s a line; they are threads of "
        "one program on the same machine, and take part of it: the server's and the client's ms "
        "are what the processor computes for an answer. HTTP is gradio's own protocol of three "
        "requests. Wrong is what differs from the library's answer. While nobody asks, the app "
        f"takes {idle[0]} of a core, and that which does nothing {idle[1]}.",
        rows,
    )


def idle_share(server, seconds):
    """Return the share of a core that a server takes while nobody asks, as text."""
    before = seconds_of(server.pid)
    time.sleep(seconds)
    return "not known" if before is None else f"{(seconds_of(server.pid) - before) / seconds:.0%}"


def by_gradio_client(server, count):
    """Return so many clients of an app: functions that take the path of a clip."""

    def client():
        app = gradio_client.Client(server.url, verbose=False)
        return lambda path: app.predict(gradio_client.handle_file(path), api_name="/predict")

    return [client() for _ in range(count)]


@dataclass
class Load:
    """What came of clients that asked for some seconds.

    Attributes
    ----------
    rate : float
        Answers a second.
    late : float
        Seconds within which 95 of 100 came.
    wrong : int
        How many were not right, or failed.
    server, client : float
        Seconds that the processor computed for each, on either side; that of the server may be
        None, for not known.
    """

    rate: float
    late: float
    wrong: int
    server: float | None
    client: float

    def cells(self):
        """Return them as text, times in ms."""
        server = "not known" if self.server is None else f"{1000 * self.server:.0f}"
        times = f"{1000 * self.late:.0f}", str(self.wrong), server, f"{1000 * self.client:.0f}"
        return f"{self.rate:.1f}", *times


def measure(server, clients, pairs, seconds):
    """Let clients ask without a pause, each in a thread, and return the `Load`.

    Parameters
    ----------
    server : Server
    clients : list of callable
        From a file to an answer.
    pairs : list of (file, dict)
        Files to ask for, each with the right answer.
    seconds : float
        After these, none asks again; answers that are due are waited for.
    """
    times, wrong = [], []
    start, own, its = time.monotonic(), time.process_time(), seconds_of(server.pid)

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
    count = len(times)
    rate = count / (time.monotonic() - start)
    if wrong:
        print(f"wrong: {wrong[0]!r:.500}", file=sys.stderr)
    return Load(
        rate,
        float(np.quantile(times, 0.95)),
        len(wrong),
        None if its is None else (seconds_of(server.pid) - its) / count,
        (time.process_time() - own) / count,
    )
