"""The first tab: one recording, its result and its picture."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

import gradio as gr

from ser.audio.loading import read_recording
from ser.demo import example_shelf, share_panel, voice_panel, why_panel
from ser.demo.accuracy import accuracy_line
from ser.demo.picture import draw_recording, empty_picture
from ser.demo.result_panel import empty_panel, error_panel, relative, result_panel, unannounced
from ser.demo.wording import TO_VOICE
from ser.errors import AudioError, SerError, VoiceProfileError
from ser.timeline import MIN_DURATION, TOO_SHORT, timeline_steps

if TYPE_CHECKING:
    from ser import EmotionRecognizer, VoiceProfile
    from ser.demo.served_model import ServedModel
    from ser.hub.sharing import ClipSharing

SEE_RESULT = """() => {
  const headline = document.querySelector("#ser-result [aria-live=polite] h2");
  headline?.scrollIntoView({ block: "nearest" });
}"""
"""Brings the headline of a result onto a small screen, whatever was clicked below it; not that of
the example with which the page opens."""

TO_REST = "Timeline relative to the rest of the recording"
SAME_SPEAKER_INFO = (
    "Parts of a recording of some length are then judged relative to the rest of it."
)

TIMELINES = 8
"""How many recordings can be followed at a time."""

GONE = "The recording is no longer on the server; upload or record it again."

Drawn = tuple[str, str, dict[str, Any] | None]
"""Panel and picture as HTML, and the result as `Prediction.to_dict` gives it, if there is one."""


class Course(NamedTuple):
    """A timeline that is to come: which one, and the part of the recording that was used."""

    token: str
    start: float
    end: float


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
    """

    profile: gr.State
    shelf: example_shelf.Shelf
    buttons: example_shelf.Buttons
    clip: gr.Audio
    panel: gr.HTML


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
                elem_id="ser-clip",
            )
            buttons = example_shelf.add_buttons(shelf, clip)
            profile = voice_panel.add_panel(model)
        with gr.Column(scale=7, min_width=300):
            panel = gr.HTML(empty_panel(model.labels), elem_id="ser-result")
            why = why_panel.add_panel()
            own = gr.State(None)  # a recording of the visitor's own, and its result
            if sharing is not None:
                share_panel.add_panel(model, sharing, own)
    picture = gr.HTML(empty_picture(), elem_id="ser-picture")
    waiting = gr.HTML(elem_id="ser-waiting")
    same = gr.Checkbox(label="One person speaks", info=SAME_SPEAKER_INFO, elem_id="ser-one")
    course = gr.State(None)  # of each recording whose timeline is to come
    newest = gr.State([None])  # its token, set at once, so that an older timeline stops
    turn = threading.Lock()

    def show(
        path: str | None, voice_profile: Any, newest: list[str | None]
    ) -> tuple[str, str, Any, Course | None, str]:
        is_first = newest[0] is None
        newest[0] = token = uuid4().hex
        if path is None:
            return empty_panel(model.labels), empty_picture(), None, None, ""
        try:
            recognizer = model.get()
            example = shelf.number(path)
        except SerError as error:
            return error_panel(str(error), model.labels), empty_picture(), None, None, ""
        except FileNotFoundError:  # identical files share a path, and a voice sample is deleted
            return error_panel(GONE, model.labels), empty_picture(), None, None, ""
        if voice_profile is None and example in shelf.results:
            shown = shelf.results[example]
        else:
            about = None if example is None else shelf.examples[example]
            shown = analyse(recognizer, path, voice_profile, about)
        if voice_profile is None and example is not None:
            shelf.results[example] = shown
        panel_html, picture_html, result = shown
        if is_first and example is not None:
            panel_html = unannounced(panel_html)
        if result is None:
            return panel_html, picture_html, None, None, ""
        own_result = (path, result) if example is None else None
        to_come = None
        if result["duration"] > MIN_DURATION:
            to_come = Course(token, result["speech_start"], result["speech_end"])
        return panel_html, picture_html, own_result, to_come, ""

    def follow(
        course: Course | None,
        path: str,
        voice_profile: Any,
        same_speaker: bool,
        newest: list[str | None],
    ) -> Iterator[tuple[Any, str]]:
        yield gr.skip(), ""
        if course is None:
            return
        used = course.start, course.end
        steps = follow_course(model.get(), path, used, voice_profile, same_speaker=same_speaker)
        while True:
            # A window at a time of all timelines leaves the rest of the machine to those who wait
            # for a result, and holds no visitor's up until another one's is complete.
            with turn:
                drawn = next(steps, None)
            if drawn is None:
                return
            # Gradio's own `cancels` comes too late for a result that is there at once.
            if newest[0] != course.token:
                yield gr.skip(), ""
                return
            yield drawn

    course.change(
        follow,
        [course, clip, profile, same, newest],
        [picture, waiting],
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
        [panel, picture, own, course, waiting],
        show_progress="minimal",
        show_progress_on=[panel],
        trigger_mode="always_last",
        api_visibility="private",
    )
    recognition.then(None, js=SEE_RESULT)
    inputs = [clip, profile, newest]
    why_panel.explain_after(recognition, triggers, model, shelf, inputs, why)
    return Tab(profile, shelf, buttons, clip, panel)


