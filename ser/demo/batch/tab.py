"""The tab for many files at once."""

import time
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from ser.demo.batch.run import BatchRun
from ser.demo.batch.table import TABLE, answers_of, rows_html, summary_html
from ser.demo.batch.truth import HINT, Truth, confusion, truths_in_names, truths_in_table
from ser.demo.endpoints.api import errors_in_one_sentence
from ser.demo.example_shelf import HIDE_IN_ADDRESS
from ser.demo.result_panel import relative, status
from ser.errors import DatasetError, SerError
from ser.model.voice_profile import MIN_REFERENCE

if TYPE_CHECKING:
    from ser.demo.recognise.tab import Tab
    from ser.demo.served_model import ServedModel

EVERY = 0.5
"""Seconds from one drawing of a batch to the next at least."""

SAME_SPEAKER = "One person speaks in all of these"
SAME_SPEAKER_INFO = (
    "Each is then judged relative to the others, which takes at least "
    f"{MIN_REFERENCE + 1}. Otherwise results are relative to your voice if you gave it."
)
VOICE = (
    "Your voice is known: the next results will be relative to it, unless one person speaks in all "
    "of these."
)

TOOLS = (
    '<button type="button" class="ser-button" id="ser-columns" aria-pressed="false">All columns'
    '</button><span class="ser-quiet" id="ser-batch-said" role="status"></span>'
)
"""What stays as it is while the table is drawn anew."""

SHOW_RECOGNISE = f"""() => {{
  ({HIDE_IN_ADDRESS})();
  document.querySelector("[role=tab][aria-selected=true]").focus();
}}"""

Drawn = tuple[str, str, str, gr.Button, gr.Button]
"""Summary, rows and confusion matrix as HTML, and the buttons that start and cancel."""


def add_tab(model: "ServedModel", recognise: "Tab", tabs: gr.Tabs) -> gr.HTML:
    """Lay out the tab in the `gr.Blocks` being built; return its summary.

    Parameters
    ----------
    model : ser.demo.served_model.ServedModel
    recognise : ser.demo.recognise.tab.Tab
        Whose voice is used, and where a recording of the table can be opened.
    tabs : gr.Tabs
        Of which the tab with the id "recognise" is then shown.
    """
    with gr.Row(equal_height=False):
        files = gr.File(
            file_count="multiple",
            type="filepath",
            label="Recordings",
            height=180,
            scale=3,
            min_width=300,
            elem_id="ser-files",
        )
        with gr.Column(scale=2, min_width=300):
            table = gr.File(
                type="filepath", label="True emotions (optional)", height=150, elem_id="ser-truths"
            )
            told = gr.HTML(f"<p>{HINT}</p>", elem_id="ser-told", elem_classes="ser-quiet")
    same = gr.Checkbox(label=SAME_SPEAKER, info=SAME_SPEAKER_INFO)
    voice_known = gr.HTML(visible=False, elem_id="ser-batch-voice")
    with gr.Row(elem_id="ser-batch-buttons"):
        start = gr.Button(
            "Recognise all", variant="primary", interactive=False, elem_id="ser-start"
        )
        cancel = gr.Button("Cancel", interactive=False, elem_id="ser-batch-cancel")
    with gr.Column(elem_id="ser-batch"):
        summary = gr.HTML(summary_html(None, model.labels), apply_default_css=False)
        gr.HTML(TOOLS, apply_default_css=False, elem_id="ser-batch-tools")
        rows = gr.HTML(
            "",
            html_template=TABLE,
            js_on_load="serBatch(element, trigger)",
            apply_default_css=False,
        )
        matrix = gr.HTML("")
    batch = gr.State(None)
    drawn = [summary, rows, matrix, start, cancel]
    unchanged = [gr.skip()] * len(drawn)

    def begin(
        paths: list[str] | None, truth_table: str | None, same_speaker: bool, voice: Any
    ) -> tuple[Any, ...]:
        if not paths:
            raise gr.Error("There are no recordings: choose some.", print_exception=False)
        truths, _ = find_truths(paths, truth_table, model.labels)
        voice = None if same_speaker else voice
        run = BatchRun(paths, voice, same_speaker, truths, model.labels)
        return run, *draw(run)

    def recognise_all(run: BatchRun | None) -> Iterator[Any]:
        yield unchanged  # as gradio empties what nothing is yielded for
        if run is None or run.state not in ("waiting", "cancelled"):
            return
        due = 0.0
        try:
            with errors_in_one_sentence():
                for _ in run.steps(model.get()):
                    if (begun := time.monotonic()) >= due and run.is_open:
                        yield draw(run)
                        # Of thousands of recordings, drawing takes a tenth of the time at most.
                        taken = time.monotonic() - begun
                        due = begun + max(EVERY, 10 * taken)
        except gr.Error:
            run.end("cancelled")
            yield draw(run)
            run.is_over = True
            raise
        if run.state != "dropped":
            yield draw(run)
        if run.state == "dropped":
            yield nothing(model.labels, has_files=run.has_next)
        run.is_over = True

    # One after another, in the order of a visitor's clicks; they take milliseconds.
    in_order: dict[str, Any] = {
        "concurrency_id": "batch",
        "concurrency_limit": 1,
        "show_progress": "hidden",
        "api_visibility": "private",
    }
    start.click(
        begin,
        [files, table, same, recognise.profile],
        [batch, *drawn],
        **in_order,
    ).success(recognise_all, batch, drawn, show_progress="hidden", api_visibility="private")

    def stop(run: BatchRun | None) -> Any:
        if run is not None and run.state == "waiting":
            run.end("cancelled")
            run.is_over = True  # as its turn may never come: the queue can refuse it
            return draw(run)
        if run is not None:
            run.end("cancelled")
        return *unchanged[:-1], gr.Button(interactive=False)

    cancel.click(stop, batch, drawn, queue=False, show_progress="hidden", api_visibility="private")

    def forget(
        paths: list[str] | None, truth_table: str | None, run: BatchRun | None
    ) -> tuple[Any, ...]:
        _, sentence = find_truths(paths, truth_table, model.labels)
        if run is not None:
            is_at_work = run.state != "waiting" and not run.is_over
            run.has_next = bool(paths)
            run.end("dropped")
            if is_at_work:  # it has the last word, or rows that are on their way would come back
                return sentence, gr.skip(), *unchanged
        return sentence, None, *nothing(model.labels, has_files=bool(paths))

    files.change(forget, [files, table, batch], [told, batch, *drawn], **in_order)

    def tell(
        paths: list[str] | None, truth_table: str | None, run: BatchRun | None
    ) -> tuple[Any, ...]:
        truths, sentence = find_truths(paths, truth_table, model.labels)
        if run is None or run.state == "dropped":
            return sentence, gr.skip(), gr.skip(), gr.skip()
        run.truths = truths
        return sentence, *draw(run)[:3]

    table.change(
        tell,
        [files, table, batch],
        [told, summary, rows, matrix],
        **in_order,
    )
    recognise.profile.change(
        lambda voice: gr.HTML(f"<p>{relative(VOICE)}</p>", visible=voice is not None),
        recognise.profile,
        voice_known,
        show_progress="hidden",
        api_visibility="private",
    )
    rows.select(
        open_recording,
        files,
        [tabs, recognise.clip, recognise.buttons.link],
        show_progress="hidden",
        api_visibility="private",
    ).success(None, js=SHOW_RECOGNISE)
    return summary


