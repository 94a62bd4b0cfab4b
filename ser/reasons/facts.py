"""What is measured of a voice, and what is usual of it for each emotion.

All facts are features that the recogniser extracts anyway, or differences of two. So they are known
of a clip, of a voice profile, and of every clip of a training. `ser.studies.reasons` measures which
of them separate emotions.

References
----------
Banse & Scherer, "Acoustic profiles in vocal emotion expression", Journal of Personality and Social
Psychology 70(3), 1996.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser.features import FeatureConfig, FeatureExtractor
from ser.model.config import ModelConfig

PERCENTILES = (10, 25, 50, 75, 90)
"""That say what is usual of a fact for an emotion."""

MIN_CLIPS = 8
"""Clips of an emotion from which percentiles are taken."""

ANYONE, VOICE = "anyone", "voice"
"""What is usual over all speakers, and of the difference from a speaker's own everyday speech."""

Usual = dict[str, dict[str, dict[str, list[float]]]]
"""Maps `ANYONE` and `VOICE` to facts, these to emotions, and these to `PERCENTILES`."""


@dataclass(frozen=True)
class Fact:
    """Something that is measured of a voice.

    Attributes
    ----------
    terms : dict of str to float
        The features that are added up, with their weights.
    noun : str
        How a sentence about it begins.
    more, less : str
        Words for more and for less of it than is usual.
    write : callable
        From its value to text, with the unit.
    """

    terms: Mapping[str, float]
    noun: str
    more: str
    less: str
    write: Callable[[float], str]

    @property
    def needs_voice(self) -> bool:
        """Whether it is measured where there is voice, and says nothing of a whisper."""
        return any(".voiced." in term for term in self.terms)


def _hertz(semitones: float) -> str:
    """Write a pitch, which is in semitones from 100 Hz."""
    return f"{100 * 2 ** (semitones / 12):.0f}\N{NO-BREAK SPACE}Hz"


def _in(unit: str, digits: int = 0) -> Callable[[float], str]:
    def write(value: float) -> str:
        return f"{value:.{digits}f}\N{NO-BREAK SPACE}{unit}".replace("-", "\N{MINUS SIGN}")

    return write


FACTS = {
    "pitch": Fact({"f0.voiced.p50": 1}, "Pitch", "higher", "lower", _hertz),
    "pitch_range": Fact(
        {"f0.voiced.p95": 1, "f0.voiced.p25": -1},
        "Pitch range",
        "wider",
        "narrower",
        _in("semitones"),
    ),
    "loudness_range": Fact(
        {"energy.all.p95": 1, "energy.all.p5": -1}, "Loudness range", "wider", "narrower", _in("dB")
    ),
    "high_frequencies": Fact(
        {"alpha.voiced.mean": 1}, "High frequencies", "stronger", "weaker", _in("dB")
    ),
    "clarity": Fact({"cpp.voiced.mean": 1}, "Clarity of tone", "higher", "lower", _in("dB", 1)),
}
"""Where there is voice, pitch is the median, and its range from the lower quartile, below which
trackers often err by octaves, to the 95th percentile. The range of loudness is that of the middle
nine tenths of all frames. High frequencies are those from 1 to 5 kHz against lower ones, the alpha
ratio, which grows with vocal effort; clarity of tone is the prominence of the cepstral peak."""

VOICING = "clip.voiced_fraction"
MIN_VOICING = 0.1
"""The feature that is the share of voice in a clip, and how much of that facts about voice need."""


def measure(
    config: FeatureConfig, features: NDArray[np.floating], facts: Mapping[str, Fact] = FACTS
) -> dict[str, NDArray[np.float64]]:
    """Take facts from the features of clips.

    Parameters
    ----------
    config : FeatureConfig
        Which features these are.
    features : ndarray, shape (..., n_speeds, n_features)
    facts : dict of str to Fact, optional

    Returns
    -------
    dict of str to ndarray, shape (...)
        Averaged over speeds; without facts of which a feature is missing.
    """
    columns = {name: index for index, name in enumerate(FeatureExtractor(config).names)}
    found = {}
    for name, fact in facts.items():
        if columns.keys() >= fact.terms.keys():
            used = features[..., [columns[term] for term in fact.terms]].astype(np.float64)
            found[name] = used.mean(axis=-2) @ np.array(list(fact.terms.values()))
    return found


