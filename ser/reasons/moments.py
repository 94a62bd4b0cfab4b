"""Which half second drove an answer: each is left out in turn, and the rest is recognised.

References
----------
Zeiler & Fergus, "Visualizing and understanding convolutional networks", ECCV 2014 (occlusion);
Robnik-Šikonja & Kononenko, "Explaining classifications for individual instances", IEEE
Transactions on Knowledge and Data Engineering 20(5), 2008 (differences of log odds).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ser.audio.loading import Recording
from ser.errors import NoSpeechError
from ser.model.prediction import Prediction
from ser.model.voice_profile import VoiceProfile
from ser.recognizer import EmotionRecognizer

LENGTH = 0.5
"""Seconds that are left out."""

STEP = 0.25
"""Seconds from one such stretch to the next, or more: see `MAX_STRETCHES`."""

MAX_STRETCHES = 12
"""How often a recording is recognised again at most."""

PART = 6.0
"""Seconds of speech in which the stretch is sought at most. Of longer recordings it is sought in
the part of this length that speaks for the answer most: half a second hardly changes the rest."""

MAX_PARTS = 10
"""Parts of a long recording that are compared at most, evenly spread."""

LEFT = 0.5
"""Seconds of speech that must be left."""

MARGIN = 0.5
"""Seconds on either side of the speech, which tell how loud the background is."""

FADE = 0.01
"""Seconds in which the two sides of what is left out pass into each other, so that none clicks."""

LEAST_CHANGE = 0.5
"""Fall of the log odds below which a stretch did not drive the answer: odds of two thirds."""

LIKELIEST = 1 - 1e-6
"""The probability beyond which log odds do not grow; below 1 less this, they do not fall."""


@dataclass(frozen=True)
class Moment:
    """The stretch without which an answer would have been least certain.

    Attributes
    ----------
    start, end : float
        In seconds from the beginning of the recording.
    change : float
        How far the log odds of the answer fall (natural logarithm) if it is left out.
    """

    start: float
    end: float
    change: float


def find_moment(
    recognizer: EmotionRecognizer,
    recording: Recording,
    prediction: Prediction,
    reference: VoiceProfile | None = None,
) -> Moment | None:
    """Find the half second that drove an answer.

    Parameters
    ----------
    recognizer : EmotionRecognizer
    recording : Recording
        At the recogniser's sample rate.
    prediction : Prediction
        Its answer for the recording.
    reference : VoiceProfile, optional
        What the recording was compared with.

    Returns
    -------
    Moment or None
        None if there is too little speech to leave any of it out, or if no half second made the
        answer more certain.
    """

    def certainty(heard: Recording) -> float:
        """Return the log odds of the answer for a changed recording; NaN if no speech is left."""
        try:
            known = recognizer.assess(recognizer.analyse(heard), reference).probabilities
        except NoSpeechError:
            return np.nan
        return float(log_odds(known[prediction.emotion]))

    parts = split(prediction.speech_start, prediction.speech_end)
    sure = np.array([certainty(leave_out(recording, part)) for part in parts])
    if np.isnan(sure).all():
        return None
    part = parts[np.nanargmax(sure)]
    stretches = stretches_of(*part)
    left = [certainty(leave_out(recording, part, stretch)) for stretch in stretches]
    changes = np.nanmax(sure) - np.array(left)
    if not (changes >= LEAST_CHANGE).any():  # nor if there are none, or no speech is left
        return None
    strongest = np.nanargmax(changes)
    start, end = (round(time, 3) for time in stretches[strongest])
    return Moment(start, end, change=float(changes[strongest]))


def split(start: float, end: float) -> list[tuple[float, float]]:
    """Return the parts of some speech in which the stretch is sought, in seconds: one if short."""
    if end - start <= PART:
        return [(start, end)]
    count = min(MAX_PARTS, int(np.ceil((end - start) / PART)))
    starts = np.linspace(start, end - PART, count)
    return [(float(each), float(each) + PART) for each in starts]


def stretches_of(start: float, end: float) -> list[tuple[float, float]]:
    """Return the stretches of a part that are left out in turn, in seconds; none if it is short."""
    last = end - LENGTH
    if last - start < LEFT:
        return []
    count = min(MAX_STRETCHES, 1 + int(np.ceil((last - start) / STEP)))
    return [(float(each), float(each) + LENGTH) for each in np.linspace(start, last, count)]


def leave_out(
    recording: Recording, part: tuple[float, float], stretch: tuple[float, float] | None = None
) -> Recording:
    """Cut a part out of a recording, with the background beside it, and a stretch out of that.

    Parameters
    ----------
    recording : Recording
    part : (float, float)
        Beginning and end in seconds.
    stretch : (float, float), optional
        Within the part. What comes before passes into what comes after it.

    Returns
    -------
    Recording
    """
    waveform, rate = recording.waveform, recording.sample_rate
    begin, end = (round(time * rate) for time in (part[0] - MARGIN, part[1] + MARGIN))
    begin = max(0, begin)
    if stretch is None:
        return Recording(waveform[begin:end], rate)
    start, stop = (round(time * rate) for time in stretch)
    fade = max(0, min(round(FADE * rate), start - begin, waveform.size - stop))
    before, after = waveform[begin:start], waveform[stop - fade : end]
    return Recording(_join(before, after, fade), rate)


def _join(
    before: NDArray[np.float32], after: NDArray[np.float32], fade: int
) -> NDArray[np.float32]:
    """Let the last samples of one waveform pass into the first ones of the next."""
    rise = np.linspace(0, 1, fade, dtype=np.float32)
    both = before[before.size - fade :] * (1 - rise) + after[:fade] * rise
    return np.concatenate([before[: before.size - fade], both, after[fade:]])


def log_odds(probabilities: ArrayLike) -> NDArray[np.float64]:
    """Return the natural logarithm of the odds of probabilities, finite at 0 and 1, too."""
    kept = np.clip(probabilities, 1 - LIKELIEST, LIKELIEST)
    return np.asarray(np.log(kept / (1 - kept)))
