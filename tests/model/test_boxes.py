"""Estimators filled by hand compute what they should, on whichever scikit-learn is installed."""

import numpy as np
import pytest
import skops.io

from ser.model import boxes
from ser.model.learning import Layers


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


@pytest.mark.parametrize("classes", [np.arange(2), np.array(["calm", "sad", "wild"])])
def test_an_average_of_perceptrons_averages_their_logits(classes):
    rng = np.random.default_rng(1)
    shapes = ((8, 5), (5,), (5, len(classes)), (len(classes),))
    members = [Layers(*(rng.standard_normal(each) for each in shapes)) for _ in range(2)]
    merged = reopened(boxes.average_perceptrons(members, [3.0, 1.0], classes))
    assert list(merged.classes_) == list(classes)

    def logits(layers):
        hidden = np.maximum(rows() @ layers.first + layers.first_bias, 0)
        return hidden @ layers.second + layers.second_bias

    expected = 0.75 * logits(members[0]) + 0.25 * logits(members[1])
    known = np.log(merged.predict_proba(rows()))
    differences = (each - each[:, :1] for each in (known, expected))
    np.testing.assert_allclose(*differences, atol=0.2)  # rounding, of a few inputs
    assert (merged.predict(rows()) == classes[expected.argmax(axis=1)]).mean() > 0.95
