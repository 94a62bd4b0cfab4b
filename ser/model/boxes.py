"""Estimators of scikit-learn that are filled by hand.

A model file opens without trusting anything but scikit-learn's and NumPy's types, so whatever the
classifier computes is stored as one of them: a limit as a
MinMaxScaler, an average of perceptrons as one MLPClassifier. All that depends on how these
are built inside is here, and tested on the oldest and the newest scikit-learn that is allowed.

`prepare` and `Perceptron` compute what the boxes would, without the checks, conversions and copies
that take most of their time with a clip or two.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler

from ser.model.learning import Layers

VARIANCE_FLOOR = 1e-6  # least variance of a component, of that of the first
LAYER_LEVELS = 40  # to which weights of a first layer are rounded, either side of 0
FEW_ROWS = 4  # up to which a product for each row is faster than one for all
UNITS = 32  # whose weights stay in the processor's cache from row to row


def limiter(n_features: int, limit: float) -> MinMaxScaler:
    """Return a step that cuts off what lies beyond a limit, and is the identity within it."""
    edge = np.full((1, n_features), limit, dtype=np.float32)
    scaler = MinMaxScaler(feature_range=(-limit, limit), clip=True)
    return scaler.fit(np.concatenate([-edge, edge]))


def find_components(
    rows: NDArray[np.float32], n_components: int, *, seed: int, columns: NDArray[np.integer]
) -> PCA:
    """Find the principal components of some columns of rows.

    Parameters
    ----------
    rows : ndarray of float32, shape (n_rows, n_columns)
    n_components : int
        At most; there are fewer of few rows or columns.
    seed : int
    columns : ndarray of int

    Returns
    -------
    sklearn.decomposition.PCA
        Of the chosen columns.
    """
    known = rows[:, columns]
    number = min(n_components, len(known) - 1, known.shape[1])
    pca = PCA(number, copy=False, svd_solver="randomized", iterated_power=2, random_state=seed)
    return pca.fit(known)


def floored(variances: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return variances, raised where dividing by them would blow up noise."""
    return np.maximum(variances, max(VARIANCE_FLOOR * variances[0], np.finfo(np.float32).tiny))


def widen(
    values: NDArray[np.floating], columns: NDArray[np.integer], n_columns: int
) -> NDArray[np.floating]:
    """Return values of some columns as values of all, the others 0."""
    wide = np.zeros((*values.shape[:-1], n_columns), values.dtype)
    wide[..., columns] = values
    return wide


def average_perceptrons(
    members: Sequence[Layers], shares: Sequence[float], classes: NDArray[Any]
) -> MLPClassifier:
    """Return one perceptron whose logits are a weighted mean of those of others.

    Parameters
    ----------
    members : sequence of Layers
        On the same inputs, fitted to the same classes.
    shares : sequence of float
        Relative weights of their logits.
    classes : ndarray, shape (n_classes,)
        In ascending order.

    Returns
    -------
    sklearn.neural_network.MLPClassifier
        Its first layer is rounded to small whole numbers, which keep the model file small; ReLU
        preserves the scale of each unit.
    """
    weights = np.asarray(shares) / np.sum(shares)
    first, scale = quantise(np.hstack([each.first for each in members]), LAYER_LEVELS, axis=0)
    second = np.vstack([each.second * w for each, w in zip(members, weights, strict=True)])
    bias = np.concatenate([each.first_bias for each in members])
    # Made on a single input, since what it keeps of its inputs is replaced.
    box = MLPClassifier((len(bias),)).partial_fit(
        np.zeros((len(classes), 1)), classes, classes=classes
    )
    outputs = np.average([each.second_bias for each in members], axis=0, weights=weights)
    if len(classes) == 2:  # the box has one logit then, by how much the second class is ahead
        second, outputs = (each[..., 1:] - each[..., :1] for each in (second, outputs))
    box.n_features_in_ = len(first)
    box.coefs_ = [first, (second / scale[:, None]).astype(np.float32)]
    box.intercepts_ = [(bias * scale).astype(np.float32), outputs.astype(np.float32)]
    # Needed in training only: skops does not trust the optimiser's type, and all takes space.
    for name in ("_optimizer", "_best_coefs", "_best_intercepts"):
        vars(box).pop(name, None)
    return box


