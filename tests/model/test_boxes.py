"""Estimators filled by hand compute what they should, on whichever scikit-learn is installed."""

import numpy as np
import pytest
import skops.io
from sklearn.neural_network import MLPClassifier

from ser.model import boxes


def rows(n=60, columns=8, seed=0):
    return np.random.default_rng(seed).standard_normal((n, columns)).astype(np.float32)


def reopened(estimator):
    data = skops.io.dumps(estimator)
    assert skops.io.get_untrusted_types(data=data) == []
    return skops.io.loads(data)


def test_a_limiter_is_the_identity_within_its_limits():
    given = 3 * rows()
    limited = reopened(boxes.limiter(8, 2.0)).transform(given)
    np.testing.assert_allclose(limited, np.clip(given, -2, 2), atol=1e-6)


def test_a_linear_map_predicts_products():
    weights, offset = rows(3), rows(1, 3)[0]
    predicted = reopened(boxes.linear_map(weights, offset)).predict(rows())
    np.testing.assert_allclose(predicted, rows() @ weights.T + offset, atol=1e-5)


@pytest.mark.parametrize("columns", [slice(None), np.array([1, 4, 5, 7])])
def test_compact_components_are_those_found_in_other_units(columns):
    pca = boxes.find_components(rows(), 3, seed=0, columns=columns)
    compact = reopened(boxes.compact_components(pca, 3, columns, 8))
    assert compact.components_.dtype == np.int8
    exact, rounded = pca.transform(rows()[:, columns]), compact.transform(rows())
    unit = np.sqrt(compact.explained_variance_ / pca.explained_variance_)
    np.testing.assert_allclose(rounded / unit, exact, atol=0.15)
    spread = np.var(rounded, axis=0, ddof=1) / compact.explained_variance_
    np.testing.assert_allclose(spread, 1, atol=0.05)


@pytest.mark.parametrize("classes", [np.arange(2), np.array(["calm", "sad", "wild"])])
def test_an_average_of_perceptrons_averages_their_logits(classes):
    y = classes[np.arange(60) % len(classes)]
    members = []
    for seed in range(2):
        member = MLPClassifier((5,), random_state=seed)
        for rate in (0.01, 0.002):
            member.partial_fit(rows(), y, classes=classes)
            boxes.set_learning_rate(member, rate)
        assert member._optimizer.learning_rate_init == 0.002
        members.append(member)
    layers = [(each.coefs_[0], each.intercepts_[0]) for each in members]
    merged = reopened(boxes.average_perceptrons(members, layers, [0.75, 0.25]))
    assert list(merged.classes_) == list(classes)

    def logits(perceptron):
        logits = np.log(perceptron.predict_proba(rows()))
        return logits - logits[:, :1]

    expected = 0.75 * logits(members[0]) + 0.25 * logits(members[1])
    np.testing.assert_allclose(logits(merged), expected, atol=0.05)
    assert (merged.predict(rows()) == classes[expected.argmax(axis=1)]).mean() > 0.95


def test_the_rate_that_is_set_is_the_rate_of_the_next_step():
    y = np.arange(60) % 2
    still, moved = (
        MLPClassifier((5,), random_state=0).partial_fit(rows(), y, classes=[0, 1]) for _ in "ab"
    )
    before = moved.coefs_[0].copy()
    boxes.set_learning_rate(still, 0.0)
    still.partial_fit(rows(), y)
    moved.partial_fit(rows(), y)
    np.testing.assert_array_equal(still.coefs_[0], before)
    assert np.abs(moved.coefs_[0] - before).max() > 0
