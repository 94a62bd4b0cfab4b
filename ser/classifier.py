"""The classifier: averaged multilayer perceptrons on standardised features, calibrated.

Everything that is learned ends up in one scikit-learn pipeline of plain types,

    StandardScaler -> MinMaxScaler(clip) -> PCA -> MLPClassifier

so that the file which holds it opens without trusting anything beyond scikit-learn and NumPy.

References
----------
Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018.
Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017
(the cosine schedule).
"""

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from ser.evaluation import apply_temperature
from ser.voice import VoiceAdaptation

PCA_STEP = 3  # every which row is used to find components, which hardly differ from those of all
BLOCK = 1000  # rows that are transformed at once
LARGEST_WEIGHT = 31  # of a component, to which its weights are scaled before they are rounded
N_TYPICAL = 200  # first components, by which clips are told to be like those in training
FALSE_ALARMS = 0.05
"""Share of held-out clips of the training corpus that count as unlike it."""


@dataclass(frozen=True)
class MLPSettings:
    """Hyper-parameters of `fit_pipeline`.

    Attributes
    ----------
    n_components : int
        Principal components that the perceptrons see.
    whitening : float
        0 keeps the variances of the components, 1 makes them equal.
    clip : float
        Standard deviations from the mean beyond which a feature is cut off, so that a single odd
        value of a stranger's clip cannot decide.
    hidden_units, n_members : int
        Units of the hidden layer of each perceptron, and how many are averaged.
    alpha, learning_rate, batch_size, n_epochs
        As scikit-learn's `MLPClassifier`; the learning rate falls to zero along a cosine.
    mixup : float
        Parameter of the Beta distribution from which mixing weights are drawn.
    """

    n_components: int = 600
    whitening: float = 0.25
    clip: float = 5.0
    hidden_units: int = 256
    n_members: int = 3
    alpha: float = 2.0
    learning_rate: float = 1e-3
    batch_size: int = 128
    n_epochs: int = 8
    mixup: float = 0.4


def fit_pipeline(features, targets, *, seed, settings=None):
    """Fit the pipeline.

    Parameters
    ----------
    features : ndarray of float32, shape (n_clips, n_copies, n_features)
        Features of the training clips and of copies of them.
    targets : ndarray of int, shape (n_clips,)
        Class indices.
    seed : int
        Equal seeds give equal pipelines.
    settings : MLPSettings, optional

    Returns
    -------
    sklearn.pipeline.Pipeline
        Takes features of shape (n, n_features); its last step has `predict_proba`.
    """
    settings = settings or MLPSettings()
    n_copies, n_features = features.shape[1:]
    rows = features.reshape(-1, n_features)
    scaler = StandardScaler()
    for block in _blocks(rows):
        scaler.partial_fit(block)
    # Between its limits this scaler is the identity: it only cuts off what lies beyond them.
    limits = np.full((1, n_features), settings.clip, dtype=np.float32)
    limiter = MinMaxScaler(feature_range=(-settings.clip, settings.clip), clip=True)
    limiter.fit(np.concatenate([-limits, limits]))
    pca, variances = _fit_pca(
        limiter.transform(scaler.transform(rows[::PCA_STEP].astype(np.float32))), seed, settings
    )
    steps = [("scale", scaler), ("limit", limiter), ("pca", pca)]
    reduced = np.concatenate([Pipeline(steps).transform(block) for block in _blocks(rows)])
    weight = _weigh(reduced, variances, settings.whitening)
    mlp = _fit_mlp(reduced, weight, np.repeat(targets, n_copies), seed, settings)
    return Pipeline([*steps, ("mlp", mlp)])


def _blocks(rows):
    """Yield some rows at a time, in single precision, so that no second copy of all is needed."""
    for start in range(0, len(rows), BLOCK):
        yield rows[start : start + BLOCK].astype(np.float32)


def _fit_pca(rows, seed, settings):
    """Fit principal components, rounded to few bits; return them and their variances."""
    n_components = min(settings.n_components, len(rows) - 1, rows.shape[1])
    pca = PCA(n_components, svd_solver="randomized", iterated_power=2, random_state=seed).fit(rows)
    # Small whole numbers keep the model file small, once it is compressed, and their error is
    # 26 dB below what they stand for.
    variances = pca.explained_variance_
    scale = LARGEST_WEIGHT / np.abs(pca.components_).max(axis=1)
    pca.components_ = np.rint(pca.components_ * scale[:, None]).astype(np.int8)
    pca.explained_variance_ = variances * scale**2  # of what `transform` now returns
    pca.mean_ = pca.mean_.astype(np.float32)
    return pca, variances


def _weigh(rows, variances, whitening):
    """Return what components are multiplied by before perceptrons see them.

    Their variances become a power of what they were, 1 on average, whatever the scale of `rows`.
    """
    relative = variances ** (1 - whitening)
    return np.sqrt(relative / np.mean(relative)) / (rows.std(axis=0) + np.float32(1e-6))


def _fit_mlp(rows, weight, targets, seed, settings):
    """Fit several perceptrons and return one whose logits are the mean of theirs."""
    rows = (rows * weight).astype(np.float32)
    members = [
        _fit_member(rows, targets, [seed, index], settings) for index in range(settings.n_members)
    ]
    first = np.concatenate([member.coefs_[0] for member in members], axis=1) * weight[:, None]
    bias = np.concatenate([member.intercepts_[0] for member in members])
    second = np.concatenate([member.coefs_[1] for member in members], axis=0) / len(members)
    # Half precision keeps the file small; at a gain that ReLU passes on, its range suffices.
    gain = 1 / np.abs(first).max()
    merged = members[0]
    merged.hidden_layer_sizes = (settings.hidden_units * len(members),)
    merged.coefs_ = [(first * gain).astype(np.float16), (second / gain).astype(np.float32)]
    merged.intercepts_ = [
        (bias * gain).astype(np.float32),
        np.mean([member.intercepts_[1] for member in members], axis=0),
    ]
    return merged


