import json

import numpy as np
import pytest

from ser.training.metrics import (
    METRICS,
    Metric,
    evaluate,
    percent,
    reliability,
    validate,
)
from ser.training.report import summary_table

LABELS = ("calm", "happy", "sad")


def sure(recognised, confidence=0.8):
    """Probabilities of three classes in which the recognised ones have this confidence."""
    probabilities = np.full((len(recognised), 3), (1 - confidence) / 2)
    probabilities[np.arange(len(recognised)), recognised] = confidence
    return probabilities


# calm: 3 of 4 recognised, happy: 1 of 2, sad: 0 of 1
TARGETS = [0, 0, 0, 0, 1, 1, 2]
RECOGNISED = [0, 0, 0, 1, 1, 0, 1]
FOLDS = [0, 0, 1, 1, 0, 1, 0]
GROUPS = {"sex": ["men", "men", "women", "women", "men", "women", "men"]}


@pytest.fixture
def figures():
    return evaluate(TARGETS, sure(RECOGNISED), labels=LABELS, folds=FOLDS, groups=GROUPS)


def test_headline_figures_are_what_one_counts_by_hand(figures):
    assert figures["clips"] == 7
    assert figures["accuracy"] == pytest.approx(4 / 7)
    assert figures["unweighted_average_recall"] == pytest.approx((3 / 4 + 1 / 2 + 0) / 3)
    assert figures["macro_f1"] == pytest.approx((3 / 4 + 2 / 5 + 0) / 3)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.key)
def test_a_metric_is_a_number_even_for_clips_of_one_emotion(metric):
    """A fold or a slice can be such clips, and ``metrics.json`` has no place for NaN."""
    for recognised in ([1, 1, 1], [0, 0, 0], [1, 0, 2]):
        assert np.isfinite(metric.compute(np.array([1, 1, 1]), np.array(recognised)))


def test_each_class_has_its_report(figures):
    assert figures["classes"]["calm"] == {
        "precision": 0.75,
        "recall": 0.75,
        "f1": 0.75,
        "support": 4,
        "accuracy": 0.75,
    }
    assert figures["classes"]["happy"]["precision"] == pytest.approx(1 / 3)
    assert figures["classes"]["sad"]["f1"] == 0
    assert list(figures["classes"]) == list(LABELS)


def test_rows_of_the_confusion_matrix_are_targets(figures):
    assert figures["labels"] == list(LABELS)
    assert figures["confusion_matrix"] == [[3, 1, 0], [1, 1, 0], [0, 1, 0]]


def test_spread_is_over_folds(figures):
    accuracies = [3 / 4, 1 / 3]
    assert [fold["accuracy"] for fold in figures["folds"]] == pytest.approx(accuracies)
    assert figures["fold_mean"]["accuracy"] == pytest.approx(np.mean(accuracies))
    assert figures["fold_std"]["accuracy"] == pytest.approx(np.std(accuracies))


def test_slices_judge_only_the_classes_that_they_hold(figures):
    women = figures["slices"]["sex"]["women"]  # calm: 1 of 2, happy: 0 of 1, no sad
    assert women["clips"] == 3
    assert women["unweighted_average_recall"] == pytest.approx(1 / 4)


def test_figures_are_plain_json(figures):
    assert json.loads(json.dumps(figures)) == figures


def test_calibration_error_is_the_gap_between_confidence_and_accuracy():
    # Ten clips at 0.8 of which 6 are right, ten at 0.5 of which 5 are.
    recognised = [0] * 20
    targets = [0] * 6 + [1] * 4 + [0] * 5 + [2] * 5
    probabilities = np.concatenate([sure(recognised[:10], 0.8), sure(recognised[10:], 0.5)])
    figures = evaluate(targets, probabilities, labels=LABELS, folds=[0] * 20, groups={})
    assert figures["expected_calibration_error"] == pytest.approx(0.5 * 0.2 + 0.5 * 0.0)
    filled = [each for each in figures["reliability"] if each["clips"]]
    assert [each["accuracy"] for each in filled] == pytest.approx([0.5, 0.6])
    assert len(figures["reliability"]) == 15


def test_certainty_falls_into_the_last_bin():
    figures = evaluate([0], [[1.0, 0.0, 0.0]], labels=LABELS, folds=[0], groups={})
    assert figures["reliability"][-1]["clips"] == 1
    assert figures["expected_calibration_error"] == 0


@pytest.mark.parametrize(
    ("targets", "probabilities", "message"),
    [
        ([0, 1], sure([0]), "shape"),
        ([0], np.full((1, 2), 0.5), "shape"),
        ([3], sure([0]), "from 0 to 2"),
        ([-1], sure([0]), "from 0 to 2"),
        ([0], 2 * sure([0]), "sum to 1"),
        ([0], [[1.5, -0.5, 0.0]], "non-negative"),
        ([0], [[np.nan, 0.5, 0.5]], "sum to 1"),
        ([], np.empty((0, 3)), "no predictions"),
    ],
)
def test_predictions_that_do_not_fit_are_refused(targets, probabilities, message):
    with pytest.raises(ValueError, match=message):
        validate(np.array(targets, dtype=int), np.array(probabilities), LABELS)


def test_groups_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="3 values given to slice 7 clips by"):
        evaluate(TARGETS, sure(RECOGNISED), labels=LABELS, folds=FOLDS, groups={"sex": ["men"] * 3})


def test_a_row_of_the_table_is_all_that_another_metric_takes(monkeypatch):
    rate = Metric(
        "error_rate", "errors", "error", "Error rate", lambda t, r: float(np.mean(t != r))
    )
    monkeypatch.setattr("ser.training.metrics.METRICS", (*METRICS, rate))
    made = evaluate(TARGETS, sure(RECOGNISED), labels=LABELS, folds=FOLDS, groups=GROUPS)
    assert made["error_rate"] == pytest.approx(1 - made["accuracy"])
    assert all("error_rate" in made[part] for part in ("fold_mean", "fold_std"))
    protocol = {"description": "", "speaker_independent": True, "corpora": {"Moods": made}}
    heading, row = summary_table({"protocols": {"actors": protocol}})
    assert row[heading.index("errors %")].startswith(percent(made["error_rate"]))
    del made["error_rate"]
    assert "errors %" not in summary_table({"protocols": {"actors": protocol}})[0]


def test_what_may_be_right_counts_as_right():
    may_be = np.array([[True, True, False], [False, True, True]])
    bins = reliability(may_be, np.array([[0.3, 0.4, 0.3], [0.4, 0.35, 0.25]]))
    assert [(each["clips"], each["accuracy"]) for each in bins if each["clips"]] == [(2, 0.5)]
