"""What a recogniser answers."""

from dataclasses import asdict, dataclass, field


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
    duration, speech_duration : float
        Seconds of audio in the clip, and from the first to the last speech in it.
    warnings : list of str
        Reasons to doubt the result, one sentence each.
    """

    emotion: str
    confidence: float
    probabilities: dict[str, float]
    duration: float
    speech_duration: float
    warnings: list[str] = field(default_factory=list)

    def to_dict(self):
        """Return the fields as a dict that `json.dumps` takes."""
        return asdict(self)
