"""The temperature that makes confidence mean what it says.

References
----------
Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logsumexp, softmax

TEMPERATURE_RANGE = (0.05, 20.0)


def fit_temperature(
    probabilities: ArrayLike,
    candidates: NDArray[np.bool_],
    weights: NDArray[np.floating] | None = None,
) -> float:
    """Find the temperature under which probabilities are most likely to give what clips are.

    Parameters
    ----------
    probabilities : array_like of float, shape (n_clips, n_classes)
        Predictions of clips that the classifier was not trained on. Clips whose candidates all
        have a probability of 0, as classes without training clips do, are left out.
    candidates : ndarray of bool, shape (n_clips, n_classes)
        The classes that each clip may have; the likelihood of a clip is the sum over them.
    weights : ndarray of float, shape (n_clips,), optional
        How much each clip counts; all count the same by default.

    Returns
    -------
    float
        Within `TEMPERATURE_RANGE`; above 1 where the classifier is overconfident, and 1 without
        any clips.
    """
    possible = np.asarray(probabilities, dtype=float)
    usable = (possible * candidates).sum(axis=1) > 0
    if not usable.any():
        return 1.0
    logits, candidates = _logits(possible[usable]), candidates[usable]
    weights = None if weights is None else weights[usable]

    def negative_log_likelihood(log_temperature: float) -> float:
        likelihoods = log_softmax(logits / np.exp(log_temperature), axis=1)
        likelihoods = logsumexp(np.where(candidates, likelihoods, -np.inf), axis=1)
        return float(-np.average(likelihoods, weights=weights))

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
