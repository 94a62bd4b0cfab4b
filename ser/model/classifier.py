"""The classifier: from features to calibrated probabilities, and how unusual a clip is.

Two experts judge a clip. The further a clip lies from the training clips, the more weight the
prosody expert gets.

References
----------
Jacobs, Jordan, Nowlan and Hinton, "Adaptive Mixtures of Local Experts", Neural Computation 3(1),
1991; the gate here is not learned, but a function of a clip's distance from the training clips.
"""

import numpy as np
from sklearn.pipeline import Pipeline

from ser.model.voice_profile import VoiceProfile, fit_components, fit_voice
from ser.training.metrics import TEMPERATURE_RANGE, apply_temperature

EXPERTS = ("general", "prosody")
EVEN, STEEPNESS = 1.1, 8
"""Novelty at which both experts have equal weight, and the exponent of the gate: the weight of the
prosody expert relative to the general one is (novelty / EVEN) ** STEEPNESS. Chosen from 35 pairs
with held-out RAVDESS and CREMA-D in view: RAVDESS alone favours the general expert more, CREMA-D
the prosody expert."""

FALSE_ALARMS = 0.05
"""Share of held-out clips of the training corpus that count as unlike it."""

PRIOR, EVIDENCE = 0.6, 0.25
"""Exponents of the profile-free probabilities and of the profile's likelihood; the best of a grid
on held-out RAVDESS with the general expert alone."""

BLOCK = 1000  # rows that are transformed at once


