"""The tab about a model shows whatever a model may say, in no time."""

import json
import time

import pytest

from ser import EmotionRecognizer
from ser.demo.about_tab import contents
from ser.hub.card import with_links


@pytest.fixture
def recognizer(tiny_model):
    return EmotionRecognizer.from_pretrained(tiny_model)


@pytest.mark.parametrize("part", ["![", "![](", "![a](b", "<!-- links -->\n", 'from_pretrained("'])
def test_a_card_takes_time_in_proportion_to_its_length(recognizer, part):
    recognizer.files["README.md"] = b"# A\n\n" + part.encode() * (2**19 // len(part))
    start = time.process_time()
    contents(recognizer)
    with_links(recognizer.files["README.md"].decode(), space="ada/demo")
    assert time.process_time() - start < 1


def test_pictures_of_a_card_are_left_out_and_links_are_not(recognizer):
    recognizer.files["README.md"] = b"# A\n\n![a picture](a.png)\n\n[a link](b.md) ![c](d.png)\n"
    assert contents(recognizer)[2] == "# A\n\n[a link](b.md) "


def test_names_in_the_figures_are_shown_as_they_are(recognizer):
    figures = json.loads(json.dumps(recognizer.metrics))
    figures["protocols"]["actors"]["description"] = ""
    figures["protocols"]["actors"]["corpora"] = {
        "<script>": {"labels": ["<b>"], "confusion_matrix": [[0]], "folds": []}
    }
    recognizer.metrics = figures
    shown = contents(recognizer)[0]
    assert "&lt;script&gt;" in shown and "&lt;b&gt;" in shown and "<script>" not in shown
