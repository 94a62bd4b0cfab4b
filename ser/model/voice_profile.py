"""Voice profiles: recognition relative to a person's everyday voice.

How a speaker sounds in everyday speech indicates how they would sound in each emotion, and what
their microphone does: see `fit_voice`. So does how loud a clip is relative to everyday speech;
without a profile this is unknown, as nobody knows how far away the microphone was.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline

from ser.errors import VoiceProfileError
from ser.model.perceptrons import first_components, widen

MIN_SPEECH = 3.0
"""Seconds of speech that a profile needs."""

N_COMPONENTS = 150
"""Principal components by which a clip is compared with everyday speech."""

N_CLIPS = 2
"""Number of clips that a profile is assumed to average."""

ACTOR_SHRINKAGE, CLIP_SHRINKAGE = 0.3, 0.1
"""Shrinkage of off-diagonal covariances, estimated from two dozen actors and from their clips."""

GAIN = 30.0
"""Spread in dB of the loudness of speakers and microphones."""

FLOOR = 0.01
"""Least variance of the rest, where values have a variance of 1."""

PIECE = 2.5
"""Seconds: longer speech is cut into pieces of about the length of the clips in training, since
the spread of descriptors depends on the duration."""


@dataclass(frozen=True, eq=False)
class VoiceProfile:
    """A summary of someone's everyday speech; no recording can be made from it.

    Attributes
    ----------
    features : ndarray of float32, shape (n_features,)
        Mean over pieces of the speech.
    level : float
        Power of the speech in dBFS.
    feature_hash : str
        Which features these are.
    """

    features: np.ndarray
    level: float
    feature_hash: str

    def __repr__(self) -> str:
        return (
            f"VoiceProfile(n_features={self.features.size}, level={self.level:.1f}, "
            f"feature_hash={self.feature_hash!r})"
        )

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
            # No recording has values beyond these (levels are in dB); products would overflow.
            if features.ndim != 1 or not (np.abs(features) < 1e6).all() or not abs(level) < 300:
                raise ValueError("not a list of numbers in the range of recordings")
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise VoiceProfileError(
                "This is not a voice profile: give what VoiceProfile.to_dict returned."
            ) from error
        return cls(features, level, feature_hash)


def fit_components(features, *, seed, columns=None):
    """Find the principal components by which clips are compared with everyday speech.

    Parameters
    ----------
    features : ndarray of float32, shape (n_clips, n_features)
        Standardised; may be overwritten.
    seed : int
    columns : ndarray of int, optional
        Features that the components are made from; all by default.

    Returns
    -------
    sklearn.decomposition.PCA
        Of all features; those outside `columns` have weight 0.
    """
    columns = slice(None) if columns is None else columns
    known = features[:, columns]
    number = min(N_COMPONENTS, len(known) - 1, known.shape[1])
    pca = PCA(number, copy=False, svd_solver="randomized", iterated_power=2, random_state=seed)
    pca.fit(known)
    pca.components_ = widen(pca.components_, columns, features.shape[1])
    pca.mean_ = widen(pca.mean_, columns, features.shape[1])
    pca.n_features_in_ = features.shape[1]
    return first_components(pca, number)


def fit_voice(components, levels, targets, actors, labels, *, n_heard):
    """Learn what everyday speech says about how its speaker sounds in each emotion.

    The values of a clip, its components and its level, are modelled as the mean of its emotion
    plus three Gaussian parts: one of its speaker, one of this speaker in this emotion, and the
    rest. The speaker's part is estimated from everyday speech and subtracted; what remains is
    compared with each mean. Neutral clips are treated like those of any other emotion, as if the
    speaker's part in neutral speech were not in the profile, too. All parts then have the same
    covariance for all emotions, so that the log density is linear in the values of the clip and
    of the everyday speech, up to a term that all emotions share.

    Parameters
    ----------
    components : ndarray, shape (n_clips, n_copies, n_components)
        Principal components of the features of clips and of copies of them.
    levels : ndarray, shape (n_clips,)
        Power of the speech in dBFS.
    targets, actors : ndarray of int, shape (n_clips,)
    labels : sequence of str
        Names of the classes; ``"neutral"``, of which there are clips, is everyday speech.
    n_heard : int
        Number of copies, the first ones, that are as clips are recognised. The difference of the
        others from them, in speed and recording, stands for that of an unseen speaker: their own
        speed and microphone, which are the same in all of their clips.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Its `predict` takes the components and level of a clip beside those of everyday speech,
        shape (n, 2 * (n_components + 1)), and returns the log density of each label, shape
        (n, n_labels), less a term that all share.

    References
    ----------
    Ioffe, "Probabilistic Linear Discriminant Analysis", ECCV 2006.
    Prince and Elder, "Probabilistic Linear Discriminant Analysis for Inferences About Identity",
    ICCV 2007.
    """
    heard = components[:, :n_heard].mean(axis=1, dtype=float)
    values = np.column_stack([heard, levels])
    unit = values.std(axis=0)
    unit[unit == 0] = 1
    means, clip, style, speaker = _gaussians(values / unit, targets, actors, len(labels))
    altered = components[:, n_heard:] - heard[:, None]
    if altered.size:
        altered = altered.reshape(-1, heard.shape[1]) / unit[:-1]
        speaker[:-1, :-1] += _covariance(altered, len(altered), CLIP_SHRINKAGE)
    speaker[-1, -1] += (GAIN / unit[-1]) ** 2

    # What a profile, the mean of some clips, says about the speaker's part; what stays unknown.
    told = speaker @ np.linalg.inv(speaker + style + clip / N_CLIPS)
    unknown = speaker - told @ speaker + style + clip
    weights = np.linalg.solve((unknown + unknown.T) / 2, means.T).T
    on_profile = -weights @ told
    evidence = LinearRegression()
    evidence.coef_ = np.hstack([weights / unit, on_profile / unit]).astype(np.float32)
    offset = np.sum(weights * means, axis=1) / 2 + on_profile @ means[list(labels).index("neutral")]
    evidence.intercept_ = -offset.astype(np.float32)
    evidence.n_features_in_ = evidence.coef_.shape[1]
    return Pipeline([("evidence", evidence)])


def _gaussians(values, targets, actors, n_labels):
    """Split values into parts.

    Returns
    -------
    means : ndarray, shape (n_labels, n_values)
        Of the emotions; 0 where there is no clip.
    clip, style, speaker : ndarray, shape (n_values, n_values)
        Covariance of clips of one emotion by one speaker, of a speaker's part in one emotion,
        and of a speaker's part in all emotions.
    """
    means = np.zeros((n_labels, values.shape[1]))
    for label in np.unique(targets):
        means[label] = values[targets == label].mean(axis=0)
    rest = values - means[targets]
    own = np.zeros((actors.max() + 1, *means.shape))
    cells = np.unique(np.column_stack([actors, targets]), axis=0)
    for actor, label in cells:
        own[actor, label] = rest[(actors == actor) & (targets == label)].mean(axis=0)
    rest -= own[actors, targets]
    known = [own[actor, cells[cells[:, 0] == actor, 1]] for actor in np.unique(actors)]
    speakers = np.array([each.mean(axis=0) for each in known])
    styles = np.concatenate([each - each.mean(axis=0) for each in known])
    freedom = max(len(rest) - len(cells), 1)
    clip = _covariance(rest, freedom, CLIP_SHRINKAGE) + FLOOR * np.eye(values.shape[1])
    style = _covariance(styles, len(styles), ACTOR_SHRINKAGE)
    return means, clip, style, _covariance(speakers, len(speakers), ACTOR_SHRINKAGE)


def _covariance(deviations, freedom, shrinkage):
    """Return the covariance of deviations, its off-diagonal elements shrunk."""
    covariance = deviations.T @ deviations / freedom
    return (1 - shrinkage) * covariance + shrinkage * np.diag(np.diag(covariance))


def speech_level(speech):
    """Return the power of speech in dBFS.

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
    """Make a profile from the features and levels of pieces of speech.

    Parameters
    ----------
    features : array_like, shape (n_pieces, n_speeds, n_features)
    levels : array_like, shape (n_pieces,)
        In dBFS.
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


def check_profile(profile, extractor, model):
    """Refuse a profile that does not suit a model.

    Parameters
    ----------
    profile : VoiceProfile
    extractor : ser.features.FeatureExtractor
        Of the model.
    model : str
        Where the model is from.

    Raises
    ------
    VoiceProfileError
        If the profile has other features, or is damaged.
    """
    if profile.feature_hash != extractor.hash:
        raise VoiceProfileError(
            f"The voice profile has features {profile.feature_hash}, but the model '{model}' uses "
            f"features {extractor.hash}: make the profile again with this model."
        )
    if profile.features.shape != (len(extractor.names),):
        raise VoiceProfileError(
            f"The voice profile has {profile.features.size} features, but '{model}' needs "
            f"{len(extractor.names)}: it is damaged; make it again."
        )
