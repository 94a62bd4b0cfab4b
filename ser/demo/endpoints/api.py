"""The endpoints that programs call.

The docstrings appear on the API page and as tool descriptions for language models;
gradio reads them line by line, each parameter as `name: meaning`.
"""

# ruff: noqa: D406, D407 - the sections are written as gradio reads them

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.utils import get_function_description, get_upload_folder

from ser.demo.about_tab import model_facts
from ser.demo.server.blocks import has_left
from ser.demo.server.received import FILE, MAX_BATCH, META, NotReceivedError, too_many
from ser.errors import AudioError, SerError
from ser.timeline_formats import FORMATS, find_format

if TYPE_CHECKING:
    from ser import EmotionRecognizer, VoiceProfile
    from ser.demo.served_model import ServedModel
    from ser.timeline import Timeline


class NobodyWaitsError(SerError):
    """The client has left before its answer was complete."""

    def __init__(self) -> None:
        super().__init__("Nobody waits for the answer.")


class Endpoints:
    """The functions behind the named endpoints, all on one served model.

    Parameters
    ----------
    model : ser.demo.served_model.ServedModel
    """

    def __init__(self, model: "ServedModel") -> None:
        self._model = model

    def predict(self, clip: str, voice: str | None = None) -> dict[str, Any]:
        """Recognise the emotion in one recording of a voice.

        Parameters:
            clip: one person speaking, up to 10 minutes, in any usual audio format.
            voice: optionally, a few seconds of the same person's everyday speech to compare with.

        Returns:
            emotion: the most probable one
            confidence: its probability, from 0 to 1
            probabilities: of every emotion
            duration: of the recording in seconds
            speech_duration: from the first to the last speech in seconds
            speech_start: of the first speech in seconds from the beginning
            speech_end: of the last speech in seconds from the beginning
            warnings: reasons to doubt the result, one sentence each
            reference: what it was compared with, "voice", "clips" of the same person or null
        """
        with errors_in_one_sentence():
            recognizer = self._model.get()
            profile = _profile(recognizer, voice)
            return recognizer.predict(_path(clip), voice=profile).to_dict()

    def timeline(
        self,
        clip: str,
        voice: str | None = None,
        same_speaker: bool | None = False,
        format: str | None = None,
    ) -> dict[str, Any]:
        """Recognise how emotion changes over a recording, in overlapping windows of 3 seconds.

        Parameters:
            clip: one person speaking, up to 10 minutes, in any usual audio format.
            voice: optionally, a few seconds of the same person's everyday speech to compare with.
            same_speaker: whether one person speaks in all of it, to compare with the rest of it.
            format: optionally, of a file to answer with, "csv", "json", "srt", "vtt" or "TextGrid".

        Returns:
            duration: of the recording in seconds
            windows: start, end, speech_duration, emotion, confidence, probabilities (or null)
            warnings: reasons to doubt that all was read, one sentence each
            reference: what windows were compared with, "voice", "recording" or null
            segments: where one emotion dominates, start, end, emotion, confidence
            url: of the file instead of all these, if a format was given, for an hour
        """
        with errors_in_one_sentence():
            chosen = find_format(format) if format else None
            timeline = self._follow(clip, voice, same_speaker)
            return _file(timeline, chosen) if chosen else timeline.to_dict()

    def timeline_text(
        self, clip: str, voice: str | None, same_speaker: bool, format: str
    ) -> tuple[str, str]:
        """Return the text of a timeline's file, and its format as `find_format` writes it."""
        with errors_in_one_sentence():
            chosen = find_format(format)
            return self._follow(clip, voice, same_speaker).to_text(chosen), chosen

    def _follow(self, clip: str, voice: str | None, same_speaker: bool | None) -> "Timeline":
        recognizer = self._model.get()
        profile = _profile(recognizer, voice)
        return recognizer.timeline(_path(clip), voice=profile, same_speaker=bool(same_speaker))

    def predict_batch(
        self, clips: list[str | NotReceivedError], same_speaker: bool | None = False
    ) -> list[dict[str, Any]]:
        """Recognise the emotion in many recordings.

        Parameters:
            clips: up to 100 recordings as /predict takes them; a bad one does not stop the others.
            same_speaker: whether one person speaks in all, to compare each with the others.

        Returns:
            one object per recording, in order: file, and either what /predict returns or error
        """
        return self.answer_batch(clips or [], same_speaker, has_left)

    def answer_batch(
        self,
        clips: list[str | NotReceivedError],
        same_speaker: bool | None,
        is_over: Callable[[], bool],
    ) -> list[dict[str, Any]]:
        """Answer as `predict_batch`, until the client is said to have left."""
        with errors_in_one_sentence():
            if len(clips) > MAX_BATCH:
                raise AudioError(too_many(len(clips)))
            recognizer = self._model.get()
            return _rows(recognizer, clips, same_speaker=bool(same_speaker), is_over=is_over)

    def model_info(self) -> dict[str, Any]:
        """Describe the model in use: its source, licence, emotions and evaluation figures.

        Returns:
            model: a folder or a repository on the Hugging Face Hub
            revision: of the repository
            licence: of the model
            emotions: in the order of the probabilities
            sample_rate: to which recordings are resampled, in Hz
            metrics: figures by evaluation protocol
        """
        with errors_in_one_sentence():
            recognizer = self._model.get()
            facts = model_facts(recognizer)
            return {
                "model": facts["Model"],
                "revision": recognizer.revision,
                "licence": facts["Licence"],
                "emotions": list(recognizer.labels),
                "sample_rate": recognizer.sample_rate,
                "metrics": recognizer.metrics,
            }


