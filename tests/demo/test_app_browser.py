"""The page, used the way people use it: a real Chromium, the real server."""

import base64
from functools import partial

import av
import numpy as np
import pytest
import soundfile
from browser import chromium, clear, require_browser, shown_probabilities, upload
from signals import speech_like

RATE = 24000


@pytest.fixture(scope="module")
def clips(tmp_path_factory, request):
    """Return short, long and silent recordings; real speech where there is any."""
    folder = tmp_path_factory.mktemp("clips")
    try:
        actor = request.getfixturevalue("ravdess_speech") / "Actor_08"
        real = [soundfile.read(path) for path in sorted(actor.iterdir())[28:32]]
        parts, rate = [samples for samples, _ in real], real[0][1]
    except pytest.skip.Exception:
        parts, rate = [speech_like(pitch=110 + 50 * seed, seed=seed) for seed in range(4)], RATE
    short, long = folder / "short.wav", folder / "long.wav"
    soundfile.write(short, parts[0], rate, subtype="PCM_16")
    soundfile.write(long, np.concatenate(parts), rate, subtype="PCM_16")
    silent = folder / "silent.wav"
    soundfile.write(silent, np.zeros(3 * rate), rate, subtype="PCM_16")
    return {"short": short, "long": long, "silent": silent}


@pytest.fixture(scope="module")
def browser(clips, tmp_path_factory):
    require_browser()
    samples, rate = soundfile.read(clips["short"])
    spoken = tmp_path_factory.mktemp("microphone") / "spoken.wav"
    silence = np.zeros(int(1.5 * rate))
    soundfile.write(spoken, np.concatenate([silence, samples, silence, samples]), rate)
    with chromium(spoken) as running:
        yield running


def test_an_upload_is_recognised_drawn_and_described(page, clips):
    upload(page, clips["short"])
    shares = shown_probabilities(page)
    assert list(shares)[:2] == ["neutral", "calm"]
    assert sum(shares.values()) == pytest.approx(1, abs=0.01)
    heading = page.locator("#ser-result h2").inner_text().lower()
    assert heading.startswith(max(shares, key=shares.get))
    assert "%" in page.locator("#ser-result .ser-sure").inner_text()
    description = page.get_by_role("img", name="Picture of a recording").get_attribute("aria-label")
    assert "was used" in description
    assert "Hz" in description


def test_nothing_moves_when_the_result_arrives(page, clips):
    places = [("#ser-clip", "x", "y"), ("#ser-result", "x", "y", "width"), ("#ser-picture", "x")]
    bars = page.locator("#ser-result .ser-bars")

    def look():
        boxes = [(page.locator(name).bounding_box(), sides) for name, *sides in places]
        return bars.bounding_box(), [box[side] for box, sides in boxes for side in sides]

    clear(page)
    before = look()
    upload(page, clips["short"])
    assert look() == before


def test_an_example_is_one_click_and_has_a_link(page, app):
    example = page.locator("#ser-examples button").nth(1)
    link = page.get_by_role("button", name="Copy link")
    example.focus()
    page.keyboard.press("Enter")
    page.locator("#ser-result", has_text="Acted: happy").wait_for()
    shown = page.locator("#ser-result").inner_text()
    link.click()
    page.get_by_role("button", name="Link copied").wait_for()
    address = page.evaluate("navigator.clipboard.readText()")
    assert address == f"{app.url}/?example=2"
    told = []
    page.on("dialog", lambda dialog: (told.append(dialog.default_value), dialog.dismiss()))
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.get_by_role("button", name="Link copied").click()
    page.get_by_role("button", name="Copy link").wait_for()
    assert told == [address]  # as over plain HTTP, where a page has no clipboard
    page.goto(address)
    page.locator("#ser-result .ser-example").wait_for()
    assert page.locator("#ser-result").inner_text() == shown
    clear(page)
    assert link.is_disabled()


def test_a_recording_stays_until_there_is_another_for_its_place(visitor, clips):
    page = visitor
    shown = page.locator("#ser-result").inner_text()
    page.evaluate(DROP_TEXT)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload file").click()
    page.wait_for_timeout(300)
    assert page.locator("#ser-result").inner_text() == shown
    assert page.locator("#ser-clip").get_by_label("Clear").is_visible()
    chooser.value.set_files(clips["short"])
    page.locator("#ser-visit li", has_text=clips["short"].name).wait_for()


def test_a_timeline_gives_way_to_the_next_clip(page, clips, tmp_path):
    samples, rate = soundfile.read(clips["long"])
    minutes = tmp_path / "minutes.wav"
    soundfile.write(minutes, np.tile(samples, (8, *[1] * (samples.ndim - 1))), rate)
    upload(page, minutes)
    waiting = page.locator("#ser-waiting p")
    waiting.wait_for()
    page.get_by_label("Clear").click()
    page.locator("#ser-result .ser-empty").wait_for()
    upload(page, clips["short"])
    waiting.wait_for(state="detached")
    page.wait_for_timeout(1000)
    assert page.locator(".ser-strip").count() == waiting.count() == 0


def test_a_file_that_is_no_audio_gives_one_sentence_and_the_next_clip_works(page, clips, tmp_path):
    bad = tmp_path / "notes.wav"
    bad.write_text("not a recording")
    upload(page, bad)
    sentence = page.locator("#ser-result .ser-sure").inner_text()
    assert sentence.endswith(".")
    assert "Traceback" not in page.content()
    page.get_by_label("Clear").click()
    page.locator("#ser-result .ser-empty").wait_for()
    upload(page, clips["short"])
    assert page.locator("#ser-result .ser-result").count() == 1


