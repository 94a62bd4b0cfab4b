"""The pieces of the page, without a browser."""

import csv
import io
import re
import threading
from concurrent.futures import wait
from dataclasses import replace

import numpy as np
import pytest
from signals import speech_like

from ser import EmotionRecognizer, Prediction
from ser.corpora.emotions import EMOTIONS, NAMES
from ser.demo import about_tab, batch_tab, example_shelf, wording
from ser.demo.live_tab import LiveSession, live_panel
from ser.demo.result_panel import empty_panel, error_panel, result_panel
from ser.demo.served_model import ServedModel
from ser.demo.theme import STYLES, emotion_colours
from ser.errors import UnreadableAudioError
from ser.model.folder import read_model_folder

RATE = 24000


def prediction(**shares):
    shares = {"calm": 0.0, "happy": 0.0, "disgust": 0.0} | shares
    emotion = max(shares, key=shares.get)
    return Prediction(
        emotion, shares[emotion], shares, 3.2, 1.9, 0.5, 2.4, ["It is noisy: <10 dB."]
    )


def test_a_result_is_said_in_words_and_in_a_number():
    panel = result_panel(prediction(disgust=0.72, calm=0.28))
    assert "Disgusted" in panel
    assert "Fairly sure" in panel
    assert "72\N{NO-BREAK SPACE}%" in panel
    assert "could also be" not in panel
    assert "It is noisy: &lt;10 dB." in panel
    assert "your voice" not in panel


def test_a_close_second_is_named():
    assert "could also be calm" in result_panel(prediction(happy=0.5, calm=0.4))


def test_a_result_with_a_voice_profile_says_so():
    result = replace(prediction(happy=1.0), reference="voice")
    assert "Relative to your voice" in result_panel(result)


def test_bars_keep_the_order_of_the_labels():
    panel = result_panel(prediction(happy=0.6, disgust=0.3, calm=0.1))
    assert panel.index(">calm<") < panel.index(">happy<") < panel.index(">disgust<")


def test_what_is_shown_of_a_file_cannot_be_markup():
    assert "<b>" not in error_panel("<b>.wav is not audio.", NAMES)
    rows = [batch_tab.row("<b>.wav", UnreadableAudioError("<b>.wav is not audio."))]
    assert "<b>" not in batch_tab.table_html(rows)


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "0 %"), (0.001, "<1 %"), (0.006, "1 %"), (1.0, "100 %")]
)
def test_percent(share, text):
    assert wording.percent(share).replace("\N{NO-BREAK SPACE}", " ") == text


def test_clock():
    assert wording.clock(7.46).replace("\N{NO-BREAK SPACE}", " ") == "7.5 s"
    assert wording.clock(67) == "1:07"


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1"])
def test_cells_that_a_spreadsheet_would_run_are_defused(cell):
    rows = [batch_tab.row(cell, prediction(happy=1.0))]
    (read,) = csv.DictReader(io.StringIO(batch_tab.to_csv(rows)))
    assert read["file"] == f"'{cell}"


def test_batch_rows_hold_result_or_error():
    good = batch_tab.row("a.wav", prediction(happy=0.6, calm=0.4))
    bad = batch_tab.row("b.wav", UnreadableAudioError("b.wav is not audio."))
    assert batch_tab.table_html([good, bad]).count("no result") == 1
    one, other = csv.DictReader(io.StringIO(batch_tab.to_csv([bad, good])))
    assert (one["file"], one["emotion"], one["error"]) == ("b.wav", "", "b.wav is not audio.")
    assert (other["emotion"], other["second choice"], other["error"]) == ("happy", "calm", "")
    assert float(other["probability_calm"]) == pytest.approx(0.4)


def test_the_table_can_be_downloaded_when_it_is_complete():
    rows = [batch_tab.row("a.wav", prediction(happy=1.0))]
    assert "aria-disabled" in batch_tab.table_html(rows)
    assert 'download="emotions.csv"' in batch_tab.table_html(rows, done=True)


