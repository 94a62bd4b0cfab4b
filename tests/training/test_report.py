import io

import numpy as np
import pytest
from PIL import Image

from ser.storage.folder import is_model_file
from ser.training.by_corpus import Result, results_in
from ser.training.metrics import evaluate
from ser.training.pictures import draw_figures, plot_confusion_matrix, plot_reliability
from ser.training.report import (
    format_metrics,
    summary_table,
    to_markdown,
    to_text,
    with_spread,
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
    corpora = {"RAVDESS": figures, "Moods": figures | {"accuracy": figures["accuracy"] / 2}}
    return {
        "description": description,
        "speaker_independent": speaker_independent,
        "corpora": corpora,
    }


@pytest.fixture(scope="module")
def metrics():
    return {
        "protocols": {
            "random": protocol("five parts, same actors on both sides", False, 0.8),
            "actors": protocol("six folds of unheard actors", True, 0.6),
        }
    }


def test_speaker_independent_figures_come_first_and_random_says_what_it_is(metrics):
    heading, *rows = summary_table(metrics)
    assert heading[:3] == ["protocol", "corpus", "accuracy %"]
    assert [row[:2] for row in rows] == [
        ["actors", "RAVDESS"],
        ["actors", "Moods"],
        ["random (same actors on both sides)", "RAVDESS"],
        ["random (same actors on both sides)", "Moods"],
    ]
    for row in rows[:2]:
        accuracy = metrics["protocols"]["actors"]["corpora"][row[1]]["accuracy"]
        assert row[2].startswith(f"{100 * accuracy:.1f} ± ")


def test_a_single_fold_has_no_spread(metrics):
    figures = metrics["protocols"]["actors"]["corpora"]["RAVDESS"]
    assert "±" in with_spread(figures, "accuracy")
    assert "±" not in with_spread({**figures, "folds": figures["folds"][:1]}, "accuracy")


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
    result = results_in(metrics)[0]
    plot(result, tmp_path / "picture.png")
    buffer = io.BytesIO()
    plot(result, buffer)
    for file in (tmp_path / "picture.png", buffer):
        with Image.open(file) as picture:
            assert picture.format == "PNG"
            assert min(picture.size) >= 800
            assert len(picture.convert("RGB").getcolors(2**20)) > 50  # something is drawn


def test_pictures_show_the_figures(metrics):
    def drawn(plot, name):
        buffer = io.BytesIO()
        plot(next(each for each in results_in(metrics) if each.protocol == name), buffer)
        return buffer.getvalue()

    for plot in (plot_confusion_matrix, plot_reliability):
        assert drawn(plot, "actors") != drawn(plot, "random")
        assert drawn(plot, "actors") == drawn(plot, "actors")


def test_an_emotion_without_clips_can_be_drawn():
    figures = evaluate([0, 1], np.eye(3)[:2], labels=LABELS, folds=[0, 1], groups={})
    result = Result("actors", "", True, "Moods", figures)
    plot_confusion_matrix(result, io.BytesIO())
    plot_reliability(result, io.BytesIO())


def test_pictures_of_several_corpora_have_their_names(metrics):
    names = {"confusion-actors-ravdess.png", "reliability-random-moods.png"}
    assert names < draw_figures(metrics).keys()


def test_no_two_corpora_have_a_picture_of_one_name(metrics):
    protocol = metrics["protocols"]["actors"]
    figures = protocol["corpora"]["RAVDESS"]
    corpora = dict.fromkeys(
        ("My Data", "my-data", "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}z"), figures
    )
    drawn = draw_figures({"protocols": {"actors": {**protocol, "corpora": corpora}}})
    assert len(drawn) == 6 and all(map(is_model_file, drawn))


def test_labels_with_dollar_signs_are_drawn_as_they_are(metrics):
    protocol = metrics["protocols"]["actors"]
    figures = {**protocol["corpora"]["RAVDESS"], "labels": ["$x_{$", "a$b", "$\\frac$"]}
    drawn = draw_figures({"protocols": {"actors": {**protocol, "corpora": {"Moods": figures}}}})
    assert drawn.keys() == {"confusion-actors.png", "reliability-actors.png"}


def test_a_bar_in_a_label_makes_no_column():
    assert to_markdown([["emotion", "clips"], ["a|b", "3"]]).splitlines()[-1] == r"| a\|b | 3 |"
