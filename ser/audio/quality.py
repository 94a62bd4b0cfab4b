"""Defects of a recording that give reason to doubt a result: what they are, mean, and call for.

A defect is named only where results are wrong clearly more often: `ser.studies.trust` measures how
much. Quiet recordings, 8 bits, a little clipping or noise cost next to nothing.
"""

import numpy as np
from numpy.typing import NDArray

from ser.audio.levels import percentile, split_frames
from ser.audio.rumble import remove_rumble

FRAME = 0.025
"""Length of the frames whose levels are compared, in seconds."""

CLIPPED_LEVEL, MAX_CLIPPED = 0.97, 0.15
"""Level from which samples count as clipped, and the share of them that speech may have: no clip of
RAVDESS or CREMA-D has more than 0.03. At 0.1 there are no more errors than without; at 0.3 there
are 1.3 (CREMA-D) to 1.6 times as many."""

BEYOND_LEVEL, MAX_BEYOND = 1.03, 0.25
"""Level and share of those samples: where more go beyond it, they are floats with room above full
scale. Clipping leaves at most 0.15 there, by resampling; unclipped floats at least 0.35."""

BACKGROUND = 5
"""Percentile of levels that is taken as the noise: that of the pauses, however few there are."""

MIN_RANGE = 12.0
"""Decibels from the noise in the pauses up to loud speech; white noise at a signal-to-noise ratio
of 5 dB leaves 9 to 14, at 10 dB 12 to 19. Speech without pauses has as little."""

MIN_CLARITY = 0.5
"""Least periodicity of loud speech, which tells these two apart: noise has a share in the loud
frames, too. Both are less in 6 of 5475 clips of CREMA-D and in none of RAVDESS, but in half of them
with noise at 5 dB and in all at 0 dB, which are wrong 1.5 to 2.6 times as often as without noise.
"""

DIGITAL_SILENCE = -115.0
"""Level in dBFS up to which a frame holds no sound at all: an editor added or muted it, so that it
does not show how noisy the recording is. Rounding to 16 bits is at -101."""

MIN_SPEECH = 0.65
"""Seconds from the first to the last sound. Clips of CREMA-D with less are wrong 1.6 times as often
as longer ones if its other actors are known, 1.3 times if the corpus is not."""


def recording_warnings(
    waveform: NDArray[np.float32],
    sample_rate: int,
    segment: slice,
    *,
    clarity: float,
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
    clarity : float
        Median periodicity of loud frames, as `ser.audio.speech_check.clarity` measures it.
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
    loud = percentile(_frame_levels(filtered[segment], sample_rate), 95)
    sounding = _frame_levels(waveform, sample_rate) > DIGITAL_SILENCE
    noise = percentile(_frame_levels(filtered, sample_rate)[sounding], BACKGROUND)
    size = np.abs(speech)
    clipped, beyond = np.mean(size >= CLIPPED_LEVEL), np.mean(size >= BEYOND_LEVEL)

    warnings = []
    if duration < MIN_SPEECH:
        warnings.append(
            f"There is little speech in it, only {duration:.1f} s, and the shortest clips are "
            "wrong more often; record a whole sentence."
        )
    if clipped > MAX_CLIPPED and beyond < MAX_BEYOND * clipped:
        warnings.append(
            f"It is clipped: {clipped:.0%} of the speech is cut off at the loudest level, so wrong "
            "answers are likelier; record it less loudly."
        )
    if loud - noise < MIN_RANGE and clarity < MIN_CLARITY:
        warnings.append(
            f"It is noisy: speech is only {loud - noise:.0f} dB above the noise, so wrong answers "
            "are likelier; record nearer to the microphone."
        )
    return warnings


def _frame_levels(waveform: NDArray[np.float32], sample_rate: int) -> NDArray[np.float64]:
    """Return the level of each frame in dBFS; of the whole if it has no full frame."""
    frames = split_frames(waveform, int(FRAME * sample_rate))
    changes = frames - frames.mean(axis=1, keepdims=True)
    power = np.einsum("ij,ij->i", changes, changes).astype(np.float64) / frames.shape[1]
    return 10 * np.log10(power + 1e-12)
