"""The classifier: from features to calibrated probabilities.

A clip is judged as it is, and, where other clips of its speaker are known, also relative to them:
the logits of both are averaged. See `ser.model.perceptrons`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.validation import check_is_fitted

from ser.model import boxes
from ser.model.calibration import apply_temperature
from ser.model.config import ModelConfig
from ser.model.perceptrons import (
    FEATURE_LIMIT,
    PERCEPTRONS,
    PLAIN,
    RELATIVE,
    PerceptronSettings,
    fit_experts,
)


class EmotionClassifier(ClassifierMixin, BaseEstimator):
    """Maps features to calibrated probabilities: a classifier in scikit-learn's sense.

    Features have shape ``(n_clips, n_versions, n_features)``: the versions of a clip are it at each
    of the speeds of ``config``, by which it is recognised, then any copies to learn from. An array
    of shape ``(n_clips, n_features)`` holds one version of each clip.

    Parameters
    ----------
    config : ModelConfig, optional
        Its labels play no part here: classes are what `fit` finds in its targets.
    perceptrons : sequence of PerceptronSettings
        See `ser.model.perceptrons.fit_experts`, as for the next three.
    limit : float
    parts : dict of str to ndarray of int, optional
    weights : sequence of float, shape (n_versions,), optional
    everyday : optional
        The class of everyday speech.
    seed : int
        The same seed gives the same model.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        In ascending order, as the columns of probabilities.
    pipelines_ : dict of str to sklearn.pipeline.Pipeline
        As `ser.model.perceptrons.fit_experts` returns them.

    Examples
    --------
    >>> from sklearn.model_selection import GroupKFold, cross_val_score
    >>> rng = np.random.default_rng(0)
    >>> X, y, speakers = rng.normal(size=(300, 8)), np.arange(300) % 2, np.arange(300) // 50
    >>> X += 2 * y[:, None]
    >>> scores = cross_val_score(EmotionClassifier(), X, y, groups=speakers, cv=GroupKFold(3))
    >>> scores.mean() > 0.9
    np.True_
    """

    def __init__(
        self,
        config: ModelConfig | None = None,
        *,
        perceptrons: Sequence[PerceptronSettings] = PERCEPTRONS,
        limit: float = FEATURE_LIMIT,
        parts: Mapping[str, NDArray[np.integer]] | None = None,
        weights: Sequence[float] | None = None,
        everyday: Any = None,
        seed: int = 0,
    ) -> None:
        self.config = config
        self.perceptrons = perceptrons
        self.limit = limit
        self.parts = parts
        self.weights = weights
        self.everyday = everyday
        self.seed = seed

    @classmethod
    def restore(cls, pipelines: Mapping[str, Pipeline], config: ModelConfig) -> "EmotionClassifier":
        """Make a fitted classifier of the contents of a model folder.

        Its classes are indices of the labels of `config`.
        """
        classifier = cls(config)
        classifier._take(pipelines)
        classifier.classes_ = np.asarray(pipelines[PLAIN].classes_)
        return classifier

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        groups: ArrayLike | None = None,
        *,
        candidates: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Fit the experts.

        Parameters
        ----------
        X : array_like, shape (n_clips, n_versions, n_features) or (n_clips, n_features)
            Finite. In half precision it takes less memory.
        y : array_like, shape (n_clips,)
            Classes: labels or numbers.
        groups : array_like, shape (n_clips,), optional
            Who speaks. Without it no clip can be judged relative to others.
        candidates : array_like of bool, shape (n_clips, n_classes), optional
            Which classes each clip may have, in ascending order; by default that of `y` alone.
        sample_weight : array_like of float, shape (n_clips,), optional
            How much each clip counts; equal by default.

        Raises
        ------
        ValueError
            If there are fewer than two classes, or arrays do not fit each other.
        """
        X, labels = _versions(X), column_or_1d(y)
        check_consistent_length(X, labels, groups, candidates, sample_weight)
        self.n_features_in_ = X.shape[2]
        self.classes_, targets = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("all clips have the same class; give at least two")
        may_be = np.eye(len(self.classes_), dtype=bool)[targets]
        if candidates is not None:
            may_be |= np.asarray(candidates, dtype=bool)
        pipelines = fit_experts(
            X,
            may_be,
            self.classes_,
            seed=self.seed,
            perceptrons=self.perceptrons,
            limit=self.limit,
            parts=self.parts,
            version_weights=self.weights,
            clip_weights=None if sample_weight is None else np.asarray(sample_weight),
            speakers=None if groups is None else np.asarray(groups),
            everyday=labels == self.everyday,
        )
        self._take(pipelines)
        return self

    def _take(self, pipelines: Mapping[str, Pipeline]) -> None:
        self.pipelines_ = dict(pipelines)
        self._perceptrons = {
            name: boxes.Perceptron(pipeline[-1]) for name, pipeline in pipelines.items()
        }

    @property
    def knows_voices(self) -> bool:
        """Whether clips can be judged relative to others of their speaker."""
        return RELATIVE in self.pipelines_

    @property
    def _config(self) -> ModelConfig:
        return self.config or ModelConfig(("no", "yes"))

    def _prepare(self, rows: NDArray[np.floating]) -> NDArray[np.float32]:
        return boxes.prepare(self.pipelines_[PLAIN], rows)

    def check(self, n_features: int) -> None:
        """Check that all parts fit, so that loading fails rather than the first prediction.

        Raises
        ------
        Exception
            If anything does not fit; of any type, since the contents decide what fails.
        """
        known = set(range(len(self._config.labels)))
        found = self.classes_.tolist()
        are_whole = all(type(each) is int for each in found)
        if not are_whole or not set(found) <= known or len(set(found)) < len(found):
            raise ValueError("the classes are not those of the labels")
        nothing = np.zeros((1, len(self._config.speeds), n_features), np.float32)
        answers = [self.predict_proba(nothing)]
        if self.knows_voices:
            if not np.array_equal(self.pipelines_[RELATIVE].classes_, self.classes_):
                raise ValueError("the experts do not fit each other")
            answers.append(self.predict_proba(nothing, references=nothing[:, 0]))
        if not np.allclose([answer.sum() for answer in answers], 1):
            raise ValueError("probabilities do not sum to 1")

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable class of each clip, shape (n_clips,)."""
        found = self.predict_proba(X).argmax(axis=1)
        return self.classes_[found]

    def predict_proba(
        self,
        X: ArrayLike,
        *,
        references: NDArray[np.floating] | None = None,
    ) -> NDArray[np.float64]:
        """Return the probability of each class, relative to the speakers' voices if known.

        Parameters
        ----------
        X : array_like, shape (n_clips, n_versions, n_features) or (n_clips, n_features)
            Versions beyond the speeds of the configuration are ignored.
        references : ndarray, shape (n_clips, n_features) or (n_features,), optional
            For each clip, or for all, the mean features of other clips of its speaker.

        Returns
        -------
        ndarray of float64, shape (n_clips, n_classes)
            Rows sum to 1.
        """
        check_is_fitted(self, "pipelines_")
        X = _versions(X)[:, : len(self._config.speeds)]
        shape = X.shape[:2]
        rows = self._prepare(X.reshape(-1, X.shape[2]))
        logits = self._logits(PLAIN, rows, shape)
        if references is not None:
            usual = self._prepare(np.atleast_2d(references))
            usual = np.broadcast_to(usual[:, None], (*shape, X.shape[2])).reshape(rows.shape)
            relative = self._logits(RELATIVE, rows - usual, shape)
            logits = (logits + relative) / 2
        return apply_temperature(np.exp(logits), self._config.temperature)

    def _logits(
        self, expert: str, rows: NDArray[np.float32], shape: tuple[int, ...]
    ) -> NDArray[np.float64]:
        """Return the logarithm of the mean probability over the versions of each clip."""
        known = self._perceptrons[expert](rows).reshape(*shape, -1)
        return np.log(known.mean(axis=1, dtype=np.float64) + np.finfo(float).tiny)


def _versions(X: ArrayLike) -> NDArray[np.floating]:
    """Return features as an array of clips, versions and features."""
    is_plain = isinstance(X, np.ndarray) and X.dtype == np.float32 and X.ndim > 1 and X.size
    if not (is_plain and np.isfinite(X).all()):  # what is plain, scikit-learn passes, but slowly
        X = check_array(X, allow_nd=True)
    checked = np.asarray(X)
    return checked.reshape(len(checked), -1, checked.shape[-1])
