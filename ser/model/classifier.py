"""The classifier: from features to calibrated probabilities, and how unusual a clip is.

Experts judge a clip, see `ser.model.perceptrons`. The further a clip lies from the training clips,
the more weight the others get compared with the first.

References
----------
Jacobs, Jordan, Nowlan and Hinton, "Adaptive Mixtures of Local Experts", Neural Computation 3(1),
1991; the gate here is not learned, but a function of a clip's distance from the training clips.
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
from ser.model.evidence import N_COMPONENTS, fit_evidence, weigh
from ser.model.perceptrons import FEATURE_LIMIT, PERCEPTRONS, PerceptronSettings, fit_experts
from ser.model.voice_profile import VoiceProfile

BLOCK = 1000  # rows that are transformed at once


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
        The class of everyday speech, of which voice profiles are made.
    seed : int
        The same seed gives the same model.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        In ascending order, as the columns of probabilities.
    pipelines_ : dict of str to sklearn.pipeline.Pipeline
        As `ser.model.perceptrons.fit_experts` returns them; with groups and everyday speech among
        the training clips also, for each expert, ``"EXPERT components"``, by which clips are
        compared with everyday speech, and ``"EXPERT evidence"``, what follows from that.

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
        classifier.pipelines_ = dict(pipelines)
        classifier.classes_ = np.asarray(pipelines["general"].classes_)
        return classifier

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        groups: ArrayLike | None = None,
        *,
        levels: ArrayLike | None = None,
    ) -> Self:
        """Fit the experts, and learn how to use a voice profile if speakers are known.

        Parameters
        ----------
        X : array_like, shape (n_clips, n_versions, n_features) or (n_clips, n_features)
            Finite. In half precision it takes less memory.
        y : array_like, shape (n_clips,)
            Classes: labels or numbers.
        groups : array_like, shape (n_clips,), optional
            Who speaks. Without it, or without everyday speech, no voice profile can be used.
        levels : array_like, shape (n_clips,), optional
            Power of the speech in dBFS; 0 by default.

        Raises
        ------
        ValueError
            If there are fewer than two classes, or `X` and `y` do not fit each other.
        """
        X, labels = _versions(X), column_or_1d(y)
        check_consistent_length(X, labels, groups, levels)
        self.n_features_in_ = X.shape[2]
        self.classes_, targets = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("all clips have the same class; give at least two")
        self.pipelines_ = fit_experts(
            X,
            labels,
            seed=self.seed,
            perceptrons=self.perceptrons,
            limit=self.limit,
            parts=self.parts,
            weights=self.weights,
        )
        if groups is not None and np.isin(self.everyday, self.classes_):
            levels = np.zeros(len(X)) if levels is None else np.asarray(levels)
            self._learn_voices(X, targets, np.asarray(groups), levels)
        return self

    def _learn_voices(
        self,
        X: NDArray[np.floating],
        targets: NDArray[np.integer],
        groups: NDArray[Any],
        levels: NDArray[np.floating],
    ) -> None:
        """Add the pipelines by which a voice profile is taken into account."""
        _, speakers = np.unique(groups, return_inverse=True)
        n_clean = self._n_speeds
        everyday = int(np.flatnonzero(self.classes_ == self.everyday)[0])
        clean = X[:, :n_clean].reshape(-1, X.shape[2]).astype(np.float32)
        clean = self._prepare(clean)
        parts = {settings.expert: settings.part for settings in reversed(self.perceptrons)}
        # The first expert last: finding components of all features overwrites them in place.
        for expert in reversed(self._experts):
            part = parts[expert]
            columns = (self.parts or {}).get(part, slice(None)) if part else slice(None)
            pca = boxes.find_components(clean, N_COMPONENTS, seed=self.seed, columns=columns)
            compact = boxes.compact_components(pca, N_COMPONENTS, columns, X.shape[2])
            self.pipelines_[f"{expert} components"] = Pipeline([("pca", compact)])
            self.pipelines_[f"{expert} evidence"] = fit_evidence(
                self.components(X, expert),
                levels,
                targets,
                speakers,
                everyday=everyday,
                n_clean=n_clean,
            )

    @property
    def knows_voices(self) -> bool:
        """Whether a voice profile can be taken into account."""
        return "general evidence" in self.pipelines_

    @property
    def _experts(self) -> list[str]:
        """Names of the experts, the one for clips like those in training first."""
        return [name for name, pipeline in self.pipelines_.items() if "mlp" in pipeline.named_steps]

    @property
    def _n_speeds(self) -> int:
        return len(self._config.speeds)

    @property
    def _config(self) -> ModelConfig:
        return self.config or ModelConfig(("no", "yes"))

    def _prepare(self, rows: NDArray[np.floating]) -> NDArray[np.floating]:
        return self.pipelines_["general"][:-1].transform(rows)

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
        nothing = np.zeros((1, self._n_speeds, n_features), np.float32)
        for name in self._experts:
            if not np.array_equal(self.pipelines_[name].classes_, self.classes_):
                raise ValueError("the experts do not fit each other")
            if self.knows_voices:
                evidence = self.pipelines_[f"{name} evidence"]["evidence"]
                if len(evidence.coef_) != len(self.classes_):
                    raise ValueError(f"the evidence of the {name} expert has other classes")
        answers = [self.predict_proba(nothing)]
        if self.knows_voices:
            profile = VoiceProfile(nothing[0, 0], 0.0, "")
            answers.append(self.assess(nothing, profile=profile, levels=[0.0])[0])
        if not np.allclose([answer.sum() for answer in answers], 1):
            raise ValueError("probabilities do not sum to 1")

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable class of each clip, shape (n_clips,)."""
        found = self.predict_proba(X).argmax(axis=1)
        return self.classes_[found]

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the probability of each class, shape (n_clips, n_classes); rows sum to 1."""
        return self.assess(X)[0]

    def assess(
        self,
        X: ArrayLike,
        *,
        profile: VoiceProfile | None = None,
        levels: ArrayLike | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return probabilities, relative to a voice if it is known, and novelties.

        Parameters
        ----------
        X : array_like, shape (n_clips, n_versions, n_features) or (n_clips, n_features)
            Versions beyond the speeds of the configuration are ignored.
        profile : VoiceProfile, optional
            Of the speaker of all clips.
        levels : array_like, shape (n_clips,), optional
            Power of the speech in dBFS; needed with a profile.

        Returns
        -------
        probabilities : ndarray of float64, shape (n_clips, n_classes)
            Rows sum to 1.
        novelties : ndarray of float64, shape (n_clips,)
            How unlike the training clips each clip is: the squared Mahalanobis distance from their
            mean, per component and averaged over speeds; about 1 for clips like those in training,
            copies included.
        """
        check_is_fitted(self, "pipelines_")
        X = _versions(X)[:, : self._n_speeds]
        rows = self._prepare(X.reshape(-1, X.shape[2]).astype(np.float32))
        answers = [self.pipelines_[name][-1].predict_proba(rows) for name in self._experts]
        by_expert = np.stack(answers).reshape(len(answers), *X.shape[:2], -1)
        novelties = self._novelties(self.pipelines_["novelty"].transform(rows), len(X))
        mixed = np.sum(
            self.gate(novelties)[..., None] * by_expert.mean(axis=2, dtype=np.float64), axis=0
        )
        probabilities = apply_temperature(mixed, self._config.temperature)
        if profile is not None:
            evidence = self.evidence(X, profile, np.asarray(levels))
            probabilities = weigh(probabilities, evidence, self._config)
        return probabilities, novelties

    def gate(self, novelties: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weight of each expert, shape (n_experts, n_clips); columns sum to 1."""
        n_others = len(self._experts) - 1
        if not n_others:
            return np.ones((1, len(novelties)))
        config = self._config
        first = 1 / (1 + (novelties / config.gate_midpoint) ** config.gate_steepness)
        return np.stack([first, *[(1 - first) / n_others] * n_others])

    def _novelties(self, components: NDArray[np.floating], n_clips: int) -> NDArray[np.float64]:
        """Return the mean squared distance of each clip from those in training, shape (n_clips,).

        It is measured along the first principal components, in standard deviations of each.
        """
        variance = self.pipelines_["novelty"]["pca"].explained_variance_
        squares = components.reshape(n_clips, -1, len(variance)).astype(float) ** 2
        return np.mean(squares / variance, axis=(1, 2))

    def components(self, X: NDArray[np.floating], expert: str) -> NDArray[np.float32]:
        """Return the principal components by which an expert compares clips with everyday speech.

        Parameters
        ----------
        X : ndarray, shape (n_clips, n_versions, n_features)
        expert : str

        Returns
        -------
        ndarray of float32, shape (n_clips, n_versions, n_components)
        """
        rows = X.reshape(-1, X.shape[2])
        blocks = (rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK))
        pca = self.pipelines_[f"{expert} components"]
        found = [pca.transform(self._prepare(block.astype(np.float32))) for block in blocks]
        return np.concatenate(found).reshape(*X.shape[:2], -1)

    def evidence(
        self, X: NDArray[np.floating], profile: VoiceProfile, levels: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Return what a voice profile says of the classes, shape (n_clips, n_classes).

        Log densities, less a term that all classes share; the mean of the experts.
        """
        found = []
        for expert in self._experts:
            clips = self.components(X, expert).mean(axis=1)
            usual = self.components(profile.features[None, None], expert)[0, 0]
            on_profile = np.broadcast_to([*usual, profile.level], (len(X), len(usual) + 1))
            values = np.column_stack([clips, levels, on_profile])
            found.append(self.pipelines_[f"{expert} evidence"].predict(values))
        return np.mean(found, axis=0)


def _versions(X: ArrayLike) -> NDArray[np.floating]:
    """Return features as an array of clips, versions and features."""
    checked: NDArray[np.floating] = check_array(X, allow_nd=True)
    return checked.reshape(len(checked), -1, checked.shape[-1])
