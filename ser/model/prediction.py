"""What a recogniser answers."""

from dataclasses import asdict, dataclass, field
from typing import Any

from ser.model.analysis import Analysis
from ser.model.voice_profile import VoiceProfile


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
    reference : str or None
        What the clip was compared with: ``"voice"``, the person's everyday voice, or ``"clips"``,
        their other clips; None for nothing.
    """

    emotion: str
    confidence: float
    probabilities: dict[str, float]
    duration: float
    speech_duration: float
    speech_start: float
    speech_end: float
    warnings: list[str] = field(default_factory=list)
    reference: str | None = None

    def __repr__(self) -> str:
        return (
            f"Prediction(emotion={self.emotion!r}, confidence={self.confidence:.2f}, "
            f"duration={self.duration:.2f}, speech_start={self.speech_start:.2f}, "
            f"speech_end={self.speech_end:.2f}, warnings={self.warnings!r})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict that `json.dumps` takes."""
        return asdict(self)


def make_prediction(
    analysis: Analysis,
    probabilities: dict[str, float],
    reference: VoiceProfile | None,
) -> Prediction:
    """Put together what is known of a clip and what a model said of it.

    Parameters
    ----------
    analysis : Analysis
        Of the clip.
    probabilities : dict of str to float
        Of every label, in label order.
    reference : VoiceProfile or None
        What the clip was compared with.
    """
    emotion = max(probabilities, key=probabilities.__getitem__)
    kind = None
    if reference is not None:
        kind = "voice" if reference.everyday else "clips"
    return Prediction(
        emotion=emotion,
        confidence=probabilities[emotion],
        probabilities=probabilities,
        duration=analysis.duration,
        speech_duration=analysis.speech_duration,
        speech_start=analysis.speech_start,
        speech_end=analysis.speech_end,
        warnings=list(analysis.warnings),
        reference=kind,
    )
