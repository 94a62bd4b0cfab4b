"""Training evaluates each clip by a model that did not know it, and gives a whole model."""

import numpy as np
import pytest

from ser.model.perceptrons import PerceptronSettings
from ser.training.config import TrainingConfig
from ser.training.run import calibrate


def test_no_fold_sets_its_own_temperature():
    rng = np.random.default_rng(0)
    probabilities, targets = rng.dirichlet([1, 1, 1], 90), rng.integers(3, size=90)
    folds = np.arange(90) % 3
    changed = np.where(folds == 0, (targets + 1) % 3, targets)
    before, after = (calibrate(probabilities, labels, folds) for labels in (targets, changed))
    np.testing.assert_array_equal(before[folds == 0], after[folds == 0])
    assert not np.allclose(before[folds == 1], after[folds == 1])


def test_a_perceptron_on_features_that_do_not_exist_is_refused():
    with pytest.raises(ValueError, match="is 'rhythm'; choose from summaries, prosody, or None"):
        TrainingConfig(perceptrons=[PerceptronSettings(), PerceptronSettings("pace", "rhythm")])
