"""The page as it opens: an example, in English, in its place, with a face for links to it."""

import base64
import io
import re
import urllib.request

import pytest
import soundfile
from browser import chromium, open_page, require_browser, shown_probabilities
from PIL import Image
from signals import speech_like

SHIFTS = """
  window.shifted = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.shifted += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
"""

DROP = """(content) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const files = new DataTransfer();
  for (const name of ["own.wav", "other.wav"]) {
    files.items.add(new File([bytes], name, { type: "audio/wav" }));
  }
  const drop = new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true });
  document.querySelector("#ser-clip audio").dispatchEvent(drop);
}"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    require_browser()
    with chromium(tmp_path_factory.mktemp("microphone") / "nothing.wav") as running:
        yield running


@pytest.mark.parametrize("size", [(1280, 900), (390, 844)])
def test_the_page_opens_with_an_example_and_nothing_moves(browser, app, size):
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    page.add_init_script(SHIFTS)
    page.goto(app.url)
    example = page.locator("#ser-result .ser-example")
    example.wait_for()
    page.locator("#ser-picture .ser-wave .ser-line").first.wait_for(state="attached")
    page.wait_for_timeout(500)
    assert re.match(r"Example\. Acted: \w+; heard: \w+\.", example.inner_text())
    assert sum(shown_probabilities(page).values()) == pytest.approx(1, abs=0.01)
    assert page.locator("#ser-result section").get_attribute("aria-live") == "off"
    assert page.evaluate("scrollY") == 0
    assert page.evaluate("shifted") < 0.1
    assert page.url == f"{app.url}/"
    assert "CREMA-D" in page.locator("#ser-credits").inner_text()
    assert re.search(r"Right on \d+ of 100", page.locator("#ser-result").inner_text())
    context.close()


def test_a_visitor_who_has_begun_is_not_given_an_example(browser, app):
    page = browser.new_page()
    held = []  # what the page asks for when it opens, until the visitor has begun
    page.route("**/gradio_api/run/**", lambda route: held.append(route))
    page.goto(app.url)
    page.get_by_role("button", name="Record audio").click()
    page.locator("#ser-clip .record-button").wait_for()
    page.unroute_all(behavior="ignoreErrors")
    page.locator("#ser-examples button").first.wait_for()
    page.wait_for_timeout(500)
    assert page.locator("#ser-clip .record-button").is_visible()
    assert page.locator("#ser-result .ser-empty").count() == 1
    page.close()


def test_a_file_takes_the_place_of_the_example_in_one_step(browser, app, tmp_path):
    clip = tmp_path / "own.wav"
    soundfile.write(clip, speech_like(), 24000)
    own = "#ser-result .ser-result:not(:has(.ser-example))"
    page = open_page(browser, app.url)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload file").click()
    chooser.value.set_files(clip)
    page.locator(own).wait_for()
    page.locator("#ser-why .ser-result").wait_for()  # also if those of the example were to come
    page.locator("#ser-examples button").first.click()
    page.locator("#ser-result .ser-example").wait_for()
    page.evaluate(DROP, base64.b64encode(clip.read_bytes()).decode())
    page.locator(own).wait_for()
    page.locator("#ser-lost", has_text="Only “own.wav” was taken").wait_for()
    page.context.close()


def test_all_of_the_page_is_in_english_and_bars_are_seen_in_forced_colours(browser, app):
    context = browser.new_context(locale="de-DE")
    page = context.new_page()
    page.goto(app.url)
    page.locator("#ser-result .ser-example").wait_for()
    page.emulate_media(forced_colors="active")
    colours = page.locator("#ser-result .ser-top .ser-track").evaluate(
        "track => [track, track.firstChild].map(e => getComputedStyle(e).backgroundColor)"
    )
    assert colours[0] != colours[1]
    assert page.evaluate("document.documentElement.lang").startswith("en")
    page.get_by_label("Clear").click()
    page.locator("#ser-clip", has_text="Drop Audio Here").wait_for()
    assert "Hochladen" not in page.content()
    context.close()


def test_a_link_to_the_page_has_a_title_a_text_and_a_picture(app):
    def read(address):
        with urllib.request.urlopen(address) as answer:
            return answer.read()

    page = read(app.url).decode()
    said = dict(re.findall(r'<meta (?:name|property)="([\w:]+)" content="([^"]*)"', page))
    assert said["og:title"] == "Speech emotion recognition"
    assert "emotion in a voice" in said["og:description"]
    assert "gradio" not in "".join(said.values()).lower()
    assert said["og:image"].startswith(app.url)
    assert Image.open(io.BytesIO(read(said["og:image"]))).size == (1200, 630)
    assert b"<svg" in read(f"{app.url}/favicon.ico")
