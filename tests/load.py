"""The app under people of every kind at once: `python -m tests.load --minutes 5`.

Clients ask without a pause, each for something drawn at random: rightly and wrongly, on every
endpoint, slowly, or leaving before the answer. Right answers are compared with the library's, wrong
calls must get one sentence, and the server's memory and files are watched.
"""

import argparse
import json
import random
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import httpx
import soundfile
from running_app import RunningApp
from signals import speech_like
from websockets.sync.client import connect

from ser import EmotionRecognizer

RATE = 24000
AGE = 20.0  # s, after which the app deletes files here, instead of an hour
CODE = (
    "from ser.demo.server import run_folder\n"
    f"run_folder.AGE, run_folder.EVERY = {AGE}, 2.0\n"
    "import app\n"
    "app.main()"
)
FILE = {"_type": "gradio.FileData"}
BAD = {"empty.wav": b"", "notes.wav": b"not a recording", "cut.flac": b"fLaC\0\0\0\x22" + bytes(9)}


class Client:
    """Somebody who asks.

    Parameters
    ----------
    url : str
    port : int
    clips : dict of str to bytes
    expected : dict of str to dict
        The library's answer for each clip.
    seed : int
    """

    def __init__(self, url, port, clips, expected, seed):
        self.port = port
        self.clips = clips
        self.expected = expected
        self.random = random.Random(seed)
        self.http = httpx.Client(base_url=url, timeout=120)
        self.counts = Counter()
        self.wrong = []

    def ask(self):
        """Do one thing, and note if the answer is wrong."""
        kinds = [name for name in dir(self) if name.startswith("do_")]
        kind = self.random.choice(kinds)
        try:
            getattr(self, kind)()
        except AssertionError as error:
            self.wrong.append(f"{kind}: {error}")
        except (httpx.HTTPError, OSError) as error:
            self.wrong.append(f"{kind}: {type(error).__name__}: {error}")
        self.counts[kind[3:]] += 1

    def draw(self):
        name = self.random.choice(list(self.clips))
        return name, self.clips[name]

    def check(self, answer, name):
        expected = self.expected[name]
        differences = [
            abs(share - answer["probabilities"][emotion])
            for emotion, share in expected["probabilities"].items()
        ]
        assert answer["emotion"] == expected["emotion"] and max(differences) < 1e-3, answer

    def upload(self, name, content):
        answer = self.http.post("/gradio_api/upload", files={"files": (name, content)})
        assert answer.status_code == 200, answer.text
        return {"path": answer.json()[0], "meta": FILE}

    def call(self, endpoint, data):
        """Ask by gradio's protocol; return the event and its data."""
        answer = self.http.post(f"/gradio_api/call/{endpoint}", json={"data": data})
        assert answer.status_code == 200, answer.text
        event_id = answer.json()["event_id"]
        told = self.http.get(f"/gradio_api/call/{endpoint}/{event_id}").text
        event, data = told.strip().split("\n\n")[-1].split("\n", 1)
        return event.removeprefix("event: "), json.loads(data.removeprefix("data: "))

    def do_predict(self):
        name, content = self.draw()
        event, data = self.call("predict", [self.upload(name, content), None])
        assert event == "complete", data
        self.check(data[0], name)

    def do_batch(self):
        names = self.random.choices(list(self.clips), k=3)
        files = [self.upload(name, self.clips[name]) for name in names]
        event, data = self.call("predict_batch", [files, False])
        assert event == "complete", data
        for name, row in zip(names, data[0], strict=True):
            self.check(row, name)

    def do_timeline(self):
        event, data = self.call("timeline", [self.upload(*self.draw()), None, False, None])
        assert event == "complete" and data[0]["segments"], data

    def do_info(self):
        event, data = self.call("model_info", [])
        assert event == "complete" and len(data[0]["emotions"]) == 8, data

    def do_plain(self):
        name, content = self.draw()
        answer = self.http.post("/v1/predict", files={"clip": (name, content)})
        assert answer.status_code == 200, answer.text
        self.check(answer.json(), name)

    def do_plain_timeline(self):
        files = {"clip": self.draw()}
        answer = self.http.post("/v1/timeline", files=files, data={"format": "csv"})
        assert answer.status_code == 200 and answer.text.startswith("start"), answer.text

    def do_stream(self):
        with connect(f"ws://127.0.0.1:{self.port}/v1/stream?rate=16000", open_timeout=60) as stream:
            for _ in range(4):
                stream.send(bytes(16000))
            stream.send("end")
            for event in stream:
                assert json.loads(event)["event"] != "error", event

    def do_page(self):
        for path in ("/", "/config", "/gradio_api/info", "/v1/openapi.json"):
            assert self.http.get(path).status_code == 200, path

    def do_bad_file(self):
        name = self.random.choice(list(BAD))
        answer = self.http.post("/v1/predict", files={"clip": (name, BAD[name])})
        self.refused(answer, 422)
        event, data = self.call("predict", [self.upload(name, BAD[name]), None])
        assert event == "error" and "Traceback" not in str(data), data

    def do_bad_call(self):
        path = self.random.choice(["run/predict", "call/nothing", "call/v2/predict", "deep_link"])
        answer = self.http.post(f"/gradio_api/{path}", json={"data": [], "clap": 1})
        assert 400 <= answer.status_code < 500 and "Traceback" not in answer.text, answer.text
        self.refused(self.http.post("/v1/predict", data={"clap": "1"}), 422)
        self.refused(self.http.post("/v1/nothing"), 404)

    def do_large(self):
        content = b'"' + bytes(17 << 20) + b'"'
        try:
            self.refused(self.http.post("/gradio_api/call/predict", content=content), 413)
        except (httpx.WriteError, httpx.ReadError):  # the answer came before all was sent
            self.http.close()
            self.http = httpx.Client(base_url=self.http.base_url, timeout=120)

    def do_slowly(self):
        name, content = self.draw()

        def pieces():
            size = len(content) // 20 + 1
            yield b'--x\r\nContent-Disposition: form-data; name="clip"; filename="a.wav"\r\n\r\n'
            for start in range(0, len(content), size):
                time.sleep(0.2)
                yield content[start : start + size]
            yield b"\r\n--x--\r\n"

        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = self.http.post("/v1/predict", content=pieces(), headers=kind)
        assert answer.status_code == 200, answer.text
        self.check(answer.json(), name)

    def do_leave_the_upload(self):
        path = self.random.choice(["/gradio_api/upload", "/v1/predict"])
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
            '--x\r\nContent-Disposition: form-data; name="files"; filename="a.wav"\r\n\r\n'
        )
        with socket.create_connection(("127.0.0.1", self.port)) as leaving:
            leaving.sendall(head.encode() + bytes(99999))

    def do_leave_the_answer(self):
        files = [self.upload(*self.draw()) for _ in range(2)] * 20
        body = {"data": [files, False]}
        answer = self.http.post("/gradio_api/call/predict_batch", json=body)
        assert answer.status_code == 200, answer.text
        path = f"/gradio_api/call/predict_batch/{answer.json()['event_id']}"
        with socket.create_connection(("127.0.0.1", self.port)) as leaving:
            leaving.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            time.sleep(self.random.random())

    def refused(self, answer, status):
        assert answer.status_code == status and "Traceback" not in answer.text, answer.text
        assert isinstance(answer.json()["detail"], str), answer.text


