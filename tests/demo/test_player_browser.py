"""One player: sound, picture and course on one axis; and what is said while one waits."""

import numpy as np
import pytest
import running_app
import soundfile
from browser import chromium, clear, open_page, require_browser, upload
from running_app import RunningApp
from signals import speech_like

RATE = 8000
MINUTE = 60

MOVING = "document.querySelector('#ser-wait p').getAnimations({ subtree: true }).length"

REMEMBER_WAITS = """() => {
  globalThis.waits = [];
  const remember = (changes) =>
    globalThis.waits.push(...changes.flatMap(({ addedNodes }) => [...addedNodes])
      .map((node) => node.textContent));
  new MutationObserver(remember)
    .observe(document.querySelector("#ser-wait"), { childList: true, subtree: true });
}"""

IN_BROWSER = """() => {
  const audio = document.querySelector("#ser-clip audio");
  const cursor = document.querySelector(".ser-cursor");
  const line = cursor.querySelector("i").getBoundingClientRect();
  const plot = document.querySelector(".ser-wave").getBoundingClientRect();
  return {
    time: audio.currentTime,
    playing: !audio.paused,
    line: (line.left + line.width / 2 - plot.left) / plot.width,
    told: Number(cursor.getAttribute("aria-valuenow")),
  };
}"""


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Return recordings of two seconds, of a minute and of ten minutes."""
    folder = tmp_path_factory.mktemp("clips")
    voices = [speech_like(5.0, RATE, pitch=110 + 15 * n, seed=n) for n in range(10)]
    short, minute, ten = folder / "short.wav", folder / "minute.wav", folder / "ten.wav"
    soundfile.write(short, voices[0][: 2 * RATE], RATE)
    soundfile.write(minute, np.concatenate(voices)[: MINUTE * RATE], RATE)
    soundfile.write(ten, np.tile(np.concatenate(voices), 20)[: 590 * RATE], RATE)
    return {"short": short, "minute": minute, "ten": ten}


@pytest.fixture(scope="module")
def browser(clips):
    require_browser()
    with chromium(clips["minute"]) as running:
        yield running


@pytest.fixture(scope="module")
def player(page, clips):
    """Return a page that shows a minute and has followed it to its end."""
    upload(page, clips["minute"])
    page.locator("#ser-course li").first.wait_for()
    return page


@pytest.fixture(autouse=True)
def open_line(page):
    """Take away what a test put in the way of requests."""
    yield
    page.unroute_all(behavior="ignoreErrors")


def seen(page):
    return page.evaluate(IN_BROWSER)


def stop(page):
    page.evaluate("document.querySelector('#ser-clip audio').pause()")


def test_a_click_in_the_picture_plays_from_there_and_a_line_moves_with_the_sound(player):
    cursor = player.locator(".ser-cursor")
    box = cursor.bounding_box()
    cursor.click(position={"x": 0.25 * box["width"], "y": 20})
    begun = seen(player)
    player.wait_for_function("document.querySelector('#ser-clip audio').currentTime > 15.6")
    after = seen(player)
    stop(player)
    assert begun["time"] == pytest.approx(15, abs=1)
    assert after["playing"]
    assert after["line"] > begun["line"]
    assert after["line"] == pytest.approx(after["time"] / MINUTE, abs=0.005)


def test_the_picture_is_a_slider_for_the_keyboard(player):
    stop(player)
    slider = player.get_by_role("slider", name="Position in the recording")
    slider.focus()
    player.keyboard.press("Home")
    for key, place in (("ArrowRight", 0.6), ("PageUp", 6.6), ("ArrowLeft", 6.0), ("End", MINUTE)):
        player.keyboard.press(key)
        assert seen(player)["told"] == pytest.approx(place, abs=0.02)
    player.keyboard.press("Home")
    assert "0:00.0 of 1:00.0" in slider.get_attribute("aria-valuetext")
    player.keyboard.press("Space")
    player.wait_for_function("document.querySelector('#ser-clip audio').currentTime > 0.1")
    player.keyboard.press("Space")
    assert not seen(player)["playing"]


def test_a_minute_opens_with_a_sentence_and_stretches_that_play(player):
    headline = player.locator("#ser-course h2").inner_text()
    assert headline.endswith("throughout") or headline.startswith(("Mostly ", "At first "))
    button = player.locator("#ser-course .ser-play").last
    start, end = (float(button.get_attribute(f"data-{edge}")) for edge in ("start", "end"))
    button.click()
    player.wait_for_function(f"document.querySelector('#ser-clip audio').currentTime > {start}")
    assert button.get_attribute("aria-pressed") == "true"
    player.evaluate(f"document.querySelector('#ser-clip audio').currentTime = {end - 0.1}")
    player.locator("#ser-course .ser-play[aria-pressed='false']").last.wait_for()
    assert seen(player)["time"] == pytest.approx(end, abs=0.3)
    assert not seen(player)["playing"]
    words = player.locator(".ser-strip span").all_inner_texts()
    assert words and all(word.islower() for word in words)
    assert "Pitch: mostly " in player.locator(".ser-legend").inner_text()


def test_what_is_pointed_out_is_shaded_and_stays_so(player):
    player.evaluate(
        """() => document.body.insertAdjacentHTML("afterbegin", '<p id="ser-why">'
        + '<button class="ser-play" data-start="30" data-end="45" data-mark></button></p>')"""
    )
    shade = player.locator(".ser-cursor b")
    shade.wait_for()
    plot = player.locator(".ser-wave").bounding_box()
    for _ in range(2):
        box = shade.bounding_box()
        assert box["x"] == pytest.approx(plot["x"] + plot["width"] / 2, abs=3)
        assert box["width"] == pytest.approx(plot["width"] / 4, abs=3)
        player.evaluate("document.querySelector('#ser-picture .prose').innerHTML += ''")
    player.evaluate("document.querySelector('#ser-why').remove()")


def test_a_picture_can_be_made_wider_around_the_pointer(player):
    plot = player.locator(".ser-wave")
    ticks = player.locator(".ser-axis > div:visible span")
    whole, few = plot.bounding_box()["width"], ticks.count()
    player.get_by_role("button", name="Zoom in").click()
    assert plot.bounding_box()["width"] == pytest.approx(2 * whole, rel=0.01)
    assert ticks.count() > few
    player.keyboard.down("Control")
    player.locator(".ser-cursor").hover(position={"x": whole, "y": 20})
    player.mouse.wheel(0, -100)
    player.keyboard.up("Control")
    player.wait_for_function("document.querySelector('#ser-plots').dataset.zoom === '4'")
    assert player.evaluate("document.documentElement.scrollWidth") <= 1200
    middle = plot.bounding_box()
    assert -middle["x"] == pytest.approx(1.5 * whole, rel=0.2)  # of 4, about half are past
    for _ in range(2):
        player.get_by_role("button", name="Zoom out").click()
    assert player.get_by_role("button", name="Zoom out").is_disabled()
    assert plot.bounding_box()["width"] == pytest.approx(whole, rel=0.01)


def test_ten_minutes_are_drawn_from_their_start_and_can_be_cancelled(page, clips):
    upload(page, clips["ten"])
    page.locator("#ser-course", has_text="So far: ").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.locator("#ser-waiting", has_text="Cancelled at ").wait_for()
    reach = page.locator(".ser-strip i").last.bounding_box()
    strip = page.locator(".ser-strip").bounding_box()
    assert reach["x"] + reach["width"] < strip["x"] + 0.9 * strip["width"]
    page.get_by_role("button", name="Cancel").wait_for(state="detached")
    assert page.locator("#ser-course h2").inner_text().startswith("Until ")
    page.locator("#ser-course .ser-play").first.wait_for()


def test_what_there_is_to_wait_for_is_said_at_once(page, clips):
    uploads, calls, is_slow = [], [], False
    clear(page)
    page.route("**/gradio_api/upload?*", lambda route: uploads.append(route))
    page.set_input_files("#ser-clip input[type=file]", clips["minute"])
    told = "document.querySelector('#ser-wait [role=status]').textContent"
    page.wait_for_function(f"{told} === 'Uploading…'", timeout=2000)
    assert not page.locator("#ser-result h2").is_visible()
    page.wait_for_function(f"{MOVING} > 0")
    page.emulate_media(reduced_motion="reduce")
    page.wait_for_function(f"{MOVING} === 0")
    page.route(
        "**/gradio_api/queue/join?*",
        lambda route: calls.append(route) if is_slow else route.continue_(),
    )
    while not uploads:
        page.wait_for_timeout(20)
    is_slow = True
    uploads.pop().continue_()
    page.locator("#ser-wait p", has_text="Listening to the recording…").wait_for()
    while not calls:
        page.wait_for_timeout(20)
    is_slow = False
    for route in calls:
        route.continue_()
    page.locator("#ser-result .ser-result").wait_for()
    page.wait_for_function("document.querySelector('#ser-wait p').textContent === ''")
    page.locator("#ser-waiting", has_text="Following its course").wait_for()
    page.emulate_media(reduced_motion="no-preference")


def test_a_file_that_is_too_large_leaves_what_is_shown(page, clips):
    limit = page.evaluate("gradio_config.max_file_size")
    page.evaluate("gradio_config.max_file_size = 2 ** 20")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload file").click()
    chooser.value.set_files(clips["ten"])
    page.locator("#ser-lost", has_text="has more than 1 MB: choose a smaller file.").wait_for()
    assert page.locator("#ser-result .ser-result").is_visible()
    assert page.locator("#ser-clip").get_by_label("Clear").is_visible()
    page.evaluate("limit => gradio_config.max_file_size = limit", limit)


def test_an_upload_is_waited_for_though_what_it_replaces_is_gone(page, clips):
    page.route("**/gradio_api/upload?*", lambda route: None)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload file").click()
    chooser.value.set_files(clips["minute"])
    page.locator("#ser-wait p", has_text="Uploading…").wait_for()
    page.locator("#ser-result .ser-empty").wait_for(state="attached")
    page.wait_for_timeout(300)
    assert page.locator("#ser-wait p").inner_text() == "Uploading…"
    page.unroute("**/gradio_api/upload?*")
    page.locator("#ser-result .ser-result").wait_for()


def test_what_the_server_refuses_is_not_waited_for(page, clips):
    clear(page)
    page.route("**/gradio_api/queue/join?*", lambda route: route.fulfill(status=503, json={}))
    page.evaluate(REMEMBER_WAITS)  # the sentence stands for some milliseconds only
    page.set_input_files("#ser-clip input[type=file]", clips["minute"])
    page.wait_for_function("globalThis.waits.includes('Listening to the recording…')")
    page.wait_for_function("document.querySelector('#ser-wait p').textContent === ''")


def test_an_upload_that_fails_is_not_waited_for(page, clips):
    page.route("**/gradio_api/upload?*", lambda route: route.fulfill(status=413, body="{}"))
    clear(page)
    page.set_input_files("#ser-clip input[type=file]", clips["minute"])
    page.wait_for_function("document.querySelector('#ser-wait p').textContent === ''")
    assert page.locator("#ser-result h2").is_visible()
    page.unroute("**/gradio_api/upload?*")
    page.route("**/gradio_api/upload?*", lambda route: route.abort("connectionreset"))
    page.reload()
    page.locator("#ser-result .ser-result").wait_for()
    clear(page)
    page.set_input_files("#ser-clip input[type=file]", clips["minute"])
    page.locator("#ser-lost", has_text="The upload failed").wait_for()
    assert page.locator("#ser-wait p").text_content() == ""
    page.reload()  # as gradio may show both a recorder and a recording now
    page.locator("#ser-result .ser-result").wait_for()


def test_what_the_browser_cannot_play_is_said(page, tmp_path):
    soundfile.write(tmp_path / "voice.aiff", speech_like(seconds=2.0), RATE)
    upload(page, tmp_path / "voice.aiff")
    lost = page.locator("#ser-lost", has_text="This browser cannot play files of this kind.")
    page.locator(".ser-cursor").click()
    lost.wait_for()
    page.get_by_role("tab", name="About").click()
    lost.wait_for(state="detached")
    page.get_by_role("tab", name="Recognise").click()
    page.get_by_role("button", name="Play voice.aiff", disabled=False).click()
    lost.wait_for()


def test_what_a_restart_of_the_server_took_is_said(browser, clips, tmp_path, monkeypatch):
    first = RunningApp(tmp_path).wait()
    monkeypatch.setattr(running_app, "free_port", lambda: first.port)
    page = open_page(browser, first.url)
    try:
        upload(page, clips["short"])
        first.kill()
        second = RunningApp(tmp_path)
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # looked at again
        page.locator("#ser-lost", has_text="cannot be reached").wait_for()
        lost = page.locator("#ser-lost", has_text="your recording and voice profile are gone")
        with page.expect_event("load", timeout=90_000):  # gradio loads the page anew
            second.wait()
            lost.wait_for()
        page.locator("#ser-result .ser-result").wait_for()
        lost.wait_for()
        upload(page, clips["short"])
        lost.wait_for(state="hidden")
    finally:
        first.kill()
        second.kill()
        page.context.close()


def test_a_page_that_gradio_loads_anew_after_a_restart_says_why(page, clips):
    upload(page, clips["short"])
    page.reload()
    page.locator("#ser-result .ser-result").wait_for()
    assert page.locator("#ser-lost").count() == 0  # the same server
    upload(page, clips["short"])
    page.evaluate("fetch('/gradio_api/app_id')")  # as gradio does when it has lost the connection
    page.reload()
    page.locator(
        "#ser-lost", has_text="The connection was lost, and the page was loaded"
    ).wait_for()
    page.evaluate("sessionStorage.setItem('ser-server', 'the one before')")
    page.reload()
    page.locator("#ser-lost", has_text="your recording and voice profile are gone").wait_for()
