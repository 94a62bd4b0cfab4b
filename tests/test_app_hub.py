"""The app on the Hub: where its model is from, and clips that visitors share."""

import time

import pytest
import soundfile
from browser import chromium, open_page, require_browser, upload
from gradio_client import Client, handle_file
from running_app import RunningApp
from signals import speech_like


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
    running = []

    def start(**settings):
        home = {"HF_HOME": str(tmp_path / "hf"), "HF_ENDPOINT": session_hub.url}
        running.append(RunningApp(tmp_path, **home, HF_HUB_DISABLE_XET="1", **settings).wait())
        return running[-1]

    yield start
    for app in running:
        app.stop()


def test_the_app_serves_a_model_of_the_hub(session_hub, start, recognizer, clip):
    repo = session_hub.add("ada/voices", recognizer.files)
    client = Client(start(SER_MODEL="ada/voices").url, verbose=False)
    info = client.predict(api_name="/model_info")
    assert (info["model"], info["revision"]) == ("ada/voices", repo.find("main").sha)
    answer = client.predict(handle_file(clip), api_name="/predict")
    assert answer["probabilities"] == recognizer.predict(clip).probabilities


def test_the_hub_being_away_is_said_and_a_shared_clip_waits(start, session_hub, clip, tmp_path):
    require_browser()
    session_hub.go_away()
    app = start(SER_MODEL="ada/elsewhere", SER_SHARE_DATASET="ada/clips", HF_TOKEN="hf_ada")
    with chromium(clip) as browser:
        page = open_page(browser, app.url)
        assert "the model that ships" in page.locator("#ser-notice").inner_text()
        upload(page, clip)
        page.get_by_role("button", name="Share this clip").click()
        share = page.get_by_role("button", name="Share", exact=True)
        page.get_by_role("radio", name="happy").check()
        time.sleep(0.5)
        assert share.is_disabled()
        page.get_by_role("checkbox").check()
        share.click()
        page.get_by_text("Thank you").wait_for()
        assert share.is_disabled()
        assert page.get_by_role("radio", name="happy").is_disabled()
    assert len(list((tmp_path / "hf").rglob("*.parquet"))) == 1
