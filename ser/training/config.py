"""The settings of a training."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ser.audio.augmentation import RECORDINGS
from ser.audio.speed import SPEEDS
from ser.features import FeatureConfig
from ser.features.config import PARTS
from ser.model.config import ModelConfig
from ser.model.perceptrons import FEATURE_LIMIT, PERCEPTRONS, PerceptronSettings

MAX_SEED = 2**32 - 1
"""The largest that scikit-learn and NumPy accept."""

TITLE = "Speech emotion recognition"

CLEAN, EIGHT_BIT = "clean", "8 bit"


@dataclass(frozen=True)
class Copy:
    """A copy of each training clip, to learn from.

    Attributes
    ----------
    speed : float
        Above 1 is faster.
    recording : str
        ``"clean"``, ``"8 bit"`` or a key of `ser.audio.augmentation.RECORDINGS`.
    weight : float
        How often it is drawn in training, relative to others. The 0.35 of the degraded ones was
        chosen from 0.2 to 1 on held-out RAVDESS and CREMA-D.
    """

    speed: float
    recording: str = CLEAN
    weight: float = 1.0

    def __post_init__(self) -> None:
        allowed = (CLEAN, EIGHT_BIT, *RECORDINGS)
        if self.recording not in allowed:
            raise ValueError(f"recording is {self.recording!r}; choose from {', '.join(allowed)}")


COPIES = (
    Copy(0.9),
    Copy(1.1),
    Copy(0.95, "telephone", 0.35),
    Copy(0.86, "noise", 0.35),
    Copy(1.17, "room", 0.35),
    Copy(1.06, "all ways", 0.35),
    Copy(1.0, EIGHT_BIT, 0.35),
)


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of a training.

    Attributes
    ----------
    protocols : sequence of str or None
        By which the model is evaluated, of `ser.corpora.folds.PROTOCOLS`. By default ``actors`` and
        ``random``, or the latter alone unless several speakers are known. None of them: no figures,
        no calibration, no examples.
    seed : int
        On one machine, the same seed gives the same model.
    examples : bool
        Whether the model comes with example clips of the corpus.
    examples_of : str or None
        Name of a corpus of which a woman and a man are kept out of training and figures, to be
        the examples; by default examples are of any speaker.
    name : str
        Title of the model's card.
    features : FeatureConfig
    speeds : sequence of float
        At which a clip is recognised, and learnt from.
    copies : sequence of Copy
        Further versions of each clip to learn from.
    corpus_weights : mapping of str to float
        How much a clip counts in training, by the name of its corpus; 1 where it is not named.
        Those of CREMA-D, whose emotions are told with less certainty than those of RAVDESS, were
        chosen from 0.1 to 1 with held-out speakers of both in view.
    perceptrons : sequence of PerceptronSettings
    feature_limit : float
        Standard deviations from the mean beyond which a feature is cut off.

    Raises
    ------
    ValueError
        If a value is not allowed; the message names it and what is.
    """

    protocols: Sequence[str] | None = None
    seed: int = 0
    examples: bool = True
    examples_of: str | None = None
    name: str = TITLE
    features: FeatureConfig = field(default_factory=FeatureConfig)
    speeds: Sequence[float] = SPEEDS
    copies: Sequence[Copy] = COPIES
    corpus_weights: Mapping[str, float] = field(default_factory=lambda: {"CREMA-D": 0.25})
    perceptrons: Sequence[PerceptronSettings] = PERCEPTRONS
    feature_limit: float = FEATURE_LIMIT

    def __post_init__(self) -> None:
        if isinstance(self.protocols, str):
            raise ValueError(f"protocols is {self.protocols!r}; give a list: [{self.protocols!r}]")
        if type(self.seed) is not int or not 0 <= self.seed <= MAX_SEED:
            raise ValueError(f"seed is {self.seed!r}; give a whole number, 0 to {MAX_SEED}")
        ModelConfig(("no", "yes"), speeds=self.speeds)  # refuses wrong ones
        if not self.perceptrons:
            raise ValueError("perceptrons is empty; give one or more")
        if not self.feature_limit > 0:
            raise ValueError(f"feature_limit is {self.feature_limit!r}; give a number above 0")
        for name, weight in self.corpus_weights.items():
            if not 0 < weight < np.inf:
                raise ValueError(f"the weight of {name} is {weight!r}; give a number above 0")
        for each in self.perceptrons:
            if each.part not in (None, *PARTS):
                raise ValueError(
                    f"a perceptron's part of the features is {each.part!r}; choose from "
                    f"{', '.join(PARTS)}, or None for all"
                )

    @property
    def versions(self) -> list[Copy]:
        """All versions of a clip in training; the first are as it is recognised."""
        return [*map(Copy, self.speeds), *self.copies]

    def describe(self) -> dict[str, Any]:
        """Return what a model's ``config.json`` says of its training, for the card."""
        return {
            "seed": self.seed,
            "corpus_weights": dict(self.corpus_weights),
            "feature_limit": self.feature_limit,
            "copies": [asdict(copy) for copy in self.copies],
            "perceptrons": [asdict(each) for each in self.perceptrons],
        }
