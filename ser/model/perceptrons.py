"""The perceptrons, on standardised features, fitted to clips and copies of them.

`PERCEPTRONS` names them, a row each: which expert it belongs to, which features it uses, and how it
learns. Perceptrons of one expert are averaged. The general expert averages one on all features with
one on summaries only, which depends less on the words spoken. The prosody expert uses prosody and
voice quality without cepstra, is regularised more strongly and weights classes equally: it is less
accurate on clips like the training set and more accurate on others.

The fitted experts are stored as scikit-learn pipelines of plain types,

    general   StandardScaler -> MinMaxScaler(clip) -> MLPClassifier
    prosody   MLPClassifier, on the output of the first one's scalers
    novelty   PCA, on the same

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

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from ser.model import boxes

PCA_STEP = 3  # every third row finds the components, which hardly differ from those of all
BLOCK = 1000  # rows that are transformed or mixed at once
N_NOVELTY = 100  # first components, from which the novelty of a clip is computed


@dataclass(frozen=True)
class PerceptronSettings:
    """A perceptron: its expert, its features and its hyper-parameters.

    Attributes
    ----------
    expert : str
        Perceptrons of one expert are averaged. The first expert judges clips like those in
        training; the more unlike them a clip is, the more weight the others get.
    part : str or None
        The features that it uses, of `ser.features.FeatureExtractor.parts`; None for all.
    share : float
        Weight of its logits in the expert's.
    weighs_copies : bool
        Whether training copies count as much as their weights say, or all the same.
    n_components : int
        Principal components that it sees in training.
    whitening : float
        0 keeps the variances of the components, 1 makes them equal.
    hidden_units : int
        Units of the hidden layer.
    alpha, learning_rate, batch_size, n_epochs
        As scikit-learn's `MLPClassifier`; the learning rate falls to zero along a cosine.
    mixup : float
        Parameter of the Beta distribution from which mixing weights are drawn.
    balanced : bool
        Whether all classes count the same in training, however many clips they have.
    """

    expert: str = "general"
    part: str | None = None
    share: float = 1.0
    weighs_copies: bool = False
    n_components: int = 800
    whitening: float = 0.25
    hidden_units: int = 256
    alpha: float = 2.0
    learning_rate: float = 1.4e-3
    batch_size: int = 256
    n_epochs: int = 15
    mixup: float = 0.4
    balanced: bool = False


PERCEPTRONS = (
    PerceptronSettings("general", share=0.7, weighs_copies=True),
    PerceptronSettings("general", "summaries", share=0.3),
    PerceptronSettings(
        "prosody",
        "prosody",
        alpha=5.0,
        learning_rate=1e-3,
        batch_size=128,
        n_epochs=8,
        balanced=True,
    ),
)
"""The shares were chosen from 0.2 to 0.5 for the summaries, with held-out sentences, actors and
clips of RAVDESS, and CREMA-D, in view."""

FEATURE_LIMIT = 5.0
"""Standard deviations from the mean beyond which a feature is cut off, so that a single odd value
in a new speaker's clip cannot decide."""


def fit_experts(
    features: NDArray[np.floating],
    y: NDArray[Any],
    *,
    seed: int,
    perceptrons: Sequence[PerceptronSettings] = PERCEPTRONS,
    limit: float = FEATURE_LIMIT,
    parts: Mapping[str, NDArray[np.integer]] | None = None,
    weights: Sequence[float] | None = None,
) -> dict[str, Pipeline]:
    """Fit the experts.

    Parameters
    ----------
    features : ndarray, shape (n_clips, n_copies, n_features)
        Features of clips and of copies of them.
    y : ndarray, shape (n_clips,)
        Classes.
    seed : int
        The same seed gives the same pipelines.
    perceptrons : sequence of PerceptronSettings
        The first uses all features. One whose part is not among `parts` is left out.
    limit : float
        As `FEATURE_LIMIT`.
    parts : dict of str to ndarray of int, optional
        As `ser.features.FeatureExtractor.parts`.
    weights : sequence of float, shape (n_copies,), optional
        Weight of each copy for perceptrons that weigh them; equal by default.

    Returns
    -------
    dict of str to sklearn.pipeline.Pipeline
        By expert: the first takes features of shape (n, n_features), the others the output of its
        steps but the last; the last step of each has `predict_proba`. ``"novelty"`` takes the same
        as the others, and returns the first principal components.
    """
    n_clips, n_copies, n_features = features.shape
    rows = features.reshape(-1, n_features)
    scaler = StandardScaler()
    for block in _blocks(rows):
        scaler.partial_fit(block)

    # As the steps do, but in place, to save memory.
    def prepare(rows: NDArray[np.floating]) -> NDArray[np.floating]:
        rows = scaler.transform(rows, copy=False)
        return np.clip(rows, -limit, limit, out=rows)

    sample = prepare(rows[::PCA_STEP].astype(np.float32))
    columns: dict[str | None, Any] = {None: slice(None)}
    columns.update(parts or {})
    known = [each for each in enumerate(perceptrons) if each[1].part in columns]
    learners = {}
    # All features come last, as finding their components overwrites the sample.
    for number, settings in sorted(known, key=lambda each: each[1].part is None):
        learners[number] = _Learner(
            settings, sample, columns[settings.part], len(rows), seeds=(seed, number)
        )
    del sample
    for number, block in enumerate(_blocks(rows)):
        prepared = prepare(block)
        for learner in learners.values():
            learner.see(prepared, number * BLOCK)
    classes, targets = np.unique(np.repeat(y, n_copies), return_inverse=True)
    of_copies = np.ones(n_copies) if weights is None else np.asarray(weights)
    of_rows = np.tile(of_copies / of_copies.mean(), n_clips)
    # A batch is too small for several threads to share; each perceptron has one of its own instead.
    with threadpool_limits(1):
        Parallel(len(learners), require="sharedmem")(
            delayed(learner.fit)(
                classes, targets, of_rows if learner.settings.weighs_copies else None
            )
            for learner in learners.values()
        )
    experts: dict[str, list[_Learner]] = {}
    for _, learner in sorted(learners.items()):
        experts.setdefault(learner.settings.expert, []).append(learner)
    steps: list[tuple[str, Any]] = [("scale", scaler), ("limit", boxes.limiter(n_features, limit))]
    pipelines = {}
    for name, members in experts.items():
        pipelines[name] = Pipeline([*steps, ("mlp", _average(members, n_features))])
        steps = []
    novelty = boxes.compact_components(learners[0].pca, N_NOVELTY)
    return {**pipelines, "novelty": Pipeline([("pca", novelty)])}


