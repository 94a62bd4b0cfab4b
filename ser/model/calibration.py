"""The temperature that makes confidence mean what it says.

References
----------
Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

TEMPERATURE_RANGE = (0.05, 20.0)


def fit_temperature(probabilities: ArrayLike, targets: NDArray[np.integer]) -> float:
    """Find the temperature under which probabilities are most likely to give the targets.

    Parameters
    ----------
    probabilities : array_like of float, shape (n_clips, n_classes)
        Predictions of clips that the classifier was not trained on.
    targets : ndarray of int, shape (n_clips,)

    Returns
    -------
    float
        Within `TEMPERATURE_RANGE`; above 1 where the classifier is overconfident.
    """
    logits = _logits(probabilities)

    def negative_log_likelihood(log_temperature: float) -> float:
        likelihoods = log_softmax(logits / np.exp(log_temperature), axis=1)
        return -likelihoods[np.arange(len(logits)), targets].mean()

    found = minimize_scalar(
        negative_log_likelihood, bounds=np.log(TEMPERATURE_RANGE), method="bounded"
    )
    return float(np.exp(found.x))


def apply_temperature(probabilities: ArrayLike, temperature: float) -> NDArray[np.float64]:
    """Soften (above 1) or sharpen (below 1) probabilities; the highest one stays the highest.

    Parameters
    ----------
    probabilities : array_like of float, shape (..., n_classes)
    temperature : float

    Returns
    -------
    ndarray of float, shape (..., n_classes)
    """
    return softmax(_logits(probabilities) / temperature, axis=-1)


def _logits(probabilities: ArrayLike) -> NDArray[np.float64]:
    """Return logits that a softmax turns into `probabilities`."""
    return np.log(np.maximum(np.asarray(probabilities, dtype=float), np.finfo(float).tiny))
