"""The first tab: one recording, its result and its picture."""

from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from ser.audio import load_audio
from ser.demo import examples, share, voice
from ser.demo.picture import draw_recording, empty_picture
from ser.demo.result import empty_panel, error_panel, result_panel
from ser.errors import AudioError, SerError
from ser.speech import find_speech
from ser.timeline import recognize_timeline
from ser.windows import MIN_DURATION

GONE = "The recording is no longer on the server; upload or record it again."


@dataclass(frozen=True)
class Tab:
    """What other parts of the page need of this one.

    Attributes
    ----------
    profile : gr.State
        What was learnt of the visitor's voice, or None.
    shelf : ser.demo.examples.Shelf
    buttons : ser.demo.examples.Buttons
    clip : gr.Audio
        The recording.
    """

    profile: gr.State
    shelf: examples.Shelf
    buttons: examples.Buttons
    clip: gr.Audio


def add_tab(model, sharing=None):
    """Lay out the tab in the `gr.Blocks` being built.

    Parameters
    ----------
    model : ser.demo.model.ServedModel
    sharing : ser.sharing.ClipSharing, optional
        Where visitors can share their clips; without it, nothing offers that.

    Returns
    -------
    Tab
    """
    shelf = examples.Shelf(model)
    with gr.Row(equal_height=False, elem_id="ser-recognise"):
        with gr.Column(scale=5, min_width=300):
            clip = gr.Audio(
                sources=["upload", "microphone"],
                type="filepath",
                label="Recording",
                buttons=[],
                elem_id="ser-clip",
            )
            buttons = examples.add_buttons(shelf, clip)
            profile, learnt, forgotten = voice.add_panel(model)
        with gr.Column(scale=7, min_width=300):
            panel = gr.HTML(empty_panel(), elem_id="ser-result")
            own = gr.State(None)  # the result of a recording of the visitor's own
            if sharing is not None:
                share.add_panel(model, sharing, clip, own)
    picture = gr.HTML(empty_picture(), elem_id="ser-picture")

    def show(path, voice_profile, progress=gr.Progress()):  # noqa: B008 - gradio looks for it here
        if path is None:
            yield empty_panel(), empty_picture(), None
            return
        if not Path(path).exists():  # equal files share a place, and one given as voice is deleted
            yield error_panel(GONE), empty_picture(), None
            return
        try:
            recognizer = model.get()
            example = shelf.number(path)
        except SerError as error:
            yield error_panel(str(error)), empty_picture(), None
            return
        if example is None:
            yield from analyse(recognizer, path, voice_profile, progress)
            return
        if voice_profile is None and example in shelf.results:
            yield shelf.results[example]
            return
        for panel_html, picture_html, _ in analyse(recognizer, path, voice_profile, progress):
            shown = panel_html, picture_html, None
            yield shown
        if voice_profile is None:
            shelf.results[example] = shown

    for again in (clip.change, learnt.then, forgotten.then):
        again(
            show,
            [clip, profile],
            [panel, picture, own],
            show_progress="minimal",
            show_progress_on=[panel],
            trigger_mode="always_last",
            api_visibility="private",
        )
    return Tab(profile, shelf, buttons, clip)


def analyse(recognizer, clip, voice_profile=None, progress=None):
    """Recognise and draw a recording.

    Parameters
    ----------
    recognizer : ser.EmotionRecognizer
    clip : str or Path
    voice_profile : VoiceProfile, optional
    progress : callable, optional
        Called with a share from 0 to 1 and a description, as `gr.Progress` is.

    Yields
    ------
    panel, picture : str
        HTML, whole as soon as there is a result; a long recording gets its timeline after that.
    result : dict or None
        As `Prediction.to_dict` gives it; None if the recording cannot be recognised.
    """
    rate = recognizer.config["sample_rate"]
    options = {} if voice_profile is None else {"voice": voice_profile}
    try:
        waveform = load_audio(clip, rate)
    except AudioError as error:
        yield error_panel(str(error), recognizer.labels), empty_picture(), None
        return
    try:
        result = recognizer.predict((waveform, rate), **options)
    except AudioError as error:
        yield error_panel(str(error), recognizer.labels), draw_recording(waveform, rate), None
        return
    panel = result_panel(result, relative=voice_profile is not None)
    segment = find_speech(waveform, rate)
    yield panel, draw_recording(waveform, rate, segment), result.to_dict()
    if result.duration > MIN_DURATION:

        def tell(done, count):
            if progress is not None:
                progress(done / count, desc=f"Timeline: window {done + 1} of {count}")

        timeline = recognize_timeline(
            recognizer, (waveform, rate), voice=voice_profile, progress=tell
        )
        yield panel, draw_recording(waveform, rate, segment, timeline), result.to_dict()
