"""The running app, called by programs."""

import json
import urllib.request

import httpx
import numpy as np
import pytest
import soundfile
from gradio_client import Client, handle_file
from signals import speech_like

ENDPOINTS = {"/predict", "/timeline", "/predict_batch", "/model_info"}
FILE = {"_type": "gradio.FileData"}
RATE = 24000


@pytest.fixture(scope="module")
def client(app):
    return Client(app.url, verbose=False)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Return short clips that all differ, in length too."""
    folder = tmp_path_factory.mktemp("clips")
    paths = [folder / f"voice_{number}.wav" for number in range(16)]
    for number, path in enumerate(paths):
        voice = speech_like(seconds=1 + number % 7 / 5, pitch=90 + 5 * number, seed=number)
        soundfile.write(path, voice, RATE)
    return paths


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("long") / "long.wav"
    soundfile.write(path, speech_like(seconds=6.0), RATE)
    return path


def test_predict_answers_what_the_library_answers(client, recognizer, clips):
    answer = client.predict(handle_file(clips[0]), api_name="/predict")
    assert answer == recognizer.predict(clips[0]).to_dict()
    assert list(answer["probabilities"]) == list(recognizer.labels)


def test_many_clients_at_once_get_the_answers_of_their_own_clips(app, recognizer, clips):
    with httpx.Client(base_url=f"{app.url}/gradio_api", timeout=60) as http:
        files = [("files", (clip.name, clip.read_bytes())) for clip in clips]
        sent = [{"path": path, "meta": FILE} for path in http.post("/upload", files=files).json()]
        asked = [http.post("/call/v2/predict", json={"clip": clip}) for clip in sent * 2]
        told = [http.get(f"/call/v2/predict/{each.json()['event_id']}").text for each in asked]
    answers = [json.loads(text.split("data: ")[-1])[0] for text in told]
    assert answers == [recognizer.predict(clip).to_dict() for clip in clips] * 2


def test_no_clip_is_asked_for(client):
    for endpoint in ("/predict", "/timeline"):
        with pytest.raises(Exception, match=r"^There is no clip: pass a recording as `clip`\.$"):
            client.predict(None, api_name=endpoint)


@pytest.mark.parametrize("kind", ["text", "empty", "silence"])
def test_a_bad_clip_is_one_sentence_and_the_next_one_works(app, client, clips, tmp_path, kind):
    bad = tmp_path / f"{kind}.wav"
    if kind == "silence":
        soundfile.write(bad, np.zeros(RATE), RATE)
    else:
        bad.write_text("no audio at all" if kind == "text" else "")
    with pytest.raises(Exception, match=r"^[^\n]+\.$") as error:
        client.predict(handle_file(bad), api_name="/predict")
    assert "Traceback" not in str(error.value)
    assert client.predict(handle_file(clips[0]), api_name="/predict")["emotion"]
    assert "Traceback" not in app.logged()


@pytest.mark.parametrize("sent", ["clip.wav", 5, ["clip.wav"]], ids=["path", "number", "list"])
def test_what_is_no_file_is_refused_in_one_sentence(app, client, clips, sent):
    with pytest.raises(Exception, match=r"^.*(clip\.wav|5).* is not a file; .* handle_file"):
        client.predict(sent, api_name="/predict")
    with pytest.raises(Exception, match=r"^'.*\.wav' is not a list of files; .*handle_file"):
        client.predict(handle_file(clips[0]), api_name="/predict_batch")
    assert "Traceback" not in app.logged()


def test_timeline_gives_exact_times(client, long_clip):
    answer = client.predict(handle_file(long_clip), api_name="/timeline")
    assert answer["duration"] == 7.0 and answer["reference"] is None
    assert answer["windows"][0]["start"] == 0
    assert all(window["start"] % 0.5 == 0 for window in answer["windows"][:-1])
    assert answer["windows"][-1]["end"] == 7.0
    assert answer["segments"][0]["start"] == 0
    assert answer["segments"][-1]["end"] == 7.0


def test_a_bad_file_in_a_batch_does_not_stop_the_others(client, clips, tmp_path):
    bad = tmp_path / "notes.wav"
    bad.write_text("not a recording")
    files = [handle_file(path) for path in (clips[0], bad, clips[1])]
    first, failed, last = client.predict(files, api_name="/predict_batch")
    assert first["file"] == clips[0].name
    assert first["probabilities"]
    assert failed == {"file": "notes.wav", "error": failed["error"]}
    assert last["emotion"]


def test_clips_of_one_person_are_compared_with_each_other(client, recognizer, clips, tmp_path):
    bad = tmp_path / "notes.wav"
    bad.write_text("not a recording")
    files = [handle_file(path) for path in (bad, *clips[:5])]
    failed, *rows = client.predict(files, True, api_name="/predict_batch")
    expected = recognizer.predict_many(clips[:5], same_speaker=True)
    assert failed["error"]
    assert [row.pop("file") for row in rows] == [clip.name for clip in clips[:5]]
    assert rows == [each.to_dict() for each in expected]
    assert {row["reference"] for row in rows} == {"clips"}


def test_model_info_names_model_licence_and_figures(client, recognizer):
    info = client.predict(api_name="/model_info")
    assert info["emotions"] == list(recognizer.labels)
    assert info["metrics"] == json.loads(json.dumps(recognizer.metrics))
    assert info["licence"]


def test_voices_of_several_callers_stay_apart(app, recognizer, clips, long_clip, tmp_path):
    other = tmp_path / "other.wav"
    soundfile.write(other, 3 * speech_like(seconds=6.0, pitch=230, seed=9), RATE)
    clip = clips[0]
    expected = {
        voice: recognizer.predict(clip, voice=recognizer.voice_profile([voice])).to_dict()
        for voice in (long_clip, other)
    } | {None: recognizer.predict(clip).to_dict()}

    clients = {voice: Client(app.url, verbose=False) for voice in expected}
    jobs = [
        (voice, client.submit(handle_file(clip), voice and handle_file(voice), api_name="/predict"))
        for _ in range(3)
        for voice, client in clients.items()
    ]
    for voice, job in jobs:
        assert job.result() == expected[voice]


def test_only_the_named_endpoints_are_public_and_each_is_described(client):
    endpoints = client.view_api(return_format="dict")
    assert set(endpoints["named_endpoints"]) == ENDPOINTS
    assert not endpoints["unnamed_endpoints"]
    for endpoint in endpoints["named_endpoints"].values():
        assert " Returns " in endpoint["description"]
    parameters = endpoints["named_endpoints"]["/predict"]["parameters"]
    assert [parameter["parameter_name"] for parameter in parameters] == ["clip", "voice"]
    assert parameters[1]["parameter_has_default"]


def test_the_page_names_no_host_of_fonts_or_scripts(app):
    with urllib.request.urlopen(app.url) as page:
        text = page.read().decode()
    for host in ("fonts.googleapis.com", "cdnjs.cloudflare.com", "cdn.jsdelivr.net"):
        assert host not in text


def test_what_programs_send_is_not_read_from_the_servers_own_disk(app):
    """A path that was never uploaded is refused, whoever asks for it."""
    body = {"data": [{"path": "/etc/hostname", "meta": FILE}, None]}
    request = urllib.request.Request(
        f"{app.url}/gradio_api/call/predict",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        event = json.load(answer)["event_id"]
    with urllib.request.urlopen(f"{app.url}/gradio_api/call/predict/{event}") as answer:
        assert "event: error" in answer.read().decode()