def _fit_member(rows, targets, seed, settings):
    rng = np.random.default_rng(seed)
    mlp = MLPClassifier(
        (settings.hidden_units,),
        alpha=settings.alpha,
        batch_size=min(settings.batch_size, len(rows)),
        learning_rate_init=settings.learning_rate,
        random_state=int(rng.integers(2**31)),
    )
    classes = np.unique(targets)
    for epoch in range(settings.n_epochs):
        if epoch:
            progress = epoch / settings.n_epochs
            rate = settings.learning_rate * (1 + np.cos(np.pi * progress)) / 2
            mlp._optimizer.learning_rate_init = rate
        mlp.partial_fit(*_mix(rows, targets, settings.mixup, rng), classes=classes)
    # The optimiser's state is not needed to predict, and skops does not trust its type.
    del mlp._optimizer
    return mlp


def _mix(rows, targets, mixup, rng):
    """Return convex combinations of random pairs of rows, each with the target of one of them."""
    first, second = rng.permutation(len(rows)), rng.permutation(len(rows))
    weight = rng.beta(mixup, mixup, len(rows)).astype(np.float32)
    mixed = weight[:, None] * rows[first] + (1 - weight[:, None]) * rows[second]
    is_first = rng.random(len(rows)) < weight
    return mixed, np.where(is_first, targets[first], targets[second])


class EmotionClassifier:
    """Maps features to calibrated probabilities.

    Parameters
    ----------
    labels : sequence of str
        Class names, in the order of the probabilities.
    pipeline : sklearn.pipeline.Pipeline
        As `fit_pipeline` returns it.
    temperature : float
        Divides the logits.
    adaptation : VoiceAdaptation, optional
        What is needed to take a voice profile into account.
    max_novelty : float
        `novelty` from which a clip counts as unlike those in training.
    """

    def __init__(
        self, labels, pipeline, temperature=1.0, adaptation=None, max_novelty=float("inf")
    ):
        self.labels = tuple(labels)
        self.pipeline = pipeline
        self.temperature = temperature
        self.adaptation = adaptation
        self.max_novelty = max_novelty

    @classmethod
    def from_model(cls, model, config):
        """Restore a classifier from the contents of a model folder."""
        adaptation = None
        if "voice" in config:
            everyday = model["everyday"]["mean"].mean_.astype(np.float32)
            loudness, spread = (np.array(config["voice"][key]) for key in ("loudness", "spread"))
            adaptation = VoiceAdaptation(everyday, loudness, spread)
        max_novelty = config.get("novelty", {}).get("max", float("inf"))
        return cls(
            config["labels"], model["general"], config["temperature"], adaptation, max_novelty
        )

    def to_model(self):
        """Return what a model folder keeps in ``model.skops``."""
        model = {"general": self.pipeline}
        if self.adaptation is not None:
            mean = StandardScaler(with_std=False).fit(self.adaptation.everyday[None])
            model["everyday"] = Pipeline([("mean", mean)])
        return model

    def to_config(self):
        """Return what a model folder keeps in ``config.json``."""
        config = {"labels": list(self.labels), "temperature": self.temperature}
        if np.isfinite(self.max_novelty):
            config["novelty"] = {"max": self.max_novelty, "false_alarms": FALSE_ALARMS}
        if self.adaptation is not None:
            config["voice"] = {
                "loudness": self.adaptation.loudness.tolist(),
                "spread": self.adaptation.spread.tolist(),
            }
        return config

    def predict_proba(self, features):
        """Return the probabilities of all labels.

        Parameters
        ----------
        features : ndarray of float32, shape (n_clips, n_features)

        Returns
        -------
        ndarray of float64, shape (n_clips, n_labels)
            Rows sum to 1. Labels that no training clip had get 0.
        """
        known = self.pipeline.predict_proba(features).astype(np.float64)
        probabilities = np.zeros((len(known), len(self.labels)))
        probabilities[:, self.pipeline.classes_] = apply_temperature(known, self.temperature)
        return probabilities

    def novelty(self, features):
        """Return how unlike the clips in training clips are.

        The mean squared distance from their mean along the first principal components, in
        standard deviations of each (the Mahalanobis distance, squared, per component): about 1
        for clips that are like those in training, copies included.

        Parameters
        ----------
        features : ndarray of float32, shape (n_clips, n_features)

        Returns
        -------
        ndarray of float64, shape (n_clips,)
        """
        pca = self.pipeline["pca"]
        components = self.pipeline[:-1].transform(features)[:, :N_TYPICAL]
        return np.mean(components**2 / pca.explained_variance_[:N_TYPICAL], axis=1, dtype=float)

    def predict_proba_relative(self, features, level, profile):
        """Return the probabilities of all labels for one clip, relative to a voice.

        Parameters
        ----------
        features : ndarray of float32, shape (n_features,)
        level : float
            Power of the speech in dB of full scale.
        profile : VoiceProfile

        Returns
        -------
        ndarray of float64, shape (n_labels,)
        """
        shifted = self.adaptation.shift(features, profile)
        return self.adaptation.weigh(self.predict_proba(shifted[None])[0], level, profile)