def test_silence_is_not_given_an_emotion(page, tmp_path):
    silence = tmp_path / "silence.wav"
    soundfile.write(silence, np.zeros(2 * RATE), RATE)
    upload(page, silence)
    assert page.locator("#ser-result .ser-error").count() == 1
    assert "silent" in page.locator("#ser-result .ser-sure").inner_text()


def fold_voice(page):
    """Open My voice, or close it."""
    page.locator("#ser-voice button.label-wrap").click()


def test_a_voice_profile_is_said_used_and_forgotten(page, clips):
    upload(page, clips["short"])
    without = page.locator("#ser-result").inner_text()
    fold_voice(page)
    page.set_input_files("#ser-voice input[type=file]", clips["long"])
    page.locator("#ser-result .ser-relative").wait_for()
    page.set_input_files("#ser-voice input[type=file]", clips["silent"])
    page.locator("#ser-voice", has_text="silent").wait_for()
    page.locator("#ser-voice", has_text="Your voice is known").wait_for()  # as before
    assert page.locator("#ser-result .ser-relative").count() == 1
    page.get_by_role("button", name="Forget my voice").click()
    page.locator("#ser-result .ser-relative").wait_for(state="detached")
    page.locator("#ser-result .ser-result").wait_for()
    assert page.locator("#ser-result").inner_text() == without
    fold_voice(page)


DROP = """([content, name, type]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const files = new DataTransfer();
  files.items.add(new File([bytes], name, { type }));
  files.items.add(new File(["nothing"], "other.wav", { type: "audio/wav" }));
  const drop = new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true });
  document.querySelector("#ser-clip .upload-container").dispatchEvent(drop);
}"""


DROP_TEXT = """() => {
  const text = new DataTransfer();
  text.setData("text/plain", "words");
  const drop = new DragEvent("drop", { dataTransfer: text, bubbles: true, cancelable: true });
  document.querySelector("#ser-clip audio").dispatchEvent(drop);
}"""


def drop(page, path, type):
    clear(page)
    page.evaluate(DROP, [base64.b64encode(path.read_bytes()).decode(), path.name, type])
    page.locator("#ser-result :is(.ser-result, .ser-error)").wait_for()


def test_a_recording_in_a_video_container_is_taken(page, clips, tmp_path):
    samples, rate = soundfile.read(clips["short"], dtype="float32", always_2d=True)
    path = tmp_path / "clip.webm"
    with av.open(path, "w") as output:
        stream = output.add_stream("libopus", rate=48000, layout="mono")
        voice = samples.mean(axis=1, keepdims=True).T
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(voice), "fltp", "mono")
        frame.rate = rate
        resampler = av.AudioResampler(stream.format, "mono", 48000, stream.frame_size)
        for part in (*resampler.resample(frame), *resampler.resample(None), None):
            output.mux(stream.encode(part))
    shown = []
    for give in (upload, partial(drop, type="video/webm")):
        give(page, path)
        shown.append(shown_probabilities(page))
    assert sum(shown[0].values()) == pytest.approx(1, abs=0.01)
    assert shown[0] == shown[1]


def test_a_picture_that_is_dropped_is_told_from_a_recording(page, tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    drop(page, path, type="image/png")
    page.locator("#ser-lost", has_text="Only “picture.png” was taken").wait_for()
    assert "'picture.png' is not audio" in page.locator("#ser-result .ser-sure").inner_text()


def test_a_recording_that_is_also_the_voice_is_asked_for_again(page, clips):
    upload(page, clips["long"])
    fold_voice(page)
    page.set_input_files("#ser-voice input[type=file]", clips["long"])
    page.locator("#ser-result", has_text="upload or record it again").wait_for()
    page.get_by_role("button", name="Forget my voice").click()
    fold_voice(page)


def test_reasons_follow_a_result_move_nothing_and_go_with_it(page, clips):
    upload(page, clips["short"])
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


def test_about_tells_of_the_model(page, recognizer):
    page.get_by_role("tab", name="About").click()
    page.locator("#ser-about .ser-table").first.wait_for()
    text = page.locator("#ser-about").inner_text()
    for label in recognizer.labels:
        assert label in text
    page.get_by_role("tab", name="Recognise").click()


def test_the_page_is_complete_without_any_other_host(browser, app):
    page = browser.new_page()
    asked, logged = [], []

    def failed(request):
        if request.failure != "net::ERR_ABORTED":  # as the page itself ends the stream of an answer
            logged.append(f"{request.failure} {request.url}")

    page.on("request", lambda request: asked.append(request.url))
    page.on("requestfailed", failed)
    page.on("response", lambda answer: answer.ok or logged.append(f"{answer.status} {answer.url}"))
    page.on("console", lambda message: logged.append(message.text))
    page.on("pageerror", lambda error: logged.append(str(error)))
    page.goto(app.url)
    page.locator("#ser-examples button").first.wait_for()
    page.wait_for_load_state("load")
    assert [url for url in asked if not url.startswith((app.url, "data:", "blob:"))] == []
    assert logged == []
    page.close()


def test_the_microphone_hears_what_an_upload_would_say(page, clips):
    upload(page, clips["short"])
    uploaded = shown_probabilities(page)
    page.get_by_label("Clear").click()
    page.locator("#ser-result .ser-empty").wait_for()
    page.locator("#ser-clip").get_by_label("Record audio").click()
    page.get_by_role("button", name="Record", exact=True).click()
    page.wait_for_timeout(1000 * soundfile.info(clips["short"]).duration + 2500)
    page.locator("#ser-clip .stop-button").click()
    page.locator("#ser-result .ser-result").wait_for()
    heard = shown_probabilities(page)
    assert heard == pytest.approx(uploaded, abs=0.2)  # recording starts and ends within the clip
    assert max(heard, key=heard.get) == max(uploaded, key=uploaded.get)