class EmotionClassifier:
    """Maps features to calibrated probabilities.

    Parameters
    ----------
    labels : sequence of str
        Class names, in the order of the probabilities.
    pipelines : dict of str to sklearn.pipeline.Pipeline
        As `ser.model.perceptrons.fit_pipelines` returns them. Voice profiles also need those that
        `learn_voices` adds for each expert: ``"general heard"``, the principal components by which
        clips are compared with everyday speech, and ``"general voice"``, the evidence from that.
    temperature : float
        Divides the logits.
    max_novelty : float
        `novelty` above which a clip counts as unlike those in training.
    """

    def __init__(self, labels, pipelines, temperature=1.0, max_novelty=float("inf")):
        self.labels = tuple(labels)
        self.pipelines = pipelines
        self.temperature = temperature
        self.max_novelty = max_novelty

    @classmethod
    def from_model(cls, model, config):
        """Restore a classifier from the contents of a model folder."""
        max_novelty = config.get("novelty", {}).get("max", float("inf"))
        return cls(config["labels"], dict(model), config["temperature"], max_novelty)

    @property
    def knows_voices(self):
        """Whether a voice profile can be taken into account."""
        return "general voice" in self.pipelines

    def check(self, n_features):
        """Check that all parts fit, so that loading fails rather than the first prediction.

        Parameters
        ----------
        n_features : int

        Raises
        ------
        Exception
            If anything does not fit; of any type, since the contents decide what fails.
        """
        lowest, highest = TEMPERATURE_RANGE
        if not lowest <= float(self.temperature) <= highest:
            raise ValueError(f"temperature {self.temperature}")
        nothing = np.zeros((1, n_features), np.float32)
        general, prosody = self.pipelines["general"], self.pipelines["prosody"]
        if len(prosody) != 1 or not np.array_equal(prosody.classes_, general.classes_):
            raise ValueError("the experts do not fit each other")
        answers = [self.predict_proba(nothing[None])[0]]
        if self.knows_voices:
            for expert in EXPERTS:
                if len(self.pipelines[f"{expert} voice"]["evidence"].coef_) != len(self.labels):
                    raise ValueError(f"the {expert} voice pipeline has other labels")
            profile = VoiceProfile(nothing[0], 0.0, "")
            answers.append(self.predict_proba_relative(nothing, 0.0, profile))
        if not np.allclose([answer.sum() for answer in answers], 1):
            raise ValueError("probabilities do not sum to 1")
        self.is_novel(nothing)

    def learn_voices(self, features, levels, targets, actors, *, n_heard, seed, prosody=None):
        """Learn from clips of actors how to use a voice profile, if any of the clips is neutral.

        Parameters
        ----------
        features : ndarray, shape (n_clips, n_copies, n_features)
        levels, targets, actors, n_heard
            As for `ser.model.voice_profile.fit_voice`.
        seed : int
            For the random numbers that finding components needs.
        prosody : ndarray of int, optional
            Indices of the features of the prosody expert; all by default.
        """
        if "neutral" not in self.labels or self.labels.index("neutral") not in targets:
            return
        heard = features[:, :n_heard].reshape(-1, features.shape[2]).astype(np.float32)
        heard = self.pipelines["general"][:-1].transform(heard)
        prosody = np.arange(features.shape[2]) if prosody is None else prosody
        # general last: fitting it overwrites `heard` in place
        known = {"prosody": prosody, "general": None}
        for expert, columns in known.items():
            pca = fit_components(heard, seed=seed, columns=columns)
            self.pipelines[f"{expert} heard"] = Pipeline([("pca", pca)])
            components = self.components(features, f"{expert} heard")
            self.pipelines[f"{expert} voice"] = fit_voice(
                components, levels, targets, actors, self.labels, n_heard=n_heard
            )

    def to_config(self):
        """Return what a model folder keeps in ``config.json``."""
        config = {"labels": list(self.labels), "temperature": self.temperature}
        if np.isfinite(self.max_novelty):
            config["novelty"] = {"max": self.max_novelty, "false_alarms": FALSE_ALARMS}
        return config

    def predict_proba(self, features):
        """Return the probabilities of all labels.

        Parameters
        ----------
        features : ndarray of float32, shape (n_clips, n_speeds, n_features)
            At the speeds at which clips are processed; their probabilities are averaged.

        Returns
        -------
        ndarray of float64, shape (n_clips, n_labels)
            Rows sum to 1. Labels without training clips get 0.
        """
        general = self.pipelines["general"]
        rows = general[:-1].transform(features.reshape(-1, features.shape[2]))
        experts = {"general": general[-1], "prosody": self.pipelines["prosody"]}
        heard = np.stack([experts[name].predict_proba(rows) for name in EXPERTS])
        heard = heard.reshape(len(EXPERTS), *features.shape[:2], -1).mean(axis=2, dtype=np.float64)
        known = np.sum(self.gate(features)[..., None] * heard, axis=0)
        probabilities = np.zeros((len(known), len(self.labels)))
        probabilities[:, general.classes_] = apply_temperature(known, self.temperature)
        return probabilities

    def gate(self, features):
        """Return the weight of each expert.

        Parameters
        ----------
        features : ndarray of float32, shape (n_clips, n_speeds, n_features)

        Returns
        -------
        ndarray of float64, shape (2, n_clips)
            Columns sum to 1; rows as `EXPERTS`.
        """
        general = 1 / (1 + (self.novelty(features) / EVEN) ** STEEPNESS)
        return np.stack([general, 1 - general])

    def novelty(self, features):
        """Return how unlike the training clips each clip is.

        The mean squared distance from their mean along the first principal components, in
        standard deviations of each (the Mahalanobis distance, squared, per component): about 1
        for clips like those in training, copies included; averaged over speeds.

        Parameters
        ----------
        features : ndarray of float32, shape (n_clips, n_speeds, n_features)

        Returns
        -------
        ndarray of float64, shape (n_clips,)
        """
        variance = self.pipelines["typical"]["pca"].explained_variance_
        squares = self.components(features, "typical").astype(float) ** 2
        return np.mean(squares / variance, axis=(1, 2))

    def components(self, features, name):
        """Return principal components of features.

        Parameters
        ----------
        features : ndarray, shape (n_clips, n_versions, n_features)
            At several speeds, or of several copies.
        name : {"typical", "general heard", "prosody heard"}
            Of the pipeline that finds them.

        Returns
        -------
        ndarray of float32, shape (n_clips, n_versions, n_components)
        """
        rows = features.reshape(-1, features.shape[2])
        limit, pca = self.pipelines["general"][:-1], self.pipelines[name]
        blocks = (rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK))
        found = [pca.transform(limit.transform(block.astype(np.float32))) for block in blocks]
        return np.concatenate(found).reshape(*features.shape[:2], -1)

    def is_novel(self, features):
        """Tell whether a clip is unlike those in training.

        Parameters
        ----------
        features : ndarray of float32, shape (n_speeds, n_features)
        """
        known = np.isfinite(self.max_novelty)
        return bool(known and self.novelty(features[None])[0] > self.max_novelty)

    def predict_proba_relative(self, features, level, profile):
        """Return the probabilities of all labels for one clip, relative to a voice.

        Parameters
        ----------
        features : ndarray of float32, shape (n_speeds, n_features)
        level : float
            Power of the speech in dBFS.
        profile : VoiceProfile

        Returns
        -------
        ndarray of float64, shape (n_labels,)
        """
        told = []  # by either expert, with equal weight
        for expert in EXPERTS:
            clip, everyday = (
                self.components(each[None], f"{expert} heard")[0].mean(axis=0)
                for each in (features, profile.features[None])
            )
            values = np.concatenate([clip, [level], everyday, [profile.level]])
            told.append(self.pipelines[f"{expert} voice"].predict(values[None])[0])
        return weigh(self.predict_proba(features[None])[0], np.mean(told, axis=0))


def weigh(probabilities, evidence):
    """Combine probabilities with the evidence from a voice profile.

    Parameters
    ----------
    probabilities : ndarray, shape (..., n_labels)
        Calibrated, without a profile.
    evidence : ndarray, shape (..., n_labels)
        Log densities, as the pipeline of `ser.model.voice_profile.fit_voice` predicts them.

    Returns
    -------
    ndarray of float64, shape (..., n_labels)
    """
    evidence = evidence - evidence.max(axis=-1, keepdims=True)
    weighed = probabilities**PRIOR * np.exp(EVIDENCE * evidence)
    return weighed / weighed.sum(axis=-1, keepdims=True)
