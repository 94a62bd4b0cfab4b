"""Estimators of scikit-learn that are filled by hand.

A model file opens without trusting anything but scikit-learn's and NumPy's types, so whatever the
classifier computes is stored as one of them: a limit as a
MinMaxScaler, an average of perceptrons as one MLPClassifier. All that depends on how these
are built inside is here, and tested on the oldest and the newest scikit-learn that is allowed.

`prepare` and `recognise` compute what the boxes would, without the checks, conversions and copies
that take most of their time with a clip or two.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax
from sklearn.decomposition import PCA
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler

from ser.model.learning import Layers

VARIANCE_FLOOR = 1e-6  # least variance of a component, of that of the first
LAYER_LEVELS = 127  # to which weights of a first layer are rounded, either side of 0
FEW_ROWS = 4  # up to which a product for each row is faster than one for all
UNITS = 32  # whose weights stay in the processor's cache from row to row


def limiter(n_features: int, limit: float) -> MinMaxScaler:
    """Return a step that cuts off what lies beyond a limit, and is the identity within it."""
    edge = np.full((1, n_features), limit, dtype=np.float32)
    scaler = MinMaxScaler(feature_range=(-limit, limit), clip=True)
    return scaler.fit(np.concatenate([-edge, edge]))


def find_components(
    rows: NDArray[np.float32], n_components: int, *, seed: int, columns: NDArray[np.integer] | slice
) -> PCA:
    """Find the principal components of some columns of rows.

    Parameters
    ----------
    rows : ndarray of float32, shape (n_rows, n_columns)
        May be overwritten.
    n_components : int
        At most; there are fewer of few rows or columns.
    seed : int
    columns : ndarray of int or slice

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
    values: NDArray[np.floating], columns: NDArray[np.integer] | slice, n_columns: int
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


def unpack(perceptron: MLPClassifier) -> None:
    """Store the weights of a first layer as products with them need them: once, not at each use."""
    perceptron.coefs_[0] = np.asfortranarray(perceptron.coefs_[0], np.float32)


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


def recognise(perceptron: MLPClassifier, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the probability of each class, as `MLPClassifier.predict_proba` does.

    Parameters
    ----------
    perceptron : MLPClassifier
        Of `average_perceptrons`.
    rows : ndarray of float32, shape (n_rows, n_features)

    Returns
    -------
    ndarray of float32, shape (n_rows, n_classes)
    """
    first, second = perceptron.coefs_
    hidden = _products(rows, first)
    hidden += perceptron.intercepts_[0]
    logits = np.maximum(hidden, 0, out=hidden) @ second + perceptron.intercepts_[1]
    if logits.shape[1] == 1:
        ahead = expit(logits)
        return np.hstack([1 - ahead, ahead])
    return softmax(logits, axis=1)


def _products(rows: NDArray[np.float32], weights: NDArray[Any]) -> NDArray[np.float32]:
    """Return `rows @ weights`, reading the weights from memory once."""
    if len(rows) > FEW_ROWS:
        return rows @ weights
    n_units = weights.shape[1]
    products = np.empty((len(rows), n_units), np.float32)
    for start in range(0, n_units, UNITS):
        units = slice(start, start + UNITS)
        for row, found in zip(rows, products, strict=True):
            np.matmul(row, weights[:, units], out=found[units])
    return products
