"""The tab for many files in a real Chromium."""

import csv

import numpy as np
import pytest
import soundfile
from browser import chromium, give_voice, open_page, require_browser
from signals import speech_like

RATE = 24000
ROWS = "#ser-batch .ser-results tbody tr"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return recordings named as in RAVDESS, and a file among them that is no recording."""
    folder = tmp_path_factory.mktemp("batch")
    paths = [folder / f"03-01-0{code}-01-01-01-01.wav" for code in (3, 5, 1, 4)]
    for seed, path in enumerate(paths):
        soundfile.write(path, speech_like(pitch=100 + 70 * seed, seed=seed), RATE)
    bad = folder / "=notes.wav"
    bad.write_text("not a recording")
    return [*paths[:2], bad, *paths[2:]]


@pytest.fixture(scope="module")
def many(files, tmp_path_factory):
    """Return twenty recordings that take some time."""
    folder = tmp_path_factory.mktemp("many")
    long = folder / "long.wav"
    soundfile.write(long, np.tile(speech_like(), 20), RATE)
    paths = [folder / f"{number:02}.wav" for number in range(20)]
    for path in paths:
        path.symlink_to(long)
    return paths


@pytest.fixture(scope="module")
def browser(files):
    require_browser()
    with chromium(files[0]) as running:
        yield running


@pytest.fixture(scope="module")
def page(browser, app):
    """Return one visitor's page, which all tests go on with."""
    page = open_page(browser, app.url)
    page.get_by_role("tab", name="Batch").click()
    yield page
    page.context.close()


def start(page, files):
    if page.locator("#ser-files").get_by_label("Clear").count():
        page.locator("#ser-files").get_by_label("Clear").click()
        page.locator("#ser-start[disabled]").wait_for()
    page.set_input_files("#ser-files input[type=file]", files)
    page.locator("#ser-start:not([disabled])").click()


def finish(page, files):
    start(page, files)
    page.locator("#ser-batch a[download]").wait_for()
    return column(page, "ser-open")


def show(page, files):
    """Recognise the files, unless their results are still there."""
    if sorted(column(page, "ser-open")) != sorted(path.name for path in files):
        finish(page, files)


def column(page, name):
    return page.locator(f"{ROWS} .{name}:visible").all_inner_texts()


def test_a_batch_is_counted_sorted_filtered_and_saved(page, files):
    names = [path.name for path in files]
    assert page.get_by_role("button", name="Recognise all").is_disabled()
    assert finish(page, files) == names
    counts = page.locator("#ser-batch .ser-count").all_inner_texts()
    assert sum(int(text.split()[-1]) for text in counts) == len(files)

    page.get_by_role("button", name="Confidence").press("Enter")
    sure = [
        row.get_attribute("data-value") for row in page.locator(f"{ROWS} td:nth-child(3)").all()
    ]
    assert sure[:-1] == sorted(sure[:-1], key=float) and sure[-1] is None
    assert page.locator("th[aria-sort=ascending]").inner_text() == "Confidence"
    for place in (0, -1):
        page.get_by_role("button", name="Doubts or error").click()
        assert column(page, "ser-open")[place] == "=notes.wav"
    failed = page.locator(".ser-count", has_text="no result")
    failed.click()
    assert column(page, "ser-open") == ["=notes.wav"]
    assert "Only no result is shown." in page.locator("#ser-batch").inner_text()
    failed.click()
    assert len(column(page, "ser-open")) == len(files)

    assert "of 4 right" in page.locator("#ser-batch").inner_text()
    assert page.get_by_role("region", name="Confusion matrix of these recordings").is_visible()
    with page.expect_download() as download:
        page.locator("#ser-batch a[download]").click()
    with download.value.path().open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"].lstrip("'=") for row in rows] == [name.lstrip("=") for name in names]
    assert rows[2]["error"].endswith(".") and rows[2]["file"].startswith("'=")
    shares = [float(share) for name, share in rows[0].items() if name.startswith("probability_")]
    assert sum(shares) == pytest.approx(1)
    assert rows[0]["true emotion"] == "happy"


def test_true_emotions_from_a_table_count_at_once(page, files, tmp_path):
    show(page, files)
    table = tmp_path / "labels.csv"
    said = page.locator(ROWS, has_text=files[0].name).locator(".ser-dot").inner_text()
    table.write_text(f"file;emotion\n{files[0].name};{said}\n{files[1].name};bored\nx;sad\n")
    page.set_input_files("#ser-truths input[type=file]", table)
    page.locator("#ser-told", has_text="bored").wait_for()
    told = page.locator("#ser-told").inner_text()
    assert "1 row names a file that is not among the recordings ('x')" in told
    row = page.locator(ROWS, has_text=files[0].name)
    assert row.locator(".ser-true").inner_text() == said
    table.write_text("no table at all")
    page.locator("#ser-truths").get_by_label("Clear").click()
    page.set_input_files("#ser-truths input[type=file]", table)
    page.locator("#ser-told .ser-bad", has_text="has no").wait_for()
    assert "right (" not in page.locator("#ser-batch").inner_text()
    page.locator("#ser-truths").get_by_label("Clear").click()
    page.locator("#ser-batch .ser-right").wait_for()