def test_captions_say_that_an_emotion_was_acted_only_where_it_was():
    table = "file_name,emotion,description\na.flac,happy,\nb.flac,,Synthetic\ngone.flac,sad,\n"
    files = {
        "examples/metadata.csv": table.encode(),
        "examples/a.flac": b"",
        "examples/b.flac": b"",
    }
    for acted, caption in ((False, "happy"), (True, "Acted: happy")):
        found = example_shelf.read_examples(files, acted=acted)
        assert [example.caption for example in found] == [caption, "Synthetic"]


@pytest.mark.parametrize(
    ("dataset", "caption"),
    [({"kind": "acted English"}, "Acted: calm"), ({"kind": None}, "calm"), ({}, "calm")],
)
def test_the_model_says_whether_its_examples_are_acted(tiny_model, dataset, caption):
    recognizer = EmotionRecognizer.from_pretrained(tiny_model)
    recognizer.config["datasets"] = [dataset]
    served = ServedModel()
    served.get = lambda: recognizer
    (example,) = example_shelf.Shelf(served).examples
    assert example.caption == caption


def test_a_model_without_examples_has_none():
    assert example_shelf.read_examples({}) == []


def test_a_session_keeps_three_seconds_and_updates_twice_a_second(recognizer):
    session, voice = LiveSession(), speech_like(seconds=5)
    pieces = np.split(voice, np.arange(RATE // 10, voice.size, RATE // 10))
    updates = 0
    for piece in pieces:
        updates += session.add(recognizer, piece, RATE)
        if session.running is not None:
            wait([session.running])
    assert updates == len(session.history) == 11
    assert session.waveform.size == 3 * RATE
    assert session.history[0] == (None, 0.0)
    assert session.result.emotion in live_panel(session.result, session.history, recognizer.labels)


def test_a_session_loses_no_sound_while_a_slow_recogniser_works(recognizer):
    may_answer, asked = threading.Event(), []

    class Slow:
        knows_voices, assess = recognizer.knows_voices, recognizer.assess

        def analyse(self, clip):
            asked.append(clip)
            may_answer.wait()
            return recognizer.analyse(clip)

    session, voice = LiveSession(), speech_like(seconds=1)
    pieces = np.array_split(voice, 20)
    updates = [session.add(Slow(), piece, RATE) for piece in pieces]
    may_answer.set()
    wait([session.running])
    assert not any(updates)
    np.testing.assert_array_equal(session.waveform, voice)
    assert len(asked) == 1  # what has become old is not recognised any more
    assert session.add(Slow(), np.zeros(1, np.float32), RATE)
    assert len(session.history) == 1
    wait([session.running])
    assert asked[1][0].size == voice.size + 1


def test_a_session_compares_with_what_was_said_before(tiny_model):
    recognizer = EmotionRecognizer.from_pretrained(tiny_model)
    session, voice = LiveSession(), np.tile(speech_like(seconds=2), 6)
    told = []
    for piece in np.split(voice, np.arange(RATE, voice.size, RATE)):
        if session.add(recognizer, piece, RATE) and session.result:
            told.append(session.result.reference)
        wait([session.running])
    assert told == [None] * (len(told) - 3) + ["clips"] * 3
    assert "what you said before" in live_panel(session.result, [], recognizer.labels)


def test_a_pause_is_said_and_what_was_heard_before_it_stays():
    history = [("happy", 0.6), (None, 0.0)]
    silent = live_panel(None, history, ["happy"])
    stopped = live_panel(None, history, ["happy"], "Press Record and talk.")
    assert ">Listening<" in silent
    assert ">Not listening<" in stopped
    assert "Press Record and talk." in stopped
    assert silent.count("<i style=") == stopped.count("<i style=") == len(history)


def test_about_names_licence_and_protocol(recognizer):
    facts, limits, card = about_tab.contents(recognizer)
    assert recognizer.labels[0] in facts
    for protocol in recognizer.metrics["protocols"].values():
        assert protocol["description"] in facts
        assert all(corpus in facts for corpus in protocol["corpora"])
    assert "## Out-of-scope use" in limits
    assert limits.count("## ") == 2
    assert "![" not in card


def test_about_says_of_whom_the_clips_were_only_where_that_is_known(tiny_model):
    recognizer = EmotionRecognizer.from_pretrained(tiny_model)
    for dataset, known in (({"speakers": 3}, True), ({"men": 1, "women": 2}, True), ({}, False)):
        recognizer.config["datasets"] = [dataset]
        facts, _, _ = about_tab.contents(recognizer)
        assert "Unseen speakers" in facts
        assert ("Speakers heard in training" in facts) == known
        assert ("Clips not in training" in facts) != known


def test_the_panel_is_there_before_the_model():
    assert empty_panel(NAMES).count("<li") == len(NAMES)


@pytest.mark.parametrize("label", ["x;y", "joy"])
def test_an_emotion_of_somebodys_own_has_the_accent_colour_and_its_own_name(label):
    panel = result_panel(prediction(**{label: 1.0}))
    top = re.search(r'<li class="ser-top" style="([^"]*)"', panel)[1]
    assert "--colour:var(--ser-accent)" in top
    assert f">{label.capitalize()}</h2>" in panel


def test_the_page_defines_a_colour_in_light_and_dark_for_every_emotion_it_draws():
    light, dark = emotion_colours().splitlines()
    assert light.startswith(":root") and dark.startswith(".dark")
    for variable in re.findall(r"var\((--emotion-\w+)\)", empty_panel(NAMES)):
        for block in (light, dark):
            assert len(re.findall(rf"{variable}: #[0-9a-f]{{6}};", block)) == 1
    for style in STYLES:
        assert "emotion-" not in style.read_text().replace("--emotion-NAME", "")


def luminance(colour):
    shares = np.array([int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)])
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("emotion", EMOTIONS, ids=NAMES)
@pytest.mark.parametrize(("ground", "colour"), [("#ffffff", "light"), ("#171b20", "dark")])
def test_large_words_in_the_colour_of_an_emotion_can_be_read(emotion, ground, colour):
    darker, lighter = sorted(map(luminance, (ground, getattr(emotion, colour))))
    assert (lighter + 0.05) / (darker + 0.05) >= 3  # WCAG 2.2, 1.4.3 and 1.4.11


def test_about_shows_every_metric_that_the_model_was_measured_by(tiny_model):
    recognizer = EmotionRecognizer.from_pretrained(tiny_model)
    names = ("Accuracy", "Unweighted recall", "Macro-F1")
    head = re.compile(r'<th scope="col">([^<]*)</th>')
    facts, _, _ = about_tab.contents(recognizer)
    assert head.findall(facts.partition("Figures")[2])[1:4] == list(names)
    for protocol in recognizer.metrics["protocols"].values():
        del protocol["corpora"]["RAVDESS"][
            "macro_f1"
        ]  # as in a model that was measured before the table had this row
    facts, _, _ = about_tab.contents(recognizer)
    assert "Macro-F1" not in facts and "Accuracy" in facts


def test_the_facts_name_the_revision_that_was_asked_for_and_link_to_it(tiny_model):
    folder, commit = read_model_folder(tiny_model), "0" * 40
    page = f"https://huggingface.co/ada/voices/tree/{commit}"
    for asked, shown in (("v1", f"v1, commit {commit}"), (commit, commit), (None, commit)):
        recognizer = EmotionRecognizer(
            folder, source="ada/voices", revision=commit, requested_revision=asked
        )
        facts, _, _ = about_tab.contents(recognizer)
        assert f'<a href="{page}">ada/voices</a>' in facts and f"<td>{shown}</td>" in facts
    facts, _, _ = about_tab.contents(EmotionRecognizer.from_pretrained(tiny_model))
    assert "<a " not in facts and "Revision" not in facts
