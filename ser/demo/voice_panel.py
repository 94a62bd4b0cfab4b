"""The panel in which a visitor gives a sample of their everyday voice."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from ser.demo.result_panel import status
from ser.errors import SerError

if TYPE_CHECKING:
    from ser.demo.served_model import ServedModel

UNKNOWN = (
    "Record or upload at least three seconds of how you usually talk. Results are then relative to "
    "your voice. It is used in this session only: the recording is deleted at once, and what was "
    "learnt from it is deleted when you leave."
)
KNOWN = (
    "Your voice is known: results here, in Live and in Batch are relative to it until you press "
    "Forget my voice or leave the page."
)


def add_panel(model: "ServedModel") -> gr.State:
    """Lay out the panel in the `gr.Blocks` being built.

    Returns
    -------
    gr.State
        The visitor's voice profile; None until it is learnt.
    """
    profile = gr.State(None)
    with gr.Accordion("My voice", open=False, elem_id="ser-voice"):
        message = gr.HTML(status(UNKNOWN), elem_classes="ser-quiet")
        clip = gr.Audio(
            sources=["upload", "microphone"],
            type="filepath",
            label="Everyday speech",
            buttons=[],
            editable=False,
        )
        forget = gr.Button("Forget my voice", interactive=False, size="sm")

    def learn(path: str, known: Any) -> tuple[None, str, Any, gr.Button]:
        try:
            learnt = model.get().voice_profile([path])
        except SerError as error:
            kept = f"{error} {KNOWN}" if known else str(error)
            return None, status(kept), known, gr.Button(interactive=known is not None)
        finally:
            with suppress(OSError, TypeError):  # TypeError: nothing was sent
                Path(path).unlink()
        return None, status(KNOWN), learnt, gr.Button(interactive=True)

    gr.on(
        [clip.stop_recording, clip.upload],
        learn,
        [clip, profile],
        [clip, message, profile, forget],
        api_visibility="private",
    )
    forget.click(
        lambda: (status(UNKNOWN), None, gr.Button(interactive=False)),
        None,
        [message, profile, forget],
        api_visibility="private",
    )
    return profile
