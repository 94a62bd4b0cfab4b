"""The classifier: from features to calibrated probabilities, and how unusual a clip is."""

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from ser.evaluation import TEMPERATURE_RANGE, apply_temperature
from ser.voice import VoiceAdaptation, VoiceProfile

FALSE_ALARMS = 0.05
"""Share of held-out clips of the training corpus that count as unlike it."""


class EmotionClassifier:
    """Maps features to calibrated probabilities.

    Parameters
    ----------
    labels : sequence of str
        Class names, in the order of the probabilities.
    pipelines : dict of str to sklearn.pipeline.Pipeline
        As `ser.perceptrons.fit_pipelines` returns them.
    temperature : float
        Divides the logits.
    adaptation : VoiceAdaptation, optional
        What is needed to take a voice profile into account.
    max_novelty : float
        `novelty` from which a clip counts as unlike those in training.
    """

    def __init__(
        self, labels, pipelines, temperature=1.0, adaptation=None, max_novelty=float("inf")
    ):
        self.labels = tuple(labels)
        self.pipelines = pipelines
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
        pipelines = {name: pipeline for name, pipeline in model.items() if name != "everyday"}
        max_novelty = config.get("novelty", {}).get("max", float("inf"))
        return cls(config["labels"], pipelines, config["temperature"], adaptation, max_novelty)

    def check(self, n_features):
        """Find what does not fit before the first clip does.

        Parameters
        ----------
        n_features : int

        Raises
        ------
        Exception
            Of any type, since the contents decide what fails, if anything in it does not fit.
        """
        lowest, highest = TEMPERATURE_RANGE
        if not lowest <= float(self.temperature) <= highest:
            raise ValueError(f"temperature {self.temperature}")
        nothing = np.zeros((1, n_features), np.float32)
        answers = [self.predict_proba(nothing[None])[0]]
        if self.adaptation is not None:
            profile = VoiceProfile(nothing[0], 0.0, "")
            answers.append(self.predict_proba_relative(nothing, 0.0, profile))
        if not np.allclose([answer.sum() for answer in answers], 1):
            raise ValueError("probabilities do not sum to 1")
        self.is_novel(nothing)

    def to_model(self):
        """Return what a model folder keeps in ``model.skops``."""
        model = dict(self.pipelines)
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
        features : ndarray of float32, shape (n_clips, n_speeds, n_features)
            At the speeds at which clips are heard, whose probabilities are averaged.

        Returns
        -------
        ndarray of float64, shape (n_clips, n_labels)
            Rows sum to 1. Labels that no training clip had get 0.
        """
        general = self.pipelines["general"]
        heard = general.predict_proba(features.reshape(-1, features.shape[2]))
        known = heard.reshape(*features.shape[:2], -1).mean(axis=1, dtype=np.float64)
        probabilities = np.zeros((len(known), len(self.labels)))
        probabilities[:, general.classes_] = apply_temperature(known, self.temperature)
        return probabilities

    def novelty(self, features):
        """Return how unlike the clips in training clips are.

        The mean squared distance from their mean along the first principal components, in
        standard deviations of each (the Mahalanobis distance, squared, per component): about 1
        for clips that are like those in training, copies included; averaged over speeds.

        Parameters
        ----------
        features : ndarray of float32, shape (n_clips, n_speeds, n_features)

        Returns
        -------
        ndarray of float64, shape (n_clips,)
        """
        pca = self.pipelines["typical"]["pca"]
        rows = features.reshape(-1, features.shape[2])
        components = pca.transform(self.pipelines["general"][:-1].transform(rows))
        squares = np.mean(components**2 / pca.explained_variance_, axis=1, dtype=float)
        return squares.reshape(features.shape[:2]).mean(axis=1)

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
            Power of the speech in dB of full scale.
        profile : VoiceProfile

        Returns
        -------
        ndarray of float64, shape (n_labels,)
        """
        shifted = self.adaptation.shift(features, profile)
        return self.adaptation.weigh(self.predict_proba(shifted[None])[0], level, profile)
