"""The app on the Hub: where its model is from, and clips that visitors share."""

import os
import subprocess
import sys
import time

import pytest
import soundfile
from browser import chromium, open_page, require_browser, upload
from gradio_client import Client, handle_file
from running_app import ROOT, RunningApp
from signals import speech_like

from ser.demo.served_model import ServedModel
from ser.errors import ModelError
from ser.hub.space import render_space


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "voice.wav"
    soundfile.write(path, speech_like(), 24000)
    return path


@pytest.fixture
def start(tmp_path, session_hub):
    """Return a function that starts the app with settings of its own."""
    session_hub.go_away()
    session_hub.come_back()
    session_hub.clear()
    running = []

    def start(**settings):
        running.append(RunningApp(tmp_path, **hub_settings(session_hub, tmp_path), **settings))
        return running[-1].wait()

    yield start
    for app in running:
        app.kill()


def hub_settings(hub, folder):
    return {"HF_HOME": str(folder / "hf"), "HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_XET": "0"}


def test_a_space_serves_a_model_that_came_by_xet_with_the_hub_away(
    session_hub, start, recognizer, clip, tmp_path
):
    session_hub.xet = True
    repo = session_hub.add("ada/voices", recognizer.files)
    command = [sys.executable, "-m", "ser", "predict", "--model", "ada/voices", str(clip)]
    environment = os.environ | hub_settings(session_hub, tmp_path)
    said = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert said.returncode == 0 and recognizer.predict(clip).emotion in said.stdout, said.stderr
    assert list((tmp_path / "hf" / "hub" / "blobs").rglob("*"))

    session_hub.go_away()
    for name, content in render_space("ada/voices").items():
        path = tmp_path / "space" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    app = start(root=tmp_path / "space", SER_MODEL="ada/voices")
    client = Client(app.url, verbose=False)
    info = client.predict(api_name="/model_info")
    assert (info["model"], info["revision"]) == ("ada/voices", repo.find("main").sha)
    answer = client.predict(handle_file(clip), api_name="/predict")
    assert answer["probabilities"] == recognizer.predict(clip).probabilities
    assert app.log.read_text().count("'ada/voices' is taken from the cache") == 1
    assert "huggingface_hub" not in app.log.read_text()


def test_the_hub_being_away_is_said_and_a_shared_clip_waits(start, session_hub, clip, tmp_path):
    require_browser()
    session_hub.go_away()
    app = start(SER_MODEL="ada/elsewhere", SER_SHARE_DATASET="ada/clips", HF_TOKEN="hf_ada")
    with chromium(clip) as browser:
        page = open_page(browser, app.url)
        notice = page.locator("#ser-notice").inner_text()
        assert "the model that ships" in notice and session_hub.url not in notice
        assert f"cannot be reached at {session_hub.url}" in app.log.read_text()
        page.get_by_role("button", name="Share this clip").click()
        page.get_by_text("Only a recording of your own").wait_for()
        upload(page, clip)
        share = page.get_by_role("button", name="Share", exact=True)
        page.get_by_role("radio", name="happy").check()
        time.sleep(0.5)
        assert share.is_disabled()
        page.get_by_role("checkbox", name="I agree").check()
        share.click()
        page.get_by_text("Thank you").wait_for()
        assert share.is_disabled()
        assert page.get_by_role("radio", name="happy").is_disabled()
        upload(page, clip)  # the same again
        page.get_by_text("Only a recording of your own").wait_for(state="detached")
        page.get_by_text("Thank you").wait_for()
        assert page.get_by_role("radio", name="happy").is_disabled()
    assert len(list((tmp_path / "hf").rglob("*.parquet"))) == 1


def test_visitors_read_neither_what_to_do_on_the_server_nor_where_its_files_are(tmp_path, caplog):
    model = ServedModel(str(tmp_path / "private" / "model"))
    model.start()
    with pytest.raises(ModelError, match="cannot be used") as caught:
        model.get()
    assert str(tmp_path) not in str(caught.value)
    assert f"no model folder '{tmp_path}" in caplog.text