def of_clip(config: FeatureConfig, features: NDArray[np.floating]) -> dict[str, float]:
    """Take facts from the features of a clip or a voice profile, shape (n_speeds, n_features).

    Without voice, as in a whisper, those about voice are left out.
    """
    share = measure(config, features, {VOICING: Fact({VOICING: 1}, "", "", "", str)})
    has_voice = share.get(VOICING, 1) >= MIN_VOICING
    return {
        name: float(value)
        for name, value in measure(config, features).items()
        if has_voice or not FACTS[name].needs_voice
    }


def find_usual(
    config: FeatureConfig,
    features: NDArray[np.floating],
    y: NDArray[np.integer],
    speakers: NDArray[np.integer] | None,
    model: ModelConfig,
) -> Usual:
    """Find what is usual of each fact for each emotion.

    Parameters
    ----------
    config : FeatureConfig
        Which features these are.
    features : ndarray, shape (n_clips, n_versions, n_features)
        Of versions of each clip, the first of which are at the speeds of the model.
    y : ndarray of int, shape (n_clips,)
        Index of the label of each clip.
    speakers : ndarray of int, shape (n_clips,), or None
        Who speaks; without it there is no `VOICE`.
    model : ModelConfig
        With the labels, and which of them is everyday speech.

    Returns
    -------
    dict
        See `Usual`. Empty without everyday speech; emotions with few clips are left out.
    """
    if model.everyday is None:
        return {}
    facts = measure(config, features[:, : len(model.speeds)])
    is_everyday = y == model.labels.index(model.everyday)
    usual = {ANYONE: {name: _percentiles(each, y, model) for name, each in facts.items()}}
    if speakers is not None:
        known = np.isin(speakers, speakers[is_everyday])
        usual[VOICE] = {
            name: _percentiles(from_own(each, speakers, is_everyday)[known], y[known], model)
            for name, each in facts.items()
        }
    return usual


def from_own(
    values: NDArray[np.float64], speakers: NDArray[np.integer], is_everyday: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the differences from the mean of a speaker's everyday speech; NaN without any.

    Parameters
    ----------
    values : ndarray, shape (n_clips,)
    speakers : ndarray of int, shape (n_clips,)
    is_everyday : ndarray of bool, shape (n_clips,)
    """
    sums = np.bincount(speakers, values * is_everyday)
    with np.errstate(invalid="ignore"):
        own = sums / np.bincount(speakers, is_everyday)
    return np.asarray(values - own[speakers])


def _percentiles(
    values: NDArray[np.float64], y: NDArray[np.integer], model: ModelConfig
) -> dict[str, list[float]]:
    return {
        label: np.percentile(values[y == index], PERCENTILES).round(3).tolist()
        for index, label in enumerate(model.labels)
        if np.count_nonzero(y == index) >= MIN_CLIPS
    }


def read_usual(config: Mapping[str, Any]) -> Usual:
    """Return what is usual from a model's ``config.json``, checked.

    Parameters
    ----------
    config : dict
        Of any model: entries that are not as `find_usual` makes them are left out.
    """
    kinds = config.get("usual")
    if not isinstance(kinds, dict):
        return {}
    return {
        kind: {
            name: {
                str(label): list(map(float, each))
                for label, each in emotions.items()
                if _are_percentiles(each)
            }
            for name, emotions in facts.items()
            if name in FACTS and isinstance(emotions, dict)
        }
        for kind, facts in kinds.items()
        if kind in (ANYONE, VOICE) and isinstance(facts, dict)
    }


def _are_percentiles(values: object) -> bool:
    return (
        isinstance(values, list)
        and len(values) == len(PERCENTILES)
        and all(type(each) in (int, float) and abs(each) < 1e6 for each in values)
        and values == sorted(values)
    )
