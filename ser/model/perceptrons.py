"""The perceptrons, on standardised features, fitted to clips and copies of them.

There are two experts (Jacobs et al. 1991). The general expert averages a perceptron on all features
with one on summaries only, which depends less on the words spoken. The prosody expert uses prosody
and voice quality without cepstra, is regularised more strongly and weights classes equally: it is
less accurate on clips like the training set and more accurate on others.

The fitted experts are stored as scikit-learn pipelines of plain types,

    general   StandardScaler -> MinMaxScaler(clip) -> MLPClassifier
    prosody   MLPClassifier, on the output of the general one's scalers
    typical   PCA, on the same

so that the model file opens without trusting anything beyond scikit-learn and NumPy. In training,
the perceptrons see principal components; these are linear, and end up in the weights of the first
layer.

References
----------
Jacobs, Jordan, Nowlan and Hinton, "Adaptive Mixtures of Local Experts", Neural Computation 3(1),
1991.
Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018.
Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017
(the cosine schedule).
"""

from copy import copy
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from sklearn.decomposition import PCA
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from threadpoolctl import threadpool_limits

PCA_STEP = 3  # every third row finds the components, which hardly differ from those of all
BLOCK = 1000  # rows that are transformed or mixed at once
FLOOR = 1e-6  # least variance of a component, of that of the first
N_TYPICAL = 100  # first components, from which the novelty of a clip is computed
COMPONENT_LEVELS = 31  # to which weights of components are rounded, either side of 0
LEVELS = 127  # the same, of the perceptrons' first layer

KNOWN = ("all", "summaries", "prosody")
"""Features that each perceptron uses."""

SUMMARY_SHARE = 0.3
"""Weight of the perceptron on summaries in the general expert's logits; chosen from 0.2 to 0.5
with held-out sentences, actors and clips of RAVDESS, and CREMA-D, in view."""


@dataclass(frozen=True)
class MLPSettings:
    """Hyper-parameters of an expert's perceptrons.

    Attributes
    ----------
    n_components : int
        Principal components that the perceptrons see in training.
    whitening : float
        0 keeps the variances of the components, 1 makes them equal.
    clip : float
        Standard deviations from the mean beyond which a feature is cut off, so that a single odd
        value in a new speaker's clip cannot decide.
    hidden_units : int
        Units of the hidden layer.
    alpha, learning_rate, batch_size, n_epochs
        As scikit-learn's `MLPClassifier`; the learning rate falls to zero along a cosine.
    mixup : float
        Parameter of the Beta distribution from which mixing weights are drawn.
    balanced : bool
        Whether all classes count the same in training, however many clips they have.
    """

    n_components: int = 800
    whitening: float = 0.25
    clip: float = 5.0
    hidden_units: int = 256
    alpha: float = 2.0
    learning_rate: float = 1.4e-3
    batch_size: int = 256
    n_epochs: int = 15
    mixup: float = 0.4
    balanced: bool = False


PROSODY = MLPSettings(alpha=5.0, learning_rate=1e-3, batch_size=128, n_epochs=8, balanced=True)
"""Settings of the prosody expert."""


