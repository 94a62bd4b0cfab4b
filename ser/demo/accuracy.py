"""How often a model is right, from its own figures, in one line beside each answer."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ser import EmotionRecognizer

MIN_CLIPS = 100
"""Fewer clips that the model was as sure of say nothing: the error of the share is above 5 %."""


def accuracy_line(recognizer: "EmotionRecognizer", confidence: float) -> str:
    """Say how often a model is right, and how often when it is as sure as here.

    Parameters
    ----------
    recognizer : ser.EmotionRecognizer
    confidence : float
        Of the answer.

    Returns
    -------
    str
        Over all clips of voices that were not in training; empty if the model has no such figures.
    """
    figures = _of_new_voices(recognizer.metrics)
    clips = sum(each["clips"] for each in figures)
    if not clips:
        return ""
    right = sum(each["clips"] * each["accuracy"] for each in figures) / clips
    acted = is_acted(recognizer.config)
    line = f"Right on {100 * right:.0f} of 100 {'acted ' if acted else ''}clips of new voices"
    for as_sure in recognizer.metrics.get("confidence", []):
        if as_sure["lower"] < confidence <= as_sure["upper"] and as_sure["clips"] >= MIN_CLIPS:
            line += f"; when it is this sure, on {100 * as_sure['accuracy']:.0f}"
    return f"{line}. Everyday speech is harder." if acted else f"{line}."


def is_acted(config: Mapping[str, Any]) -> bool:
    """Tell whether all emotions that a model learned from were acted."""
    kinds = [each.get("kind") or "" for each in config.get("datasets", [])]
    return bool(kinds) and all(kind.startswith("acted") for kind in kinds)


def _of_new_voices(metrics: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the figures of each corpus under the first protocol with new voices."""
    for protocol in metrics.get("protocols", {}).values():
        if protocol["speaker_independent"]:
            return list(protocol["corpora"].values())
    return []
