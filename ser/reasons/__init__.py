"""Why an answer: what is measured of the voice, and which half second drove it."""

from ser.reasons.explanation import Explanation, explain

__all__ = ["Explanation", "explain"]
