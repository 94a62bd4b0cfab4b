"""The plain interface at /v1, on a small model in this process and on the running app."""

import asyncio
import errno
import json
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
import soundfile
from fastapi import HTTPException
from fastapi.testclient import TestClient
from signals import noise
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.testclient import WebSocketDenialResponse
from tiny_model import FEATURES, voice

from ser import SpeechStream
from ser.demo.endpoints import stream_api
from ser.demo.endpoints.http_api import make_api
from ser.demo.served_model import ServedModel
from ser.demo.server import gate
from ser.demo.server.front import Front, Traffic

RATE = FEATURES.sample_rate
MAX_SIZE = 2**20
BASIC = {"Authorization": "Basic bWU6cGFzcyB3w7ZyZA=="}  # me:pass wörd


@pytest.fixture(scope="module")
def model(tiny_model):
    model = ServedModel(str(tiny_model))
    model.start()
    return model


@pytest.fixture(scope="module")
def api(model):
    with TestClient(make_api(model, None)) as client:
        yield client


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Return a calm and an angry clip, and what is no clip."""
    folder = tmp_path_factory.mktemp("clips")
    for emotion in ("calm", "angry"):
        soundfile.write(folder / f"{emotion}.wav", voice(emotion, seed=50), RATE)
    (folder / "notes.wav").write_text("no recording")
    return [folder / name for name in ("calm.wav", "angry.wav", "notes.wav")]


def test_a_timeline_can_be_a_file(api, model, paths):
    clip = {"clip": paths[0].read_bytes()}
    answer = api.post("/timeline", files=clip, data={"format": "SRT"})
    assert answer.text == model.get().timeline(paths[0]).to_text("srt")
    assert answer.headers["content-type"].startswith("application/x-subrip")
    refused = api.post("/timeline", files=clip, data={"format": "mp3"})
    assert refused.status_code == 422 and "'mp3' is not a format" in refused.json()["detail"]


def fits(schema, answer, components):
    """Whether an answer has exactly the keys that its description names."""
    if "$ref" in schema:
        schema = components[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return any(fits(each, answer, components) for each in schema["anyOf"])
    if isinstance(answer, list):
        return all(fits(schema["items"], each, components) for each in answer)
    return answer is None or "properties" not in schema or set(answer) == set(schema["properties"])


def test_every_answer_is_the_librarys_and_is_described(api, model, paths, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    calm, angry, _ = paths
    tiny = model.get()
    everyday = tmp_path.parent / "everyday.wav"
    soundfile.write(everyday, voice("calm", seed=60, seconds=4.0), RATE)
    rows = [{"file": each.name} | tiny.predict(each).to_dict() for each in (calm, angry)]
    sentence = "'notes.wav' is not audio in a known format; give WAV, FLAC, MP3, Ogg, Opus, M4A "
    rows.append({"file": "notes.wav", "error": f"{sentence}or WebM."})
    described = api.get("/openapi.json").json()
    for path, files, data, expected in (
        ("/predict", {"clip": calm}, {}, tiny.predict(calm).to_dict()),
        (
            *("/predict", {"clip": angry, "voice": everyday}, {}),
            tiny.predict(angry, voice=everyday).to_dict(),
        ),
        (
            *("/timeline", {"clip": calm}, {"same_speaker": "true"}),
            tiny.timeline(calm, same_speaker=True).to_dict(),
        ),
        ("/batch", {"clips": paths}, {}, rows),
    ):
        sent = [
            (name, (each.name, each.read_bytes()))
            for name, value in files.items()
            for each in (value if isinstance(value, list) else [value])
        ]
        answer = api.post(path, files=sent, data=data)
        assert answer.status_code == 200 and answer.json() == expected
        schema = described["paths"][path]["post"]["responses"]["200"]["content"]
        assert fits(
            schema["application/json"]["schema"], expected, described["components"]["schemas"]
        )
    assert api.get("/model").json()["emotions"] == list(tiny.labels)
    assert list(tmp_path.iterdir()) == []  # nothing is kept


@pytest.mark.parametrize(
    ("path", "files", "data", "status", "sentence"),
    [
        ("/predict", {"clip": b"no recording"}, {}, 422, "'upload' is not audio in a known format"),
        ("/predict", {"clip": b""}, {}, 422, "'upload' is empty"),
        ("/predict", {}, {}, 422, "There is no `clip`: send it as a field of a form"),
        ("/predict", {}, {"clip": "clip.wav"}, 422, "`clip` is not a file: send one as"),
        ("/predict", {"clip": b"a"}, {"voise": 1}, 422, "There is no field `voise`: there are "),
        (
            "/predict",
            [("clip", b"a"), ("clip", b"b")],
            {},
            422,
            "There is more than one `clip`: send",
        ),
        (
            "/timeline",
            {"clip": b"a", "format": b"x"},
            {},
            422,
            "`format` is not a text: send one as",
        ),
        ("/timeline", {"clip": b"a"}, {"same_speaker": "7"}, 422, "`same_speaker` is neither yes"),
        ("/batch", {}, {}, 422, "There is no `clips`"),
        ("/timeline?format=srt", {"clip": b"a"}, {}, 422, "`format` is in the address: send it as"),
        ("/emotion", {}, {}, 404, "There is no POST /emotion: there are POST /v1/predict, "),
        ("/model", {}, {}, 405, "There is no POST /model: there are POST /v1/predict, "),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(api, path, files, data, status, sentence):
    answer = api.post(path, files=files, data=data)
    assert answer.status_code == status
    assert answer.json()["detail"].startswith(sentence) and answer.json()["detail"].endswith(".")
    assert "\n" not in answer.json()["detail"]


@pytest.mark.parametrize("part", ["shutil.copyfileobj", "tempfile.SpooledTemporaryFile.write"])
def test_a_full_disk_is_told(api, paths, monkeypatch, part):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(part, fail)
    answer = api.post("/predict", files={"clip": paths[0].read_bytes()})
    assert answer.status_code == 507
    assert answer.json()["detail"].startswith("The server has no space left for recordings")


@pytest.mark.parametrize(
    "name", ["../../evil.wav", "..", "/", "a\0b.wav", "\N{GRINNING FACE}" * 300]
)
def test_a_name_leads_nowhere_else(api, paths, name):
    header = f'form-data; name="clips"; filename="{name}"'
    part = f"--x\r\nContent-Disposition: {header}\r\n\r\n".encode()
    answer = api.post(
        "/batch",
        content=part + paths[0].read_bytes() + b"\r\n--x--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    (row,) = answer.json()
    assert row["emotion"] == "calm"
    assert 0 < len(row["file"].encode()) <= 200 and not {"/", "\0"} & set(row["file"])


def test_a_large_request_is_refused_whatever_its_header_says(model):
    limits = Middleware(Front, traffic=Traffic(), max_upload=MAX_SIZE)
    front = TestClient(Starlette(routes=[Mount("/v1", make_api(model, None))], middleware=[limits]))

    def pieces():
        yield b'--x\r\nContent-Disposition: form-data; name="clip"; filename="a.wav"\r\n\r\n'
        for _ in range(20):
            yield bytes(MAX_SIZE // 10)

    form = {"Content-Type": "multipart/form-data; boundary=x"}
    for answer in (
        front.post("/v1/predict", files={"clip": bytes(MAX_SIZE + 1)}),
        front.post("/v1/predict", content=pieces(), headers=form),
        front.post("/v1/predict", content=pieces(), headers=form | {"Content-Length": "9"}),
    ):
        assert answer.status_code == 413
        assert answer.json()["detail"].startswith("The request is larger than 1 MB: cut ")


def test_a_form_has_few_fields_and_little_time(model, monkeypatch):
    limits = Middleware(Front, traffic=Traffic(), max_upload=MAX_SIZE)
    front = TestClient(Starlette(routes=[Mount("/v1", make_api(model, None))], middleware=[limits]))
    fields = {f"field{number}": (None, b"a") for number in range(11)}
    answer = front.post("/v1/predict", files=fields)
    assert answer.status_code == 400 and "Maximum number of fields is 10" in answer.text
    answer = front.post("/v1/predict", files={"clip": (None, bytes(70_000))})
    assert "'clip' has no file name and is larger" in answer.json()["detail"]
    assert "as `curl -F clip=@clip.wav` does." in answer.json()["detail"]
    bare = {"Content-Type": "multipart/form-data"}
    answer = front.post("/v1/predict", content=b"--x--", headers=bare)
    assert answer.json()["detail"].startswith("The Content-Type has no boundary: leave it out, ")

    async def read_all(scope, receive, send):
        while (await receive())["more_body"]:
            pass

    async def slowly():
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"a", "more_body": True}

    monkeypatch.setattr("ser.demo.server.front.MAX_SENDING", 0.1)
    scope = {"type": "http", "method": "POST", "path": "/v1/predict", "headers": []}
    with pytest.raises(HTTPException, match=r"408: .* send less at a time"):
        asyncio.run(Front(read_all, Traffic(), MAX_SIZE)(scope, slowly, None))


def test_a_password_is_asked_for_before_anything_else(model):
    api = TestClient(make_api(model, lambda _, given: given == "pass wörd"))
    bearer = BASIC["Authorization"].replace("Basic", "Bearer")
    wrong = ("", "Basic", "Basic é", "Basic bWU=", "Basic bWU6d3Jvbmc=", bearer)
    for path in ("/model", "/openapi.json", "/nothing"):
        for header in wrong:
            answer = api.get(path, headers={"Authorization": header.encode("latin-1")})
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"].startswith("Basic ")
            assert answer.json()["detail"].startswith("Give the password, with any user name")
    assert api.get("/model", headers=BASIC).status_code == 200
    with pytest.raises(WebSocketDenialResponse) as refusal, api.websocket_connect("/stream"):
        pass
    assert refusal.value.status_code == 401
    with api.websocket_connect("/stream", headers=BASIC) as socket:
        socket.send_text("end")


def test_too_many_requests_are_asked_to_come_back(model, monkeypatch):
    monkeypatch.setattr(gate, "MAX_WAITING", 1)
    is_asked, may_answer = threading.Event(), threading.Event()

    class SlowModel:
        def get(self):
            is_asked.set()
            assert may_answer.wait(10)
            return model.get()

    with TestClient(make_api(SlowModel(), None)) as api, ThreadPoolExecutor(1) as pool:
        first = pool.submit(api.get, "/model")
        assert is_asked.wait(10)
        second = api.get("/model")
        may_answer.set()
        assert second.status_code == 503 and second.headers["Retry-After"]
        assert second.json()["detail"].endswith("try again in some seconds.")
        assert first.result().status_code == 200
        assert api.get("/model").status_code == 200


def test_a_model_that_cannot_be_loaded_is_no_fault_of_the_caller(tmp_path):
    model = ServedModel(str(tmp_path / "nothing"))
    model.start()
    answer = TestClient(make_api(model, None)).get("/model")
    assert answer.status_code == 503 and answer.json()["detail"].endswith(".")


def test_many_callers_at_once_get_the_answers_of_their_own_clips(app, recognizer, paths):
    clips = [path.read_bytes() for path in paths[:2]]
    expected = [recognizer.predict(path).to_dict() for path in paths[:2]]

    def ask(number):
        with httpx.Client(base_url=f"{app.url}/v1", timeout=60) as api:
            return [
                api.post("/predict", files={"clip": clips[number % 2]}).json() for _ in range(2)
            ]

    with ThreadPoolExecutor(8) as pool:
        for number, answers in enumerate(pool.map(ask, range(8))):
            assert answers == [expected[number % 2]] * 2
    assert httpx.get(f"{app.url}/v1/openapi.json").json()["servers"] == [{"url": "/v1"}]
    answer = httpx.get(f"{app.url}/v1/emotion")
    assert answer.status_code == 404 and "there are POST /v1/predict" in answer.json()["detail"]
    assert "Traceback" not in app.logged()


def events(socket):
    """Return what a stream sends until it closes."""
    found = []
    while (message := socket.receive())["type"] == "websocket.send":
        found.append(json.loads(message["text"]))
    return found, message["code"]


@pytest.mark.parametrize("size", [4411, 2 * RATE])
def test_a_stream_gives_the_librarys_events_whatever_the_pieces(api, model, size):
    silence = noise(1, RATE, level=1e-4)
    waveform = np.concatenate([silence, voice("calm", seconds=2), silence, voice("angry")])
    samples = (waveform * 32767).astype(np.int16)
    stream, sound = SpeechStream(model.get(), RATE), samples.astype("<i2").tobytes()
    with api.websocket_connect(f"/stream?rate={RATE}") as socket:
        for start in range(0, len(sound), size):
            socket.send_bytes(sound[start : start + size])
        socket.send_text("end")
        found, code = events(socket)
    assert found == json.loads(json.dumps(stream.feed(samples) + stream.close()))
    assert [event["event"] for event in found].count("end") == 2 and code == 1000


@pytest.mark.parametrize(
    ("rate", "message", "sentence"),
    [
        ("800", b"", "The stream has a sample rate of 800 Hz; "),
        ("fast", b"", "'fast' is not a sample rate: "),
        ("16_000", b"", "'16_000' is not a sample rate: "),
        ("16000&rate=48000", b"", "'16000, 48000' is not a sample rate: give one, in Hz."),
        ("16000&sample_rate=48000", b"", "There is no 'sample_rate': the address of a stream has"),
        ("16000", "hello", "'hello' is not sound: send 16-bit PCM as binary messages, and "),
        ("16000", bytes(2**20 + 1), "A message has 1048577 bytes: send at most 1048576"),
        ("16000", None, "No sound came for 0.1 s: "),
    ],
)
def test_a_stream_says_what_is_wrong_and_closes(api, monkeypatch, rate, message, sentence):
    if message is None:
        monkeypatch.setattr(stream_api, "MAX_SILENCE", 0.1)
    with api.websocket_connect(f"/stream?rate={rate}") as socket:
        if isinstance(message, bytes):
            socket.send_bytes(message)
        elif message:
            socket.send_text(message)
        (event,), code = events(socket)
    assert event["event"] == "error" and event["detail"].startswith(sentence) and code == 1008


def test_streams_are_limited_and_leave_their_place(api, monkeypatch):
    monkeypatch.setattr(stream_api, "MAX_STREAMS", 1)
    with api.websocket_connect("/stream") as first:
        first.send_bytes(bytes(10))
        with api.websocket_connect("/stream") as second:
            (event,), _ = events(second)
        assert event["detail"].startswith("1 streams are open already")
    deadline = time.monotonic() + 5
    while stream_api._open and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not stream_api._open
