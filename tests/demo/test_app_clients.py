"""The running app, called by every kind of program, rightly and wrongly."""

import ast
import asyncio
import base64
import json
import re
import shutil
import subprocess
import urllib.request
from functools import cache
from pathlib import Path
from urllib.error import HTTPError

import pytest
import soundfile
from gradio_client import Client, handle_file
from signals import speech_like

UNREACHABLE = "http://127.0.0.1:9/private/voice.wav"
FILE = {"_type": "gradio.FileData"}


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Return two short clips."""
    folder = tmp_path_factory.mktemp("clips")
    paths = [folder / "low.wav", folder / "high.wav"]
    for path, pitch in zip(paths, (100, 220), strict=True):
        soundfile.write(path, speech_like(seconds=1.0, pitch=pitch), 24000)
    return paths


def curl(*arguments):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    run = ["curl", "--silent", "--show-error", "--fail", "--max-time", "30", *map(str, arguments)]
    return subprocess.run(run, capture_output=True, check=True, text=True).stdout


def uploaded(app, path):
    (path,) = json.loads(curl("-F", f"files=@{path}", f"{app.url}/gradio_api/upload"))
    return {"path": path, "meta": FILE}


def post(app, path, body):
    """Return the status and the answer."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(
        f"{app.url}/gradio_api/{path}", json.dumps(body).encode(), headers
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        return error.code, json.load(error)


def outcome(app, path, body):
    """Return what became of a call: an event and its data."""
    _, answer = post(app, path, body)
    with urllib.request.urlopen(f"{app.url}/gradio_api/{path}/{answer['event_id']}") as stream:
        event, data = stream.read().decode().strip().split("\n\n")[-1].split("\n")
    return event.removeprefix("event: "), json.loads(data.removeprefix("data: "))


@cache
def client_of(app):
    return Client(app.url, verbose=False)


def with_gradio_client(app, endpoint, **files):
    def handled(value):
        return (
            [handle_file(each) for each in value] if isinstance(value, list) else handle_file(value)
        )

    files = {name: handled(value) for name, value in files.items()}
    return client_of(app).predict(**files, api_name=endpoint)


def with_curl(app, endpoint, **files):
    def sent(value):
        return (
            [uploaded(app, each) for each in value]
            if isinstance(value, list)
            else uploaded(app, value)
        )

    url = f"{app.url}/gradio_api/call/v2{endpoint}"
    body = json.dumps({name: sent(value) for name, value in files.items()})
    event = json.loads(curl("-H", "Content-Type: application/json", "-d", body, url))["event_id"]
    (answer,) = json.loads(curl(f"{url}/{event}").split("data: ")[-1])
    return answer


def with_mcp(app, endpoint, **files):
    """Send clips as MCP's tool for uploads does, by the address of the uploaded file."""

    def sent(value):
        if isinstance(value, list):
            return [sent(each) for each in value]
        return f"{app.url}/gradio_api/file={uploaded(app, value)['path']}"

    arguments = {name: sent(value) for name, value in files.items()}
    answer = call_tool(app, endpoint.removeprefix("/"), arguments)
    assert not answer.isError, answer.content[0].text
    return ast.literal_eval(answer.content[0].text)