def analyse(
    recognizer: "EmotionRecognizer",
    clip: Any,
    voice_profile: "VoiceProfile | None" = None,
    example: "example_shelf.Example | None" = None,
) -> Drawn:
    """Recognise and draw a recording.

    Parameters
    ----------
    recognizer : ser.EmotionRecognizer
    clip : clip
        As `EmotionRecognizer.predict` takes it.
    voice_profile : VoiceProfile, optional
    example : ser.demo.example_shelf.Example, optional
        What the recording is, if it is not the visitor's own.

    Returns
    -------
    panel, picture : str
        HTML.
    result : dict or None
        As `Prediction.to_dict` gives it; None if the recording cannot be recognised.
    """
    rate = recognizer.sample_rate
    try:
        recording = read_recording(clip, rate)
    except AudioError as error:
        return error_panel(str(error), recognizer.labels), empty_picture(), None
    waveform = recording.waveform
    try:
        result = recognizer.predict(recording, voice=voice_profile)
    except AudioError as error:
        return error_panel(str(error), recognizer.labels), draw_recording(waveform, rate), None
    accuracy = accuracy_line(recognizer, result.confidence)
    panel = result_panel(result, accuracy=accuracy, example=example)
    picture = draw_recording(waveform, rate, (result.speech_start, result.speech_end))
    return panel, picture, result.to_dict()


def follow_course(
    recognizer: "EmotionRecognizer",
    clip: Any,
    used: tuple[float, float],
    voice_profile: "VoiceProfile | None" = None,
    *,
    same_speaker: bool = False,
) -> Iterator[tuple[Any, str]]:
    """Recognise the timeline of a recording and draw it with the rest.

    Parameters
    ----------
    recognizer : ser.EmotionRecognizer
    clip : clip
        As `EmotionRecognizer.predict` takes it.
    used : (float, float)
        Beginning and end of the part that was used, in seconds.
    voice_profile : VoiceProfile, optional
    same_speaker : bool
        Whether one person speaks: windows are then compared with the rest of the recording, be
        there a profile or not.

    Yields
    ------
    picture : str or update
        HTML, with the last window.
    waiting : str
        HTML that shows the progress, and at the end what windows were compared with.
    """
    rate = recognizer.sample_rate
    try:
        recording = read_recording(clip, rate)
        waveform = recording.waveform
        voice = None if same_speaker else voice_profile
        steps = timeline_steps(recognizer, recording, voice=voice, same_speaker=same_speaker)
        for done, count, timeline in steps:
            if timeline is None:
                yield gr.skip(), progress_bar(done, count)
            else:
                note = {"recording": TO_REST, "voice": TO_VOICE, None: ""}[timeline.reference]
                note = note or (TOO_SHORT if same_speaker else "")
                drawn = draw_recording(waveform, rate, used, timeline)
                yield drawn, f"<p>{relative(note)}</p>" if note else ""
    except AudioError:  # the recording was deleted meanwhile, or no window holds enough speech
        yield gr.skip(), ""
    except VoiceProfileError as error:  # the model cannot compare
        yield gr.skip(), f"<p>{escape(str(error))}</p>"


def progress_bar(done: int, count: int) -> str:
    """Draw how much of a timeline is done."""
    return (
        f'<p class="ser-quiet" style="--share:{done / count:.3f};--colour:var(--ser-accent)">'
        '<span class="ser-track" aria-hidden="true"><i></i></span>'
        f"Timeline: {done} of {count} windows</p>"
    )