class _Learner:
    """A perceptron during fitting.

    Parameters
    ----------
    settings : PerceptronSettings
    sample : ndarray, shape (n_rows, n_features)
        Standardised features, to find their components; may be overwritten.
    columns : ndarray of int or slice
        Which of all features it uses.
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

    def __init__(
        self,
        settings: PerceptronSettings,
        sample: NDArray[np.float32],
        columns: Any,
        n_rows: int,
        seeds: tuple[int, int],
    ) -> None:
        self.settings, self.columns, self.seeds = settings, columns, seeds
        self.pca = boxes.find_components(
            sample, settings.n_components, seed=seeds[0], columns=columns
        )
        # Variances become a power of what they were, 1 on average.
        variance = boxes.floored(self.pca.explained_variance_)
        relative = variance ** (1 - settings.whitening)
        self.weight = np.sqrt(relative / np.mean(relative) / variance)
        # Made here, since threads keep most of what they allocate and free.
        self.seen, self.mixed = np.empty((2, n_rows, len(self.weight)), dtype=np.float32)

    def see(self, rows: NDArray[np.float32], start: int) -> None:
        """Keep the weighted components of standardised features to learn from."""
        components = self.pca.transform(rows[:, self.columns]) * self.weight
        self.seen[start : start + len(rows)] = components

    def fit(
        self,
        classes: NDArray[Any],
        targets: NDArray[np.integer],
        weights: NDArray[np.floating] | None = None,
    ) -> None:
        """Learn from random mixes of the rows seen, made anew in each epoch.

        Parameters
        ----------
        classes : ndarray, shape (n_classes,)
        targets : ndarray of int, shape (n_rows,)
            Indices of them.
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
        for epoch in range(settings.n_epochs):
            if epoch:
                progress = epoch / settings.n_epochs
                rate = settings.learning_rate * (1 + np.cos(np.pi * progress)) / 2
                boxes.set_learning_rate(self.mlp, rate)
            kept = _mix(self.seen, settings.mixup, rng, self.mixed)
            self.mlp.partial_fit(
                self.mixed, classes[targets[kept]], classes=classes, sample_weight=weights[kept]
            )

    def first_layer(self, n_features: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Return weights and biases of the hidden units, on all standardised features."""
        components = self.pca.components_ * self.weight[:, None]
        weights = self.mlp.coefs_[0].T @ components
        bias = self.mlp.intercepts_[0] - weights @ self.pca.mean_
        return boxes.widen(weights, self.columns, n_features).T, bias


def _average(learners: Sequence[_Learner], n_features: int) -> MLPClassifier:
    """Return one perceptron for an expert, on all standardised features."""
    shares = np.array([learner.settings.share for learner in learners])
    return boxes.average_perceptrons(
        [learner.mlp for learner in learners],
        [learner.first_layer(n_features) for learner in learners],
        shares / shares.sum(),
    )


def _blocks(rows: NDArray[np.floating]) -> Iterator[NDArray[np.float32]]:
    """Yield some rows at a time, in single precision, so that no second copy of all is needed."""
    for start in range(0, len(rows), BLOCK):
        yield rows[start : start + BLOCK].astype(np.float32)


def _mix(
    rows: NDArray[np.floating], mixup: float, rng: np.random.Generator, mixed: NDArray[np.floating]
) -> NDArray[np.intp]:
    """Mix random pairs of rows, and return the index of the row whose target each mix has."""
    first, second = rng.permutation(len(rows)), rng.permutation(len(rows))
    weight = rng.beta(mixup, mixup, len(rows)).astype(np.float32)
    for start in range(0, len(rows), BLOCK):
        block = slice(start, start + BLOCK)
        of_first = weight[block, None]
        mixed[block] = rows[first[block]] * of_first + rows[second[block]] * (1 - of_first)
    return np.where(rng.random(len(rows)) < weight, first, second)