def call_tool(app, name, arguments):
    pytest.importorskip("mcp")
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async def call():
        async with (
            streamablehttp_client(f"{app.url}/gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            return await session.call_tool(name, arguments)

    return asyncio.run(call())


@pytest.mark.parametrize("ask", [with_gradio_client, with_curl, with_mcp])
def test_every_client_calls_all_four_endpoints(app, recognizer, clips, ask):
    answers = [recognizer.predict(clip).to_dict() for clip in clips]
    low, high = clips
    assert ask(app, "/predict", clip=low) == answers[0]
    assert ask(app, "/timeline", clip=high) == recognizer.timeline(high).to_dict()
    rows = [{"file": clip.name} | answer for clip, answer in zip(clips, answers, strict=True)]
    assert ask(app, "/predict_batch", clips=clips) == rows
    assert ask(app, "/model_info")["emotions"] == list(recognizer.labels)


def test_every_client_gets_a_timeline_as_a_file(app, recognizer, clips):
    clip, timeline = clips[0], recognizer.timeline(clips[0])
    path = client_of(app).predict(handle_file(clip), format="textgrid", api_name="/timeline")
    assert Path(path).name == "emotions.TextGrid"
    assert Path(path).read_bytes().decode() == timeline.to_text("TextGrid")
    sent = uploaded(app, clip)
    _, (file,) = outcome(app, "call/v2/timeline", {"clip": sent, "format": "csv"})
    with urllib.request.urlopen(file["url"]) as answer:
        assert answer.read().decode() == timeline.to_text("csv")
    address = f"{app.url}/gradio_api/file={sent['path']}"
    answer = call_tool(app, "timeline", {"clip": address, "format": "json"})
    with urllib.request.urlopen(answer.content[0].text) as file:
        assert json.load(file) == timeline.to_dict()


@pytest.mark.parametrize("sent", ["doc", 5])
def test_an_unknown_format_is_said_before_the_clip_is_read(app, sent):
    event, answer = outcome(app, "call/v2/timeline", {"clip": None, "format": sent})
    assert event == "error" and answer["error"].startswith(f"{sent!r} is not ")
    assert answer["error"].endswith("csv, json, srt, vtt, TextGrid.")
    assert "Traceback" not in app.logged()


def test_a_tool_takes_a_clip_as_a_data_url(app, recognizer, clips):
    data = f"data:audio/wav;base64,{base64.b64encode(clips[0].read_bytes()).decode()}"
    answer = call_tool(app, "predict_batch", {"clips": [data, UNREACHABLE]})
    first, second = ast.literal_eval(answer.content[0].text)
    assert first["probabilities"] == recognizer.predict(clips[0]).probabilities
    assert second["error"]


def test_an_address_that_cannot_be_fetched_costs_no_other_clip(app, clips):
    client = client_of(app)
    sentence = f"The server cannot fetch '{UNREACHABLE}': "
    for endpoint in ("/predict", "/timeline"):
        with pytest.raises(Exception, match=rf"^{sentence}[^\n]+\.$"):
            client.predict(handle_file(UNREACHABLE), api_name=endpoint)
    with pytest.raises(Exception, match=rf"^{sentence}"):
        client.predict(handle_file(clips[0]), handle_file(UNREACHABLE), api_name="/predict")
    sent = [handle_file(clip) for clip in (clips[0], UNREACHABLE, clips[1])]
    first, failed, last = client.predict(sent, api_name="/predict_batch")
    assert first["emotion"] and last["emotion"]
    assert failed == {"file": "voice.wav", "error": failed["error"]}
    assert failed["error"].startswith(sentence)
    assert sentence in call_tool(app, "predict", {"clip": UNREACHABLE}).content[0].text
    assert "Traceback" not in app.logged()


def test_a_file_that_is_none_costs_no_other_clip(app, clips):
    sent = ["clip.wav", 5, {"path": "/etc/hostname", "meta": FILE}, {"path": 5, "meta": 6}]
    body = {"clips": [*sent, uploaded(app, clips[0])]}
    event, (rows,) = outcome(app, "call/v2/predict_batch", body)
    assert event == "complete"
    assert all(row["error"].endswith("pass handle_file(path).") for row in rows[:-1])
    assert rows[-1]["emotion"]
    assert "Traceback" not in app.logged()


@pytest.mark.parametrize(
    ("path", "body", "status", "sentence"),
    [
        (
            "call/v2/predict",
            {"file": 1},
            400,
            "`file` .*; /predict takes clip and optionally voice.",
        ),
        ("call/v2/predict", {}, 400, ".*: clip; /predict takes clip and optionally voice."),
        ("call/v2/predict", {"clip": None, "x": 1}, 400, "`x` .*; /predict takes clip and"),
        ("call/v2/model_info", {"clip": None}, 400, "`clip` .*; /model_info takes nothing."),
        ("call/predict", {"clip": None}, 400, 'Send {"data": .* /call/v2/predict; /predict takes'),
        ("call/v2/emotion", {}, 404, "There is no endpoint /emotion: there are /predict, "),
        ("call/emotion", {"data": []}, 404, "There is no endpoint /emotion: there are /predict, "),
    ],
)
def test_a_wrong_name_is_answered_in_one_sentence(app, path, body, status, sentence):
    found, answer = post(app, path, body)
    assert found == status
    assert re.search(sentence, answer["detail"]) and answer["detail"].endswith(".")
    assert "Traceback" not in app.logged()


def test_the_older_recipe_needs_no_voice(app, recognizer, clips):
    clip = uploaded(app, clips[0])
    event, (answer,) = outcome(app, "call/predict", {"data": [clip]})
    assert (event, answer) == ("complete", recognizer.predict(clips[0]).to_dict())
    event, answer = outcome(app, "call/predict", {"data": []})
    assert (event, answer["error"][:17]) == ("error", "There is no clip:")
    event, answer = outcome(app, "call/predict", {"data": [clip, None, 3]})
    assert answer["error"].startswith("3 values are too many: /predict takes clip and")
    assert "Traceback" not in app.logged()
