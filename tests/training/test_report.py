import io

import numpy as np
import pytest
from PIL import Image

from ser.training.metrics import evaluate
from ser.training.pictures import draw_figures, plot_confusion_matrix, plot_reliability
from ser.training.report import (
    format_metrics,
    summary_table,
    to_markdown,
    to_text,
)

LABELS = ("neutral", "calm", "happy")


def protocol(description, speaker_independent, share_right):
    """Figures of 300 clips of which this share is recognised."""
    rng = np.random.default_rng(0)
    targets = np.arange(300) % 3
    recognised = np.where(rng.random(300) < share_right, targets, (targets + 1) % 3)
    figures = evaluate(
        targets,
        np.eye(3)[recognised] * 0.7 + 0.1,
        labels=LABELS,
        folds=np.arange(300) // 50,
        groups={"sex": np.array(["men", "women"])[np.arange(300) // 3 % 2]},
    )
    return {"description": description, "speaker_independent": speaker_independent, **figures}


@pytest.fixture(scope="module")
def metrics():
    return {
        "protocols": {
            "random": protocol("five parts, same actors on both sides", False, 0.8),
            "actors": protocol("six folds of unheard actors", True, 0.6),
        }
    }


def test_speaker_independent_figures_come_first_and_random_says_what_it_is(metrics):
    heading, first, second = summary_table(metrics)
    assert heading[:2] == ["protocol", "accuracy %"]
    assert first[0] == "actors"
    assert second[0] == "random (same actors on both sides)"
    accuracy = metrics["protocols"]["actors"]["accuracy"]
    assert first[1].startswith(f"{100 * accuracy:.1f} ± ")


def test_text_shows_every_protocol_emotion_and_slice(metrics):
    text = format_metrics(metrics)
    assert text.index("six folds of unheard actors") < text.index("five parts")
    for word in (*LABELS, "sex: men", "sex: women", "precision", "calibration error"):
        assert word in text


def test_text_columns_are_aligned():
    assert to_text([["a", "bb"], ["long", "1"]]) == "a     bb\nlong   1"


def test_markdown_is_a_table():
    assert to_markdown([["a", "b"], ["c", "1"]]) == "| a | b |\n| --- | ---: |\n| c | 1 |"


@pytest.mark.parametrize("plot", [plot_confusion_matrix, plot_reliability])
def test_pictures_are_written_to_paths_and_to_file_objects(plot, metrics, tmp_path):
    figures = metrics["protocols"]["actors"]
    plot(figures, tmp_path / "picture.png")
    buffer = io.BytesIO()
    plot(figures, buffer)
    for file in (tmp_path / "picture.png", buffer):
        with Image.open(file) as picture:
            assert picture.format == "PNG"
            assert min(picture.size) >= 800
            assert len(picture.convert("RGB").getcolors(2**20)) > 50  # something is drawn


def test_pictures_show_the_figures(metrics):
    def drawn(plot, name):
        buffer = io.BytesIO()
        plot(metrics["protocols"][name], buffer)
        return buffer.getvalue()

    for plot in (plot_confusion_matrix, plot_reliability):
        assert drawn(plot, "actors") != drawn(plot, "random")
        assert drawn(plot, "actors") == drawn(plot, "actors")


def test_an_emotion_without_clips_can_be_drawn():
    figures = evaluate([0, 1], np.eye(3)[:2], labels=LABELS, folds=[0, 1], groups={})
    figures |= {"description": "", "speaker_independent": True}
    plot_confusion_matrix(figures, io.BytesIO())
    plot_reliability(figures, io.BytesIO())


def test_labels_with_dollar_signs_are_drawn_as_they_are(metrics):
    figures = {**metrics["protocols"]["actors"], "labels": ["$x_{$", "a$b", "$\\frac$"]}
    assert len(draw_figures({"protocols": {"actors": figures}})) == 2


def test_a_bar_in_a_label_makes_no_column():
    assert to_markdown([["emotion", "clips"], ["a|b", "3"]]).splitlines()[-1] == r"| a\|b | 3 |"
