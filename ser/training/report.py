"""The figures of `ser.training.metrics` in readable form: tables and pictures.

Tables are lists of rows of text, the first one the heading, rendered as plain text
for a terminal or as Markdown for a model card. Shares are shown as percentages.
Speaker-independent protocols come first; the others are labelled as such.

Pictures are drawn with Matplotlib's objects alone, without pyplot's global state.
"""

import io

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from ser.training.metrics import metrics_in, percent

DPI = 150


def format_metrics(metrics):
    """Return the main contents of ``metrics.json`` as plain text.

    Parameters
    ----------
    metrics : dict
        With ``protocols``, as described in `ser.training.metrics`.

    Returns
    -------
    str
    """
    parts = [to_text(summary_table(metrics))]
    for name, figures in _ordered(metrics):
        parts += [
            f"{name}: {figures['description']}",
            to_text(class_table(figures)),
            to_text(slice_table(figures)),
        ]
    return "\n\n".join(parts) + "\n"


def summary_table(metrics):
    """Return a row of headline figures for each protocol, with their spread over the folds."""
    shown = metrics_in(next(iter(metrics["protocols"].values()), {}))
    rows = [["protocol", *(f"{metric.name} %" for metric in shown), "calibration error"]]
    for name, figures in _ordered(metrics):
        label = name if figures["speaker_independent"] else f"{name} (same actors on both sides)"
        spread = [
            f"{percent(figures[metric.key])} ± {percent(figures['fold_std'][metric.key])}"
            for metric in shown
        ]
        rows.append([label, *spread, f"{figures['expected_calibration_error']:.3f}"])
    return rows


def class_table(figures):
    """Return the classification report of one protocol."""
    rows = [["emotion", "precision %", "recall %", "F1 %", "clips"]]
    for label, row in figures["classes"].items():
        shares = [percent(row[key]) for key in ("precision", "recall", "f1")]
        rows.append([label, *shares, str(row["support"])])
    return rows


def slice_table(figures):
    """Return the headline figures of groups of clips under one protocol."""
    shown = metrics_in(figures)
    rows = [["clips of", *(f"{metric.name} %" for metric in shown), "clips"]]
    for group, slices in figures["slices"].items():
        for value, row in slices.items():
            shares = [percent(row[metric.key]) for metric in shown]
            rows.append([f"{group}: {value}", *shares, str(row["clips"])])
    return rows


def to_text(rows):
    """Align a table for a terminal: the first column left, numbers right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    )


def to_markdown(rows):
    """Write a table in Markdown: the first column left, numbers right."""
    heading, *body = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    rule = ["---", *["---:"] * (len(heading) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [heading, rule, *body])


def _ordered(metrics):
    """Return (name, figures) of the protocols, speaker-independent ones first."""
    return sorted(metrics["protocols"].items(), key=lambda item: not item[1]["speaker_independent"])


def draw_figures(metrics):
    """Draw the pictures of a model folder.

    Parameters
    ----------
    metrics : dict
        With ``protocols``, as described in `ser.training.metrics`.

    Returns
    -------
    dict of str to bytes
        PNG files by name: a confusion matrix and a reliability diagram for each protocol.
    """
    pictures = {}
    with rc_context({"text.parse_math": False}):  # a label may have dollar signs
        for protocol, figures in _ordered(metrics):
            for name, plot in PLOTS.items():
                file = io.BytesIO()
                plot(figures, file)
                pictures[f"{name}-{protocol}.png"] = file.getvalue()
    return pictures


def plot_confusion_matrix(figures, file):
    """Draw the confusion matrix, in percent of each row, with counts.

    Parameters
    ----------
    figures : dict
        Of one protocol.
    file : path or binary file object
        Where to write a PNG.
    """
    counts = np.array(figures["confusion_matrix"])
    labels = figures["labels"]
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)

    figure = Figure(figsize=(7, 6.8), dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    # Shades of one hue, which colour-blind readers and grey prints keep apart, and none
    # so dark (vmax) that black text is hard to read on it.
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=160)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            middle = {"ha": "center", "va": "center"}
            axes.text(column, row - 0.1, f"{shares[row, column]:.0f} %", **middle)
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
    axes.set_title(f"{_title(figures)}\n% of each row, and clips", fontsize=10)
    figure.savefig(file, format="png")


def plot_reliability(figures, file):
    """Draw the share of clips recognised against the classifier's confidence.

    Parameters
    ----------
    figures : dict
        Of one protocol.
    file : path or binary file object
        Where to write a PNG.
    """
    bins = figures["reliability"]
    edges = [each["lower"] for each in bins]
    bars = {"width": bins[0]["upper"] - bins[0]["lower"], "align": "edge", "edgecolor": "white"}

    figure = Figure(figsize=(6, 6.5), dpi=DPI, layout="constrained")
    above, below = figure.subplots(2, sharex=True, height_ratios=(3, 1))
    above.bar(edges, [each["accuracy"] or 0 for each in bins], color="#56B4E9", **bars)
    above.plot([0, 1], [0, 1], "k--", linewidth=1, label="perfect calibration")
    above.legend(frameon=False, loc="upper left")
    above.set(ylim=(0, 1), ylabel="share of clips recognised")
    error = figures["expected_calibration_error"]
    above.set_title(f"{_title(figures)}\nexpected calibration error {error:.3f}", fontsize=10)
    below.bar(edges, [each["clips"] for each in bins], color="0.6", **bars)
    below.set(xlim=(0, 1), xlabel="confidence", ylabel="clips")
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, format="png")


PLOTS = {"confusion": plot_confusion_matrix, "reliability": plot_reliability}


def _title(figures):
    """Name the kind of protocol and the two main figures."""
    kind = "unseen speakers" if figures["speaker_independent"] else "same actors on both sides"
    shown = (
        f"{metric.name} {percent(figures[metric.key])} %" for metric in metrics_in(figures)[:2]
    )
    return f"{kind.capitalize()}: {', '.join(shown)}"
