"""One visitor's live session: sound that comes in small pieces, and what is heard in it.

A browser sends pieces of a tenth of a second, and gradio keeps only the newest of those that come
while one is being handled. So a piece is only put away, and recognised behind that.
"""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile
from numpy.typing import NDArray

from ser.audio.loading import SAMPLE_RATE_RANGE
from ser.errors import (
    AudioTooLongError,
    InvalidSampleRateError,
    NoSpeechError,
    UnreadableAudioError,
)
from ser.model.voice_profile import OwnSpeech
from ser.timeline import Timeline, Window, window_of

if TYPE_CHECKING:
    from ser import EmotionRecognizer, Prediction, VoiceProfile
    from ser.model.analysis import Analysis

SPAN = 3.0
"""Seconds that each update looks back over."""

EVERY = 0.5
"""Seconds of new sound from one update to the next; more where the machine cannot keep up."""

TIME_LIMIT = 600
"""Seconds after which listening ends by itself, so that a forgotten tab frees its place."""

MAX_WINDOWS = round(TIME_LIMIT / EVERY)
"""Updates that a session remembers."""

REMEMBERED = 16
"""Pieces of `SPAN` seconds with which the last one is compared; older ones are forgotten."""

MAX_BYTES = 2_000_000
MAX_PIECE = 10.0
"""Bytes and seconds of sound that may come at once: a slow connection makes pieces long."""

PLAIN = ("PCM_16", "PCM_24", "PCM_32", "FLOAT")
"""Kinds of samples in WAV of which a file holds no more than its size says."""

_workers = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="live")


@dataclass
class LiveSession:
    """The last seconds of sound, and what was heard since the beginning.

    Attributes
    ----------
    waveform : ndarray, shape (n_samples,)
        The last `SPAN` seconds.
    sample_rate : int
        In Hz; 0 before the first piece.
    n_heard, n_new : int
        Number of samples that came, and of those after the last update.
    remembered : list of (int, Analysis)
        The last pieces with speech that do not overlap, and at which sample each ends.
    result : ser.Prediction or None
        Of the last update; None where nobody spoke.
    windows : list of ser.timeline.Window
        What each update heard, with times since the beginning.
    references : set of str or None
        What results were compared with, as `Prediction.reference`.
    running : Future or None
        The next update, while it is recognised.
    """

    waveform: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    sample_rate: int = 0
    n_heard: int = 0
    n_new: int = 0
    remembered: list[tuple[int, "Analysis"]] = field(default_factory=list)
    result: "Prediction | None" = None
    windows: list[Window] = field(default_factory=list)
    references: set[str | None] = field(default_factory=set)
    running: "Future[tuple[Window, Prediction | None]] | None" = None

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
            Whether `result` and `windows` are new.

        Raises
        ------
        SerError
            If the sample rate changes, or the last update failed for another reason than that
            nobody spoke.
        """
        self.sample_rate = self.sample_rate or sample_rate
        if sample_rate != self.sample_rate:
            raise InvalidSampleRateError(
                f"The sample rate changed from {self.sample_rate} to {sample_rate} Hz: "
                "press Stop and Record again."
            )
        self.waveform = np.concatenate([self.waveform, chunk])[-int(SPAN * sample_rate) :]
        self.n_heard += chunk.size
        self.n_new += chunk.size
        is_new = self._update()
        if self.running is None and self.n_new >= EVERY * sample_rate:
            self.n_new = 0
            clip = self.waveform, sample_rate
            self.running = _workers.submit(self._recognise, recognizer, clip, self.n_heard, voice)
        return is_new

    def timeline(self) -> Timeline | None:
        """Return the course of the session up to now; None if nobody spoke in it."""
        if not any(window.emotion for window in self.windows):
            return None
        reference = None
        if self.references == {"voice"}:
            reference = "voice"
        elif self.references <= {None, "clips"} and "clips" in self.references:  # once it is enough
            reference = "recording"
        return Timeline(self.n_heard / self.sample_rate, self.windows, reference=reference)

    def _recognise(
        self,
        recognizer: "EmotionRecognizer",
        clip: tuple[NDArray[np.float32], int],
        end: int,
        voice: "VoiceProfile | None",
    ) -> "tuple[Window, Prediction | None]":
        """Recognise a piece that ends at a sample; one piece of a session at a time."""
        waveform, sample_rate = clip
        start = end - waveform.size
        times = start / sample_rate, end / sample_rate
        try:
            analysis = recognizer.analyse(clip)
        except NoSpeechError:
            return window_of(*times, None), None
        before = [piece for until, piece in self.remembered if until <= start]
        if len(before) == len(self.remembered) and waveform.size == int(SPAN * sample_rate):
            self.remembered = [*self.remembered, (end, analysis)][-REMEMBERED:]
        if voice is None and recognizer.knows_voices:
            voice = OwnSpeech(before).others()
        result = recognizer.assess(analysis, voice)
        return window_of(*times, result), result

    def _update(self) -> bool:
        """Take over the running update if it is done, and tell whether it was."""
        if self.running is None or not self.running.done():
            return False
        done, self.running = self.running, None
        window, self.result = done.result()
        if self.result:
            self.references.add(self.result.reference)
        self.windows = [*self.windows, window][-MAX_WINDOWS:]
        return True


def read_once(path: str | None) -> tuple[NDArray[np.float32], int] | None:
    """Read a piece of sound that a browser sent, and delete it from the server's disk.

    Returns
    -------
    samples : ndarray, shape (n_samples,)
        Mono.
    sample_rate : int
        In Hz. Instead of both, None if there is no such file.

    Raises
    ------
    AudioError
        If it is not what the page's recorder sends, a short WAV file of plain samples: nothing
        else is decoded, as 30 kB of another format can hold hours.
    """
    if path is None:
        return None
    try:
        return _read(Path(path))
    except FileNotFoundError:
        # Identical pieces share a file: another session may have deleted a silent one of ours.
        return None
    finally:
        Path(path).unlink(missing_ok=True)


def _read(path: Path) -> tuple[NDArray[np.float32], int]:
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise AudioTooLongError(f"A piece of sound has {size} bytes: send at most {MAX_BYTES}.")
    with path.open("rb") as file:
        is_wave = file.read(4) == b"RIFF"
    try:
        with soundfile.SoundFile(path) if is_wave else nullcontext() as sound:
            if sound is None or sound.subtype not in PLAIN:
                raise UnreadableAudioError(
                    "A piece of sound is not WAV with plain samples: send what a browser records."
                )
            _check_duration(sound.frames, sound.samplerate)
            samples = sound.read(dtype="float32", always_2d=True)
            return samples.mean(axis=1), sound.samplerate
    except soundfile.LibsndfileError:
        raise UnreadableAudioError(
            "A piece of sound is damaged WAV: press Stop and Record again."
        ) from None


def _check_duration(n_frames: int, sample_rate: int) -> None:
    lowest, highest = SAMPLE_RATE_RANGE
    if not lowest <= sample_rate <= highest:
        raise InvalidSampleRateError(
            f"A piece of sound has a sample rate of {sample_rate} Hz; "
            f"send one of {lowest} to {highest} Hz."
        )
    if n_frames > MAX_PIECE * sample_rate:
        raise AudioTooLongError(
            f"A piece of sound lasts {n_frames / sample_rate:.1f} s; at most {MAX_PIECE:g} s can "
            "come at once: the connection may be too slow for Live."
        )