def memory(process):
    """Return what a process has in memory, in MB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--clients", type=int, default=16)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        clips = {}
        for number, seconds in enumerate((1.0, 2.0, 4.0, 20.0)):
            path = Path(name, f"clip{number}.wav")
            waveform = speech_like(seconds=seconds, pitch=100 + 40 * number, seed=number)
            soundfile.write(path, waveform, RATE)
            clips[path.name] = path.read_bytes()
        recognizer = EmotionRecognizer.from_pretrained()
        expected = {each: recognizer.predict(content).to_dict() for each, content in clips.items()}
        app = RunningApp(Path(name), code=CODE).wait()
        try:
            is_fine = load(app, clips, expected, options)
        finally:
            app.stop()
    sys.exit(not is_fine)


def load(app, clips, expected, options):
    """Let clients ask; print what became of it, and return whether all is as it must be."""
    end = time.monotonic() + 60 * options.minutes
    clients = [Client(app.url, app.port, clips, expected, seed) for seed in range(options.clients)]

    def ask(client):
        while time.monotonic() < end:
            client.ask()

    threads = [threading.Thread(target=ask, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    sizes = []
    while any(thread.is_alive() for thread in threads):
        sizes.append(memory(app.process))
        time.sleep(1)
    window = min(60, len(sizes) // 3)
    first = statistics.mean(sizes[window // 2 : window + window // 2])  # after half a minute
    last = statistics.mean(sizes[-window:])
    time.sleep(AGE + 10)
    left = [path for path in app.temp.rglob("*") if path.is_file() and path.suffix != ".lock"]
    left = [path for path in left if "ser-examples" not in str(path)]
    counts = sum((client.counts for client in clients), Counter())
    wrong = [each for client in clients for each in client.wrong]
    print(f"{counts.total()} calls: {dict(sorted(counts.items()))}")
    print(f"{len(wrong)} wrong: {wrong[:5]}")
    print(f"memory: first minute {first:.0f} MB, last {last:.0f} MB, most {max(sizes):.0f} MB")
    print(f"{len(left)} files left {AGE + 10:g} s after the last call: {left[:5]}")
    if "Traceback" in (log := app.log.read_text()):
        print(f"{log.count('Traceback')} tracebacks in the log, the last: {log[-1500:]}")
    return not wrong and not left and last - first < 100


if __name__ == "__main__":
    main()
