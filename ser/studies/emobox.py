"""EmoBox's table of RAVDESS, with our recogniser in its place.

References
----------
Ma et al., "EmoBox: Multilingual Multi-corpus Speech Emotion Recognition Toolkit and Benchmark",
Interspeech 2024. https://arxiv.org/abs/2406.07162
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ser.studies.seeds import SPREAD
from ser.training.metrics import METRICS, percent

PROTOCOL = "emobox"

PUBLISHED = {
    "Whisper-large-v3": (0.759, 0.753, 0.752),
    "WavLM-large": (0.722, 0.720, 0.714),
    "data2vec-2-large": (0.716, 0.712, 0.709),
    "HuBERT-large": (0.703, 0.700, 0.695),
    "HuBERT-base": (0.662, 0.654, 0.653),
    "WavLM-base": (0.621, 0.616, 0.612),
    "wav2vec2-base": (0.554, 0.543, 0.540),
}
"""Accuracy, unweighted recall and macro-F1 of frozen networks: what a small classifier on their
last layer reaches, mean over the six folds."""

ABOUT = (
    "EmoBox (Ma et al., Interspeech 2024) tests frozen networks, by their last layer, on six folds "
    "of four actors of RAVDESS; figures are means over the folds. Ours was trained on RAVDESS "
    "alone{seeds}."
)
DIFFERENCES = (
    "What differs: our recipe was developed with all 24 actors in view, and needs no GPU. Middle "
    "layers of the same networks reach 79 to 82 %. The 81.8 % of fine-tuned XLSR-53 chose its "
    "checkpoint on the tested actors."
)


def table(figures: Mapping[str, Any], name: str = "this recipe") -> list[list[str]]:
    """Return the table with our row among the published ones, by unweighted recall.

    Parameters
    ----------
    figures : dict
        Of the row `PROTOCOL` of `ser.studies.protocols`: those of RAVDESS.
    name : str
        Of our row.
    """
    (of_ravdess,) = figures.values()
    shares = of_ravdess["fold_mean"]
    rows = {**PUBLISHED, f"**{name}**": tuple(shares[metric.key] for metric in METRICS)}
    ordered = sorted(rows.items(), key=lambda row: -row[1][1])
    heading = ["features", *(f"{metric.name} %" for metric in METRICS)]
    return [heading, *([name, *map(percent, row)] for name, row in ordered)]


def about(seeds: Sequence[int], figures: Mapping[str, Any]) -> str:
    """Say whose figures the table has, and how much ours vary with the seed."""
    (of_ravdess,) = figures.values()
    spread = of_ravdess["fold_mean"].get(SPREAD, {}).get("unweighted_average_recall")
    text = ""
    if len(seeds) > 1 and spread is not None:
        text = f", mean over {len(seeds)} seeds, whose unweighted recall varies by "
        text += f"± {percent(spread)}"
    return ABOUT.format(seeds=text)
