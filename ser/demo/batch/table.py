"""What the tab for many files shows of a batch: counts, table, and a file to download."""

import base64
import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from ser.collection.rows import Row, result_row
from ser.demo.batch.truth import Truth, agreement
from ser.demo.result_panel import colour, relative
from ser.demo.wording import TO_VOICE, clock, percent, runner_up
from ser.errors import AudioError, SerError
from ser.model.voice_profile import TOO_FEW

if TYPE_CHECKING:
    from ser import Prediction
    from ser.demo.batch.run import BatchRun

COLUMNS = {
    **{"file": "ser-key", "emotion": "ser-key ser-dot", "confidence": "ser-key"},
    **{"true emotion": "ser-true", "second choice": "", "duration": ""},
    "doubts or error": "ser-long",
}
"""Those that the page shows, with their classes; a phone shows the keys until more are asked for.
The file that one can download has the probabilities, too."""

NO_RESULT = "no result"
OPEN = "Open in Recognise, where it is not relative to the others"
TO_OTHERS = "Each relative to the others"

_heads = "".join(
    f'<th scope="col" class="{kind.split(" ")[0]}" aria-sort="none">'
    f'<button type="button">{name.capitalize()}</button></th>'
    for name, kind in COLUMNS.items()
)
TABLE = (
    '<div class="ser-card"><div class="ser-scroll" tabindex="0" role="region" aria-label="Results">'
    f'<table class="ser-table ser-results"><thead><tr>{_heads}</tr></thead>'
    "<tbody>${value}</tbody></table></div></div>"
)
"""The template of the table, whose value is its rows: new ones are all that is sent to browsers."""

_PLAY = (
    '<svg viewBox="0 0 12 12" aria-hidden="true"><path d="M3 1v10l8-5z"/>'
    '<path d="M2 1h3v10H2zM7 1h3v10H7z"/></svg>'
)


def row(name: str, result: "Prediction | SerError", truth: Truth | None = None) -> Row:
    """Put a result, or the error in its place, into a row of the table.

    Parameters
    ----------
    name : str
        File name.
    result : ser.Prediction or ser.errors.AudioError
    truth : Truth, optional
    """
    cells: Row = {"file": name, **result_row(result)}
    if truth:
        cells["true emotion"] = truth.emotion
    if not isinstance(result, SerError):
        cells["second choice"] = runner_up(result.probabilities)[0]
    return cells


def rows_of(run: "BatchRun") -> list[Row]:
    """Return the rows of the results so far."""
    results = zip(run.names, run.results, strict=False)
    return [row(name, result, run.truths.get(name)) for name, result in results]


def answers_of(run: "BatchRun") -> list[tuple[str, str | None]]:
    """Return the name of each file with the emotion that was recognised, or None."""
    results = zip(run.names, run.results, strict=False)
    return [(name, None if isinstance(r, AudioError) else r.emotion) for name, r in results]


def rows_html(run: "BatchRun") -> str:
    """Draw the rows, each of which can be played and opened."""
    return "".join(
        _row_html(number, run.paths[number], cells, run.truths.get(cells["file"]))
        for number, cells in enumerate(rows_of(run))
    )


def _row_html(number: int, path: str, cells: Row, truth: Truth | None) -> str:
    name, emotion = escape(cells["file"]), cells.get("emotion")
    texts: Row = {column: escape(str(cells.get(column) or "")) for column in COLUMNS}
    values = {"file": name}  # by which to sort, where the text will not do
    why = "error" if "error" in cells else "doubts"
    texts["doubts or error"] = escape(cells.get(why) or "")
    texts["file"] = (
        f'<button type="button" class="ser-play" aria-pressed="false" aria-label="Play {name}">'
        f'{_PLAY}</button><button type="button" class="ser-open" '
        f'aria-label="{name}, open in Recognise" title="{OPEN}">{name}</button>'
    )
    if emotion:
        values |= {"confidence": cells["confidence"], "duration": cells["duration"]}
        texts["confidence"] = percent(cells["confidence"])
        texts["duration"] = clock(cells["duration"])
    if truth and emotion and truth.counted(emotion) != truth.emotion:
        values["true emotion"] = texts["true emotion"]
        texts["true emotion"] = f'<span aria-hidden="true">≠ </span>{texts["true emotion"]}'
    kinds = COLUMNS
    if not emotion:
        kinds = COLUMNS | {"emotion": "ser-key", "doubts or error": "ser-long ser-bad"}
        values |= {"emotion": NO_RESULT, "doubts or error": " "}  # before all doubts
    texts["emotion"] = shown = escape(emotion or NO_RESULT)
    if not emotion:  # a phone has no room for the column that says why
        texts["emotion"] += f'<small class="ser-why-not">{texts["doubts or error"]}</small>'
    drawn = "".join(
        f'<td class="{kind}"'
        + (f' data-value="{values[column]}"' if column in values else "")
        + f">{texts[column]}</td>"
        for column, kind in kinds.items()
    )
    return (
        f'<tr data-row="{number}" data-emotion="{shown}" data-path="{escape(path)}" '
        f'style="--colour:{colour(shown)}">{drawn}</tr>'
    )


