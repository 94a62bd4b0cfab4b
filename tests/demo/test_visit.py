"""What the server tells the page of a recording, for the list that the page keeps."""

import json
import re
from html import unescape

import pytest

from ser import EmotionRecognizer, Prediction
from ser.corpora.emotions import NAMES
from ser.demo.recognise import visit_panel
from ser.demo.recognise.picture import draw_timeline
from ser.demo.result_panel import empty_panel, error_panel, result_panel
from ser.timeline import Timeline, Window


def told(html, name):
    return json.loads(unescape(re.search(rf' data-{name}="([^"]*)"', html)[1]))


def test_a_result_goes_with_its_panel_whatever_its_labels_are():
    shares = {'"><b>': 0.7, "it's": 0.3}
    doubts = ['It is "noisy" & <short>.']
    result = Prediction('"><b>', 0.7, shares, 3.2, 1.9, 0.5, 2.4, doubts)
    assert told(result_panel(result), "result") == result.to_dict()


def test_no_result_goes_with_the_other_panels():
    assert "data-result" not in empty_panel(NAMES) + error_panel("It is silent.", NAMES)


def test_the_last_drawing_of_a_timeline_brings_its_numbers():
    shares = {"calm": 0.75, "angry": 0.25}
    timeline = Timeline(6.0, [Window(0, 3, 2.0, "calm", 0.75, shares), Window(3, 6)])
    assert "data-timeline" not in draw_timeline(timeline)
    sent = told(draw_timeline(timeline, kept=timeline), "timeline")
    assert sent["labels"] == ["calm", "angry"]
    assert sent["windows"] == [[0, 3, 2.0, 0.75, 0.25], [3, 6, 0]]
    assert [segment[2] for segment in sent["segments"]] == ["calm", None]


@pytest.mark.parametrize(
    ("kind", "words"), [("acted English speech", "acted speech"), (None, "the voice alone")]
)
def test_pictures_say_what_the_model_learnt_from(tiny_model, kind, words):
    recognizer = EmotionRecognizer.from_pretrained(tiny_model)
    recognizer.config["datasets"] = [{"kind": kind}]
    html = visit_panel.marks(recognizer)
    assert words in html
    assert recognizer.source in html
    assert told(html, "labels") == list(recognizer.labels)


def test_the_game_asks_for_every_emotion():
    assert [task.emotion for task in visit_panel.TASKS] == list(NAMES)
