"""The server under those who look for what costs it most: memory, places, errors in its log."""

import asyncio
import http.server
import io
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import httpx
import numpy as np
import pytest
import soundfile
from gradio import processing_utils
from running_app import RunningApp
from test_server import FILE, answer_of, join, launched, peak, post, upload
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from ser.demo.served_model import ServedModel
from ser.demo.server import fetching, received
from ser.demo.server.run_folder import RunFolder, RunFolderError, delete_old
from ser.errors import AudioError

linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Return an app of this module's own, whose log and memory nobody else touches."""
    running = RunningApp(tmp_path_factory.mktemp("abuse")).wait()
    assert "complete" in answer_of(join(running, "model_info", []))[1]
    yield running
    running.kill()


def memory(app):
    """Return the memory that the server has now, in MB."""
    status = Path(f"/proc/{app.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def curl(app, path, body, kind, tmp_path):
    """Send a body that may be refused before it is all sent."""
    (tmp_path / "body").write_bytes(body)
    command = ["curl", "-s", "-H", f"Content-Type: {kind}", "--data-binary"]
    return subprocess.check_output([*command, f"@{tmp_path / 'body'}", app.url + path]).decode()


@linux
def test_values_of_two_bytes_take_no_gigabytes(own, tmp_path):
    before = peak(own)
    body = b'{"data": [' + b"[]," * 5_000_000 + b"1]}"
    told = curl(own, "/gradio_api/call/predict", body, "application/json", tmp_path)
    assert "holds more than 131072 values" in json.loads(told)["detail"]
    told = curl(
        own, "/v1/predict", b"a=" + bytes(1 << 26), "application/x-www-form-urlencoded", tmp_path
    )
    assert "larger than 64 kB: send a form as multipart/form-data" in json.loads(told)["detail"]
    part = b'--x\r\nContent-Disposition: form-data; name="clips"; filename="a"\r\n\r\n'
    files = (part + bytes(500_000) + b"\r\n") * 101 + b"--x--\r\n"
    told = curl(own, "/v1/batch", files, "multipart/form-data; boundary=x", tmp_path)
    assert "101 clips are too many" in json.loads(told)["detail"]
    kinds = "application/x-www-form-urlencoded\r\nContent-Type: multipart/form-data; boundary=x"
    told = curl(own, "/v1/predict", b"a=" + bytes(1 << 26), kinds, tmp_path)
    assert "larger than 64 kB: send a form" in json.loads(told)["detail"]
    told = curl(own, "/gradio_api/queue/join", body, "multipart/x", tmp_path)
    assert "holds more than 131072 values" in json.loads(told)["detail"]
    assert peak(own) - before < 40


@linux
def test_names_of_sessions_are_short(own):
    before = memory(own)
    for number in range(10):
        session = f"{number}" + "s" * 15_000_000
        asked = {"data": [], "fn_index": 3, "session_hash": session}
        status, told = post(own, "/gradio_api/queue/join", asked)
        assert status == 400 and "name of the session is longer than 128" in told
    assert memory(own) - before < 100


@linux
def test_messages_of_a_stream_do_not_pile_up(own):
    before = peak(own)
    address = f"ws://127.0.0.1:{own.port}/v1/stream"
    with connect(address, max_size=None) as stream, pytest.raises(ConnectionClosed):
        for _ in range(10):
            stream.send(bytes(15 << 20))
        stream.recv(timeout=20)
    with connect(address) as stream:
        assert "Sec-WebSocket-Extensions" not in stream.response.headers  # so nothing is unpacked
    assert peak(own) - before < 60


@linux
def test_errors_keep_no_samples(own):
    silent = io.BytesIO()
    soundfile.write(silent, np.zeros(16000 * 300), 16000, format="FLAC")
    clip = {"path": upload(own, silent.getvalue(), "silent.flac"), "meta": FILE}
    sizes = []
    for _ in range(8):
        assert "is silent" in answer_of(join(own, "predict", [clip, None]))[1]
        sizes.append(memory(own))
    assert sizes[-1] - sizes[1] < 100  # 55 MB each


def test_an_error_of_a_batch_keeps_no_samples(recognizer):
    (error,) = recognizer.predict_many([(np.zeros(24000, np.float32), 24000)])
    assert isinstance(error, AudioError) and error.__traceback__ is None


def test_functions_of_the_page_refuse_what_it_never_sends(own):
    functions = json.loads(answer_of(f"{own.url}/config")[1])["dependencies"]
    foreign = {"path": "/etc/passwd", "meta": FILE}
    calls = [(-1, []), (999, [])]
    for each in functions:
        n_inputs = len(each["inputs"])
        if each["api_name"] != "listen":  # it goes on until its visitor says so
            calls += [(each["id"], [sent] * n_inputs) for sent in (None, 1e308, foreign, "a\0b")]
            calls += [(each["id"], [])]
    for number, (index, data) in enumerate(calls):
        asked = {"data": data, "fn_index": index, "session_hash": f"hostile{number % 4}"}
        status, told = post(own, "/gradio_api/queue/join", asked)
        assert status in (200, 400), told
    with httpx.stream("GET", f"{own.url}/gradio_api/queue/data?session_hash=hostile0") as answers:
        for _ in answers.iter_lines():
            pass
    assert "Traceback" not in own.log.read_text()


def test_nobody_fills_the_queue_alone():
    with launched(ServedModel()) as demo:
        demo._queue.default_concurrency_limit = 0  # so all that is accepted waits
        app = SimpleNamespace(url=demo.local_url.rstrip("/"))
        (predict,) = [number for number, fn in demo.fns.items() if fn.api_name == "predict"]

        def ask(session):
            call = {"data": [None, None], "fn_index": predict, "session_hash": session}
            return post(app, "/gradio_api/queue/join", call)

        assert ask("first")[0] == 200
        (queue,) = demo._queue.event_queue_per_concurrency_id.values()
        queue.queue *= 127  # as if it had asked as often, which takes time
        assert ask("second")[0] == 200
        status, told = ask("third")
    assert status == 503 and "128 of your calls wait already" in told


@pytest.fixture
def far_server(monkeypatch):
    """Return the address of a server somewhere else, whose answers are as long as their path."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            with_pauses = "slow" in self.path
            try:
                for _ in range(40):
                    self.wfile.write(bytes(1000))
                    time.sleep(0.2 * with_pauses)
            except OSError:
                pass

        def log_message(self, *_):
            pass

    async def anywhere(host):
        return host

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(fetching, "async_validate_url", anywhere)
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_what_is_fetched_has_a_size_and_a_time(far_server, tmp_path, monkeypatch):
    fetch = processing_utils.async_ssrf_protected_download
    path = asyncio.run(fetch(f"{far_server}/clip.wav", str(tmp_path)))
    assert Path(path).stat().st_size == 40_000  # not unpacked
    monkeypatch.setattr(fetching, "MAX_FETCHED", 20_000)
    with pytest.raises(fetching.NotFetchedError, match="more than"):
        asyncio.run(fetch(f"{far_server}/large.wav", str(tmp_path)))
    monkeypatch.setattr(fetching, "FETCH_TIME", 0.5)
    with pytest.raises(TimeoutError):
        asyncio.run(fetch(f"{far_server}/slow.wav", str(tmp_path)))
    assert [each.name for each in tmp_path.rglob("*.*")] == ["clip.wav"]
    assert len(list(tmp_path.iterdir())) == 1
    monkeypatch.undo()
    with pytest.raises(ValueError, match="failed validation"):
        asyncio.run(fetch(f"{far_server}/again.wav", str(tmp_path)))


def test_nothing_of_a_batch_that_is_too_large_is_fetched(monkeypatch):
    monkeypatch.setattr(received, "_file", None)
    clips = SimpleNamespace(api_info=lambda: {"type": "array"})
    with pytest.raises(gr.Error, match="101 clips are too many"):
        asyncio.run(received.received(clips, [{"path": "https://localhost/a.wav"}] * 101))


def test_a_run_without_a_folder_says_so(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError, match="set GRADIO_TEMP_DIR"):
        RunFolder(tmp_path / "file" / "folder")


def test_the_folder_of_a_run_is_private_and_links_lead_nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()
    with RunFolder(tmp_path / "runs") as run:
        assert run.path.stat().st_mode & 0o77 == 0
        (run.path / "folder").symlink_to(kept)
        (run.path / "link").symlink_to(kept / "file")
        delete_old(run.path, -1)
        assert not any(run.path.iterdir())
        (run.path / "folder").symlink_to(kept)
    assert (kept / "file").exists()
