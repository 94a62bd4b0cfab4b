"""The server under people who mean no good, or whom it cannot help: limits, ends, what stays."""

import errno
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from urllib.error import HTTPError

import httpx
import soundfile
from fastapi import FastAPI
from fastapi.testclient import TestClient
from running_app import free_port
from signals import speech_like

from app import build
from ser.demo.served_model import ServedModel
from ser.demo.server.blocks import in_turns
from ser.demo.server.received import HANDLERS
from ser.demo.server.run_folder import RunFolder, delete_left, delete_old

FILE = {"_type": "gradio.FileData"}


def answer_of(request):
    """Return the status and the text of an answer."""
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode("utf-8", "replace")
    except HTTPError as error:
        return error.code, error.read().decode()


def post(app, path, body, kind="application/json"):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return answer_of(urllib.request.Request(app.url + path, content, {"Content-Type": kind}))


def form(name, content, file_name=None):
    named = f'; filename="{file_name}"' if file_name else ""
    head = f'--x\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
    return head.encode() + content + b"\r\n--x--\r\n"


def upload(app, content, file_name="clip.wav"):
    kind = "multipart/form-data; boundary=x"
    status, paths = post(app, "/gradio_api/upload", form("files", content, file_name), kind)
    assert status == 200, paths
    return json.loads(paths)[0]


def join(app, endpoint, data):
    """Ask for an answer; return the address where it will be."""
    _, event = post(app, f"/gradio_api/call/{endpoint}", {"data": data})
    return f"{app.url}/gradio_api/call/{endpoint}/{json.loads(event)['event_id']}"


def wav(path, seconds=1.0):
    soundfile.write(path, speech_like(seconds=seconds), 24000, subtype="PCM_16")
    return path.read_bytes()


def files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]


@contextmanager
def launched(model):
    """Serve the page from this process, which takes a tenth of the time of one of its own."""
    demo = build(model)
    demo.launch(server_port=free_port(), prevent_thread_lock=True, quiet=True, _frontend=False)
    try:
        yield demo
    finally:
        demo.close(verbose=False)


def test_nothing_goes_round_the_queue_or_to_the_disk_for_good(app, tmp_path):
    clip = {"path": upload(app, wav(tmp_path / "clip.wav")), "meta": FILE}
    for path in ("run/predict", "api/predict"):
        status, told = post(app, f"/gradio_api/{path}", {"data": [clip, None]})
        assert status == 404 and "join the queue" in told
    for path in ("deep_link?session_hash=x", "process_recording", "process_recording/"):
        status, told = answer_of(f"{app.url}/gradio_api/{path}")
        assert status == 404
        assert json.loads(told)["detail"].startswith("There is no /gradio_api/")


def test_a_batch_has_a_limit_and_leaves_no_files(app):
    names = [{"path": f"clip{number}.wav", "meta": FILE} for number in range(101)]
    before = files_in(app.temp)
    _, told = answer_of(join(app, "predict_batch", [names, False]))
    assert "101 clips are too many: send at most 100 at a time" in told
    far = [{"path": f"https://localhost/{number}.wav", "meta": FILE} for number in range(9999)]
    _, told = answer_of(join(app, "predict_batch", [far, False]))
    assert "9999 clips are too many" in told
    _, told = answer_of(join(app, "predict_batch", [names[:3], False]))
    assert told.count("was not uploaded") == 3
    assert set(files_in(app.temp)) <= set(before)


def test_a_batch_ends_when_its_client_leaves(app, tmp_path):
    clip = {"path": upload(app, wav(tmp_path / "long.wav", 60.0)), "meta": FILE}
    address = join(app, "predict_batch", [[clip] * 100, False])
    with socket.create_connection(("127.0.0.1", app.port)) as client:
        path = address.removeprefix(app.url)
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        client.recv(100)
        time.sleep(0.5)
    deadline = time.monotonic() + 20
    while busy(app) > 0.1 and time.monotonic() < deadline:
        pass
    assert time.monotonic() < deadline


