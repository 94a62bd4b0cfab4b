"""Why a result: shown after it, in a real Chromium."""

import pytest
import soundfile
from browser import chromium, open_page, require_browser, upload
from signals import speech_like

RATE = 24000


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Return a recording of two seconds."""
    path = tmp_path_factory.mktemp("clips") / "clip.wav"
    soundfile.write(path, speech_like(2.0, RATE, pitch=250), RATE)
    return path


@pytest.fixture(scope="module")
def browser(clip):
    require_browser()
    with chromium(clip) as running:
        yield running


def test_reasons_follow_a_result_move_nothing_and_go_with_it(browser, app, clip):
    page = open_page(browser, app.url)
    upload(page, clip)
    picture, before = page.locator("#ser-picture"), page.locator("#ser-picture").bounding_box()
    page.locator("#ser-why .ser-result").wait_for()
    assert picture.bounding_box()["y"] == before["y"]
    said = page.locator("#ser-why").inner_text()
    assert "The result hangs most on" in said or "does not hang on any half second" in said
    for button in page.locator("#ser-why .ser-play").all():
        start, end = (float(button.get_attribute(name)) for name in ("data-start", "data-end"))
        assert 0.4 < start < end < 2.6 and end - start == pytest.approx(0.5, abs=0.01)
    page.get_by_label("Clear").click()
    page.locator("#ser-result .ser-empty").wait_for()
    page.locator("#ser-why .ser-empty").wait_for()
    assert page.locator("#ser-why .ser-play").count() == 0
    page.context.close()
