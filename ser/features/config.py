"""The settings of feature extraction, which are stored with a model."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from scipy.fft import next_fast_len

from ser.audio.loading import SAMPLE_RATE_RANGE
from ser.errors import FeatureConfigError
from ser.features.families import FAMILIES
from ser.features.statistics import STATISTICS

FEATURE_VERSION = 3
"""Version of the features, which is part of `ser.features.FeatureExtractor.hash`.

Raise it whenever a change in ``ser/audio`` or ``ser/features`` changes a feature of any clip, and
train again: a model knows features by this number and their names alone, and would otherwise take
the new ones for those that it learned from. The golden test of the features fails if it was
forgotten.
"""

MIN_PERIODS = 2  # of the lowest F0 in a window
MIN_PERIOD = 16  # samples of the highest F0
MAX_WINDOW = 0.1  # s, in which speech hardly changes
MAX_NUMBER = 1e9  # more than any duration in s or frequency in Hz can be
MAX_MELS = 128  # of which the lowest are still as wide as a bin

# Features that depend on how something is said more than on what is said: no statistics that follow
# the course of a sentence, and for prosody neither cepstra nor bands, which distinguish phones.
SUMMARIES = ("mean", "std", "percentiles", "delta", "clip")
PROSODY_FAMILIES = ("energy", "pitch", "voice", "shape")

PARTS = {
    "summaries": (tuple(FAMILIES), SUMMARIES),
    "prosody": (PROSODY_FAMILIES, SUMMARIES),
    # All but one of the sets of kernels: perceptrons on either err differently.
    "descriptors": (tuple(FAMILIES), tuple(each for each in STATISTICS if each != "band_kernels")),
    "bands": (tuple(FAMILIES), tuple(each for each in STATISTICS if each != "kernels")),
}
"""Families and statistics of the parts of the features that a perceptron can be given."""


@dataclass(frozen=True)
class FeatureConfig:
    """Settings of a feature extractor.

    Attributes
    ----------
    sample_rate : int
        Of the waveforms, in Hz.
    families : tuple of str
        Frame descriptors, of `ser.features.families.FAMILIES`.
    statistics : tuple of str
        What is computed from them over time, of `ser.features.statistics.STATISTICS`.
    window, hop : float
        Duration of a frame, and from one frame to the next, in seconds.
    n_mels, n_mfcc : int
        Mel bands, and cepstral coefficients made of them, the first of which is level.
    f0_min, f0_max : float
        Range of the fundamental frequency in Hz.

    Raises
    ------
    FeatureConfigError
        If a value is not allowed, or values do not fit each other.
    """

    sample_rate: int = 24_000
    families: tuple[str, ...] = tuple(FAMILIES)
    statistics: tuple[str, ...] = tuple(STATISTICS)
    window: float = 0.040
    hop: float = 0.010
    n_mels: int = 48
    n_mfcc: int = 20
    f0_min: float = 60.0
    f0_max: float = 500.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "families", _names(self.families, FAMILIES, "families"))
        object.__setattr__(self, "statistics", _names(self.statistics, STATISTICS, "statistics"))
        for name in ("sample_rate", "n_mels", "n_mfcc"):
            if not isinstance(getattr(self, name), int):
                raise FeatureConfigError(f"{name} is {getattr(self, name)!r}; give a whole number.")
        for name in ("window", "hop", "f0_min", "f0_max"):
            value = getattr(self, name)
            # Whole numbers beyond the range of floats could not be compared below.
            if not isinstance(value, int | float) or not 0 < value < MAX_NUMBER:
                raise FeatureConfigError(f"{name} is {value!r:.50}; give a number above 0.")
        lowest, highest = SAMPLE_RATE_RANGE
        if not lowest <= self.sample_rate <= highest:
            raise FeatureConfigError(
                f"sample_rate is {self.sample_rate}; give {lowest} to {highest} Hz."
            )
        if not 2 <= self.n_mels <= MAX_MELS:
            raise FeatureConfigError(f"n_mels is {self.n_mels}; give 2 to {MAX_MELS}.")
        if not 2 <= self.n_mfcc <= self.n_mels:
            raise FeatureConfigError(
                f"n_mfcc is {self.n_mfcc}; give at least 2 and at most n_mels, which is "
                f"{self.n_mels}."
            )
        if not 2 * self.f0_min <= self.f0_max <= self.sample_rate / MIN_PERIOD:
            raise FeatureConfigError(
                f"F0 ranges from {self.f0_min:g} to {self.f0_max:g} Hz; give at least an octave, "
                f"up to at most {self.sample_rate / MIN_PERIOD:g} Hz at this sample rate."
            )
        if not MIN_PERIODS / self.f0_min <= self.window <= MAX_WINDOW:
            raise FeatureConfigError(
                f"window is {self.window:g} s; give at least {MIN_PERIODS} periods of f0_min, "
                f"{MIN_PERIODS / self.f0_min:.3f} s, and at most {MAX_WINDOW:g} s."
            )
        if not 1 / self.sample_rate <= self.hop <= self.window:
            raise FeatureConfigError(
                f"hop is {self.hop:g} s; give at least one sample and at most the window, "
                f"{self.window:g} s."
            )

    @property
    def window_length(self) -> int:
        """Samples of a frame."""
        return round(self.window * self.sample_rate)

    @property
    def hop_length(self) -> int:
        """Samples from one frame to the next."""
        return round(self.hop * self.sample_rate)

    @property
    def fft_length(self) -> int:
        """Samples of the transform: even, and half as many again, so that no pitch lag wraps."""
        return 2 * next_fast_len(-(-self.window_length * 3 // 4), real=True)

    def part(self, name: str) -> "FeatureConfig":
        """Return the configuration of one of `PARTS`.

        Where there is none of its families, or of its statistics, all of them are kept.
        """
        families, statistics = PARTS[name]
        return replace(
            self,
            families=tuple(each for each in self.families if each in families) or self.families,
            statistics=tuple(each for each in self.statistics if each in statistics)
            or self.statistics,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as a dict that `json.dumps` takes."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> "FeatureConfig":
        """Make the configuration that `to_dict` wrote.

        Parameters
        ----------
        settings : dict
            Settings that are left out have their defaults.

        Raises
        ------
        FeatureConfigError
            If a key is unknown or a value not allowed.
        """
        known = [field.name for field in fields(cls)]
        for key in settings:
            if key not in known:
                raise FeatureConfigError(
                    f"{key!r} is not a feature setting; choose from {', '.join(known)}."
                )
        return cls(**settings)


def _names(names: Any, table: Iterable[str], what: str) -> tuple[str, ...]:
    """Return names as a tuple, if the table has them all, once each."""
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise FeatureConfigError(f"{what} is {names!r}; give a list of names.")
    names = tuple(names)
    for name in names:
        if name not in table:
            raise FeatureConfigError(
                f"{name!r} is not one of the {what}; choose from {', '.join(table)}."
            )
    if not names or len(set(names)) < len(names):
        raise FeatureConfigError(f"{what} is {list(names)}; give one or more, each once.")
    return names
