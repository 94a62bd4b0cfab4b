"""The pieces of the page, without a browser."""

import re
from dataclasses import replace

import numpy as np
import pytest

from ser import EmotionRecognizer, Prediction
from ser.corpora.emotions import EMOTIONS, NAMES
from ser.demo import about_tab, example_shelf, wording
from ser.demo.result_panel import empty_panel, error_panel, result_panel
from ser.demo.served_model import ServedModel
from ser.demo.theme import STYLES, emotion_colours
from ser.storage.folder import read_model_folder

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


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "0 %"), (0.001, "<1 %"), (0.006, "1 %"), (1.0, "100 %")]
)
def test_percent(share, text):
    assert wording.percent(share).replace("\N{NO-BREAK SPACE}", " ") == text


def test_clock():
    assert wording.clock(7.46).replace("\N{NO-BREAK SPACE}", " ") == "7.5 s"
    assert wording.clock(67) == "1:07"
    assert wording.clock(59.97) == "1:00"


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
