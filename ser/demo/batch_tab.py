"""The tab for many files at once."""

import base64
import csv
import io
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from ser.collection.rows import Row, result_row
from ser.demo.api import errors_in_one_sentence
from ser.demo.result_panel import colour, relative
from ser.demo.wording import TO_VOICE, percent, runner_up
from ser.errors import SerError
from ser.model.voice_profile import MIN_REFERENCE, TOO_FEW

if TYPE_CHECKING:
    from ser import Prediction
    from ser.demo.served_model import ServedModel

COLUMNS = ("file", "emotion", "confidence", "second choice", "duration", "doubts", "error")
"""Those that the page shows; the file that one can download has the probabilities, too."""

TO_OTHERS = "Each relative to the others"
SAME_SPEAKER = "One person speaks in all of these"
SAME_SPEAKER_INFO = (
    "Each is then judged relative to the others, which takes at least "
    f"{MIN_REFERENCE + 1}. Otherwise results are relative to your voice if you gave it."
)


def add_tab(model: "ServedModel", profile: gr.State) -> None:
    """Lay out the tab in the `gr.Blocks` being built.

    Parameters
    ----------
    model : ser.demo.served_model.ServedModel
    profile : gr.State
        The visitor's voice, or None.
    """
    files = gr.File(
        file_count="multiple", type="filepath", label="Recordings", height=180, elem_id="ser-files"
    )
    same = gr.Checkbox(label=SAME_SPEAKER, info=SAME_SPEAKER_INFO, elem_id="ser-same")
    start = gr.Button("Recognise all", variant="primary", interactive=False, elem_id="ser-start")
    table = gr.HTML(table_html([]), elem_id="ser-batch")

    def recognise_all(
        paths: list[str],
        same_speaker: bool,
        voice: Any,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - gradio looks for it here
    ) -> Iterator[tuple[str, gr.Button]]:
        def read() -> Iterator[str]:
            for number, path in enumerate(paths):
                progress((number, len(paths)), unit="recordings")
                yield path

        rows: list[Row] = []
        note = TOO_FEW if same_speaker else ""
        with errors_in_one_sentence():
            recognizer = model.get()
            results = recognizer.predict_many(
                read(), voice=None if same_speaker else voice, same_speaker=same_speaker
            )
            for path, result in zip(paths, results, strict=True):
                rows.append(row(Path(path).name, result))
                if not isinstance(result, SerError) and result.reference:
                    note = TO_OTHERS if same_speaker else TO_VOICE
                yield table_html(rows), gr.Button(interactive=False)
        yield table_html(rows, note, done=True), gr.Button(interactive=True)

    running = start.click(
        recognise_all, [files, same, profile], [table, start], api_visibility="private"
    )
    files.change(
        lambda paths: (gr.Button(interactive=bool(paths)), table_html([])),
        files,
        [start, table],
        cancels=[running],  # or rows of the previous files would come back
        api_visibility="private",
    )


def row(name: str, result: "Prediction | SerError") -> Row:
    """Put a result, or the error in its place, into a row of the table.

    Parameters
    ----------
    name : str
        File name.
    result : ser.Prediction or ser.errors.AudioError
    """
    cells: Row = {"file": name, **result_row(result)}
    if not isinstance(result, SerError):
        cells["second choice"] = runner_up(result.probabilities)[0]
    return cells


def table_html(rows: Sequence[Row], note: str = "", *, done: bool = False) -> str:
    """Draw the table, what its results are relative to, and a link to download it when complete."""
    head = "".join(f'<th scope="col">{name.capitalize()}</th>' for name in COLUMNS)
    body = "".join(f"<tr>{_cells(cells)}</tr>" for cells in rows)
    body = body or f'<tr><td colspan="{len(COLUMNS)}">No recordings yet.</td></tr>'
    return (
        '<div class="ser-card"><div class="ser-scroll" tabindex="0" role="region" '
        'aria-label="Results">'
        f'<table class="ser-table ser-results"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
        f"<p>{relative(note) if note else ''} {_download(rows if done else None)}</p></div>"
    )


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


def _cells(cells: Row) -> str:
    emotion = cells.get("emotion")
    shown = {name: cells.get(name) or "" for name in COLUMNS} | {"emotion": emotion or "no result"}
    if emotion:
        shown["confidence"] = percent(cells["confidence"])
        shown["duration"] = f"{cells['duration']:.1f}\N{NO-BREAK SPACE}s"
    marks = {
        "emotion": f' class="ser-dot" style="--colour:{colour(emotion)}"' if emotion else "",
        "error": ' class="ser-bad"',
    }
    return "".join(
        f"<td{marks.get(name, '')}>{escape(str(value))}</td>" for name, value in shown.items()
    )


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
