"""A result in plain words, the same in every part of the page."""

HOW_SURE = (
    (0.9, "Very sure"),
    (0.7, "Fairly sure"),
    (0.5, "Somewhat sure"),
    (0.0, "Not sure"),
)
"""Words for probabilities, each from the given one up."""

TO_VOICE = "Relative to your voice"
"""For results with the visitor's voice profile."""


def how_sure(confidence: float) -> str:
    """Put a probability into words: those of the percentage that is shown beside them."""
    return next(words for least, words in HOW_SURE if round(confidence, 2) >= least)


def runner_up(probabilities: dict[str, float]) -> tuple[str, float]:
    """Return the second most probable emotion and its probability."""
    return sorted(probabilities.items(), key=lambda item: -item[1])[1]


def percent(share: float) -> str:
    """Write a share as people read it: `72 %`, and `<1 %` rather than a rounded zero."""
    if 0 < share < 0.005:
        return "<1 %"
    return f"{share:.0%}".replace("%", "\N{NO-BREAK SPACE}%")


def clock(seconds: float) -> str:
    """Write a time as `7.5 s` within the first minute and `1:07` after it."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f}\N{NO-BREAK SPACE}s"
    minutes, rest = divmod(int(round(seconds, 1)), 60)
    return f"{minutes}:{rest:02}"