def busy(app):
    """Return how many cores the server uses, over half a second."""

    def seconds():
        stat = Path(f"/proc/{app.process.pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before = seconds()
    time.sleep(0.5)
    return (seconds() - before) / 0.5


def test_a_session_is_forgotten_when_its_visitor_leaves(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setattr("ser.demo.server.blocks.UNUSED", 0.05)
    model = ServedModel(str(tiny_model))
    with launched(model) as demo:
        model.start()
        own, held = SimpleNamespace(url=demo.local_url.rstrip("/")), demo.state_holder
        assert "complete" in answer_of(join(own, "model_info", []))[1]
        assert held.session_data == {}  # a program's, as soon as it has its answer
        looks, look_later = [], demo.forget_unless_used

        def look_later_at(session):
            look_later(session)
            looks.append(session)
            is_there = len(looks) <= 3  # the connection broke, but the page goes on to be used
            held.time_last_used[session] = datetime.max if is_there else datetime.min

        monkeypatch.setattr(demo, "forget_unless_used", look_later_at)
        (opening,) = [number for number, fn in demo.fns.items() if fn.name == "fill"]
        call = {"data": [], "fn_index": opening, "session_hash": "visitor"}
        with httpx.stream("GET", f"{own.url}/gradio_api/heartbeat/visitor") as visit:
            alive = visit.iter_bytes()
            next(alive)
            assert post(own, "/gradio_api/run/predict", call)[0] == 200
            last_used = held.time_last_used["visitor"]
            assert post(own, "/gradio_api/run/predict", call)[0] == 200
            assert held.time_last_used["visitor"] > last_used
            assert list(held.session_data) == ["visitor"]
        deadline = time.monotonic() + 20
        while held.session_data and time.monotonic() < deadline:
            time.sleep(0.05)
        assert held.session_data == {}
        assert looks == ["visitor"] * 4


def test_a_full_disk_is_a_sentence():
    api = FastAPI(exception_handlers=HANDLERS)

    @api.post("/gradio_api/upload")
    def upload():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    answer = TestClient(api).post("/gradio_api/upload")
    assert answer.status_code == 507
    assert "no space left for recordings: try again" in answer.json()["detail"]


def test_visitors_take_turns_and_so_do_their_sessions():
    def event(address, session, time):
        return SimpleNamespace(
            _id=f"{address}{time}",
            session_hash=session,
            request=SimpleNamespace(client=SimpleNamespace(host=address)),
            enqueue_time=time,
        )

    waiting = [event("a", "page", 1), event("a", "page", 2), event("a", "other", 3)]
    waiting += [event("b", "call1", 4), event("b", "call2", 5), event("c", "page", 6)]
    order = [each._id for each in in_turns(waiting)]
    assert order == ["a1", "b4", "c6", "a3", "b5", "a2"]


def test_a_run_deletes_what_others_left_and_not_what_they_use(tmp_path):
    code = (
        "import sys; from pathlib import Path; from ser.demo.server.run_folder import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])) as run:\n"
        "    (run.path / 'voice.wav').write_text('x'); print(run.path, flush=True); input()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as other:
        kept = other.stdout.readline().strip()
        delete_left(tmp_path)
        assert [path.name for path in Path(kept).iterdir()] == ["voice.wav"]
        other.kill()
        other.wait()
        RunFolder(tmp_path)
        assert list(tmp_path.iterdir()) == []


def test_old_files_go_and_new_ones_stay(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "voice.wav").write_text("x")
    delete_old(tmp_path, 60)
    assert (tmp_path / "a" / "voice.wav").exists()
    delete_old(tmp_path, -1)
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_run_is_where_temporary_files_go(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    with RunFolder() as run:
        assert run.path.parent == tmp_path
        assert tempfile.mkdtemp().startswith(str(run.path))
    assert list(tmp_path.iterdir()) == []