def add_endpoints(model: "ServedModel") -> None:
    """Add the named endpoints to the `gr.Blocks` being built; the page does not show them."""
    endpoints = Endpoints(model)
    clip = gr.Audio(type="filepath", label="clip", visible=False)
    voice = gr.Audio(type="filepath", label="voice", visible=False)
    same_speaker = gr.Checkbox(label="same_speaker", visible=False)
    format = gr.Dropdown(list(FORMATS), value=None, label="format", visible=False)
    clips = gr.File(file_count="multiple", type="filepath", label="clips", visible=False)
    # Methods are replaced, as gradio offers no other way to give a component another schema.
    clip.api_info = voice.api_info = lambda: FILE  # type: ignore[method-assign]
    clips.api_info = lambda: {"type": "array", "items": FILE}  # type: ignore[method-assign]
    answer = gr.JSON(label="answer", visible=False)
    call = gr.Button(visible=False)
    for function, inputs in (
        (endpoints.predict, [clip, voice]),
        (endpoints.timeline, [clip, voice, same_speaker, format]),
        (endpoints.predict_batch, [clips, same_speaker]),
        (endpoints.model_info, []),
    ):
        description, _, returns = get_function_description(function)
        call.click(  # the endpoint is named after the function
            function,
            inputs,
            answer,
            api_description=f"{description} Returns {'; '.join(returns)}.",
            postprocess=function != endpoints.timeline,  # which would hide its file from gradio
        )


@contextmanager
def errors_in_one_sentence() -> Iterator[None]:
    """Pass an error of ours on to the caller as one sentence, without a traceback in the log."""
    try:
        yield
    except SerError as error:
        raise gr.Error(str(error), print_exception=False) from error.light()


def _path(clip: str | NotReceivedError | None) -> str:
    if clip is None:
        raise AudioError("There is no clip: pass a recording as `clip`.")
    if isinstance(clip, NotReceivedError):
        raise clip
    return clip


def _profile(recognizer: "EmotionRecognizer", voice: str | None) -> "VoiceProfile | None":
    """Return the voice profile of a recording of everyday speech; None if none was given."""
    return recognizer.voice_profile([_path(voice)]) if voice else None


def _file(timeline: "Timeline", format: str) -> dict[str, Any]:
    """Write a timeline where gradio deletes files in time, as an answer that clients download."""
    path = Path(mkdtemp(dir=get_upload_folder())) / f"emotions.{format}"
    timeline.save(path)
    return {"path": str(path), "orig_name": path.name, "meta": META}


def _rows(
    recognizer: "EmotionRecognizer",
    clips: list[str | NotReceivedError],
    *,
    same_speaker: bool,
    is_over: Callable[[], bool],
) -> list[dict[str, Any]]:
    """Return a row for each clip, in order; what was not received has its error."""

    def received() -> Iterator[str]:
        for clip in clips:
            if is_over():
                raise NobodyWaitsError
            if not isinstance(clip, NotReceivedError):
                yield clip

    results = recognizer.predict_many(received(), same_speaker=same_speaker)
    rows: list[dict[str, Any]] = []
    for clip in clips:
        if isinstance(clip, NotReceivedError):
            rows.append({"file": clip.name, "error": str(clip)})
            continue
        result = next(results)
        answer = {"error": str(result)} if isinstance(result, SerError) else result.to_dict()
        rows.append({"file": Path(clip).name} | answer)
    return rows
