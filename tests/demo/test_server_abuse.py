"""The server under those who look for what costs it most: memory, places, errors in its log."""

import asyncio
import http.server
import io
import json
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import httpx
import numpy as np
import pytest
import soundfile
from gradio import processing_utils
from running_app import RunningApp
from test_server import FILE, answer_of, files_in, join, launched, post, upload, wav
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from ser.demo.served_model import ServedModel
from ser.demo.server import fetching, received
from ser.demo.server.run_folder import RunFolder, RunFolderError, delete_old
from ser.errors import AudioError


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Return an app of this module's own, whose log and memory nobody else touches."""
    running = RunningApp(tmp_path_factory.mktemp("abuse")).wait()
    assert "complete" in answer_of(join(running, "model_info", []))[1]
    yield running
    running.kill()


def memory(app, kind="VmRSS"):
    """Return the memory that the server has now, in MB."""
    status = Path(f"/proc/{app.process.pid}/status").read_text()
    return int(status.split(f"{kind}:")[1].split()[0]) / 1024


@contextmanager
def memory_within(app, limit):
    """Fail if at any moment the server has so many MB more than at the beginning."""
    if sys.platform != "linux":
        yield
        return
    with suppress(OSError):  # where the peak so far cannot be forgotten, it is the beginning
        Path(f"/proc/{app.process.pid}/clear_refs").write_text("5")
    before = memory(app, "VmHWM")
    yield
    assert memory(app, "VmHWM") - before < limit


def curl(app, path, body, *options):
    """Send a body that may be refused before it is all sent."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    command = ["curl", "-s", *options, app.url + path]
    return subprocess.run(command, input=body, capture_output=True, check=True).stdout.decode()


def test_what_is_no_recording_may_not_be_large(own):
    body = b'{"data": ["' + bytes(1 << 26) + b'"]}'
    sent = ("--data-binary", "@-", "-H", "Content-Type: application/json")
    with memory_within(own, 100):
        for header in ([], ["-H", "Transfer-Encoding: chunked"]):
            told = curl(own, "/gradio_api/call/predict", body, *sent, *header)
            assert "larger than 16 MB: upload recordings to" in json.loads(told)["detail"]
        assert "has no file name" in curl(own, "/gradio_api/upload", body, "-F", "files=<-")


def test_values_of_two_bytes_take_no_gigabytes(own):
    values = b'{"data": [' + b"[]," * 5_000_000 + b"1]}"
    field = b"a=" + bytes(1 << 26)
    part = b'--x\r\nContent-Disposition: form-data; name="clips"; filename="a"\r\n\r\n'
    files = (part + bytes(500_000) + b"\r\n") * 101 + b"--x--\r\n"
    form = "application/x-www-form-urlencoded"
    with memory_within(own, 40):
        for path, body, kinds, sentence in (
            ("/gradio_api/call/predict", values, ["application/json"], "more than 131072 values"),
            ("/gradio_api/queue/join", values, ["multipart/x"], "more than 131072 values"),
            ("/v1/predict", field, [form], "64 kB: send a form as multipart/form-data"),
            ("/v1/predict", field, [form, "multipart/form-data; boundary=x"], "64 kB: send a form"),
            ("/v1/batch", files, ["multipart/form-data; boundary=x"], "101 clips are too many"),
        ):
            headers = [option for kind in kinds for option in ("-H", f"Content-Type: {kind}")]
            told = curl(own, path, body, "--data-binary", "@-", *headers)
            assert sentence in json.loads(told)["detail"]


def test_names_of_sessions_are_short(own):
    with memory_within(own, 100):
        for number in range(7):
            session = f"{number}" + "s" * 15_000_000
            asked = {"data": [], "fn_index": 3, "session_hash": session}
            status, told = post(own, "/gradio_api/queue/join", asked)
            assert status == 400 and "name of the session is longer than 128" in told


def test_messages_of_a_stream_do_not_pile_up(own):
    address = f"ws://127.0.0.1:{own.port}/v1/stream"
    with (
        memory_within(own, 60),
        connect(address, max_size=None) as stream,
        pytest.raises(ConnectionClosed),
    ):
        for _ in range(10):
            stream.send(bytes(15 << 20))
        stream.recv(timeout=20)
    with connect(address) as stream:
        assert "Sec-WebSocket-Extensions" not in stream.response.headers  # so nothing is unpacked


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_errors_keep_no_samples(own):
    silent = io.BytesIO()
    soundfile.write(silent, np.zeros(16000 * 300), 16000, format="FLAC")
    clip = {"path": upload(own, silent.getvalue(), "silent.flac"), "meta": FILE}
    sizes = []
    for _ in range(8):
        assert "is silent" in answer_of(join(own, "predict", [clip, None]))[1]
        sizes.append(memory(own))
    assert max(sizes[1:]) - sizes[1] < 100  # 55 MB each, until Python looks for what is not used


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
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
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


def test_no_recording_outlives_the_app(own, tmp_path):
    """The last one here, since it ends the app."""
    path = upload(own, wav(tmp_path / "clip.wav"))
    assert answer_of(f"{own.url}/gradio_api/file={path}")[0] == 200
    slow = {"path": upload(own, wav(tmp_path / "long.wav", 20.0)), "meta": FILE}
    address = join(own, "timeline", [slow, None, False, None])
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(answer_of, address)
        time.sleep(0.3)
        own.process.terminate()
        assert own.process.wait(15) == 0
        assert "event: complete" in answer.result()[1]
    assert files_in(own.temp) == []
