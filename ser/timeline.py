"""Emotion over the course of a recording, in overlapping windows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ser.audio.activity import sound_duration
from ser.audio.loading import read_recording
from ser.errors import NoSpeechError

if TYPE_CHECKING:
    from ser.model.voice_profile import VoiceProfile
    from ser.recognizer import EmotionRecognizer

WINDOW = 3.0
"""Length of a window in seconds: about one sentence, as in RAVDESS."""

HOP = 0.5
"""Seconds from one window to the next, so that each short sentence fits into some window."""

MAX_WINDOWS = 600
"""Most windows of a recording; they lie further apart in one of more than five minutes."""

MIN_DURATION = 4.0
"""A recording up to this many seconds is one window."""

NEARBY = 2.0
"""Seconds between the starts of windows that overlap much."""

WHOLE = 0.8
"""Share of the sound in any window nearby that a window must hold to be counted. One that only
catches the end of a sentence is often confidently wrong."""


@dataclass(frozen=True)
class Window:
    """A recogniser's answer for one window.

    Attributes
    ----------
    start, end : float
        In seconds from the beginning of the recording.
    speech_duration : float
        Seconds from the first to the last speech in it; 0 where nobody speaks.
    emotion : str or None
        The most probable label; None where nobody speaks, as for the two that follow.
    confidence : float or None
    probabilities : dict of str to float, or None
    """

    start: float
    end: float
    speech_duration: float = 0.0
    emotion: str | None = None
    confidence: float | None = None
    probabilities: dict[str, float] | None = None


@dataclass(frozen=True)
class Segment:
    """A stretch of a recording in which one emotion dominates.

    Attributes
    ----------
    start, end : float
        In seconds; segments follow one another without a gap.
    emotion : str or None
        None where nobody speaks.
    confidence : float or None
        Mean probability of the emotion.
    """

    start: float
    end: float
    emotion: str | None
    confidence: float | None


@dataclass(frozen=True)
class Timeline:
    """Emotion over a recording.

    Attributes
    ----------
    duration : float
        In seconds.
    windows : list of Window
        Overlapping, in order; at least one of them holds speech.
    warnings : list of str
        Reasons to doubt that all of the recording was read, one sentence each.
    """

    duration: float
    windows: list[Window]
    warnings: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        emotions = dict.fromkeys(window.emotion for window in self.windows if window.emotion)
        return (
            f"Timeline(duration={self.duration:.1f}, windows={len(self.windows)}, "
            f"emotions={list(emotions)!r}, warnings={self.warnings!r})"
        )

    @property
    def labels(self) -> list[str]:
        """Every emotion, in the order of the probabilities."""
        return next(list(window.probabilities) for window in self.windows if window.probabilities)

    def curves(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the probability of each emotion over time: the mean of the windows at a moment.

        Returns
        -------
        edges : ndarray, shape (n_cells + 1,)
            In seconds; a cell lasts `HOP` but for the last one, which ends with the recording.
        probabilities : ndarray, shape (n_cells, n_labels)
            NaN where no window holds speech.
        """
        edges = np.append(np.arange(0, self.duration - HOP / 2, HOP), self.duration)
        middles = (edges[:-1] + edges[1:]) / 2
        total = np.zeros((middles.size, len(self.labels)))
        count = np.zeros((middles.size, 1))
        for window in self.windows:
            if window.probabilities is not None:
                held = (window.start <= middles) & (middles < window.end)
                total[held] += list(window.probabilities.values())
                count[held] += 1
        return edges, np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)

    @property
    def segments(self) -> list[Segment]:
        """The stretches in which one emotion dominates, as a list of `Segment`."""
        edges, curves = self.curves()
        spoken = ~np.isnan(curves[:, 0])
        dominant = np.where(spoken, np.nan_to_num(curves).argmax(axis=1), -1)
        bounds = [0, *(np.flatnonzero(np.diff(dominant)) + 1), dominant.size]
        segments = []
        for first, last in pairwise(bounds):
            index = dominant[first]
            emotion = self.labels[index] if index >= 0 else None
            confidence = float(curves[first:last, index].mean()) if index >= 0 else None
            segments.append(Segment(float(edges[first]), float(edges[last]), emotion, confidence))
        return segments

    def to_dict(self) -> dict[str, Any]:
        """Return duration, windows, warnings and segments as a dict that `json.dumps` takes."""
        return asdict(self) | {"segments": [asdict(segment) for segment in self.segments]}


def window_slices(n_samples: int, sample_rate: int) -> list[slice]:
    """Lay windows over a recording, from its first sample to its last.

    Parameters
    ----------
    n_samples : int
    sample_rate : int
        In Hz.

    Returns
    -------
    list of slice
        In order; the last one ends with the recording, whatever its distance to the one before.
    """
    if n_samples <= MIN_DURATION * sample_rate:
        return [slice(0, n_samples)]
    length = int(WINDOW * sample_rate)
    hop = max(int(HOP * sample_rate), n_samples // MAX_WINDOWS)
    starts = [*range(0, n_samples - length, hop), n_samples - length]
    return [slice(start, start + length) for start in starts]


def timeline_steps(
    recognizer: EmotionRecognizer, clip: Any, *, voice: VoiceProfile | Any = None
) -> Iterator[tuple[int, int, Timeline | None]]:
    """Do as `EmotionRecognizer.timeline`, a window at a time, to report progress or stop early.

    Parameters
    ----------
    recognizer : EmotionRecognizer
    clip, voice
        As for `EmotionRecognizer.timeline`; errors are the same, too.

    Yields
    ------
    done, count : int
        How many windows are recognised, and how many there are.
    timeline : Timeline or None
        With the last window.
    """
    profile = None if voice is None else recognizer.voice_profile(voice)
    rate = recognizer.config["sample_rate"]
    recording = read_recording(clip, rate)
    waveform = recording.waveform
    windows: list[Window] = []
    sounds: list[float] = []
    silence = NoSpeechError()
    slices = window_slices(waveform.size, rate)
    for part in slices:
        yield len(windows), len(slices), None
        times = part.start / rate, part.stop / rate
        try:
            result = recognizer.predict((waveform[part], rate), voice=profile)
        except NoSpeechError as error:
            windows.append(Window(*times))
            sounds.append(0.0)
            silence = error
        else:
            answer = result.emotion, result.confidence, result.probabilities
            windows.append(Window(*times, result.speech_duration, *answer))
            sounds.append(sound_duration(waveform[part], rate))
    if all(window.emotion is None for window in windows):
        raise silence
    whole = _whole(windows, np.array(sounds))
    timeline = Timeline(waveform.size / rate, whole, list(recording.notes))
    yield len(windows), len(slices), timeline


def _whole(windows: list[Window], sounds: NDArray[np.float64]) -> list[Window]:
    """Leave out the windows that hold much less sound than one nearby; pauses are kept."""
    starts = np.array([window.start for window in windows])
    near = np.abs(starts[:, None] - starts) <= NEARBY
    enough = sounds >= WHOLE * np.where(near, sounds, 0).max(axis=1)
    return [
        window
        for window, whole in zip(windows, enough, strict=True)
        if window.emotion is None or whole
    ]
