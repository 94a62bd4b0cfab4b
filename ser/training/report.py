"""The figures of a training as tables.

Tables are lists of rows of text, the first one the heading, rendered as plain text
for a terminal or as Markdown for a model card. Shares are shown as percentages.
Speaker-independent protocols come first, the others are labelled, and no figure is over
several corpora.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ser.training.by_corpus import results_in
from ser.training.metrics import metrics_in, percent

SAME_SPEAKERS = "same actors on both sides"
"""What is said of a split that is not speaker-independent."""

Table = Sequence[Sequence[str]]
"""Rows of text, the heading first."""


def format_metrics(metrics: Mapping[str, Any]) -> str:
    """Return the main contents of ``metrics.json`` as plain text.

    Parameters
    ----------
    metrics : dict
        With ``protocols``, as described in `ser.training.by_corpus`.
    """
    parts = [to_text(summary_table(metrics))]
    for result in results_in(metrics):
        parts += [
            f"{result.protocol}, {result.corpus}: {result.description}",
            to_text(class_table(result.figures)),
            to_text(slice_table(result.figures)),
        ]
    return "\n\n".join(parts) + "\n"


def summary_table(metrics: Mapping[str, Any]) -> Table:
    """Return a row of headline figures for each protocol and corpus.

    They have their spread over the folds, if there are several.
    """
    results = results_in(metrics)
    shown = metrics_in(results[0].figures if results else {})
    rows = [["protocol", "corpus", *(f"{metric.name} %" for metric in shown), "calibration error"]]
    for result in results:
        label = result.protocol
        if not result.speaker_independent:
            label += f" ({SAME_SPEAKERS})"
        figures = result.figures
        shares = [with_spread(figures, metric.key) for metric in shown]
        error = f"{figures['expected_calibration_error']:.3f}"
        rows.append([label, result.corpus, *shares, error])
    return rows


def with_spread(figures: Mapping[str, Any], key: str) -> str:
    """Write a headline figure in percent, with its standard deviation over folds, if known."""
    share, spread = percent(figures.get(key)), figures.get("fold_std", {}).get(key)
    if len(figures["folds"]) < 2 or spread is None:
        return share
    return f"{share} ± {percent(spread)}"


def class_table(figures: Mapping[str, Any]) -> Table:
    """Return the classification report of a corpus under one protocol."""
    rows = [["emotion", "precision %", "recall %", "F1 %", "clips"]]
    for label, row in figures["classes"].items():
        shares = [percent(row[key]) for key in ("precision", "recall", "f1")]
        rows.append([label, *shares, str(row["support"])])
    return rows


def slice_table(figures: Mapping[str, Any]) -> Table:
    """Return the headline figures of groups of clips of a corpus under one protocol."""
    shown = metrics_in(figures)
    rows = [["clips of", *(f"{metric.name} %" for metric in shown), "clips"]]
    for group, slices in figures["slices"].items():
        for value, row in slices.items():
            shares = [percent(row[metric.key]) for metric in shown]
            rows.append([f"{group}: {value}", *shares, str(row["clips"])])
    return rows


def to_text(rows: Table) -> str:
    """Align a table for a terminal: the first column left, numbers right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    )


def to_markdown(rows: Table) -> str:
    """Write a table in Markdown: the first column left, numbers right."""
    heading, *body = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    rule = ["---", *["---:"] * (len(heading) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [heading, rule, *body])
