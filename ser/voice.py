"""A person's everyday voice, and hearing what they say relative to it.

Two things are taken from a profile. Features are shifted by part of what sets the everyday voice
apart from those in training, as microphones and voices differ more than emotions do. And how
loud a clip is relative to everyday speech is evidence of its own, which without a profile cannot
be had: nobody knows how far away the microphone was.
"""

from dataclasses import dataclass

import numpy as np

from ser.errors import VoiceProfileError

MIN_SPEECH = 3.0
"""Seconds of speech that a profile needs."""

SHIFT = 0.25
"""Share of the difference between voices that is taken away; all of it takes emotion along. What it
is worth on held-out RAVDESS, `study voice` tells; microphones ask for more."""

EVIDENCE = 0.3
"""Weight of loudness beside the features, which tell much of what it tells: on RAVDESS it adds
nothing to them (`study voice`), on CREMA-D it does."""

MIN_SPREAD = 6.0
"""dB added to the spread of levels, since people and microphones vary more than actors."""

PIECE = 2.5
"""Seconds: longer speech is cut into pieces of about the length of the clips in training, since
how much descriptors vary depends on for how long one listens."""


@dataclass(frozen=True, eq=False)
class VoiceProfile:
    """What a recogniser keeps of someone's everyday speech; no recording can be made from it.

    Attributes
    ----------
    features : ndarray of float32, shape (n_features,)
        Mean over pieces of the speech.
    level : float
        Power of the speech in dB of full scale.
    feature_hash : str
        Which features these are.
    """

    features: np.ndarray
    level: float
    feature_hash: str

    def to_dict(self):
        """Return the profile as a dict that `json.dumps` takes."""
        return {
            "features": self.features.tolist(),
            "level": self.level,
            "feature_hash": self.feature_hash,
        }

    @classmethod
    def from_dict(cls, entries):
        """Make the profile that `to_dict` wrote."""
        try:
            features = np.array(entries["features"], dtype=np.float32)
            level = float(entries["level"])
            feature_hash = str(entries["feature_hash"])
            if features.ndim != 1 or not np.isfinite([*features, level]).all():
                raise ValueError("not a list of finite numbers")
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise VoiceProfileError(
                "This is no voice profile: give what VoiceProfile.to_dict returned."
            ) from error
        return cls(features, level, feature_hash)


@dataclass(frozen=True, eq=False)
class VoiceAdaptation:
    """What training tells of everyday voices, and of how loud emotions are relative to them.

    Attributes
    ----------
    everyday : ndarray of float32, shape (n_features,)
        Mean features of neutral speech.
    loudness : ndarray, shape (n_labels,)
        Mean level of each emotion in dB, relative to the same actor's neutral speech.
    spread : ndarray, shape (n_labels,)
        Spread of these levels in dB, widened by `MIN_SPREAD`.
    """

    everyday: np.ndarray
    loudness: np.ndarray
    spread: np.ndarray

    @classmethod
    def fit(cls, features, levels, targets, actors, labels):
        """Learn from clips of actors.

        Parameters
        ----------
        features : ndarray, shape (n_clips, n_speeds, n_features)
            At the speeds at which clips are heard.
        levels : ndarray, shape (n_clips,)
            In dB of full scale.
        targets, actors : ndarray of int, shape (n_clips,)
        labels : sequence of str
            Names of the classes; ``"neutral"`` is everyday speech.

        Returns
        -------
        VoiceAdaptation or None
            None if no actor spoke neutrally.
        """
        is_neutral = np.array([labels[target] == "neutral" for target in targets])
        if not is_neutral.any():
            return None
        usual = {actor: levels[is_neutral & (actors == actor)] for actor in np.unique(actors)}
        known = np.array([usual[actor].size > 0 for actor in actors])
        relative = np.array(
            [
                level - usual[actor].mean()
                for level, actor in zip(levels[known], actors[known], strict=True)
            ]
        )
        groups = [relative[targets[known] == target] for target in range(len(labels))]
        return cls(
            features[is_neutral].mean(axis=(0, 1), dtype=np.float64).astype(np.float32),
            np.array([group.mean() if group.size else 0.0 for group in groups]),
            np.array(
                [np.hypot(group.std() if group.size else 0.0, MIN_SPREAD) for group in groups]
            ),
        )

    def shift(self, features, profile):
        """Return features as if the speaker's everyday voice were more like those in training.

        Parameters
        ----------
        features : ndarray of float32, shape (..., n_features)
        profile : VoiceProfile
        """
        return features - np.float32(SHIFT) * (profile.features - self.everyday)

    def weigh(self, probabilities, level, profile):
        """Return probabilities in the light of how loud the clip is.

        Parameters
        ----------
        probabilities : ndarray, shape (n_labels,)
        level : float
            Power of the speech in dB of full scale.
        profile : VoiceProfile
        """
        distance = (level - profile.level - self.loudness) / self.spread
        evidence = -0.5 * distance**2 - np.log(self.spread)
        weighed = probabilities * np.exp(EVIDENCE * (evidence - evidence.max()))
        return weighed / weighed.sum()


def speech_level(speech):
    """Return the power of speech in dB of full scale.

    Parameters
    ----------
    speech : ndarray, shape (n_samples,)
    """
    return float(10 * np.log10(np.mean(np.square(speech, dtype=np.float64)) + 1e-20))


def pieces(speech, sample_rate):
    """Cut speech into equal pieces of about `PIECE`.

    Parameters
    ----------
    speech : ndarray, shape (n_samples,)
    sample_rate : int
        In Hz.

    Returns
    -------
    list of ndarray
    """
    return np.array_split(speech, max(1, round(speech.size / (PIECE * sample_rate))))


def average(features, levels, feature_hash):
    """Make a profile of the features and levels of pieces of speech.

    Parameters
    ----------
    features : array_like, shape (n_pieces, n_speeds, n_features)
    levels : array_like, shape (n_pieces,)
        In dB of full scale.
    feature_hash : str

    Returns
    -------
    VoiceProfile
    """
    return VoiceProfile(
        np.mean(features, axis=(0, 1), dtype=np.float64).astype(np.float32),
        float(np.mean(levels)),
        feature_hash,
    )
