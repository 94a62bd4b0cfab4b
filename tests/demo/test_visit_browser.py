"""What a visitor keeps of a visit: the list, marks, files and the game, in a real Chromium."""

import csv
import io
import json

import numpy as np
import pytest
import soundfile
from browser import (
    chromium,
    clear,
    give_voice,
    open_page,
    require_browser,
    shown_probabilities,
    upload,
)
from PIL import Image
from signals import speech_like

from ser.demo.recognise import visit_panel

RATE = 24000


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Return a short recording with a name that a spreadsheet would run, and a longer one."""
    folder = tmp_path_factory.mktemp("clips")
    short, long = folder / "=1+1.wav", folder / "long.wav"
    soundfile.write(short, speech_like(), RATE, subtype="PCM_16")
    soundfile.write(long, speech_like(seconds=4.0, pitch=220, seed=1), RATE, subtype="PCM_16")
    return {"short": short, "long": long}


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    require_browser()
    spoken = tmp_path_factory.mktemp("microphone") / "spoken.wav"
    soundfile.write(spoken, np.tile(speech_like(seconds=4.0, pitch=180, seed=2), 3), RATE)
    with chromium(spoken) as running:
        yield running


@pytest.fixture
def page(visitor):
    """Return a page without a visit before."""
    return visitor


def rows(page):
    """Return the rows of the visitor's own recordings."""
    return page.locator("#ser-visit ol > li").filter(has_not_text="example")


def wait_for_sounds(page, count):
    page.wait_for_function(f"serVisit.own().filter(({{ sound }}) => sound).length === {count}")


def heard_first(page):
    """Return what was heard and another emotion."""
    shares = shown_probabilities(page)
    return max(shares, key=shares.get), min(shares, key=shares.get)


def fill(page, clips):
    """Upload two recordings; mark the first as right and the second as something else."""
    upload(page, clips["short"])
    page.locator("#ser-marks").get_by_role("button", name="Right").click()
    upload(page, clips["long"])
    page.locator(".ser-strip i").first.wait_for()
    heard, other = heard_first(page)
    page.locator("#ser-marks select").select_option(other)
    wait_for_sounds(page, 2)
    return heard, other


def test_a_visit_is_listed_marked_compared_and_forgotten(page, clips):
    _, other = fill(page, clips)
    shown = shown_probabilities(page)
    assert page.locator("#ser-visit [role=status]").inner_text() == "1 of 2 marked recordings right"
    table = page.locator("#ser-visit .ser-confusion")
    assert table.locator("th[scope=row]", has_text=other).count() == 1
    assert sum(map(int, table.locator("tbody td").all_inner_texts())) == 2
    page.locator("#ser-examples button").first.click()
    page.locator("#ser-marks [data-source=example]").wait_for()
    examples = page.locator("#ser-visit ol > li").filter(has_text="example")
    assert examples.count() >= 1  # the page may open with another one
    assert examples.locator("select").count() == page.locator("#ser-marks select").count() == 0
    for name in ("=1+1.wav", "long.wav"):
        page.get_by_label(f"Compare {name}", exact=True).check()
    beside = page.locator("#ser-visit .ser-compared > section")
    assert beside.locator("h3").all_inner_texts() == ["=1+1.wav", "long.wav"]
    assert shown_probabilities(page, ".ser-compared > section:last-child") == shown
    page.locator("#ser-visit").get_by_label("What =1+1.wav was").select_option(index=1)
    beside.first.get_by_text("; it was ").wait_for()
    assert beside.locator("h3").all_inner_texts() == ["=1+1.wav", "long.wav"]
    page.locator("#ser-visit").get_by_role("button", name="Right, =1+1.wav was").click()
    page.get_by_role("button", name="Play long.wav").click()
    page.get_by_role("button", name="Stop long.wav").wait_for()
    page.get_by_role("button", name="Delete long.wav").click()
    assert rows(page).count() == 1
    assert page.evaluate("document.activeElement.ariaLabel") == "Delete =1+1.wav"
    assert page.locator("#ser-visit [role=status]").inner_text() == "1 of 1 marked recordings right"
    page.get_by_role("button", name="Delete all").click()
    assert page.evaluate("document.activeElement.textContent") == "This visit"
    give_voice(page, clips["long"])
    page.locator("#ser-result .ser-relative").wait_for()
    assert page.evaluate("serVisit.entries") == []  # the example is heard again, and stays deleted
    page.get_by_role("button", name="Forget my voice").click()
    upload(page, clips["short"])
    page.locator("#ser-visit").get_by_label("Play =1+1.wav").wait_for()
    page.reload()
    page.locator("#ser-result .ser-result").wait_for()
    assert rows(page).count() == 0
    assert page.evaluate("serVisit.own()") == []


