"""What a recogniser answers."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Prediction:
    """A recogniser's answer for a clip.

    Attributes
    ----------
    emotion : str
        The most probable label.
    confidence : float
        Its probability.
    probabilities : dict of str to float
        Probability of every label, in label order; they sum to 1.
    duration : float
        Of the clip in seconds.
    speech_duration : float
        From the first to the last speech in it, in seconds.
    speech_start, speech_end : float
        Where the first speech begins and the last one ends, in seconds from the clip's beginning.
    warnings : list of str
        Reasons to doubt the result, one sentence each.
    """

    emotion: str
    confidence: float
    probabilities: dict[str, float]
    duration: float
    speech_duration: float
    speech_start: float
    speech_end: float
    warnings: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        return (
            f"Prediction(emotion={self.emotion!r}, confidence={self.confidence:.2f}, "
            f"duration={self.duration:.2f}, speech_start={self.speech_start:.2f}, "
            f"speech_end={self.speech_end:.2f}, warnings={self.warnings!r})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict that `json.dumps` takes."""
        return asdict(self)
