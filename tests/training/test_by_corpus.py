"""Each corpus is judged by itself, on the emotions that it tells apart."""

import numpy as np
import pytest

from ser.training.by_corpus import (
    balanced_weights,
    classes_of,
    evaluate_by_corpus,
    merge_classes,
    results_in,
    same_protocol,
)

LABELS = ("neutral", "calm", "happy", "surprised")
TARGETS = np.array([0, 1, 2, 3, 0, 2])
CANDIDATES = np.eye(4, dtype=bool)[TARGETS]
CANDIDATES[4, 1] = True  # a neutral clip of the street may be calm; nobody there is surprised
CORPORA = np.array(["studio"] * 4 + ["street"] * 2)


def evaluated(probabilities, **options):
    return evaluate_by_corpus(
        TARGETS,
        np.asarray(probabilities),
        labels=LABELS,
        candidates=CANDIDATES,
        corpora=CORPORA,
        folds=np.array(["one", "two"] * 3, dtype=object),
        groups={"sex": np.array(["men", "women"] * 2 + ["", ""]), "loud": np.array(["no"] * 6)},
        **options,
    )


def test_labels_that_a_corpus_does_not_tell_apart_count_as_one():
    assert classes_of(CANDIDATES[:4], LABELS) == list(LABELS)
    assert classes_of(CANDIDATES[4:], LABELS) == ["neutral", "neutral", "happy", None]
    chain = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]], dtype=bool)
    assert classes_of(chain, LABELS) == ["neutral", "neutral", "neutral", "surprised"]


def test_probabilities_of_one_class_are_added_and_others_are_shared_out():
    probabilities, counted_as = np.array([[0.1, 0.2, 0.3, 0.4]]), ["neutral"] * 2 + ["happy", None]
    shared = merge_classes(probabilities, counted_as, ["neutral", "happy"])
    assert shared == pytest.approx(np.array([[0.5, 0.5]]))


def test_each_corpus_has_its_own_classes_and_answers():
    # Surprised is the most probable for all, and in the street it does not count.
    street = [[0.2, 0.2, 0.1, 0.5], [0.1, 0.15, 0.2, 0.55]]
    figures = evaluated([[0.1, 0.2, 0.3, 0.4]] * 4 + street)
    assert list(figures) == ["studio", "street"]
    assert figures["studio"]["labels"] == list(LABELS)
    assert figures["studio"]["accuracy"] == 1 / 4
    assert figures["street"]["labels"] == ["neutral", "happy"]
    assert figures["street"]["confusion_matrix"] == [[1, 0], [1, 0]]
    assert figures["studio"]["slices"].keys() == {"sex", "loud"}
    assert figures["street"]["slices"].keys() == {"loud"}  # who speaks there is not known


def test_a_corpus_that_training_did_not_have_is_judged_on_what_both_tell_apart():
    figures = evaluated([[0.1, 0.2, 0.3, 0.4]] * 6, across=True)
    assert figures["studio"]["labels"] == figures["street"]["labels"] == ["neutral", "happy"]
    assert figures["studio"]["clips"] == 3  # the clip of surprise is not counted
    assert figures["studio"]["classes"]["neutral"]["support"] == 2


def test_weights_balance_corpora():
    weights = balanced_weights(CORPORA)
    assert weights[:4].sum() == weights[4:].sum() == 1


def test_results_are_by_independence_then_as_written():
    corpora = {"studio": {}, "street": {}}
    metrics = {
        "protocols": {
            "random": {"description": "", "speaker_independent": False, "corpora": corpora},
            "actors": {"description": "", "speaker_independent": True, "corpora": corpora},
        }
    }
    results = results_in(metrics)
    order = [(each.protocol, each.corpus) for each in results]
    assert order[:2] == [("actors", "studio"), ("actors", "street")] and len(order) == 4
    assert [each.protocol for each in same_protocol(results)] == ["actors"] * 2
    assert results_in({}) == []
