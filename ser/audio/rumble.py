"""Remove what lies below the voice: mains hum, rumble, and offsets that drift.

Such sound says nothing about emotion, and yet decides what a recording's level, silence and
features are.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

CUTOFF, ORDER = 72.0, 8
"""Hz, and order of the Butterworth high-pass. Applied forwards and backwards, it takes 26 dB from
60 Hz, 50 from 50 Hz, and 1.5 from a voice as deep as 80 Hz."""

MARGIN = 0.2  # s, in which the filter forgets
BLOCK = 30.0  # s that are filtered at once, which bounds the memory of a long recording


def remove_rumble(waveform: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    """Apply a high-pass without phase, which moves no sound in time.

    Parameters
    ----------
    waveform : numpy.ndarray of float32, shape (n_samples,)
    sample_rate : int
        In Hz.

    Returns
    -------
    numpy.ndarray of float32, shape (n_samples,)
    """
    filtered = np.empty_like(waveform)
    block, margin = int(BLOCK * sample_rate), int(MARGIN * sample_rate)
    for start in range(0, waveform.size, block):
        first = max(0, start - margin)
        known = waveform[first : start + block + margin]
        # Odd extension: what an offset or a hum does at the edge, it goes on doing beyond.
        smooth = sosfiltfilt(_high_pass(sample_rate), known, padlen=min(known.size - 1, margin))
        filtered[start : start + block] = smooth[start - first : start - first + block]
    return filtered


@lru_cache
def _high_pass(sample_rate: int) -> NDArray[np.float64]:
    return butter(ORDER, CUTOFF, "highpass", fs=sample_rate, output="sos")