def quantise(
    weights: NDArray[np.floating], levels: int, axis: int
) -> tuple[NDArray[np.int8], NDArray[np.floating]]:
    """Round weights to whole numbers.

    Parameters
    ----------
    weights : ndarray of two dimensions
    levels : int
        Whole numbers either side of 0.
    axis : int
        Along which weights share a scale.

    Returns
    -------
    whole : ndarray of int8
        In the order in which products with them are fastest.
    scale : ndarray of one dimension
        What the weights were multiplied by.
    """
    scale = levels / np.maximum(np.abs(weights).max(axis=axis), np.finfo(np.float32).tiny)
    return np.rint(weights * np.expand_dims(scale, axis)).astype(np.int8, order="C"), scale


def prepare(steps: Pipeline, rows: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return what the scaler and the limiter of a pipeline make of rows.

    Parameters
    ----------
    steps : Pipeline
        Of a StandardScaler named ``scale``, `limiter` named ``limit``, and more.
    rows : ndarray, shape (n_rows, n_features)
        Finite.

    Raises
    ------
    ValueError
        If there are not as many features as the scaler knows.
    """
    scaler, limit = steps["scale"], steps["limit"]
    known = np.array(rows, np.float32)
    if known.shape[1] != scaler.n_features_in_:
        raise ValueError(f"{known.shape[1]} features instead of {scaler.n_features_in_}")
    np.subtract(known, scaler.mean_, out=known, casting="same_kind")
    np.divide(known, scaler.scale_, out=known, casting="same_kind")
    return np.clip(known, *limit.feature_range, out=known)


class Perceptron:
    """Computes the probabilities of a perceptron of `average_perceptrons`.

    Its weights are converted once, and left out where all of a part of the units are blind: those
    that learned from some of the features.

    Parameters
    ----------
    box : MLPClassifier
    """

    def __init__(self, box: MLPClassifier) -> None:
        first, self._second = box.coefs_
        self._first_bias, self._second_bias = box.intercepts_
        self._n_features = len(first)
        starts = range(0, first.shape[1], UNITS)
        seen = [first[:, start : start + UNITS].any(axis=1) for start in starts]
        self._parts: list[tuple[slice, Any, NDArray[np.float32]]] = []
        for columns, run in groupby(zip(starts, seen, strict=True), lambda each: each[1].tobytes()):
            known = [start for start, _ in run]
            units = slice(known[0], known[-1] + UNITS)
            chosen = np.frombuffer(columns, bool)
            some = slice(None) if chosen.all() else np.flatnonzero(chosen)
            # In this order products with a row are fastest.
            self._parts.append((units, some, np.asfortranarray(first[some, units], np.float32)))

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probability of each class, as `MLPClassifier.predict_proba` does.

        Parameters
        ----------
        rows : ndarray of float32, shape (n_rows, n_features)

        Returns
        -------
        ndarray of float32, shape (n_rows, n_classes)
        """
        if rows.shape[1] != self._n_features:
            raise ValueError(f"{rows.shape[1]} features instead of {self._n_features}")
        hidden = np.empty((len(rows), len(self._first_bias)), np.float32)
        for units, columns, weights in self._parts:
            _multiply(rows[:, columns], weights, hidden[:, units])
        hidden += self._first_bias
        logits = np.maximum(hidden, 0, out=hidden) @ self._second + self._second_bias
        if logits.shape[1] == 1:  # by how much the second class is ahead
            logits = np.hstack([np.zeros_like(logits), logits])
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)


def _multiply(
    rows: NDArray[np.float32], weights: NDArray[np.float32], products: NDArray[np.float32]
) -> None:
    """Fill `products` with `rows @ weights`, for a few rows reading the weights once."""
    if len(rows) > FEW_ROWS:
        products[:] = rows @ weights
        return
    for start in range(0, weights.shape[1], UNITS):
        units = slice(start, start + UNITS)
        for row, found in zip(rows, products, strict=True):
            np.matmul(row, weights[:, units], out=found[units])
