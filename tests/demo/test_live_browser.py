"""The tab for live recognition and the microphone, in a real Chromium."""

import csv
import re

import numpy as np
import pytest
import soundfile
from browser import chromium, clear, give_voice, require_browser

RATE = 24000
SHIFTS = """() => {
  globalThis.shifts = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) globalThis.shifts.push(entry.value);
  }).observe({ type: "layout-shift" });
}"""
SEEN = """(isHidden) => {
  Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
REFUSE = """navigator.mediaDevices.getUserMedia = async () => {
  throw new DOMException("Permission denied", "NotAllowedError");
};"""
PLAIN_HTTP = "Object.defineProperty(navigator, 'mediaDevices', { value: undefined });"


@pytest.fixture(scope="module")
def browser(four_voices, tmp_path_factory):
    require_browser()
    samples, rate = soundfile.read(four_voices)
    spoken = tmp_path_factory.mktemp("microphone") / "spoken.wav"
    soundfile.write(spoken, np.tile(samples, 4), rate)  # a slow machine may miss the beginning
    with chromium(spoken) as running:
        yield running


def listen(page):
    page.get_by_role("tab", name="Live").click()
    page.locator("#ser-live .record-button").click()
    page.locator("#ser-listening").wait_for()


def decibels(page):
    return int(page.get_by_role("meter").get_attribute("aria-valuenow"))


def test_live_follows_the_voice_in_every_tab_and_ends_with_a_summary(page, four_voices):
    result = page.locator("#ser-live-result")
    listen(page)
    before = result.bounding_box()
    page.evaluate(SHIFTS)
    page.locator("#ser-live-result .ser-result").wait_for()
    levels = [decibels(page)]
    while max(levels) - min(levels) < 10:  # as the voice pauses
        assert len(levels) < 100, levels
        page.wait_for_timeout(50)
        levels.append(decibels(page))
    page.locator("#ser-live-result .ser-history i").nth(4).wait_for()
    assert sum(page.evaluate("shifts")) < 0.005
    page.get_by_role("tab", name="About").click()
    assert "Listening" in page.title()
    page.get_by_role("button", name="Stop listening").click()
    page.locator("#ser-listening").wait_for(state="detached")
    assert "Listening" not in page.title()
    page.get_by_role("tab", name="Live").click()
    result.locator("h2", has_text=re.compile("^Most")).wait_for()
    assert result.bounding_box() == before
    with page.expect_download() as download:
        result.get_by_text("Save as CSV").click()
    with download.value.path().open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert {"start", "end", "emotion", "confidence", "probability_happy"} <= set(rows[0])
    assert float(rows[-1]["end"]) >= 2.5


def test_live_waits_for_a_recorder_that_loads_slowly(browser, app):
    with browser.new_context(permissions=["microphone"]) as context:
        context.route("**/assets/module-*.js", lambda route: None)
        page = context.new_page()
        page.goto(app.url)
        page.get_by_role("tab", name="Live").click()
        page.locator("#ser-live .record-button").click()
        page.locator("#ser-level", has_text="Microphone off: its recorder is loading").wait_for()
        page.evaluate(SEEN, True)
        page.wait_for_timeout(1000)
        assert page.locator("#ser-listening").count() == 0  # not while nobody sees it
        page.evaluate(SEEN, False)
        page.locator("#ser-live .record-button").click()
        page.locator("#ser-level", has_text="Microphone off: its recorder is loading").wait_for()
        context.unroute("**/assets/module-*.js")
        page.locator("#ser-live-result .ser-result").wait_for()


def test_live_ends_when_the_page_is_left_but_not_at_a_glance_elsewhere(page):
    listen(page)
    page.locator("#ser-live-result .ser-result").wait_for()  # its recorder is loaded
    page.evaluate(SEEN, True)
    page.wait_for_timeout(500)
    page.evaluate(SEEN, False)
    page.wait_for_timeout(2200)
    assert page.locator("#ser-listening").count() == 1
    page.evaluate(SEEN, True)
    page.locator("#ser-level", has_text="Microphone off: you left the page").wait_for()
    assert page.locator("#ser-listening").count() == 0
    page.locator("#ser-live .record-button").wait_for()  # to go on
    page.evaluate(SEEN, False)


def test_live_is_relative_to_a_known_voice_from_the_first_word(page, four_voices):
    give_voice(page, four_voices)
    page.get_by_role("tab", name="Live").click()
    page.locator(".ser-compared .ser-relative", has_text="Relative to your voice").wait_for()
    listen(page)
    page.locator("#ser-live-result .ser-result", has_text="Relative to your voice").wait_for()
    page.get_by_role("button", name="Stop listening").click()
    page.locator("#ser-listening").wait_for(state="detached")


def test_live_ends_at_the_time_limit(page):
    page.get_by_role("tab", name="Live").click()
    page.locator("#ser-level").evaluate("level => { level.dataset.limit = 1; }")
    listen(page)
    page.locator("#ser-level", has_text="minutes are over").wait_for()
    page.locator("#ser-live .record-button").wait_for()


def press_record(page, tab, sentence):
    """Press the button in a tab, and check that the sentence is said once, beside it."""
    block = page.locator("#ser-clip" if tab == "Recognise" else "#ser-live")
    block.locator(".record-button").click()
    block.get_by_role("alert").wait_for()
    page.wait_for_timeout(300)
    (said,) = page.get_by_role("alert").all_inner_texts()
    assert said.startswith(sentence)
    assert page.locator("#ser-listening").count() == 0
    block.locator(".record-button").wait_for()


def test_a_refused_microphone_is_said_once_where_the_button_is(browser, app):
    page = browser.new_page()
    page.add_init_script(REFUSE)
    page.goto(app.url)
    # Of the example that the page opens with.
    page.locator("#ser-result .ser-result").wait_for()
    page.get_by_role("button", name="New recording").click()
    page.get_by_role("alert", name="").filter(has_text="press New recording").wait_for()
    page.locator("#ser-clip audio").wait_for()  # what was shown comes back
    page.locator("#ser-recorder").wait_for(state="detached")
    clear(page)
    page.get_by_role("button", name="Record audio").click()
    for tab in ("Recognise", "Live"):
        page.get_by_role("tab", name=tab).click()
        press_record(page, tab, "This page may not use the microphone: allow it")
    page.close()


def test_over_plain_http_it_is_said_that_there_is_no_microphone(browser, app):
    page = browser.new_page()
    page.add_init_script(PLAIN_HTTP)
    page.goto(app.url)
    page.get_by_role("tab", name="Live").click()
    press_record(page, "Live", "A browser gives the microphone only to pages over HTTPS")
    page.close()
