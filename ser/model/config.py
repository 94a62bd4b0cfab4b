"""What decides a model's answers besides its weights: it is stored with a model and read back."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from reprlib import repr
from typing import Any

from ser.audio.speed import SPEED_RANGE, SPEEDS
from ser.model.calibration import TEMPERATURE_RANGE

MAX_SPEEDS = 8  # at which a clip is processed; each takes time
MAX_LABELS = 50
MAX_LABEL = 100  # characters


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
    temperature : float
        Divides the logits.

    Raises
    ------
    ValueError
        If a value is not allowed; the message names it and what is.
    """

    labels: tuple[str, ...]
    everyday: str | None = "neutral"
    speeds: Sequence[float] = SPEEDS
    temperature: float = 1.0

    def __post_init__(self) -> None:
        for name in ("labels", "speeds"):
            if not isinstance(getattr(self, name), list | tuple):
                raise ValueError(f"{name} is {repr(getattr(self, name))}, not a list")
            object.__setattr__(self, name, tuple(getattr(self, name)))
        names = {label for label in self.labels if _is_line(label)}
        if len(names) < max(len(self.labels), 2) or len(names) > MAX_LABELS:
            raise ValueError(
                f"labels is {repr(list(self.labels))}, not 2 to {MAX_LABELS} different names of at "
                f"most {MAX_LABEL} characters"
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
        lowest, highest = TEMPERATURE_RANGE
        if not _is_number(self.temperature) or not lowest <= self.temperature <= highest:
            raise ValueError(
                f"temperature is {repr(self.temperature)}, not a number from {lowest:g} to "
                f"{highest:g}"
            )

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
    if not isinstance(label, str) or not label.strip() or len(label) > MAX_LABEL:
        return False
    return not any(unicodedata.category(each) in ("Cc", "Cs") for each in label)
