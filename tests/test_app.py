"""The running app, called by a program."""

import urllib.request

import numpy as np
import pytest
import soundfile
from gradio_client import Client, handle_file
from signals import speech_like

ENDPOINTS = {"/predict", "/timeline", "/predict_batch", "/model_info"}


@pytest.fixture(scope="module")
def client(app):
    return Client(app.url, verbose=False)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    paths = []
    for seed in range(4):
        paths.append(folder / f"voice_{seed}.wav")
        soundfile.write(paths[-1], speech_like(pitch=110 + 40 * seed, seed=seed), 24000)
    return paths


def test_predict_answers_what_the_library_answers(client, recognizer, clips):
    for clip in clips:
        answer = client.predict(handle_file(clip), api_name="/predict")
        expected = recognizer.predict(clip).to_dict()
        assert answer == expected
        assert list(answer["probabilities"]) == list(recognizer.labels)


@pytest.mark.parametrize("kind", ["text", "empty", "silence"])
def test_a_bad_clip_is_one_sentence_and_the_next_one_works(app, client, clips, tmp_path, kind):
    bad = tmp_path / f"{kind}.wav"
    if kind == "silence":
        soundfile.write(bad, np.zeros(24000), 24000)
    else:
        bad.write_text("no audio at all" if kind == "text" else "")
    with pytest.raises(Exception, match=r"^[A-Z\w].*\.$") as error:
        client.predict(handle_file(bad), api_name="/predict")
    assert "Traceback" not in str(error.value)
    assert client.predict(handle_file(clips[0]), api_name="/predict")["emotion"]
    assert "Traceback" not in app.log.read_text()


def test_only_the_named_endpoints_are_public(client):
    endpoints = client.view_api(return_format="dict")
    assert set(endpoints["named_endpoints"]) == ENDPOINTS
    assert not endpoints["unnamed_endpoints"]
    assert "emotion" in endpoints["named_endpoints"]["/predict"]["description"]


def test_the_page_asks_no_other_host_for_anything(app):
    with urllib.request.urlopen(app.url) as page:
        text = page.read().decode()
    for host in ("fonts.googleapis.com", "cdnjs.cloudflare.com", "cdn.jsdelivr.net"):
        assert host not in text
