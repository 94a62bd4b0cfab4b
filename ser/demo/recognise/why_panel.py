"""Why a result: what stands out of the voice, and the half second that it hangs on."""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from html import escape
from math import exp, log
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.events import Dependency

from ser.corpora.emotions import adjective
from ser.demo.wording import clock, percent
from ser.errors import SerError
from ser.reasons import Explanation, explain
from ser.reasons.facts import VOICE
from ser.reasons.moments import PART

if TYPE_CHECKING:
    from ser.demo.example_shelf import Shelf
    from ser.demo.served_model import ServedModel

NOTHING = (
    "What stands out of the voice comes here, and the half second that a result hangs on most."
)
WORKING = (
    "Looking for what stands out, and for the half second that the result hangs on most \u2026"
)
NO_MOMENT = "The result does not hang on any half second alone."
NO_MOMENT_OF_PART = "In the six seconds that sound most {}, no half second matters alone."


def add_panel() -> gr.HTML:
    """Lay out the panel in the `gr.Blocks` being built."""
    return gr.HTML(panel(NOTHING, "empty"), elem_id="ser-why")


def explain_after(
    recognition: Dependency,
    triggers: Sequence[Any],
    model: "ServedModel",
    shelf: "Shelf",
    inputs: Sequence[gr.components.Component],
    why: gr.HTML,
) -> None:
    """Fill the panel after each result, which does not wait for it.

    Parameters
    ----------
    recognition : Dependency
        The event that shows a result.
    triggers : sequence of listener
        What that follows; older reasons disappear at once.
    model : ser.demo.served_model.ServedModel
    shelf : ser.demo.example_shelf.Shelf
        Reasons are kept of its examples, and of no other clips.
    inputs : sequence of component
        The recording, the voice profile, and a list with the token of the newest result.
    why : gr.HTML
        Of `add_panel`.
    """
    gr.on(triggers, None, None, why, js=f"() => {json.dumps(panel(NOTHING, 'empty'))}")
    recognition.then(
        partial(explain_newest, model, shelf, {}),
        list(inputs),
        why,
        show_progress="hidden",
        concurrency_limit=1,  # so that many explanations leave the machine to results
        trigger_mode="always_last",  # or a result that comes meanwhile never gets its reasons
        api_visibility="private",
    )


def explain_newest(
    model: "ServedModel",
    shelf: "Shelf",
    kept: dict[int, str],
    path: str | None,
    voice: Any,
    newest: Sequence[str | None],
) -> Iterator[Any]:
    """Yield that reasons are looked for, and then these, unless there is a newer result by then.

    Parameters
    ----------
    model : ser.demo.served_model.ServedModel
    shelf : ser.demo.example_shelf.Shelf
    kept : dict of int to str
        What was shown for examples, by number.
    path : str or None
        Of the recording.
    voice : VoiceProfile or None
    newest : list
        With the token of the newest result, and the path of its recording.
    """
    token = newest[0]
    if newest[1] != path:  # the call waited, and another recording took the place of its own
        yield gr.skip()
        return
    if path is None:
        yield panel(NOTHING, "empty")
        return
    yield panel(WORKING, "empty")
    try:
        example = shelf.number(path) if voice is None else None
        shown = kept.get(example) if example is not None else None
        if shown is None:
            shown = explanation_panel(explain(model.get(), path, voice=voice))
            if example is not None:
                kept[example] = shown
    except (SerError, OSError):  # the result says what is wrong, or the recording is gone
        shown = panel(NOTHING, "empty")
    yield shown if newest[0] == token else gr.skip()


def explanation_panel(explanation: Explanation) -> str:
    """Draw an explanation."""
    facts = "".join(
        f"<li><b>{escape(fact.written)}</b>: {escape(fact.comparison)}</li>"
        for fact in explanation.facts
    )
    usual = "your usual voice" if explanation.compared_with == VOICE else "neutral speech"
    if facts:
        facts = f"<p>Compared with {usual}:</p><ul>{facts}</ul>"
    elif explanation.compared_with:
        facts = f"<p>Nothing that is measured of this voice stands out from {usual}.</p>"
    return panel(f"{facts}<p>{_moment(explanation)}</p>")


def _moment(explanation: Explanation) -> str:
    """Say which half second the answer hangs on, with a button that plays it."""
    moment, prediction = explanation.moment, explanation.prediction
    emotion = escape(adjective(prediction.emotion))
    is_part = prediction.speech_end - prediction.speech_start > PART  # which alone was looked at
    if moment is None:
        return NO_MOMENT_OF_PART.format(emotion) if is_part else NO_MOMENT
    times = f"{moment.start:.1f} to {clock(moment.end)}"
    if round(moment.end, 1) >= 60:
        times = f"half a second at {clock(moment.start)}"
    button = (
        f'<button type="button" class="ser-play" data-start="{moment.start:.2f}" '
        f'data-end="{moment.end:.2f}" data-mark aria-label="Play {times}">{times}</button>'
    )
    if is_part:
        return f"Of the six seconds that sound most {emotion}, {button} matters most."
    odds = log(prediction.confidence / max(1 - prediction.confidence, 1e-9)) - moment.change
    before, after = percent(prediction.confidence), percent(1 / (1 + exp(-odds)))
    without = f"would get {after}, not {before}"
    if after == before:
        without = "would be less likely"
    return f"The result hangs most on {button}: without it, {emotion} {without}."


def panel(body: str, state: str = "result") -> str:
    """Put a body (HTML) under the heading of the panel."""
    return f'<section class="ser-card ser-why ser-{state}"><h3>Why</h3>{body}</section>'
