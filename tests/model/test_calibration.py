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
    assert fit_temperature(distorted, targets) == pytest.approx(temperature, rel=0.05)


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
        assert np.isfinite(fit_temperature(np.eye(3), targets))
