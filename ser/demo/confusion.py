"""A confusion matrix as a table, the same wherever the page has one."""

from collections.abc import Sequence
from html import escape


def confusion_table(
    labels: Sequence[str], counts: Sequence[Sequence[int]], name: str, heads: Sequence[str] = ()
) -> str:
    """Draw a table whose cells are percentages, shaded by their share of the row.

    Parameters
    ----------
    labels : sequence of str
        Emotions.
    counts : sequence of sequence of int, shape (n_labels, n_labels)
        Clips of the emotion of each row that were recognised as that of each column.
    name : str
        What screen readers call the table.
    heads : sequence of str, optional
        What to write before rows instead of the emotions.
    """
    head = "".join(f'<th scope="col">{escape(label)}</th>' for label in labels)
    rows = ""
    for label, row in zip(heads or labels, counts, strict=True):
        cells = "".join(_shaded(count / max(sum(row), 1)) for count in row)
        rows += f'<tr><th scope="row">{escape(label)}</th>{cells}</tr>'
    return (
        f'<div class="ser-scroll" tabindex="0" role="region" aria-label="{escape(name)}">'
        f'<table class="ser-confusion"><thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _shaded(share: float) -> str:
    return f'<td style="--share:{share:.3f}">{100 * share:.0f}</td>'
