"""The first tab: one recording, its result and its picture."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from ser.audio.loading import read_recording
from ser.demo import example_shelf
from ser.demo.accuracy import accuracy_line
from ser.demo.recognise import share_panel, stretches, visit_panel, voice_panel, why_panel
from ser.demo.recognise.following import Step, follow_course
from ser.demo.recognise.picture import draw_recording, empty_picture
from ser.demo.result_panel import empty_panel, error_panel, result_panel, unannounced
from ser.errors import AudioError, SerError
from ser.timeline import MIN_DURATION

if TYPE_CHECKING:
    from ser import EmotionRecognizer, VoiceProfile
    from ser.demo.served_model import ServedModel
    from ser.hub.sharing import ClipSharing

LISTEN = """(path, ...others) => {
  if (path) globalThis.serWait?.("Listening to the recording…");
  else globalThis.serAnswered?.();
  return [path, ...others];
}"""
"""Says at once, without asking the server, what there is to wait for."""

SEE_RESULT = """() => {
  globalThis.serAnswered?.();
  const headline = document.querySelector("#ser-result [aria-live=polite] h2");
  if (!headline) return;
  (document.querySelector("#ser-course h2") ?? headline).scrollIntoView({ block: "nearest" });
}"""
"""Brings the headline of a result onto a small screen, whatever was clicked below it; not that of
the example with which the page opens."""

WAIT_NO_MORE = '() => globalThis.serWait?.("")'
"""After what went wrong, of which gradio tells."""

SAME_SPEAKER_INFO = (
    "Parts of a recording of some length are then judged relative to the rest of it."
)

TIMELINES = 8
"""How many recordings can be followed at a time."""

GONE = "The recording is no longer on the server; upload or record it again."

ZOOM = (
    '<div class="ser-zoom" role="group" aria-label="Zoom">'
    '<button data-zoom="out" aria-label="Zoom out" disabled>−</button>'
    '<button data-zoom="in" aria-label="Zoom in" disabled>+</button></div>'
)


@dataclass(frozen=True)
class Shown:
    """What the page shows of a recording.

    Attributes
    ----------
    panel : str
        HTML.
    result : dict or None
        As `Prediction.to_dict` gives it; None if the recording cannot be recognised.
    waveform : ndarray, shape (n_samples,), or None
        At the rate of the recogniser, until it is drawn; None if it cannot be read.
    picture : str or None
        HTML, once it is drawn.
    """

    panel: str
    result: dict[str, Any] | None = None
    waveform: NDArray[np.float32] | None = None
    picture: str | None = None


@dataclass(frozen=True)
class Tab:
    """What other parts of the page need from this one.

    Attributes
    ----------
    profile : gr.State
        The visitor's voice profile, or None.
    shelf : ser.demo.example_shelf.Shelf
    buttons : ser.demo.example_shelf.Buttons
    clip : gr.Audio
        The recording.
    panel : gr.HTML
        The result.
    marks : gr.HTML
        What the visitor says of it.
    """

    profile: gr.State
    shelf: example_shelf.Shelf
    buttons: example_shelf.Buttons
    clip: gr.Audio
    panel: gr.HTML
    marks: gr.HTML


def add_tab(model: "ServedModel", sharing: "ClipSharing | None" = None) -> Tab:
    """Lay out the tab in the `gr.Blocks` being built.

    Parameters
    ----------
    model : ser.demo.served_model.ServedModel
    sharing : ser.hub.sharing.ClipSharing, optional
        Where visitors can share their clips; without it, the page does not offer that.
    """
    shelf = example_shelf.Shelf(model)
    with gr.Row(equal_height=False, elem_id="ser-recognise"):
        with gr.Column(scale=5, min_width=300):
            clip = gr.Audio(
                sources=["upload", "microphone"],
                type="filepath",
                label="Recording",
                buttons=[],
                # The browser's own player: it plays while it loads, and holds no minutes of samples
                # in memory to draw a second waveform beside the picture.
                waveform_options=gr.WaveformOptions(show_recording_waveform=False),
                elem_id="ser-clip",
            )
            recorder = visit_panel.add_recorder(clip)
            buttons = example_shelf.add_buttons(shelf, clip, recorder)
            profile = voice_panel.add_panel(model)
            same = gr.Checkbox(label="One person speaks", info=SAME_SPEAKER_INFO, elem_id="ser-one")
            visit_panel.add_game()
        with gr.Column(scale=7, min_width=300):
            gr.HTML('<p role="status"></p>', elem_id="ser-wait")  # of scripts/waits.js
            course = gr.HTML(elem_id="ser-course")
            panel = gr.HTML(empty_panel(model.labels), elem_id="ser-result")
            marks = visit_panel.add_marks(clip, panel)
            why = why_panel.add_panel()
            own = gr.State(None)  # a recording of the visitor's own, and its result
            if sharing is not None:
                share_panel.add_panel(model, sharing, clip, own)
    with gr.Row(elem_id="ser-tools"):
        gr.HTML("<h3>Over time</h3>")
        waiting = gr.HTML(elem_id="ser-waiting")
        cancel = gr.Button("Cancel", size="sm", elem_id="ser-cancel")
        gr.HTML(ZOOM)
    with gr.Column(elem_id="ser-plots"):
        picture = gr.HTML(empty_picture(), elem_id="ser-picture")
        timeline = gr.HTML(elem_id="ser-timeline")
    visit_panel.add_panel(clip, timeline)
    to_follow = gr.State(None)  # token and emotion of a recording whose timeline is to come
    newest = gr.State([None, None])  # its token and path, set at once: an older timeline stops
    unwanted = gr.State([None])  # the token of a recording whose timeline is cancelled
    turn = threading.Lock()

    def show(
        path: str | None, voice_profile: Any, newest: list[str | None]
    ) -> Iterator[tuple[Any, ...]]:
        is_first = newest[0] is None
        token = uuid4().hex
        newest[:] = [token, path]
        shown, example = recognise(path, voice_profile)
        duration = shown.result["duration"] if shown.result else 0.0
        course_html = stretches.following() if duration >= stretches.LONG else ""
        # First of all the answer: the picture takes as long as a third of it.
        asked_for = example is None or not is_first
        panel_html = shown.panel if asked_for else unannounced(shown.panel)
        panel_html += visit_panel.of(path, token)
        yield panel_html, course_html, gr.skip(), "", "", gr.skip(), gr.skip()
        shown = draw(shown, model.get().sample_rate) if shown.waveform is not None else shown
        if voice_profile is None and example is not None and shown.result:
            shelf.results[example] = shown
        own_result = (path, shown.result) if shown.result and example is None else None
        to_come = None
        if shown.result and duration > MIN_DURATION:
            to_come = token, shown.result["emotion"]
        picture_html = shown.picture or empty_picture()
        yield gr.skip(), gr.skip(), picture_html, gr.skip(), gr.skip(), own_result, to_come

    def recognise(path: str | None, voice_profile: Any) -> tuple[Shown, int | None]:
        if path is None:
            return Shown(empty_panel(model.labels)), None
        try:
            recognizer = model.get()
            example = shelf.number(path)
        except SerError as error:
            return Shown(error_panel(str(error), model.labels)), None
        except FileNotFoundError:  # identical files share a path, and a voice sample is deleted
            return Shown(error_panel(GONE, model.labels)), None
        if voice_profile is None and example in shelf.results:
            return shelf.results[example], example
        about = None if example is None else shelf.examples[example]
        return analyse(recognizer, path, voice_profile, about), example

    def follow(
        to_follow: tuple[str, str] | None,
        path: str,
        voice_profile: Any,
        same_speaker: bool,
        newest: list[str | None],
        unwanted: list[str | None],
    ) -> Iterator[Step]:
        if to_follow is None:
            return
        token, whole = to_follow
        if newest[1] != path:  # the call waited, and another recording took the place of its own
            yield Step(gr.skip(), gr.skip(), gr.skip())
            return
        cancelled = threading.Event()
        steps = follow_course(
            model.get(),
            path,
            voice_profile,
            whole=whole,
            same_speaker=same_speaker,
            cancelled=cancelled,
        )
        # Gradio's own `cancels` comes too late for a result that is there at once.
        while newest[0] == token:
            if unwanted[0] == token:
                cancelled.set()
            # A part at a time of all timelines leaves the rest of the machine to those who wait
            # for a result, and holds no visitor's up until another one's is complete.
            with turn:
                step = next(steps, None)
            if step is None:
                return
            if newest[0] == token:
                if isinstance(step.timeline, str):
                    step = step._replace(timeline=step.timeline + visit_panel.of(path, token))
                yield step

    def stop(newest: list[str | None], unwanted: list[str | None]) -> None:
        unwanted[0] = newest[0]

    cancel.click(stop, [newest, unwanted], None, queue=False, api_visibility="private")
    to_follow.change(
        follow,
        [to_follow, clip, profile, same, newest, unwanted],
        [timeline, course, waiting],
        concurrency_limit=TIMELINES,
        show_progress="hidden",
        trigger_mode="always_last",
        api_visibility="private",
    )
    triggers = [clip.change, profile.change, same.change]
    recognition = gr.on(
        triggers,
        show,
        [clip, profile, newest],
        [panel, course, picture, timeline, waiting, own, to_follow],
        js=LISTEN,
        show_progress="hidden",
        trigger_mode="always_last",
        api_visibility="private",
    )
    recognition.then(None, js=SEE_RESULT)
    recognition.failure(None, js=WAIT_NO_MORE)
    inputs = [clip, profile, newest]
    why_panel.explain_after(recognition, triggers, model, shelf, inputs, why)
    return Tab(profile, shelf, buttons, clip, panel, marks)


def analyse(
    recognizer: "EmotionRecognizer",
    clip: Any,
    voice_profile: "VoiceProfile | None" = None,
    example: "example_shelf.Example | None" = None,
) -> Shown:
    """Recognise a recording; it is not drawn yet.

    Parameters
    ----------
    recognizer : ser.EmotionRecognizer
    clip : clip
        As `EmotionRecognizer.predict` takes it.
    voice_profile : VoiceProfile, optional
    example : ser.demo.example_shelf.Example, optional
        What the recording is, if it is not the visitor's own.
    """
    try:
        recording = read_recording(clip, recognizer.sample_rate)
    except AudioError as error:
        return Shown(error_panel(str(error), recognizer.labels))
    waveform = recording.waveform
    try:
        result = recognizer.predict(recording, voice=voice_profile)
    except AudioError as error:
        to_draw = waveform if waveform.size else None
        return Shown(error_panel(str(error), recognizer.labels), waveform=to_draw)
    accuracy = accuracy_line(recognizer, result.confidence)
    panel = result_panel(result, accuracy=accuracy, example=example)
    return Shown(panel, result.to_dict(), waveform)


def draw(shown: Shown, sample_rate: int) -> Shown:
    """Draw the picture of a recording that could be read; its waveform is then not kept."""
    if shown.waveform is None:
        return shown
    result = shown.result
    used = (result["speech_start"], result["speech_end"]) if result else None
    picture = draw_recording(shown.waveform, sample_rate, used)
    return replace(shown, picture=picture, waveform=None)
