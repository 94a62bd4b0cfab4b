"""The tab for live recognition.

A browser sends sound in pieces of a tenth of a second, and gradio keeps only the newest of those
that come while one is being handled. So a piece is only put away, and recognised behind that.
"""

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np
import soundfile
from numpy.typing import NDArray

from ser.corpora.emotions import adjective
from ser.demo.result_panel import bars, colour, panel, relative, warning_list
from ser.demo.wording import TO_VOICE, how_sure, percent
from ser.errors import NoSpeechError, SerError
from ser.model.voice_profile import OwnSpeech

if TYPE_CHECKING:
    from ser import EmotionRecognizer, Prediction, VoiceProfile
    from ser.demo.served_model import ServedModel
    from ser.model.analysis import Analysis

SPAN = 3.0
"""Seconds that each update looks back over."""

EVERY = 0.5
"""Seconds of new sound from one update to the next; more where the machine cannot keep up."""

HISTORY = 60
"""Updates that the history shows."""

REMEMBERED = 16
"""Pieces of `SPAN` seconds with which the last one is compared; older ones are forgotten."""

TIME_LIMIT = 600
"""Seconds after which listening ends by itself, so that a forgotten tab frees its place."""

VISITORS = 20
"""How many visitors can use the tab at a time."""

INVITATION = "Press Record and talk."
EXPLANATION = (
    "Twice a second, the page shows the emotion in the last three seconds and, below it, the "
    "history of the last half minute. After about a quarter of a minute of speech, what you say is "
    "compared with what you said before, unless your voice is known."
)
RELATIVE = {"voice": TO_VOICE, "clips": "Relative to what you said before"}

Moment = tuple[str | None, float]
"""Emotion and confidence of an update; None and 0 where nobody spoke."""

_workers = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="live")


@dataclass
class LiveSession:
    """One visitor's live session: the last seconds of sound, and the last results.

    Attributes
    ----------
    waveform : ndarray, shape (n_samples,)
        The last `SPAN` seconds.
    n_heard, n_new : int
        Number of samples that came, and of those after the last update.
    remembered : list of (int, Analysis)
        The last pieces with speech that do not overlap, and at which sample each ends.
    result : ser.Prediction or None
        Of the last update; None where nobody spoke.
    history : list of Moment
        Of the last updates.
    running : Future or None
        The next update, while it is recognised.
    """

    waveform: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    n_heard: int = 0
    n_new: int = 0
    remembered: list[tuple[int, "Analysis"]] = field(default_factory=list)
    result: "Prediction | None" = None
    history: list[Moment] = field(default_factory=list)
    running: "Future[Prediction] | None" = None

    def add(
        self,
        recognizer: "EmotionRecognizer",
        chunk: NDArray[np.float32],
        sample_rate: int,
        voice: "VoiceProfile | None" = None,
    ) -> bool:
        """Take the next piece of sound, and have the last seconds recognised if an update is due.

        Parameters
        ----------
        recognizer : ser.EmotionRecognizer
        chunk : ndarray, shape (n_samples,)
        sample_rate : int
            In Hz; the same for all of a session.
        voice : VoiceProfile, optional
            Without it, speech is compared with what was said before, once that is enough.

        Returns
        -------
        bool
            Whether `result` and `history` are new.

        Raises
        ------
        SerError
            If the last update failed for another reason than that nobody spoke.
        """
        self.waveform = np.concatenate([self.waveform, chunk])[-int(SPAN * sample_rate) :]
        self.n_heard += chunk.size
        self.n_new += chunk.size
        is_new = self._update()
        if self.running is None and self.n_new >= EVERY * sample_rate:
            self.n_new = 0
            clip = self.waveform, sample_rate
            self.running = _workers.submit(self._recognise, recognizer, clip, self.n_heard, voice)
        return is_new

    def _recognise(
        self,
        recognizer: "EmotionRecognizer",
        clip: tuple[NDArray[np.float32], int],
        end: int,
        voice: "VoiceProfile | None",
    ) -> "Prediction":
        """Recognise a piece that ends at a sample; one piece of a session at a time."""
        waveform, sample_rate = clip
        analysis = recognizer.analyse(clip)
        start = end - waveform.size
        before = [piece for until, piece in self.remembered if until <= start]
        if len(before) == len(self.remembered) and waveform.size == int(SPAN * sample_rate):
            self.remembered = [*self.remembered, (end, analysis)][-REMEMBERED:]
        if voice is None and recognizer.knows_voices:
            voice = OwnSpeech(before).others()
        return recognizer.assess(analysis, voice)

    def _update(self) -> bool:
        """Take over the running update if it is done, and tell whether it was."""
        if self.running is None or not self.running.done():
            return False
        done, self.running = self.running, None
        try:
            self.result = done.result()
            moment: Moment = self.result.emotion, self.result.confidence
        except NoSpeechError:
            self.result, moment = None, (None, 0.0)
        self.history = [*self.history, moment][-HISTORY:]
        return True


