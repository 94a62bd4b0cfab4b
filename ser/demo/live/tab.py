"""The tab for live recognition."""

from typing import TYPE_CHECKING, Any

import gradio as gr

from ser.demo.live.panel import INVITATION, idle_panel, live_panel, summary_panel
from ser.demo.live.session import TIME_LIMIT, LiveSession, read_once
from ser.demo.result_panel import relative
from ser.demo.wording import TO_VOICE
from ser.errors import SerError

if TYPE_CHECKING:
    from ser.demo.served_model import ServedModel

VISITORS = 20
"""How many visitors can use the tab at a time."""

EXPLANATION = (
    "Twice a second, the page shows the emotion in the last three seconds and, below it, the "
    "history of the last half minute. It stops when you leave the page."
)
TO_OTHERS = (
    "After about a quarter of a minute of speech, what you say is compared with what you said "
    "before; with My voice in Recognise, it is relative to your voice from the first word on."
)
LEVEL = (
    '<div id="ser-level" data-limit="{limit}"><span class="ser-track" role="meter" '
    'aria-label="Level of the microphone in decibels" aria-valuemin="-60" aria-valuemax="0" '
    'aria-valuenow="-60"><i></i></span><span class="ser-level-text">Microphone off</span></div>'
)
"""Moved by `scripts/live.js`, which also ends listening at the limit in seconds."""


def add_tab(model: "ServedModel", profile: gr.State) -> gr.HTML:
    """Lay out the tab in the `gr.Blocks` being built; return the panel of its result.

    Parameters
    ----------
    model : ser.demo.served_model.ServedModel
    profile : gr.State
        The visitor's voice, or None.
    """
    session = gr.State(None)
    with gr.Row(equal_height=False, elem_id="ser-live-tab"):
        with gr.Column(scale=5, min_width=300):
            microphone = gr.Audio(
                sources=["microphone"],
                streaming=True,
                type="filepath",
                label="Microphone",
                buttons=[],
                waveform_options=gr.WaveformOptions(show_recording_waveform=False),
                elem_id="ser-live",
            )
            gr.HTML(LEVEL.format(limit=TIME_LIMIT))
            gr.HTML(f"<p>{EXPLANATION}</p>", elem_classes="ser-quiet")
            compared = gr.HTML(f"<p>{TO_OTHERS}</p>", elem_classes="ser-quiet ser-compared")
        with gr.Column(scale=7, min_width=300):
            output = gr.HTML(idle_panel(model.labels), elem_id="ser-live-result")

    def listen(chunk: str | None, state: LiveSession | None, voice: Any) -> tuple[Any, LiveSession]:
        state = state or LiveSession()
        try:
            piece = read_once(chunk)  # at once, as pieces would pile up while the model loads
            recognizer = model.get()
            if piece is None or not state.add(recognizer, *piece, voice):
                return gr.skip(), state
        except SerError as error:
            return live_panel(None, [], model.labels, str(error)), state
        return live_panel(state.result, state.windows, recognizer.labels), state

    microphone.stream(
        listen,
        [microphone, session, profile],
        [output, session],
        time_limit=TIME_LIMIT,
        concurrency_limit=VISITORS,
        show_progress="hidden",
        api_visibility="private",
    )

    def stop(state: LiveSession | None) -> tuple[Any, None]:
        if state is None or not state.windows:
            return gr.skip(), None  # a sentence that says why nothing is heard stays
        timeline = state.timeline()
        if timeline is None:
            return live_panel(None, state.windows, model.labels, INVITATION), None
        return summary_panel(timeline), None

    microphone.start_recording(lambda: None, None, session, api_visibility="private")
    microphone.stop_recording(stop, session, [output, session], api_visibility="private")
    profile.change(
        lambda voice: f"<p>{relative(TO_VOICE) if voice else TO_OTHERS}</p>",
        profile,
        compared,
        show_progress="hidden",
        api_visibility="private",
    )
    return output
