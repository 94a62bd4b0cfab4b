"""Estimators of scikit-learn that are filled by hand, or driven beyond their public interface.

A model file opens without trusting anything but scikit-learn's and NumPy's types, so whatever the
classifier computes is stored as one of them: a linear map as a PCA or a LinearRegression, a limit
as a MinMaxScaler, an average of perceptrons as one MLPClassifier. All that depends on how these
are built inside is here, and tested on the oldest and the newest scikit-learn that is allowed.
"""

from collections.abc import Sequence
from copy import copy

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import MinMaxScaler

VARIANCE_FLOOR = 1e-6  # least variance of a component, of that of the first
COMPONENT_LEVELS = 31  # to which weights of components are rounded, either side of 0
LAYER_LEVELS = 127  # the same, of a perceptron's first layer


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


def compact_components(
    pca: PCA, number: int, columns: NDArray[np.integer] | slice | None = None, n_columns: int = 0
) -> PCA:
    """Return a PCA that takes less room in a model file.

    Parameters
    ----------
    pca : sklearn.decomposition.PCA
    number : int
        Of the components that are kept.
    columns : ndarray of int or slice, optional
        Those of `n_columns` that the components are made from; the others get weight 0.
    n_columns : int

    Returns
    -------
    sklearn.decomposition.PCA
        Its components are rounded to small whole numbers, and scaled accordingly.
    """
    directions, mean = pca.components_[:number], pca.mean_
    if columns is not None:
        directions, mean = (widen(each, columns, n_columns) for each in (directions, mean))
    directions, scale = quantise(directions, COMPONENT_LEVELS, axis=1)
    compact = PCA(len(directions))
    compact.components_, compact.n_components_ = directions, len(directions)
    compact.explained_variance_ = floored(pca.explained_variance_[:number]) * scale**2
    compact.mean_, compact.n_features_in_ = mean.astype(np.float32), directions.shape[1]
    return compact


def linear_map(weights: NDArray[np.floating], offset: NDArray[np.floating]) -> LinearRegression:
    """Return an estimator whose `predict` gives ``rows @ weights.T + offset``."""
    box = LinearRegression()
    box.coef_, box.intercept_ = weights.astype(np.float32), offset.astype(np.float32)
    box.n_features_in_ = box.coef_.shape[1]
    return box


def set_learning_rate(perceptron: MLPClassifier, rate: float) -> None:
    """Set the rate of the next steps: MLPClassifier has no schedule for Adam."""
    perceptron._optimizer.learning_rate_init = rate


def average_perceptrons(
    perceptrons: Sequence[MLPClassifier],
    first_layers: Sequence[tuple[NDArray[np.floating], NDArray[np.floating]]],
    shares: Sequence[float],
) -> MLPClassifier:
    """Return one perceptron whose logits are a weighted mean of those of others.

    Parameters
    ----------
    perceptrons : sequence of MLPClassifier
        With one hidden layer, fitted to the same classes.
    first_layers : sequence of (weights, biases)
        Of each, shapes (n_features, n_units) and (n_units,), on common features.
    shares : sequence of float
        Weights of their logits, which sum to 1.

    Returns
    -------
    sklearn.neural_network.MLPClassifier
        Its first layer is rounded to small whole numbers, which keep the model file small; ReLU
        preserves the scale of each unit.
    """
    first, bias = (np.concatenate(each, axis=-1) for each in zip(*first_layers, strict=True))
    outputs = [share * each.coefs_[1] for each, share in zip(perceptrons, shares, strict=True)]
    first, scale = quantise(first, LAYER_LEVELS, axis=0)
    merged = copy(perceptrons[0])
    merged.hidden_layer_sizes = (len(bias),)
    merged.n_features_in_ = len(first)
    merged.coefs_ = [first, (np.concatenate(outputs) / scale[:, None]).astype(np.float32)]
    merged.intercepts_ = [
        (bias * scale).astype(np.float32),
        np.average([each.intercepts_[1] for each in perceptrons], axis=0, weights=shares),
    ]
    # Needed in training only: skops does not trust the optimiser's type, and all takes space.
    for name in ("_optimizer", "_best_coefs", "_best_intercepts"):
        vars(merged).pop(name, None)
    return merged


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