def test_a_result_is_not_filed_under_the_recording_that_took_the_place_of_its_own(page, clips):
    held, calls = [], "**/gradio_api/queue/join?*"
    clear(page)
    page.route(calls, lambda route: held.append(route))
    page.set_input_files("#ser-clip input[type=file]", clips["long"])
    while not held:
        page.wait_for_timeout(20)
    page.locator("#ser-clip").get_by_label("Clear").click()
    silence = {"name": "silence.wav", "mimeType": "audio/wav", "buffer": sound_of_nothing()}
    page.set_input_files("#ser-clip input[type=file]", silence)
    page.wait_for_timeout(500)
    page.unroute(calls)
    page.locator("#ser-result .ser-error").wait_for()
    assert rows(page).count() == 0


def sound_of_nothing():
    file = io.BytesIO()
    soundfile.write(file, np.zeros(RATE), RATE, format="WAV")
    return file.getvalue()


def save(page, button):
    with page.expect_download() as download:
        button.click()
    return download.value.suggested_filename, download.value.path()


def test_a_visit_is_saved_as_files_and_nothing_is_sent(page, app, clips):
    heard, other = fill(page, clips)
    page.wait_for_function("serVisit.own()[0].timeline")
    page.locator("#ser-why .ser-result").wait_for()
    asked = [""]
    page.on("request", lambda request: asked.append(request.url))
    while asked:  # for reasons, which can be asked for once more
        asked.clear()
        page.wait_for_timeout(1000)
    visit = page.locator("#ser-visit")
    visit.get_by_label("What =1+1.wav was").select_option(index=1)
    _, path = save(page, visit.get_by_role("button", name="Save JSON"))
    recordings = json.loads(path.read_text("utf-8"))["recordings"]
    last, first = [each for each in recordings if each["source"] == "file"]
    assert (last["recording"], last["emotion"], last["it_was"]) == ("long.wav", heard, other)
    assert first["it_was"] not in (None, first["emotion"])
    assert (first["timeline"], last["timeline"]["segments"][0]["start"]) == (None, 0)
    _, path = save(page, visit.get_by_role("button", name="Save CSV"))
    with path.open(newline="", encoding="utf-8-sig") as file:
        table = [row for row in csv.DictReader(file) if row["source"] == "file"]
    assert [row["recording"] for row in table] == ["long.wav", "'=1+1.wav"]
    for label, share in last["probabilities"].items():
        assert float(table[0][f"probability_{label}"]) == share
    _, path = save(page, visit.get_by_role("button", name="Save timelines as CSV"))
    with path.open(newline="", encoding="utf-8-sig") as file:
        windows = list(csv.DictReader(file))
    assert {row["recording"] for row in windows} == {"long.wav"}
    assert len(windows) == len(last["timeline"]["windows"])
    name, path = save(page, page.locator("#ser-marks").get_by_role("button", name="Save picture"))
    picture = Image.open(path)
    assert (name, picture.format, picture.width) == ("long.png", "PNG", 1200)
    assert len(picture.getcolors(2**20)) > 20  # text and bars, and no empty sheet
    visit.get_by_role("button", name="Delete all").click()
    visit.get_by_text("No recordings yet").wait_for()
    # The page may ask whether the server was started anew, which says nothing of the visitor.
    no_news = ("blob:", "data:", f"{app.url}/gradio_api/app_id")
    sent = [url for url in asked if not url.startswith(no_news)]
    assert sent == []
    kept = page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }])")
    assert "long.wav" not in kept


