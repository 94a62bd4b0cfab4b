"""Emotion over the course of a recording, in overlapping windows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ser.audio.loading import read_recording
from ser.errors import NoSpeechError
from ser.model.analysis import Analysis
from ser.model.voice_profile import MIN_REFERENCE, OwnSpeech, VoiceProfile
from ser.timeline_formats import Exports

if TYPE_CHECKING:
    from ser.model.prediction import Prediction
    from ser.recognizer import EmotionRecognizer

WINDOW = 3.0
"""Length of a window in seconds: about one sentence, as in RAVDESS."""

HOP = 0.5
"""Seconds from one window to the next, so that each short sentence fits into some window."""

MAX_WINDOWS = 600
"""Most windows of a recording; they lie further apart in one of more than five minutes."""

TOO_SHORT = "There is too little speech to compare parts of it with the rest: it takes 20 seconds."
"""What to say of a recording whose windows could not be judged relative to each other."""

MIN_DURATION = 4.0
"""A recording up to this many seconds is one window."""

NEARBY = 2.0
"""Seconds between the starts of windows that overlap much."""

WHOLE = 0.8
"""Share of the sound in any window nearby that a window must hold to be counted. One that only
catches the end of a sentence is often confidently wrong."""

MAX_SHARED = 2
"""Windows that lie apart from each other, of which a window can overlap so many."""

DRAFTS = 20
"""Parts of a recording, after each of which an unfinished timeline is reported, be it as long as it
may; the first of them comes sooner, after the second, fourth and eighth window."""


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
class Timeline(Exports):
    """Emotion over a recording.

    Attributes
    ----------
    duration : float
        In seconds.
    windows : list of Window
        Overlapping, in order; at least one of them holds speech.
    warnings : list of str
        Reasons to doubt that all of the recording was read, one sentence each.
    reference : str or None
        What windows were compared with: ``"voice"``, the person's everyday voice, or
        ``"recording"``, the rest of the recording; None for nothing.
    """

    duration: float
    windows: list[Window]
    warnings: list[str] = field(default_factory=list)
    reference: str | None = None

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
        """Return the attributes and the segments as a dict that `json.dumps` takes."""
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
    recognizer: EmotionRecognizer,
    clip: Any,
    *,
    voice: VoiceProfile | Any = None,
    same_speaker: bool = False,
) -> Iterator[tuple[int, int, Timeline | None]]:
    """Do as `EmotionRecognizer.timeline`, a window at a time, to report progress or stop early.

    Parameters
    ----------
    recognizer : EmotionRecognizer
    clip, voice, same_speaker
        As for `EmotionRecognizer.timeline`; errors are the same, too.

    Yields
    ------
    done, count : int
        How many windows are recognised, or only analysed if they are compared with each other
        after that, and how many there are.
    timeline : Timeline or None
        The last one is complete. Some before it, see `DRAFTS`, end with the window that was
        recognised last, and windows that will not count in the end may still be in them.
    """
    profile = recognizer.reference(voice, same_speaker=same_speaker)
    rate = recognizer.sample_rate
    recording = read_recording(clip, rate)
    waveform = recording.waveform
    slices = window_slices(waveform.size, rate)
    draft_every = -(-len(slices) // DRAFTS)
    heard: list[Analysis | None] = []
    results: list[Prediction | None] = []
    silence = NoSpeechError()

    def timeline(told: str | None) -> Timeline | None:
        known = slices[: len(results)]
        whole = _whole(known, heard[: len(results)], rate)
        windows = [
            window_of(part.start / rate, part.stop / rate, result)
            for part, result, counts in zip(known, results, whole, strict=True)
            if counts or result is None
        ]
        notes = list(recording.notes)
        return Timeline(waveform.size / rate, windows, notes, told) if any(results) else None

    def draft(told: str | None) -> Timeline | None:
        is_due = len(results) in (2, 4, 8) or (results and len(results) % draft_every == 0)
        return timeline(told) if is_due else None

    for part in slices:
        yield len(heard), len(slices), draft("voice" if profile else None)
        analysis = None
        try:
            analysis = recognizer.analyse((waveform[part], rate))
        except NoSpeechError as error:
            silence = error
        heard.append(analysis)
        if not same_speaker:
            results.append(recognizer.assess(analysis, profile) if analysis else None)
    if not any(heard):
        raise silence
    pieces = _apart(slices, heard, _whole(slices, heard, rate)) if same_speaker else []
    is_own = len(pieces) >= MIN_REFERENCE + MAX_SHARED
    own = OwnSpeech([piece for _, piece in pieces])
    told = "voice" if profile else "recording" if is_own else None
    for part, analysis in zip(slices[len(results) :], heard[len(results) :], strict=True):
        yield len(slices), len(slices), draft(told)
        shared = [
            piece for other, piece in pieces if other.start < part.stop and part.start < other.stop
        ]
        reference = own.others(*shared) if is_own else None
        results.append(recognizer.assess(analysis, reference) if analysis else None)
    yield len(slices), len(slices), timeline(told)


def window_of(start: float, end: float, result: Prediction | None) -> Window:
    """Return a window, in seconds, with what is said of it; None if it has no speech."""
    if result is None:
        return Window(start, end)
    return Window(
        start,
        end,
        speech_duration=result.speech_duration,
        emotion=result.emotion,
        confidence=result.confidence,
        probabilities=result.probabilities,
    )


def _whole(
    slices: list[slice], heard: list[Analysis | None], sample_rate: int
) -> NDArray[np.bool_]:
    """Tell the windows that count: whose sound is not much less than nearby, or in no other."""
    starts = np.array([part.start / sample_rate for part in slices])
    ends = np.array([part.stop / sample_rate for part in slices])
    sounds = np.array([each.sound_duration if each else 0.0 for each in heard])
    near = np.abs(starts[:, None] - starts) <= NEARBY
    most: NDArray[np.float64] = np.where(near, sounds, 0).max(axis=1)
    counts = (sounds > 0) & (sounds >= WHOLE * most)
    for number in np.argsort(-sounds, kind="stable"):
        analysis = heard[number]
        if analysis and not counts[number]:
            for moment in (analysis.speech_start, analysis.speech_end):
                held = (starts <= starts[number] + moment) & (starts[number] + moment <= ends)
                counts[number] |= not np.any(held & counts)
    return counts


def _apart(
    slices: list[slice], heard: list[Analysis | None], whole: NDArray[np.bool_]
) -> list[tuple[slice, Analysis]]:
    """Choose whole windows that do not overlap, with which windows can be compared."""
    chosen: list[tuple[slice, Analysis]] = []
    for part, analysis, counts in zip(slices, heard, whole, strict=True):
        if analysis and counts and (not chosen or part.start >= chosen[-1][0].stop):
            chosen.append((part, analysis))
    return chosen
