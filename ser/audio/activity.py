"""Find the sound in a recording: from the first to the last loud moment.

References
----------
Rabiner and Sambur, "An algorithm for determining the endpoints of isolated utterances", Bell
System Technical Journal 54, 1975 (thresholds above the level of the background).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from ser.audio.levels import frame_power, percentile
from ser.audio.rumble import remove_rumble
from ser.errors import NoSpeechError

FRAME = 0.02  # s, over which a level is measured
LOCAL = 0.004  # s, whose mean is taken away: hum and the thump of a click change more slowly
SMOOTHING = 5  # frames; a sound must fill more than half of them, which no click does
RANGE = 25.0  # dB below the loudest sound that still count as sound
BACKGROUND = 5  # percentile of levels, that of the background if there are pauses
RISE = 8.0  # dB by which sound exceeds the background
MIN_RANGE = 12.0  # dB below the loudest sound that are still sound, however loud the background is
MIN_LEVEL = -90.0  # dBFS; the quietest clip of RAVDESS reaches -58
MIN_SOUND = 0.3  # s
SILENCE = 1e-20  # power of a frame without any sound
MAX_PAUSE = 1.0  # s, the longest inside a clip of RAVDESS
PAUSE = 0.25  # s that remain of longer ones


@dataclass(frozen=True, eq=False)
class Activity:
    """Where the sound of a recording is.

    Attributes
    ----------
    span : slice
        The samples from the first to the last sound.
    kept : ndarray of bool, shape (n_samples,)
        Those of them that are not in the middle of a long pause.
    sound_duration : float
        Seconds of sound, pauses not counted.
    """

    span: slice
    kept: NDArray[np.bool_]
    sound_duration: float


def find_activity(waveform: NDArray[np.float32], sample_rate: int) -> Activity:
    """Find the sound of a recording; see `find_speech` and `cut_speech`.

    Parameters
    ----------
    waveform, sample_rate
        As for `find_speech`; errors are the same, too.
    """
    sounding, length = _find_sound(waveform, sample_rate)
    first, last = sounding[0] - 1, sounding[-1] + 2  # one more frame on either side
    span = slice(int(max(0, first)) * length, min(int(last) * length, waveform.size))
    kept, margin = np.zeros(waveform.size, bool), round(PAUSE / FRAME / 2)
    kept[span] = True
    for before in np.flatnonzero(np.diff(sounding) - 1 > MAX_PAUSE / FRAME):
        start, stop = sounding[before] + 1 + margin, sounding[before + 1] - margin
        kept[start * length : stop * length] = False
    return Activity(span, kept, sounding.size * FRAME)


def find_speech(waveform: NDArray[np.float32], sample_rate: int) -> slice:
    """Find the part of a recording between its silent edges.

    Levels are those of fast changes, so that neither an offset nor hum counts as sound. They pass
    a median filter, beyond whose edges there is silence, so that a click neither counts as the
    loudest sound nor widens the part, be it the first or last thing in the recording. Steady noise
    between the edges of the recording and the sound is not part of it.

    Parameters
    ----------
    waveform : numpy.ndarray, shape (n_samples,)
        Mono samples, full scale at 1.
    sample_rate : int
        In Hz.

    Returns
    -------
    slice
        The samples from the first to the last sound.

    Raises
    ------
    NoSpeechError
        The recording is silent, or holds less than `MIN_SOUND` of sound.
    """
    return find_activity(waveform, sample_rate).span


def cut_speech(waveform: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    """Extract the speech of a recording, without long pauses and without what lies below a voice.

    Pauses of more than `MAX_PAUSE` become `PAUSE`: a recogniser that learned from single sentences
    would mistake the time between two for a way of speaking.

    Parameters
    ----------
    waveform, sample_rate
        As for `find_speech`.

    Returns
    -------
    numpy.ndarray, shape (n_speech_samples,)

    Raises
    ------
    NoSpeechError
        As for `find_speech`.
    """
    kept = find_activity(waveform, sample_rate).kept
    return remove_rumble(waveform, sample_rate)[kept]


def sound_duration(waveform: NDArray[np.float32], sample_rate: int) -> float:
    """Return the seconds of sound in a recording, pauses not counted; raises as `find_speech`."""
    return find_activity(waveform, sample_rate).sound_duration


def _find_sound(waveform: NDArray[np.float32], sample_rate: int) -> tuple[NDArray[np.intp], int]:
    """Return the indices of the frames that are sound, and the samples of a frame."""
    length = int(FRAME * sample_rate)
    if waveform.size // length * FRAME < MIN_SOUND:
        raise _too_little(waveform.size / sample_rate)
    changes = waveform - _local_mean(waveform, int(LOCAL * sample_rate))
    levels = 10 * np.log10(frame_power(changes, length) + SILENCE)
    levels = median_filter(levels, SMOOTHING, mode="constant", cval=10 * np.log10(SILENCE))
    loudest = levels.max()
    if loudest < MIN_LEVEL:
        raise NoSpeechError(
            "The recording is silent; check that the microphone is on and record again."
        )
    background = percentile(levels, BACKGROUND)
    threshold = np.clip(background + RISE, loudest - RANGE, loudest - MIN_RANGE)
    (sounding,) = np.nonzero(levels > threshold)
    if sounding.size * FRAME < MIN_SOUND:
        raise _too_little(sounding.size * FRAME)
    return sounding, length


def _local_mean(waveform: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Return the mean of the samples about each, of which the first and last are repeated.

    Sums of 1, 2, 4 samples and so on are added up, which takes a fifth of the time of running sums.
    """
    sums = np.pad(waveform, (length // 2, length - 1 - length // 2), mode="edge")
    total, found, width = np.zeros_like(waveform), 0, 1
    while found < length:
        if length & width:
            total += sums[found : found + waveform.size]
            found += width
        sums = sums[:-width] + sums[width:]
        width *= 2
    total /= length
    return total


def _too_little(seconds: float) -> NoSpeechError:
    return NoSpeechError(
        f"The recording holds only {seconds:.2f} s of sound; give at least {MIN_SOUND} s of speech."
    )
