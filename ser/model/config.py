"""What decides a model's answers besides its weights: it is stored with a model and read back."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from reprlib import repr
from typing import Any

from ser.audio.speed import SPEED_RANGE, SPEEDS
from ser.model.calibration import TEMPERATURE_RANGE

MAX_SPEEDS = 8  # at which a clip is processed; each takes time
MAX_NOVELTY = 1e300  # whole numbers beyond the range of floats could not be compared


@dataclass(frozen=True)
class ModelConfig:
    """Settings of a model.

    Attributes
    ----------
    labels : tuple of str
        Emotions, in the order of the probabilities.
    everyday : str or None
        The label of everyday speech, from which voice profiles are made.
    speeds : tuple of float
        At which a clip is processed; probabilities are averaged over them.
    gate_midpoint, gate_steepness : float
        The weight of the other experts relative to the first is
        ``(novelty / gate_midpoint) ** gate_steepness``. Chosen from 35 pairs with held-out RAVDESS
        and CREMA-D in view: RAVDESS alone favours the first expert more, CREMA-D the others.
    prior_exponent, evidence_exponent : float
        Of the probabilities without a voice profile and of the profile's likelihood; the best of a
        grid on held-out RAVDESS with the general expert alone.
    temperature : float
        Divides the logits.
    novelty_limit : float or None
        Novelty above which a clip counts as unlike those in training; None for no limit.

    Raises
    ------
    ValueError
        If a value is not allowed; the message names it and what is.
    """

    labels: tuple[str, ...]
    everyday: str | None = "neutral"
    speeds: Sequence[float] = SPEEDS
    gate_midpoint: float = 1.1
    gate_steepness: float = 8.0
    prior_exponent: float = 0.6
    evidence_exponent: float = 0.25
    temperature: float = 1.0
    novelty_limit: float | None = None

    def __post_init__(self) -> None:
        for name in ("labels", "speeds"):
            if not isinstance(getattr(self, name), list | tuple):
                raise ValueError(f"{name} is {repr(getattr(self, name))}, not a list")
            object.__setattr__(self, name, tuple(getattr(self, name)))
        names = {label for label in self.labels if _is_line(label)}
        if len(names) < max(len(self.labels), 2):
            raise ValueError(
                f"labels is {repr(list(self.labels))}, not two or more different names"
            )
        if not isinstance(self.everyday, str | None):
            raise ValueError(f"everyday is {repr(self.everyday)}, not a label")
        if self.everyday not in self.labels:
            object.__setattr__(self, "everyday", None)
        lowest, highest = SPEED_RANGE
        known = [_is_number(speed) and lowest <= speed <= highest for speed in self.speeds]
        if not known or not all(known) or len(known) > MAX_SPEEDS:
            raise ValueError(
                f"speeds is {repr(list(self.speeds))}, not one to {MAX_SPEEDS} numbers from "
                f"{lowest:g} to {highest:g}"
            )
        for name in ("gate_midpoint", "gate_steepness", "prior_exponent", "evidence_exponent"):
            if not _is_number(getattr(self, name)) or not 0 < getattr(self, name) < 1e3:
                raise ValueError(
                    f"{name} is {repr(getattr(self, name))}, not a number from 0 to 1000"
                )
        lowest, highest = TEMPERATURE_RANGE
        if not _is_number(self.temperature) or not lowest <= self.temperature <= highest:
            raise ValueError(
                f"temperature is {repr(self.temperature)}, not a number from {lowest:g} to "
                f"{highest:g}"
            )
        limit = self.novelty_limit
        if limit is not None and not (_is_number(limit) and 0 < limit < MAX_NOVELTY):
            raise ValueError(f"novelty_limit is {repr(limit)}, not a number above 0")

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as a dict that `json.dumps` takes."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> "ModelConfig":
        """Make the settings that `to_dict` wrote.

        Raises
        ------
        ValueError
            If one is missing, unknown or not allowed.
        """
        known = [field.name for field in fields(cls)]
        for name in {*known} ^ {*settings}:
            if name not in known:
                raise ValueError(f"{repr(name)} is not a setting")
            raise ValueError(f"{name} is missing")
        return cls(**settings)


def _is_number(value: object) -> bool:
    return type(value) in (int, float)


def _is_line(label: object) -> bool:
    """Tell whether a label is text that can be shown and stored: one line, and not blank."""
    if not isinstance(label, str) or not label.strip():
        return False
    return not any(unicodedata.category(each) in ("Cc", "Cs") for each in label)
