"""What a voice profile says: how a person's everyday voice bears on their emotions.

How a speaker sounds in everyday speech indicates how they would sound in each emotion, and what
their microphone does: see `fit_evidence`. So does how loud a clip is relative to everyday speech;
without a profile this is unknown, as nobody knows how far away the microphone was.
"""

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from ser.model import boxes
from ser.model.config import ModelConfig

N_COMPONENTS = 150
"""Principal components by which a clip is compared with everyday speech."""

N_CLIPS = 2
"""Number of clips that a profile is assumed to average."""

SPEAKER_SHRINKAGE, CLIP_SHRINKAGE = 0.3, 0.1
"""Shrinkage of off-diagonal covariances, estimated from two dozen speakers and from their clips."""

GAIN = 30.0
"""Spread in dB of the loudness of speakers and microphones."""

REST_FLOOR = 0.01
"""Least variance of the rest, where values have a variance of 1."""


def fit_evidence(
    components: NDArray[np.floating],
    levels: NDArray[np.floating],
    targets: NDArray[np.integer],
    speakers: NDArray[np.integer],
    *,
    everyday: int,
    n_clean: int,
) -> Pipeline:
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
    targets, speakers : ndarray of int, shape (n_clips,)
        Each from 0 up, without gaps.
    everyday : int
        The class of everyday speech.
    n_clean : int
        Number of copies, the first ones, that are as clips are recognised. The difference of the
        others from them, in speed and recording, stands for that of an unseen speaker: their own
        speed and microphone, which are the same in all of their clips.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Its `predict` takes the components and level of a clip beside those of everyday speech,
        shape (n, 2 * (n_components + 1)), and returns the log density of each class, shape
        (n, n_classes), less a term that all share.

    References
    ----------
    Ioffe, "Probabilistic Linear Discriminant Analysis", ECCV 2006.
    Prince and Elder, "Probabilistic Linear Discriminant Analysis for Inferences About Identity",
    ICCV 2007.
    """
    clean = components[:, :n_clean].mean(axis=1, dtype=float)
    values = np.column_stack([clean, levels])
    unit = values.std(axis=0)
    unit[unit == 0] = 1
    means, clip, style, speaker = _gaussians(values / unit, targets, speakers)
    altered = components[:, n_clean:] - clean[:, None]
    if altered.size:
        altered = altered.reshape(-1, clean.shape[1]) / unit[:-1]
        speaker[:-1, :-1] += _covariance(altered, len(altered), CLIP_SHRINKAGE)
    speaker[-1, -1] += (GAIN / unit[-1]) ** 2

    # What a profile, the mean of some clips, says about the speaker's part; what stays unknown.
    known = speaker @ np.linalg.inv(speaker + style + clip / N_CLIPS)
    unknown = speaker - known @ speaker + style + clip
    weights = np.linalg.solve((unknown + unknown.T) / 2, means.T).T
    on_profile = -weights @ known
    offset = np.sum(weights * means, axis=1) / 2 + on_profile @ means[everyday]
    evidence = boxes.linear_map(np.hstack([weights / unit, on_profile / unit]), -offset)
    return Pipeline([("evidence", evidence)])


def weigh(
    probabilities: NDArray[np.floating], evidence: NDArray[np.floating], config: ModelConfig
) -> NDArray[np.float64]:
    """Combine probabilities with the evidence from a voice profile.

    Parameters
    ----------
    probabilities : ndarray, shape (..., n_classes)
        Calibrated, without a profile.
    evidence : ndarray, shape (..., n_classes)
        Log densities, as the pipeline of `fit_evidence` predicts them.
    config : ModelConfig
        Has the exponents of both.

    Returns
    -------
    ndarray of float64, shape (..., n_classes)
    """
    evidence = evidence - evidence.max(axis=-1, keepdims=True)
    weighed = probabilities**config.prior_exponent * np.exp(config.evidence_exponent * evidence)
    return weighed / weighed.sum(axis=-1, keepdims=True)


def _gaussians(
    values: NDArray[np.floating], targets: NDArray[np.integer], speakers: NDArray[np.integer]
) -> tuple[NDArray[np.floating], ...]:
    """Split values into parts.

    Returns
    -------
    means : ndarray, shape (n_classes, n_values)
        Of the emotions.
    clip, style, speaker : ndarray, shape (n_values, n_values)
        Covariance of clips of one emotion by one speaker, of a speaker's part in one emotion,
        and of a speaker's part in all emotions.
    """
    means = np.array([values[targets == label].mean(axis=0) for label in range(targets.max() + 1)])
    rest = values - means[targets]
    own = np.zeros((speakers.max() + 1, *means.shape))
    cells = np.unique(np.column_stack([speakers, targets]), axis=0)
    for speaker, label in cells:
        own[speaker, label] = rest[(speakers == speaker) & (targets == label)].mean(axis=0)
    rest -= own[speakers, targets]
    known = [own[each, cells[cells[:, 0] == each, 1]] for each in np.unique(speakers)]
    means_of_speakers = np.array([each.mean(axis=0) for each in known])
    styles = np.concatenate([each - each.mean(axis=0) for each in known])
    freedom = max(len(rest) - len(cells), 1)
    clip = _covariance(rest, freedom, CLIP_SHRINKAGE) + REST_FLOOR * np.eye(values.shape[1])
    style = _covariance(styles, len(styles), SPEAKER_SHRINKAGE)
    speaker = _covariance(means_of_speakers, len(means_of_speakers), SPEAKER_SHRINKAGE)
    return means, clip, style, speaker


def _covariance(
    deviations: NDArray[np.floating], freedom: int, shrinkage: float
) -> NDArray[np.floating]:
    """Return the covariance of deviations, its off-diagonal elements shrunk."""
    covariance = deviations.T @ deviations / freedom
    return (1 - shrinkage) * covariance + shrinkage * np.diag(np.diag(covariance))