def with_results(folder):
    """Return the files in which a result or a mark is written."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    signs = (b"probabilities", b"confidence", b"ser-result")
    return {path for path in files if any(sign in path.read_bytes() for sign in signs)}


def test_two_visitors_see_nothing_of_each_other_and_the_disk_has_recordings_alone(
    browser, app, clips
):
    before = with_results(app.temp)  # files of timelines, which other tests have asked for
    one, other = (open_page(browser, app.url) for _ in range(2))
    upload(one, clips["short"])
    one.locator("#ser-marks").get_by_role("button", name="Right").click()
    give_voice(one, clips["long"])
    one.locator("#ser-result .ser-relative").wait_for()
    upload(other, clips["long"])
    other.locator(".ser-strip i").first.wait_for()
    assert other.locator("#ser-result .ser-relative").count() == 0
    assert rows(other).count() == 1 and "long.wav" in rows(other).inner_text()
    assert "=1+1.wav" in rows(one).first.inner_text()
    for page in (one, other):
        page.context.close()
    assert with_results(app.temp) == before


def test_a_new_recording_is_one_press_and_the_game_says_whether_it_was_heard(page, clips):
    upload(page, clips["short"])
    before = page.locator("#ser-result").inner_text()
    page.get_by_role("button", name="Game").click()
    page.get_by_role("button", name="Start").click()
    manner = page.locator(".ser-task b").inner_text()
    stop = page.locator("#ser-recorder .stop-button")
    another = page.get_by_role("button", name="Another one")
    page.get_by_role("button", name="Say it now").click()
    stop.wait_for()
    assert another.is_disabled()
    page.get_by_role("tab", name="About").click()  # the microphone goes off
    page.get_by_role("tab", name="Recognise").click()
    page.locator("#ser-recorder").wait_for(state="detached")
    page.get_by_role("button", name="New recording").click()  # for nothing that the game asked
    stop.wait_for()
    page.wait_for_timeout(2500)
    stop.click()
    rows(page).filter(has_text="Recording 1").wait_for()
    assert page.evaluate("serVisit.entries[0].truth ?? null") is None
    before = page.locator("#ser-result").inner_text()
    assert another.is_enabled()
    page.get_by_role("button", name="Say it now").click()
    stop.wait_for()
    page.wait_for_timeout(3200)  # else it can be the same sound as before, to the last sample
    assert page.locator("#ser-result").inner_text() == before
    page.locator("#ser-recorder .pause-button").click()
    page.locator("#ser-recorder #stop-paused").click()
    page.locator(".ser-verdict", has_text="of 1 heard this round").wait_for()
    row = rows(page).filter(has_text="Recording 2")
    (told,) = [task.emotion for task in visit_panel.TASKS if task.manner == manner]
    assert page.evaluate("serVisit.entries[0].truth") == told
    heard, _ = heard_first(page)
    assert page.locator(".ser-verdict").inner_text().startswith("Heard: ") == (told == heard)
    assert row.locator("[aria-pressed=true]").count() == (told == heard)
    clear(page)
    assert rows(page).count() == 3


def slow_down(page):
    """Let uploads take seconds, as on a phone."""
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    limits = {"latency": 20, "downloadThroughput": -1, "uploadThroughput": 100 * 1024}
    line.send("Network.emulateNetworkConditions", {"offline": False, **limits})


def test_a_recording_on_its_way_arrives_wherever_one_goes(page, clips):
    upload(page, clips["short"])
    slow_down(page)
    stop = page.locator("#ser-recorder .stop-button")
    page.get_by_role("button", name="New recording").click()
    stop.wait_for()
    page.wait_for_timeout(1500)
    stop.click()
    page.locator("#ser-wait p", has_text="Uploading").wait_for()
    stop.wait_for(state="detached")
    page.get_by_role("tab", name="About").click()
    page.get_by_role("tab", name="Recognise").click()
    rows(page).filter(has_text="Recording 1").wait_for()
    assert rows(page).count() == 2


def test_a_file_on_its_way_is_no_example(page, clips):
    slow_down(page)
    clear(page)
    page.set_input_files("#ser-clip input[type=file]", clips["long"])
    page.locator("#ser-examples button").nth(2).click()
    rows(page).filter(has_text="long.wav").wait_for()
    assert page.evaluate("serVisit.own().map(({ source }) => source)") == ["file"]


def test_a_deleted_example_comes_back_when_it_is_clicked_again(page):
    example = page.locator("#ser-examples button").nth(1)
    listed = page.locator("#ser-visit ol > li", has_text="2-")
    example.click()
    listed.get_by_role("button", name="Delete").click()
    listed.wait_for(state="detached")
    example.click()
    listed.wait_for()


def test_the_microphone_of_a_voice_goes_off_when_one_goes_elsewhere(page):
    page.evaluate("""() => {
      const devices = navigator.mediaDevices;
      const ask = devices.getUserMedia.bind(devices);
      devices.getUserMedia = async (...wanted) => globalThis.heard = await ask(...wanted);
    }""")
    panel, on = page.locator("#ser-voice"), "globalThis.heard?.active === true"
    panel.locator("button.label-wrap").click()
    for away in (page.get_by_role("tab", name="About"), panel.locator("button.label-wrap")):
        panel.get_by_label("Record audio").click()
        panel.locator(".record-button").click()
        page.wait_for_function(on)
        away.click()
        page.wait_for_function(f"!({on})")
        page.get_by_role("tab", name="Recognise").click()


def test_the_sound_of_old_recordings_is_let_go_and_their_results_stay(page, clips):
    page.evaluate("Object.defineProperty(Blob.prototype, 'size', { get: () => 60e6 })")
    upload(page, clips["short"])
    wait_for_sounds(page, 1)
    upload(page, clips["long"])
    page.get_by_text("the sound of the oldest recordings").wait_for()
    page.get_by_role("button", name="Play =1+1.wav", disabled=True).wait_for()
    page.get_by_role("button", name="Play long.wav", disabled=False).wait_for()
    assert rows(page).count() == 2