def fit_pipelines(features, targets, *, seed, parts=None, settings=None, clips=None, weights=None):
    """Fit the pipelines.

    Parameters
    ----------
    features : ndarray of float32, shape (n_clips, n_copies, n_features)
        Features of clips and of copies of them.
    targets : ndarray of int, shape (n_clips,)
        Class indices.
    seed : int
        The same seed gives the same pipelines.
    parts : dict of str to ndarray of int, optional
        As `ser.features.FeatureExtractor.parts`. Without ``"summaries"`` the general expert is one
        perceptron, without ``"prosody"`` it is the prosody expert, too.
    settings : MLPSettings, optional
        Of the general expert.
    clips : ndarray of int, optional
        Indices of the clips to learn from; all by default. Takes less memory than a copy of them.
    weights : sequence of float, shape (n_copies,), optional
        Weight of each copy for the perceptron on all features; equal by default, as for the
        others.

    Returns
    -------
    dict of str to sklearn.pipeline.Pipeline
        ``"general"`` takes features of shape (n, n_features); its last step has `predict_proba`,
        as has that of ``"prosody"``, which takes the output of the other steps. ``"typical"``
        takes the same, and returns the first principal components.
    """
    settings = settings or MLPSettings()
    n_clips, n_copies, n_features = features.shape
    clips = np.arange(n_clips) if clips is None else clips
    rows = features.reshape(-1, n_features)
    indices = np.ravel(clips[:, None] * n_copies + np.arange(n_copies))
    scaler = StandardScaler()
    for block in _blocks(rows, indices):
        scaler.partial_fit(block)
    # Between its limits this scaler is the identity: it only cuts off what lies beyond them.
    limits = np.full((1, n_features), settings.clip, dtype=np.float32)
    limiter = MinMaxScaler(feature_range=(-settings.clip, settings.clip), clip=True)
    limiter.fit(np.concatenate([-limits, limits]))
    steps = [("scale", scaler), ("limit", limiter)]

    def limit(rows):  # as the two steps do, but in place, since copies would need most memory
        rows = scaler.transform(rows, copy=False)
        return np.clip(rows, -settings.clip, settings.clip, out=rows)

    sample = limit(rows[indices[::PCA_STEP]].astype(np.float32))
    perceptrons = {}
    # All features come last, as finding the components overwrites the sample.
    for name, columns in {**(parts or {}), "all": slice(None)}.items():
        perceptrons[name] = _Perceptron(
            PROSODY if name == "prosody" else settings,
            sample[:, columns],
            columns,
            len(indices),
            seeds=(seed, KNOWN.index(name)),
        )
    del sample
    for number, block in enumerate(_blocks(rows, indices)):
        limited = limit(block)
        for perceptron in perceptrons.values():
            perceptron.see(limited, number * BLOCK)
    targets = np.repeat(targets[clips], n_copies)
    weights = np.ones(n_copies) if weights is None else np.asarray(weights)
    weights = np.tile(weights / weights.mean(), len(clips))
    # A batch is too small for several threads to share; each perceptron has one of its own instead.
    with threadpool_limits(1):
        Parallel(len(perceptrons), require="sharedmem")(
            delayed(perceptron.fit)(targets, weights if name == "all" else None)
            for name, perceptron in perceptrons.items()
        )
    general = _merge([perceptrons["all"]], [1.0], n_features)
    if "summaries" in perceptrons:
        averaged = [perceptrons["all"], perceptrons["summaries"]]
        general = _merge(averaged, [1 - SUMMARY_SHARE, SUMMARY_SHARE], n_features)
    prosody = general
    if "prosody" in perceptrons:
        prosody = _merge([perceptrons["prosody"]], [1.0], n_features)
    return {
        "general": Pipeline([*steps, ("mlp", general)]),
        "prosody": Pipeline([("mlp", prosody)]),
        "typical": Pipeline([("pca", first_components(perceptrons["all"].pca, N_TYPICAL))]),
    }


class _Perceptron:
    """A perceptron during fitting.

    Parameters
    ----------
    settings : MLPSettings
    sample : ndarray, shape (n_rows, n_known)
        Its standardised features, to find their components; overwritten.
    columns : ndarray of int or slice
        Which of all features these are.
    n_rows : int
        How many it will learn from.
    seeds : tuple of int
        The first is enough for its components, which hardly depend on it.

    Attributes
    ----------
    pca : sklearn.decomposition.PCA
    mlp : sklearn.neural_network.MLPClassifier
        Once fitted, on weighted components.
    """

    def __init__(self, settings, sample, columns, n_rows, seeds):
        self.settings, self.columns, self.seeds = settings, columns, seeds
        self.pca = PCA(
            min(settings.n_components, len(sample) - 1, sample.shape[1]),
            copy=False,
            svd_solver="randomized",
            iterated_power=2,
            random_state=seeds[0],
        ).fit(sample)
        # Variances become a power of what they were, 1 on average.
        variance = _floored(self.pca.explained_variance_)
        relative = variance ** (1 - settings.whitening)
        self.weight = np.sqrt(relative / np.mean(relative) / variance)
        # Made here, since threads keep most of what they allocate and free.
        self.seen, self.mixed = np.empty((2, n_rows, len(self.weight)), dtype=np.float32)

    def see(self, rows, start):
        """Keep the weighted components of standardised features to learn from."""
        components = self.pca.transform(rows[:, self.columns]) * self.weight
        self.seen[start : start + len(rows)] = components

    def fit(self, targets, weights=None):
        """Learn from random mixes of the rows seen, made anew in each epoch.

        Parameters
        ----------
        targets : ndarray of int, shape (n_rows,)
        weights : ndarray, shape (n_rows,), optional
            Weight of each row, 1 on average; equal by default.
        """
        settings, rng = self.settings, np.random.default_rng(self.seeds)
        weights = np.ones(len(targets)) if weights is None else weights
        if settings.balanced:
            weights = weights / np.bincount(targets)[targets]
            weights = weights / weights.mean()
        self.mlp = MLPClassifier(
            (settings.hidden_units,),
            alpha=settings.alpha,
            batch_size=min(settings.batch_size, len(targets)),
            learning_rate_init=settings.learning_rate,
            random_state=int(rng.integers(2**31)),
        )
        classes = np.unique(targets)
        for epoch in range(settings.n_epochs):
            if epoch:
                progress = epoch / settings.n_epochs
                rate = settings.learning_rate * (1 + np.cos(np.pi * progress)) / 2
                # MLPClassifier has no learning-rate schedule for Adam.
                self.mlp._optimizer.learning_rate_init = rate
            kept = _mix(self.seen, settings.mixup, rng, self.mixed)
            self.mlp.partial_fit(
                self.mixed, targets[kept], classes=classes, sample_weight=weights[kept]
            )

    def first_layer(self, n_features):
        """Return weights and biases of the hidden units, on all standardised features."""
        components = self.pca.components_ * self.weight[:, None]
        weights = self.mlp.coefs_[0].T @ components
        bias = self.mlp.intercepts_[0] - weights @ self.pca.mean_
        return widen(weights, self.columns, n_features).T, bias


