"""The figures of `ser.training.metrics` as pictures.

They are drawn with Matplotlib's objects alone, without pyplot's global state.
"""

import io
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from ser.training.by_corpus import Result, results_in, slug
from ser.training.metrics import in_percent, metrics_in, percent
from ser.training.report import SAME_SPEAKERS

DPI = 150


def draw_figures(metrics: Mapping[str, Any]) -> dict[str, bytes]:
    """Draw the pictures of a model folder.

    Parameters
    ----------
    metrics : dict
        With ``protocols``, as described in `ser.training.by_corpus`.

    Returns
    -------
    dict of str to bytes
        PNG files by name: a confusion matrix and a reliability diagram for each protocol and
        corpus; the name has the corpus if there are several.
    """
    pictures = {}
    results = results_in(metrics)
    several = len({result.corpus for result in results}) > 1
    plots = {"confusion": plot_confusion_matrix, "reliability": plot_reliability}
    named = _named(dict.fromkeys(result.corpus for result in results))
    with rc_context({"text.parse_math": False}):  # a label may have dollar signs
        for result in results:
            suffix = f"-{named[result.corpus]}" if several else ""
            for name, plot in plots.items():
                file = io.BytesIO()
                plot(result, file)
                pictures[f"{name}-{result.protocol}{suffix}.png"] = file.getvalue()
    return pictures


def _named(corpora: Iterable[str]) -> dict[str, str]:
    """Return a part of a file name for each corpus, no two the same."""
    named: dict[str, str] = {}
    for number, corpus in enumerate(corpora, start=1):
        name = slug(corpus)
        named[corpus] = f"{name}-{number}" if name in named.values() else name
    return named


def plot_confusion_matrix(result: Result, file: BinaryIO) -> None:
    """Draw the confusion matrix, in percent of each row, with counts.

    Parameters
    ----------
    result : Result
    file : binary file
        Where to write a PNG.
    """
    counts = np.array(result.figures["confusion_matrix"])
    labels = result.figures["labels"]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)

    figure = Figure(figsize=(7, 6.8), dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    # Shades of one hue, which colour-blind readers and grey prints keep apart, and none
    # so dark (vmax) that black text is hard to read on it.
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.6)
    middle: dict[str, Any] = {"ha": "center", "va": "center"}
    for (row, column), count in np.ndenumerate(counts):
        if count:
            axes.text(column, row - 0.1, in_percent(shares[row, column]), **middle)
            axes.text(column, row + 0.24, count, fontsize=7, **middle)
    axes.set_xticks(range(len(labels)), labels, rotation=35, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xlabel("recognised emotion")
    axes.set_ylabel("emotion of the clip")
    lines = np.arange(len(labels) - 1) + 0.5
    axes.set_xticks(lines, minor=True)
    axes.set_yticks(lines, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(f"{_title(result)}\n% of each row, and clips", fontsize=10)
    figure.savefig(file, format="png")


def plot_reliability(result: Result, file: BinaryIO) -> None:
    """Draw the share of clips recognised against the classifier's confidence.

    Parameters
    ----------
    result : Result
    file : binary file
        Where to write a PNG.
    """
    bins = result.figures["reliability"]
    edges = [each["lower"] for each in bins]
    bars = {"width": bins[0]["upper"] - bins[0]["lower"], "align": "edge", "edgecolor": "white"}

    figure = Figure(figsize=(6, 6.5), dpi=DPI, layout="constrained")
    above, below = figure.subplots(2, sharex=True, height_ratios=(3, 1))
    above.bar(edges, [each["accuracy"] or 0 for each in bins], color="#56B4E9", **bars)
    above.plot([0, 1], [0, 1], "k--", linewidth=1, label="perfect calibration")
    above.legend(frameon=False, loc="upper left")
    above.set(ylim=(0, 1), ylabel="share of clips recognised")
    error = result.figures["expected_calibration_error"]
    above.set_title(f"{_title(result)}\nexpected calibration error {error:.3f}", fontsize=10)
    below.bar(edges, [each["clips"] for each in bins], color="0.6", **bars)
    below.set(xlim=(0, 1), xlabel="confidence", ylabel="clips")
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, format="png")


def _title(result: Result) -> str:
    """Name the corpus, the kind of protocol and the two main figures."""
    kind = "unseen speakers" if result.speaker_independent else SAME_SPEAKERS
    shown = (
        f"{metric.name} {percent(result.figures[metric.key])} %"
        for metric in metrics_in(result.figures)[:2]
    )
    return f"{result.corpus}, {kind}: {', '.join(shown)}"
