"""The panel that says why, as text: what it names, and that it is never of an older result."""

import re
from dataclasses import replace

import pytest
import soundfile
from signals import speech_like
from tiny_model import FEATURES

from ser import EmotionRecognizer
from ser.demo.example_shelf import Shelf
from ser.demo.recognise.why_panel import NO_MOMENT, explain_newest, explanation_panel
from ser.model.prediction import Prediction
from ser.reasons import Explanation
from ser.reasons.comparison import Finding
from ser.reasons.moments import Moment

PREDICTION = Prediction("angry", 0.9, {"calm": 0.1, "angry": 0.9}, 4.0, 2.0, 1.0, 3.0)
HIGHER = Finding("pitch", 15.4, "Pitch 243 Hz", "higher, as in <b>wild</b> speech", ("wild",))


def text(html):
    return re.sub(r"<[^>]+>", " ", html).replace("\N{NO-BREAK SPACE}", " ")


def test_the_half_second_can_be_played_and_says_what_it_brings():
    moment = Moment(1.25, 1.75, change=2.197)  # from odds of 9 to even odds
    html = explanation_panel(Explanation(PREDICTION, "anyone", [HIGHER], moment))
    assert 'class="ser-play" data-start="1.25" data-end="1.75" data-mark' in html
    assert 'aria-label="Play 1.2 to 1.8 s"' in html.replace("\N{NO-BREAK SPACE}", " ")
    assert "without it, angry would get 50 %, not 90 %" in text(html)
    assert "Compared with neutral speech:" in html and "Pitch 243 Hz" in html
    assert "<b>wild" not in html  # labels are of whoever trained the model


def test_of_a_long_recording_no_more_is_said_than_was_looked_at():
    long = replace(PREDICTION, duration=60.0, speech_duration=40.0, speech_end=59.0)
    told = text(explanation_panel(Explanation(long, "anyone", [], Moment(31.25, 31.75, 2.197))))
    words = " ".join(told.split())
    assert "Of the six seconds that sound most angry, 31.2 to 31.8 s matters most." in words
    assert "without it" not in told
    none = text(explanation_panel(Explanation(long, "anyone", [], None)))
    assert "In the six seconds that sound most angry, no half second matters alone." in none


def test_nothing_that_stands_out_is_said_but_only_if_that_is_known():
    told = explanation_panel(Explanation(PREDICTION, "voice", [], None))
    assert "stands out from your usual voice" in told and NO_MOMENT in told
    silent = explanation_panel(Explanation(PREDICTION, None, [], None))
    assert "stands out" not in silent and NO_MOMENT in silent


@pytest.fixture
def served(tiny_model):
    """Return something that serves the small model, and its examples."""

    class Served:
        recognizer = EmotionRecognizer.from_pretrained(tiny_model)

        def get(self):
            return self.recognizer

    return Served(), Shelf(Served())


def test_reasons_are_kept_of_examples_alone(served, tmp_path):
    kept, shelf = {}, served[1]
    own = tmp_path / "own.wav"
    soundfile.write(own, speech_like(1.5, FEATURES.sample_rate), FEATURES.sample_rate)
    for path in (shelf.path(0), str(own)):
        *_, shown = explain_newest(*served, kept, path, None, ["token", path])
        assert "ser-result" in shown
    assert list(kept) == [0]
    newest = ["token", shelf.path(0)]
    *_, again = explain_newest(*served, {0: "as before"}, shelf.path(0), None, newest)
    assert again == "as before"


def test_a_newer_result_keeps_older_reasons_away(served, tmp_path):
    path = tmp_path / "clip.wav"
    soundfile.write(path, speech_like(1.5, FEATURES.sample_rate), FEATURES.sample_rate)
    newest = ["first", str(path)]
    working, reasons = explain_newest(*served, {}, str(path), None, newest)
    assert "Looking for" in working and "ser-result" in reasons
    steps = explain_newest(*served, {}, str(path), None, newest)
    next(steps)
    newest[0] = "second"
    assert "ser-result" not in str(next(steps))
    newest[1] = "another"
    assert "ser-" not in str(list(explain_newest(*served, {}, str(path), None, newest)))


@pytest.mark.parametrize("clip", [None, "gone.wav"])
def test_without_a_result_there_are_no_reasons(served, clip):
    *_, last = explain_newest(*served, {}, clip, None, ["token", clip])
    assert "ser-empty" in last and "ser-play" not in last