def _floored(variances):
    """Return variances, raised where dividing by them would blow up noise."""
    return np.maximum(variances, max(FLOOR * variances[0], np.finfo(np.float32).tiny))


def widen(values, columns, n_features):
    """Return values of some features as values of all, the others 0."""
    wide = np.zeros((*values.shape[:-1], n_features), values.dtype)
    wide[..., columns] = values
    return wide


def first_components(pca, number):
    """Return a PCA that takes less room in a model file.

    Parameters
    ----------
    pca : sklearn.decomposition.PCA
    number : int
        Of the components that are kept.

    Returns
    -------
    sklearn.decomposition.PCA
        Its components are rounded to small whole numbers, and scaled accordingly.
    """
    components, scale = _round(pca.components_[:number], COMPONENT_LEVELS, axis=1)
    cut = PCA(len(components))
    cut.components_, cut.n_components_ = components, len(components)
    cut.explained_variance_ = _floored(pca.explained_variance_[:number]) * scale**2
    cut.mean_, cut.n_features_in_ = pca.mean_.astype(np.float32), pca.n_features_in_
    return cut


def _blocks(rows, indices):
    """Yield some rows at a time, in single precision, so that no second copy of all is needed."""
    for start in range(0, len(indices), BLOCK):
        yield rows[indices[start : start + BLOCK]].astype(np.float32)


def _merge(perceptrons, shares, n_features):
    """Return one perceptron, whose logits are a weighted mean, on all standardised features.

    Parameters
    ----------
    perceptrons : list of _Perceptron
        Fitted, to the same classes.
    shares : list of float
        Weights of their logits, which sum to 1.
    n_features : int
    """
    layers = [perceptron.first_layer(n_features) for perceptron in perceptrons]
    first, bias = (np.concatenate(each, axis=-1) for each in zip(*layers, strict=True))
    members = [perceptron.mlp for perceptron in perceptrons]
    outputs = [share * member.coefs_[1] for member, share in zip(members, shares, strict=True)]
    # Small whole numbers keep the model file small. ReLU preserves the scale of each unit.
    first, scale = _round(first, LEVELS, axis=0)
    merged = copy(members[0])
    merged.hidden_layer_sizes = (len(bias),)
    merged.n_features_in_ = len(first)
    merged.coefs_ = [first, (np.concatenate(outputs) / scale[:, None]).astype(np.float32)]
    merged.intercepts_ = [
        (bias * scale).astype(np.float32),
        np.average([member.intercepts_[1] for member in members], axis=0, weights=shares),
    ]
    # Needed in training only: skops does not trust the optimiser's type, and all takes space.
    for name in ("_optimizer", "_best_coefs", "_best_intercepts"):
        vars(merged).pop(name, None)
    return merged


def _round(weights, levels, axis):
    """Return whole numbers, and what the weights were multiplied by."""
    scale = levels / np.maximum(np.abs(weights).max(axis=axis), np.finfo(np.float32).tiny)
    # In the order in which products with them are fastest.
    return np.rint(weights * np.expand_dims(scale, axis)).astype(np.int8, order="C"), scale


def _mix(rows, mixup, rng, mixed):
    """Mix random pairs of rows, and return the index of the row whose target each mix has."""
    first, second = rng.permutation(len(rows)), rng.permutation(len(rows))
    weight = rng.beta(mixup, mixup, len(rows)).astype(np.float32)
    for start in range(0, len(rows), BLOCK):
        block = slice(start, start + BLOCK)
        of_first = weight[block, None]
        mixed[block] = rows[first[block]] * of_first + rows[second[block]] * (1 - of_first)
    return np.where(rng.random(len(rows)) < weight, first, second)
