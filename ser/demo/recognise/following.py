"""The timeline of a recording, followed a window at a time: drawn, told, and stopped on request."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from ser.audio.loading import read_recording
from ser.demo.recognise import stretches
from ser.demo.recognise.picture import draw_timeline
from ser.demo.result_panel import relative
from ser.demo.wording import TO_VOICE
from ser.errors import AudioError, VoiceProfileError
from ser.timeline import TOO_SHORT, timeline_steps

if TYPE_CHECKING:
    from ser import EmotionRecognizer, VoiceProfile

TO_REST = "Timeline relative to the rest of the recording"

TOLD_EVERY = 0.25
"""Seconds between two reports of how far a timeline is, at least."""

SURE_AFTER = 1.0
"""Seconds of work after which the time that is left can be told."""


class Step(NamedTuple):
    """What changes on the page: HTML, or gradio's word for no change.

    Attributes
    ----------
    timeline : str or update
        The drawing under the picture.
    course : str or update
        The sentence and the list of stretches, of a long recording.
    waiting : str
        How far it is, and at the end what windows were compared with.
    """

    timeline: Any
    course: Any
    waiting: str


def follow_course(
    recognizer: "EmotionRecognizer",
    clip: Any,
    voice_profile: "VoiceProfile | None" = None,
    *,
    whole: str | None = None,
    same_speaker: bool = False,
    cancelled: threading.Event | None = None,
) -> Iterator[Step]:
    """Recognise the timeline of a recording and draw it from its first windows on.

    Parameters
    ----------
    recognizer : ser.EmotionRecognizer
    clip : clip
        As `EmotionRecognizer.predict` takes it.
    voice_profile : VoiceProfile, optional
    whole : str, optional
        The answer for the recording as a whole.
    same_speaker : bool
        Whether one person speaks: windows are then compared with the rest of the recording, be
        there a profile or not.
    cancelled : threading.Event, optional
        When it is set, what is known by then is the answer.

    Yields
    ------
    Step
    """
    try:
        recording = read_recording(clip, recognizer.sample_rate)
        is_long = recording.waveform.size / recognizer.sample_rate >= stretches.LONG
        voice = None if same_speaker else voice_profile
        steps = timeline_steps(recognizer, recording, voice=voice, same_speaker=same_speaker)
        began = told = time.monotonic()
        latest = None
        for done, count, timeline in steps:
            latest = timeline or latest
            if cancelled and cancelled.is_set():
                yield _stopped(latest, is_long)
                return
            now = time.monotonic()
            if timeline is not None:
                course = stretches.card(timeline, so_far=True) if is_long else gr.skip()
                yield Step(draw_timeline(timeline), course, progress(done, count, now - began))
            elif done == 0 or now - told >= TOLD_EVERY:
                yield Step(gr.skip(), gr.skip(), progress(done, count, now - began))
                told = now
        if latest is not None:
            note = {"recording": TO_REST, "voice": TO_VOICE, None: ""}[latest.reference]
            note = note or (TOO_SHORT if same_speaker else "")
            course = stretches.card(latest, whole=whole) if is_long else gr.skip()
            drawn = draw_timeline(latest, kept=latest)
            yield Step(drawn, course, f"<p>{relative(note)}</p>" if note else "")
    except AudioError:  # the recording was deleted meanwhile, or no window holds enough speech
        yield Step(gr.skip(), "", "")
    except VoiceProfileError as error:  # the model cannot compare
        yield Step(gr.skip(), "", f"<p>{escape(str(error))}</p>")


def progress(done: int, count: int, seconds: float) -> str:
    """Draw how much of a timeline is done, and say how long the rest will take.

    Parameters
    ----------
    done, count : int
        Windows.
    seconds : float
        How long those that are done have taken.
    """
    left = ""
    if done and seconds >= SURE_AFTER:
        left = f": {time_left(seconds / done * (count - done))}"
    return (
        f'<p class="ser-following" style="--share:{done / count:.3f};--colour:var(--ser-accent)">'
        '<span class="ser-track" aria-hidden="true"><i></i></span>'
        f"Following its course{left or '…'}</p>"
    )


def time_left(seconds: float) -> str:
    """Say how long something will take, as roughly as it is known."""
    if seconds < 5:
        return "a few seconds left"
    if seconds < 55:
        return f"about {5 * round(seconds / 5)} seconds left"
    minutes = max(round(seconds / 60), 1)
    return f"about {minutes} minute{'s' if minutes > 1 else ''} left"


def _stopped(latest: Any, is_long: bool) -> Step:
    if latest is None:
        return Step(gr.skip(), "", "<p>Cancelled.</p>")
    until = latest.windows[-1].end
    at = f"Cancelled at {stretches.minutes(until)}"
    kept = replace(
        latest,
        duration=until,
        warnings=[*latest.warnings, f"{at}: the rest was not followed."],
    )
    course = stretches.card(latest, until=until) if is_long else gr.skip()
    drawn = draw_timeline(latest, kept=kept)
    return Step(drawn, course, f"<p>{at}.</p>")
