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
    "Voices differ: one person's calm sounds like another's sad. Record or upload at least three "
    "seconds of how you usually talk, and results are relative to that. In tests of the model that "
    "ships, about ten seconds of it made two more of 100 answers right. It is used in this session "
    "only: the recording is deleted at once, and what was learnt from it when you leave."
)
READ_ALOUD = (
    "The parcel should be here before noon, and I am at home until three.",
    "On Monday we take the early train, so please bring your ticket.",
)
"""Sentences without emotion, which take some eight seconds."""

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
        message = gr.HTML(_asked(), elem_classes="ser-quiet")
        clip = gr.Audio(
            sources=["upload", "microphone"],
            type="filepath",
            label="Everyday speech",
            buttons=[],
            editable=False,
        )
        forget = gr.Button("Forget my voice", interactive=False, size="sm")

    def learn(path: str, known: Any) -> tuple[None, str, Any, Any]:
        try:
            learnt = model.get().voice_profile([path])
        except SerError as error:
            kept = f"{error} {KNOWN}" if known else str(error)
            return None, status(kept), gr.skip(), gr.skip()
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
        lambda: (_asked(), None, gr.Button(interactive=False)),
        None,
        [message, profile, forget],
        api_visibility="private",
    )
    return profile


def _asked() -> str:
    """Say why a sample of the voice is worth it, and what to read aloud for it."""
    sentences = "".join(f"<li>{sentence}</li>" for sentence in READ_ALOUD)
    return f"{status(UNKNOWN)}<p>For example, read these aloud:</p><ul>{sentences}</ul>"