def test_a_row_is_played_and_opened_in_recognise(page, files):
    show(page, files)
    page.evaluate("""() => {
      globalThis.heard = [];
      const play = HTMLMediaElement.prototype.play;
      HTMLMediaElement.prototype.play = function () {
        heard.push(this);
        return play.call(this);
      };
    }""")
    second = page.get_by_role("button", name=f"Play {files[1].name}")
    second.click()
    page.wait_for_function("heard[0].duration > 1 && !heard[0].error")
    assert second.get_attribute("aria-pressed") == "true"
    second.click()
    assert page.evaluate("heard[0].paused")
    assert second.get_attribute("aria-pressed") == "false"
    page.get_by_role("button", name="Play =notes.wav").click()
    page.locator("#ser-batch-said", has_text="cannot play =notes.wav").wait_for()
    row = page.locator(ROWS, has_text=files[1].name)
    said, sure = row.locator("td").nth(1).inner_text(), row.locator("td").nth(2).inner_text()
    row.get_by_role("button", name="open in Recognise").click()
    page.locator("#ser-result .ser-top", has_text=said).filter(has_text=sure).wait_for()
    focused = page.evaluate("document.activeElement.textContent.trim()")
    page.get_by_role("tab", name="Batch").click()
    assert focused == "Recognise"
    assert page.evaluate("serVisit.own()[0].name") == files[1].name
    second.click()
    page.evaluate("heard.at(-1).loop = true")
    page.locator("#ser-files").get_by_label("Clear").first.click()
    page.wait_for_function("heard.at(-1).paused")  # with its row


def test_a_phone_shows_what_matters_and_the_rest_on_demand(page, files):
    show(page, files)
    page.set_viewport_size({"width": 390, "height": 844})
    heads = page.locator("#ser-batch .ser-results th:visible")
    assert heads.all_inner_texts() == ["File", "Emotion", "Confidence"]
    assert page.locator("#ser-batch .ser-scroll").first.evaluate(
        "region => region.scrollWidth <= region.clientWidth"
    )
    page.get_by_role("button", name="All columns").click()
    assert "Doubts or error" in heads.all_inner_texts()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_role("button", name="All columns").click()
    page.set_viewport_size({"width": 1200, "height": 900})


def test_a_batch_that_is_cancelled_keeps_its_rows_and_stays_bright(page, many):
    start(page, many)
    page.locator(ROWS).nth(2).wait_for()
    assert " left" in page.locator("#ser-batch .ser-progress").inner_text()
    faded = "element => element.closest('.html-container').matches('.pending')"
    assert not page.locator("#ser-batch table").evaluate(faded)
    page.get_by_role("button", name="Cancel").click()
    page.locator("#ser-batch [role=status]", has_text="Cancelled:").wait_for()
    kept = len(column(page, "ser-open"))
    assert 2 < kept < 20
    assert page.locator("#ser-batch a[download]").is_visible()


def test_a_batch_gives_way_to_other_files(page, files, many):
    start(page, many)
    page.locator(ROWS).nth(2).wait_for()
    page.locator("#ser-files").get_by_label("Clear").click()
    page.locator(ROWS).first.wait_for(state="detached")
    assert finish(page, [files[1]]) == [files[1].name]
    page.wait_for_timeout(600)
    assert column(page, "ser-open") == [files[1].name]


def test_a_batch_whose_turn_never_comes_can_be_cancelled_and_started_again(page, files):
    joins = []

    def refuse(route):
        joins.append(route)
        route.fulfill(status=503, json={"detail": "Full."}) if joins[1:] else route.continue_()

    page.locator("#ser-files").get_by_label("Clear").click()
    page.locator("#ser-start[disabled]").wait_for()
    page.set_input_files("#ser-files input[type=file]", files)
    page.locator("#ser-start:not([disabled])").wait_for()
    page.route("**/gradio_api/queue/join?*", refuse)
    page.locator("#ser-start").click()
    page.locator("#ser-batch-cancel:not([disabled])").wait_for()
    page.wait_for_timeout(500)
    assert page.locator("#ser-start").is_disabled()
    page.unroute("**/gradio_api/queue/join?*", refuse)
    page.locator("#ser-batch-cancel").click()
    page.locator("#ser-start:not([disabled])").click()
    page.locator("#ser-batch a[download]").wait_for()


def test_the_voice_is_used_and_said(page, files, tmp_path):
    voice = tmp_path / "voice.wav"
    soundfile.write(voice, np.tile(speech_like(), 2), RATE)
    give_voice(page, voice)
    page.get_by_role("tab", name="Batch").click()
    page.locator("#ser-batch-voice", has_text="results will be relative to it").wait_for()
    finish(page, [files[0]])
    assert "Relative to your voice" in page.locator("#ser-batch").inner_text()
