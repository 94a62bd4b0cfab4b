"""The endpoints that programs call.

The docstrings are what people read on the API page and models read as tool
descriptions; gradio finds a parameter's meaning in lines of the form `name: meaning`.
"""

# ruff: noqa: D406, D407 - the sections are written as gradio reads them

from contextlib import contextmanager

import gradio as gr

from ser.errors import SerError


class Endpoints:
    """The functions behind the named endpoints, all on one served model.

    Parameters
    ----------
    model : ser.demo.model.ServedModel
    """

    def __init__(self, model):
        self._model = model

    def predict(self, clip: str) -> dict:
        """Recognise the emotion that a voice carries in one recording.

        Parameters:
            clip: one person speaking, up to 10 minutes, in any usual audio format.

        Returns:
            emotion, confidence (0 to 1), probabilities of every emotion, duration and
            speech_duration in seconds, and warnings, each a sentence that gives reason for doubt.
        """
        with errors_in_one_sentence():
            return self._model.get().predict(clip).to_dict()


def add_endpoints(model):
    """Add the named endpoints to the `gr.Blocks` being built; nothing of them shows in the page."""
    endpoints = Endpoints(model)
    clip = gr.Audio(type="filepath", label="clip", visible=False)
    answer = gr.JSON(label="answer", visible=False)
    gr.Button(visible=False).click(endpoints.predict, clip, answer, api_name="predict")


@contextmanager
def errors_in_one_sentence():
    """Pass an error of ours on to the caller as its one sentence, with no traceback in the log."""
    try:
        yield
    except SerError as error:
        raise gr.Error(str(error), print_exception=False) from None