def add_tab(model: "ServedModel", profile: gr.State) -> gr.HTML:
    """Lay out the tab in the `gr.Blocks` being built; return the panel of its result.

    Parameters
    ----------
    model : ser.demo.served_model.ServedModel
    profile : gr.State
        The visitor's voice, or None.
    """
    session = gr.State(None)
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=300):
            microphone = gr.Audio(
                sources=["microphone"],
                streaming=True,
                type="filepath",
                label="Microphone",
                buttons=[],
                elem_id="ser-live",
            )
            gr.HTML(f"<p>{EXPLANATION}</p>", elem_classes="ser-quiet")
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
        return live_panel(state.result, state.history, recognizer.labels), state

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
        if state is None or state.result is not None:
            return gr.skip(), None  # the last result stays
        return live_panel(None, state.history, model.labels, INVITATION), None

    microphone.start_recording(lambda: None, None, session, api_visibility="private")
    microphone.stop_recording(stop, session, [output, session], api_visibility="private")
    return output


def read_once(path: str | None) -> tuple[NDArray[np.float32], int] | None:
    """Read a piece of sound that a browser sent, and delete it from the server's disk.

    Returns
    -------
    samples : ndarray, shape (n_samples,)
        Mono.
    sample_rate : int
        In Hz. Instead of both, None if there is no such file.
    """
    if path is None:
        return None
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        Path(path).unlink(missing_ok=True)
    except (OSError, soundfile.LibsndfileError):
        # Identical pieces share a file: another session may have deleted a silent one of ours.
        return None
    return samples.mean(axis=1), rate


def idle_panel(labels: Iterable[str]) -> str:
    """Draw the panel before anything is heard."""
    return live_panel(None, [], labels, INVITATION)


def live_panel(
    result: "Prediction | None",
    history: Sequence[Moment],
    labels: Iterable[str],
    message: str | None = None,
) -> str:
    """Draw the last result and the short history.

    Parameters
    ----------
    result : ser.Prediction or None
        None where nobody speaks.
    history : list of Moment
        As in `LiveSession`.
    labels : sequence of str
        Every emotion, in order.
    message : str, optional
        Shown in place of a result while the microphone is off.

    Returns
    -------
    str
        HTML; not announced by screen readers, which could not keep up.
    """
    marks = "".join(
        f'<i style="--colour:{colour(emotion) if emotion else "var(--ser-soft)"};'
        f'--share:{share:.2f}"></i>'
        for emotion, share in history
    )
    strip = f'<div class="ser-history" aria-hidden="true">{marks}</div>'
    if result is None:
        body = bars(dict.fromkeys(labels, 0.0)) + strip
        if message is None:
            return panel("No speech in the last seconds.", "Listening", body, "empty")
        return panel(escape(message), "Not listening", body, "empty")
    sure = f"<b>{how_sure(result.confidence)}</b>, {percent(result.confidence)}"
    if result.reference:
        sure += f". {relative(RELATIVE[result.reference])}"
    return panel(
        sure,
        adjective(result.emotion).capitalize(),
        bars(result.probabilities, result.emotion) + strip + warning_list(result.warnings),
        hue=colour(result.emotion),
    )