def draw(run: BatchRun) -> Drawn:
    """Draw a batch as far as it is."""
    matrix = "" if run.is_open else confusion(answers_of(run), run.truths, run.labels)
    return (
        summary_html(run, run.labels),
        rows_html(run),
        matrix,
        gr.Button(interactive=not run.is_open),
        gr.Button(interactive=run.is_open),
    )


def nothing(labels: Sequence[str], *, has_files: bool) -> Drawn:
    """Draw that there is no batch."""
    buttons = gr.Button(interactive=has_files), gr.Button(interactive=False)
    return summary_html(None, labels), "", "", *buttons


def find_truths(
    paths: Sequence[str] | None, table: str | None, labels: Sequence[str]
) -> tuple[dict[str, Truth], str]:
    """Return the true emotions of recordings, and where they are from or why there are none.

    Parameters
    ----------
    paths : sequence of str or None
    table : str or None
        Path of what the visitor chose; what it does not tell is looked for in the names of files.
    labels : sequence of str

    Returns
    -------
    truths : dict of str to Truth
    sentence : str
        HTML.
    """
    names = [Path(path).name for path in paths or ()]
    named = truths_in_names(names, labels)
    told: dict[str, Truth] = {}
    problem = None
    if names and table is not None:
        try:
            told, problem = truths_in_table(Path(table), names, labels)
        except DatasetError as error:
            return {}, f'<p class="ser-bad" role="status">{escape(str(error))}</p>'
    # Where both say the same, the name also tells what its corpus does not tell apart.
    same = {name: named[name] for name, truth in told.items() if _agree(named.get(name), truth)}
    truths = named | told | same
    if not truths:
        return truths, f"<p>{HINT}</p>"
    sources = [Path(table).name] if table is not None and told else []
    sources += ["the names of files"] if named.keys() - told.keys() else []
    count = sum(name in truths for name in names)
    sentence = f"True emotions of {count} of {len(names)} recordings, from {' and '.join(sources)}."
    shown = f'<p class="ser-bad">{escape(problem)}</p>' if problem else ""
    return truths, status(sentence) + shown


def _agree(named: Truth | None, told: Truth) -> bool:
    return named is not None and named.emotion == told.emotion


def open_recording(paths: list[str] | None, event: gr.EventData) -> tuple[gr.Tabs, str, gr.Button]:
    """Put a recording into the first tab, and show that.

    Parameters
    ----------
    paths : list of str or None
        The visitor's files.
    event : gr.EventData
        Has its number as `index`.
    """
    with errors_in_one_sentence():
        number = (event._data or {}).get("index")
        path = dict(enumerate(paths or ())).get(number) if isinstance(number, int) else None
        if path is None or not Path(path).is_file():
            raise SerError("The recording is no longer on the server: choose it again.")
    return gr.Tabs(selected="recognise"), path, gr.Button(interactive=False)