def summary_html(run: "BatchRun | None", labels: Iterable[str]) -> str:
    """Draw how far a batch is, how many results there are of each emotion, and how many are right.

    Parameters
    ----------
    run : BatchRun or None
    labels : iterable of str
        Emotions of the model.
    """
    answers = answers_of(run) if run else []
    counts = Counter(answer or NO_RESULT for _, answer in answers)
    notes = ""
    if run:
        right = agreement(answers, run.truths)
        notes += f'<p class="ser-right">{escape(right)}</p>' if right else ""
        note = _compared(run)
        notes += f"<p>{relative(note)}</p>" if note else ""
    is_over = run is not None and not run.is_open and bool(run.results)
    return (
        f'<div class="ser-card">{_progress(run)}{_counts(counts, labels)}'
        f'<div class="ser-notes">{notes}{_download(rows_of(run) if run and is_over else None)}'
        "</div></div>"
    )


def _compared(run: "BatchRun") -> str:
    """Say what results are relative to."""
    if any(not isinstance(result, AudioError) and result.reference for result in run.results):
        return TO_OTHERS if run.same_speaker else TO_VOICE
    return TOO_FEW if run.same_speaker and not run.is_open else ""


def _progress(run: "BatchRun | None") -> str:
    """Draw how far it is; only its end is announced."""
    done = "" if run is None or run.is_open else _end(run)
    share = run.n_heard / len(run.paths) if run else 0
    return (
        f'<p class="ser-quiet ser-progress" style="--share:{share:.3f};--colour:var(--ser-accent)">'
        f'<span class="ser-track" aria-hidden="true"><i></i></span><span>{_pace(run)}</span>'
        f'<span role="status">{escape(done)}</span></p>'
    )


def _pace(run: "BatchRun | None") -> str:
    if run is None:
        return "No recordings yet."
    if run.state == "waiting":
        return "Waiting for its turn."
    if not run.is_open:
        return ""
    count, total = run.n_heard, len(run.paths)
    said = f"{'Listened to' if run.same_speaker else 'Recognised'} {count} of {total}"
    if count and run.seconds:
        rate = count / run.seconds
        said += f", {rate:.1f} a second, {clock((total - count) / rate)} left"
    return said


def _end(run: "BatchRun") -> str:
    count, total = len(run.results), len(run.paths)
    failed = sum(isinstance(result, AudioError) for result in run.results)
    said = "Done: " if count == total else "Cancelled: "
    said += f"{count} of {total}" if count < total else f"{count}"
    said += f" recording{'s' * (total > 1)} in {clock(run.seconds)}"
    return f"{said}, {failed} without a result." if failed else f"{said}."


def _counts(counts: Mapping[str, int], labels: Iterable[str]) -> str:
    """Draw a bar for each emotion, which is also the button that shows its rows only."""
    most = max(counts.values(), default=0) or 1
    bars = "".join(
        f'<button type="button" class="ser-count" aria-pressed="false"{"" if n else " disabled"} '
        f'data-filter="{escape(label)}" style="--share:{n / most:.3f};--colour:{_colour(label)}">'
        f'<span class="ser-name">{escape(label)}</span>'
        f'<span class="ser-track" aria-hidden="true"><i></i></span><span>{n}</span></button>'
        for label in (*labels, NO_RESULT)
        for n in (counts.get(label, 0),)
    )
    return f'<div class="ser-counts" role="group" aria-label="Show one emotion only">{bars}</div>'


def _colour(label: str) -> str:
    return "var(--ser-warn)" if label == NO_RESULT else colour(label)


def to_csv(rows: Sequence[Row]) -> str:
    """Write the table as CSV in which no cell is a formula.

    Parameters
    ----------
    rows : list of dict
        As `row` makes them.
    """
    text = io.StringIO()
    # A row with a result has all columns but that for the error, which so comes last.
    names = dict.fromkeys(name for cells in sorted(rows, key=len, reverse=True) for name in cells)
    writer = csv.DictWriter(text, list(names), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: defused(cell) for name, cell in cells.items()} for cells in rows)
    return text.getvalue()


def defused(cell: Any) -> Any:
    """Put an apostrophe before text that a spreadsheet would run as a formula.

    References
    ----------
    OWASP, "CSV Injection", https://owasp.org/www-community/attacks/CSV_Injection
    """
    risky = isinstance(cell, str) and cell.lstrip(" ").startswith(
        ("=", "+", "-", "@", "\t", "\r", "\n")
    )
    return f"'{cell}" if risky else cell


def _download(rows: Sequence[Row] | None) -> str:
    """Draw the button that saves the table; the file is in the page and not on the server."""
    if rows is None:
        return '<a class="ser-button" role="link" aria-disabled="true">Download CSV</a>'
    # The mark at the beginning tells Excel that the text is UTF-8.
    content = base64.b64encode(to_csv(rows).encode("utf-8-sig")).decode()
    return (
        '<a class="ser-button" download="emotions.csv" '
        f'href="data:text/csv;charset=utf-8;base64,{content}">Download CSV</a>'
    )
