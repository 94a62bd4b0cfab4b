"""What decides a model's answers besides its weights: it is stored with a model and read back."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ser.audio.speed import SPEED_RANGE, SPEEDS
from ser.model.calibration import TEMPERATURE_RANGE

MAX_SPEEDS = 8  # at which a clip is processed; each takes time


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
    speeds: tuple[float, ...] = SPEEDS
    gate_midpoint: float = 1.1
    gate_steepness: float = 8.0
    prior_exponent: float = 0.6
    evidence_exponent: float = 0.25
    temperature: float = 1.0
    novelty_limit: float | None = None

    def __post_init__(self) -> None:
        for name in ("labels", "speeds"):
            if not isinstance(getattr(self, name), list | tuple):
                raise ValueError(f"{name} is {getattr(self, name)!r}, not a list")
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if len({label for label in self.labels if isinstance(label, str)}) < max(
            len(self.labels), 2
        ):
            raise ValueError(f"labels is {list(self.labels)}, not two or more different names")
        if self.everyday is not None and self.everyday not in self.labels:
            object.__setattr__(self, "everyday", None)
        lowest, highest = SPEED_RANGE
        known = [_is_number(speed) and lowest <= speed <= highest for speed in self.speeds]
        if not known or not all(known) or len(known) > MAX_SPEEDS:
            raise ValueError(
                f"speeds is {list(self.speeds)}, not one to {MAX_SPEEDS} numbers from {lowest:g} "
                f"to {highest:g}"
            )
        for name in ("gate_midpoint", "gate_steepness", "prior_exponent", "evidence_exponent"):
            if not _is_number(getattr(self, name)) or not 0 < getattr(self, name) < 1e3:
                raise ValueError(f"{name} is {getattr(self, name)!r}, not a number from 0 to 1000")
        lowest, highest = TEMPERATURE_RANGE
        if not _is_number(self.temperature) or not lowest <= self.temperature <= highest:
            raise ValueError(
                f"temperature is {self.temperature!r}, not a number from {lowest:g} to {highest:g}"
            )
        limit = self.novelty_limit
        if limit is not None and not (_is_number(limit) and limit > 0):
            raise ValueError(f"novelty_limit is {limit!r}, not a number above 0")

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
            raise ValueError(f"{name} is {'missing' if name in known else 'not a setting'}")
        return cls(**settings)


def _is_number(value: object) -> bool:
    return type(value) in (int, float)
