"""The app as a Space: the folder that is deployed, and all that its settings ask of it."""

import os
import subprocess
import sys
import time
import urllib.request
from types import SimpleNamespace
from urllib.error import HTTPError

import httpx
import pytest
import soundfile
from browser import chromium, require_browser, upload
from gradio_client import Client, handle_file
from hub_model import run_command
from running_app import ROOT, RunningApp
from signals import speech_like

from app import build
from ser import EmotionRecognizer
from ser.demo.served_model import ServedModel
from ser.errors import HubError, ModelError

MODEL = "ada/voices"
PASSWORD = "pass wörd"


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "voice.wav"
    soundfile.write(path, speech_like(), 24000)
    return path


@pytest.fixture(scope="module")
def space(session_hub, recognizer, clip, tmp_path_factory):
    """Return a Space on a machine that has used its model before, while the Hub is away."""
    session_hub.go_away()
    session_hub.come_back()
    session_hub.clear()
    session_hub.xet = True
    revision = session_hub.add(MODEL, recognizer.files).find("main").sha
    home = tmp_path_factory.mktemp("space")
    hub = {"HF_HOME": str(home / "hf"), "HF_ENDPOINT": session_hub.url, "HF_HUB_DISABLE_XET": "0"}
    command = [sys.executable, "-m", "ser", "predict", "--model", MODEL, str(clip)]
    said = subprocess.check_output(command, cwd=ROOT, env=os.environ | hub, text=True)

    session_hub.go_away()
    deploy = ["deploy", "--dry-run", "ada/demo", "--model", MODEL, "--output", home / "files"]
    assert run_command(*deploy)[0] == 0
    settings = {"SER_MODEL": MODEL, "SER_SHARE_DATASET": "ada/clips", "SER_PASSWORD": PASSWORD}
    app = RunningApp(home, home / "files", HF_TOKEN="hf_ada", **hub, **settings).wait()
    yield SimpleNamespace(url=app.url, log=app.log, said=said, revision=revision, cache=home / "hf")
    app.kill()


def test_a_space_serves_a_model_that_came_by_xet_with_the_hub_away(space, recognizer, clip):
    assert recognizer.predict(clip).emotion in space.said
    assert list((space.cache / "hub" / "blobs").rglob("*"))
    client = Client(space.url, auth=("anyone", PASSWORD), verbose=False)
    info = client.predict(api_name="/model_info")
    assert (info["model"], info["revision"]) == (MODEL, space.revision)
    answer = client.predict(handle_file(clip), api_name="/predict")
    assert answer["probabilities"] == recognizer.predict(clip).probabilities
    log = space.log.read_text()
    assert log.count(f"'{MODEL}' is taken from the cache") == 1
    assert "huggingface_hub" not in log and "Traceback" not in log


def test_a_password_puts_a_login_before_the_page_and_the_api(space):
    with urllib.request.urlopen(space.url) as page:
        assert '"auth_required":true' in page.read().decode()
    for path in ("call/v2/model_info", "upload", "mcp/"):
        assert httpx.post(f"{space.url}/gradio_api/{path}", json={}).status_code in (401, 404)
    for wrong in (None, ("ada", "password")):
        with pytest.raises(Exception, match="login"):
            Client(space.url, auth=wrong, verbose=False)
    with pytest.raises(HTTPError, match="400"):
        urllib.request.urlopen(f"{space.url}/login", b"username=&password=")
    model = f"{space.url}/v1/model"
    assert httpx.get(model).status_code == 401
    assert "emotions" in httpx.get(model, auth=("anyone", PASSWORD)).json()
    assert "Traceback" not in space.log.read_text()


def test_a_shared_clip_waits_for_the_hub(space, clip):
    require_browser()
    with chromium(clip) as browser:
        page = browser.new_page()
        page.goto(space.url)
        page.get_by_label("username").fill("ada")
        page.get_by_label("password").fill(PASSWORD)
        page.get_by_role("button", name="Login").click()
        page.locator("#ser-result .ser-result").wait_for()
        assert not page.locator("#ser-notice").is_visible()
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
    assert len(list(space.cache.rglob("*.parquet"))) == 1


def test_visitors_are_told_that_the_hub_is_away_and_not_where_it_is(
    tiny_model, monkeypatch, caplog
):
    address, load = "http://hub.internal:9", EmotionRecognizer.from_pretrained

    def from_pretrained(name=None):
        if name:
            raise HubError(f"The Hub cannot be reached at {address}.")
        return load(tiny_model)

    monkeypatch.setattr(EmotionRecognizer, "from_pretrained", from_pretrained)
    model = ServedModel("ada/elsewhere")
    (fill,) = [each.fn for each in build(model).fns.values() if each.name == "fill"]
    model.start()
    (notice,) = [now for part, now in fill().items() if part.elem_id == "ser-notice"]
    assert notice.visible and "the model that ships" in notice.value
    assert address not in notice.value and address in caplog.text


def test_visitors_read_neither_what_to_do_on_the_server_nor_where_its_files_are(tmp_path, caplog):
    model = ServedModel(str(tmp_path / "private" / "model"))
    model.start()
    with pytest.raises(ModelError, match="cannot be used") as caught:
        model.get()
    assert str(tmp_path) not in str(caught.value)
    assert f"no model folder '{tmp_path}" in caplog.text
