"""A temperature makes confidence mean what it says."""

import numpy as np
import pytest
from scipy.special import softmax

from ser.model.calibration import apply_temperature, fit_temperature


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_fitted_temperature_undoes_a_false_sureness(temperature):
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=2, size=(20000, 3))
    true = softmax(logits, axis=1)
    targets = (rng.random(len(true))[:, None] > true.cumsum(axis=1)).sum(axis=1)
    distorted = softmax(logits * temperature, axis=1)
    assert fit_temperature(distorted, np.eye(3, dtype=bool)[targets]) == pytest.approx(
        temperature, rel=0.05
    )


def test_temperature_keeps_the_order_and_the_sum():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.0, 0.0, 1.0]])
    soft = apply_temperature(probabilities, 2.0)
    assert soft.sum(axis=1) == pytest.approx([1, 1])
    assert (soft.argsort(axis=1) == probabilities.argsort(axis=1)).all()
    assert soft[0, 0] < 0.7 < apply_temperature(probabilities, 0.5)[0, 0]
    assert apply_temperature(probabilities, 1.0) == pytest.approx(probabilities)
    assert apply_temperature(probabilities[0], 1.0) == pytest.approx(probabilities[0])


def test_temperature_is_finite_for_a_classifier_that_is_always_or_never_right():
    for targets in ([0, 1, 2], [1, 2, 0]):
        assert np.isfinite(fit_temperature(np.eye(3), np.eye(3, dtype=bool)[targets]))


def test_a_clip_that_may_have_either_of_two_emotions_tells_only_that_it_is_one_of_them():
    """Eight of ten clips are one of the first two: only the sum of these has to fit."""
    probabilities = np.array([[0.6, 0.2, 0.2]] * 10)
    either = np.array([[True, True, False]] * 8 + [[False, False, True]] * 2)
    assert fit_temperature(probabilities, either) == pytest.approx(1, abs=1e-3)
    first = np.array([[True, False, False]] * 8 + [[False, False, True]] * 2)
    assert fit_temperature(probabilities, first) < 0.9


def test_weights_say_how_much_clips_count_and_classes_without_training_clips_do_not():
    probabilities = np.array([[0.8, 0.2, 0.0]] * 4)
    candidates = np.eye(3, dtype=bool)[[0, 0, 1, 2]]  # the last class was never in training
    weights = np.array([2.0, 2.0, 1.0, 9.0])
    assert fit_temperature(probabilities, candidates, weights) == pytest.approx(1, abs=1e-3)
    assert fit_temperature(probabilities, candidates) > 1.5
    assert fit_temperature(probabilities[3:], candidates[3:]) == 1
