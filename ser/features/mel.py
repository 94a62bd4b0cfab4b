"""Slaney's mel scale and triangular filters on it, as librosa computes them by default.

They are computed here so that no update of librosa changes an answer, and because importing it
takes seconds.

References
----------
Slaney, "Auditory Toolbox, Version 2", Interval Research Corporation, 1998.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import rfftfreq

KNEE = 1000.0  # Hz, up to which the scale is linear, and logarithmic above
LINEAR = 200.0 / 3  # Hz of a mel below
LOG_STEP = np.log(6.4) / 27  # logarithm of the ratio of frequencies of a mel above


def hertz_to_mel(hertz: ArrayLike) -> NDArray[np.float64]:
    """Convert frequencies of at least 0 Hz to mel."""
    hertz = np.asarray(hertz, float)
    return np.minimum(hertz, KNEE) / LINEAR + np.log(np.maximum(hertz, KNEE) / KNEE) / LOG_STEP


def mel_to_hertz(mel: ArrayLike) -> NDArray[np.float64]:
    """Convert mel to Hz; the inverse of `hertz_to_mel`."""
    above = np.asarray(mel, float) - KNEE / LINEAR
    return np.where(above < 0, KNEE + LINEAR * above, KNEE * np.exp(LOG_STEP * above))


def mel_filters(
    sample_rate: int, fft_length: int, n_mels: int, lowest: float
) -> NDArray[np.float32]:
    """Return triangular filters, each of which is 1 at its centre.

    Parameters
    ----------
    sample_rate : int
        In Hz.
    fft_length : int
        Samples of the transform.
    n_mels : int
        Filters.
    lowest : float
        Lower edge of the lowest in Hz; the upper edge of the highest is half the sample rate.

    Returns
    -------
    ndarray of float32, shape (n_mels, fft_length // 2 + 1)
    """
    first, last = hertz_to_mel([lowest, sample_rate / 2])
    edges = mel_to_hertz(np.linspace(first, last, n_mels + 2))[:, None]
    bins = rfftfreq(fft_length, 1 / sample_rate)
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    filters: NDArray[Any] = np.maximum(0, np.minimum(rising, falling))
    return filters.astype(np.float32)
