"""Remove what lies below the voice: mains hum, rumble, and offsets that drift.

Such sound says nothing about emotion, and yet decides what a recording's level, silence and
features are.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

CUTOFF, ORDER = 72.0, 8
"""Hz, and order of the Butterworth high-pass. Applied forwards and backwards, it takes 26 dB from
60 Hz, 50 from 50 Hz, and 1.5 from a voice as deep as 80 Hz."""

MARGIN = 0.2  # s, in which the filter forgets
BLOCK = 30.0  # s that are filtered at once, which bounds the memory of a long recording
ROUND = 2048  # samples of which a transform is a multiple, as powers of 2 go fastest
PASSED = 4  # times the cut-off, from which nothing is taken that 32 bits could hold


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
        smooth = _high_pass(waveform[first : start + block + margin], sample_rate, margin)
        filtered[start : start + block] = smooth[start - first : start - first + block]
    return filtered


def _high_pass(known: NDArray[np.float32], sample_rate: int, margin: int) -> NDArray[np.float32]:
    """Multiply the spectrum by the filter's response, as by running it forwards and backwards."""
    reach = min(known.size - 1, margin)
    size = ROUND * next_fast_len(-(-(known.size + 2 * margin) // ROUND), real=True)
    # Odd extension: what an offset or a hum does at the edge, it goes on doing beyond. The offset
    # is taken away before, so that the seam of both ends is no step.
    extended = np.zeros(size, np.float32)
    inside = extended[reach : reach + known.size]
    np.subtract(known, known.mean(dtype=np.float64), out=inside, casting="same_kind")
    extended[:reach] = 2 * inside[0] - inside[reach:0:-1]
    end = reach + known.size
    extended[end : end + reach] = 2 * inside[-1] - inside[-2 : -2 - reach : -1]
    spectrum = rfft(extended, overwrite_x=True)
    response = _response(sample_rate, size)
    spectrum[: response.size] *= response
    smooth: NDArray[np.float32] = irfft(spectrum, size, overwrite_x=True)
    return smooth[reach:end]


@lru_cache
def _response(sample_rate: int, size: int) -> NDArray[np.float32]:
    """Return the power response of the digital Butterworth filter, up to where it is 1."""
    hertz = np.arange(size // 2 + 1) * (sample_rate / size)
    hertz = hertz[hertz < min(PASSED * CUTOFF, sample_rate / 2)]
    ratio = np.tan(np.pi * hertz / sample_rate) / np.tan(np.pi * CUTOFF / sample_rate)
    power = ratio ** (2 * ORDER)
    return (power / (1 + power)).astype(np.float32)
