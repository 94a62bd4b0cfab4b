"""Defects of a recording that give reason to doubt a result, in short sentences.

The thresholds are set so that clean studio speech passes: of RAVDESS, whose clips span 44 dB of
loudness, at most one clip in fifty gets any warning, while each defect gets its own.
"""

import numpy as np
from numpy.typing import NDArray

from ser.audio.levels import split_frames
from ser.audio.rumble import remove_rumble

FRAME = 0.025
"""Length of the frames whose levels are compared, in seconds."""

MIN_LEVEL = -55.0
"""Least level of loud speech in dBFS; the quietest hundredth of RAVDESS is at -50, and 16 bits end
40 dB lower."""

CLIPPED_LEVEL, MAX_CLIPPED = 0.97, 1e-3
"""Level from which samples count as clipped, and the share of them that speech may have."""

BEYOND_LEVEL, MAX_BEYOND = 1.03, 0.25
"""Level and share of those samples: where more go beyond it, they are floats with room above full
scale. Clipping leaves at most 0.15 there, by resampling; unclipped floats at least 0.35."""

BACKGROUND = 5
"""Percentile of levels that is taken as the noise: that of the pauses, however few there are."""

MIN_RANGE = 18.0
"""Decibels from the noise in the pauses up to loud speech; white noise at a signal-to-noise
ratio of 10 dB leaves 14 to 19, at 15 dB 19 to 23; 99 in 100 clips of RAVDESS have at least 48."""

DIGITAL_SILENCE = -115.0
"""Level in dBFS up to which a frame holds no sound at all: an editor added or muted it, so that it
does not show how noisy the recording is. Rounding to 16 bits is at -101."""

MIN_SPEECH = 0.8
"""Seconds of speech; the shortest hundredth of RAVDESS has 1.1."""


def recording_warnings(
    waveform: NDArray[np.float32],
    sample_rate: int,
    segment: slice,
    *,
    filtered: NDArray[np.float32] | None = None,
) -> list[str]:
    """List the defects of a recording.

    Parameters
    ----------
    waveform : ndarray, shape (n_samples,)
        Mono samples, full scale at 1.
    sample_rate : int
        In Hz.
    segment : slice
        The samples from the first to the last sound, as `ser.audio.activity.find_speech` returns
        it.
    filtered : ndarray, shape (n_samples,), optional
        What `ser.audio.rumble.remove_rumble` leaves of the waveform, where it is known already.

    Returns
    -------
    list of str
        A sentence for each defect; empty for a good recording.
    """
    speech = waveform[segment]
    duration = speech.size / sample_rate
    # What the recogniser works on: an offset, hum or rumble is no noise to it.
    filtered = remove_rumble(waveform, sample_rate) if filtered is None else filtered
    loud = np.percentile(_frame_levels(filtered[segment], sample_rate), 95)
    sounding = _frame_levels(waveform, sample_rate) > DIGITAL_SILENCE
    noise = np.percentile(_frame_levels(filtered, sample_rate)[sounding], BACKGROUND)
    clipped = np.mean(np.abs(speech) >= CLIPPED_LEVEL)
    beyond = np.mean(np.abs(speech) >= BEYOND_LEVEL)

    warnings = []
    if duration < MIN_SPEECH:
        warnings.append(f"There is little speech in it: {duration:.1f} s.")
    if loud < MIN_LEVEL:
        warnings.append(f"It is very quiet: speech reaches {loud:.0f} dBFS.")
    if clipped > MAX_CLIPPED and beyond < MAX_BEYOND * clipped:
        warnings.append(f"It is clipped: {clipped:.1%} of the speech is at full scale.")
    if loud - noise < MIN_RANGE:
        warnings.append(f"It is noisy: speech is only {loud - noise:.0f} dB above the noise.")
    return warnings


def _frame_levels(waveform: NDArray[np.float32], sample_rate: int) -> NDArray[np.float64]:
    """Return the level of each frame in dBFS; of the whole if it has no full frame."""
    frames = split_frames(waveform, int(FRAME * sample_rate))
    return 10 * np.log10(np.var(frames, axis=1, dtype=np.float64) + 1e-12)
