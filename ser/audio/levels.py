"""Power over time: a waveform cut into short frames, and percentiles of such levels."""

import numpy as np
from numpy.typing import NDArray


def split_frames(waveform: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Cut a waveform into frames that follow each other.

    Parameters
    ----------
    waveform : numpy.ndarray of float32, shape (n_samples,)
    length : int
        Samples of a frame.

    Returns
    -------
    numpy.ndarray of float32, shape (n_frames, length)
        What does not fill a frame at the end is left out; a waveform that is shorter than a frame
        is one.
    """
    length = max(1, min(length, waveform.size))
    return waveform[: waveform.size // length * length].reshape(-1, length)


def frame_power(waveform: NDArray[np.float32], length: int) -> NDArray[np.float64]:
    """Return the mean power of each frame, shape (n_frames,); see `split_frames`."""
    frames = split_frames(waveform, length)
    return np.einsum("ij,ij->i", frames, frames).astype(np.float64) / frames.shape[1]


def percentile(values: NDArray[np.floating], percent: float) -> float:
    """Return what `numpy.percentile` does, in a small part of its time.

    Parameters
    ----------
    values : numpy.ndarray
        At least one, of any shape.
    percent : float
    """
    ordered = np.sort(values, axis=None)
    position = percent / 100 * (ordered.size - 1)
    lower = int(position)
    below, above = ordered[lower], ordered[min(lower + 1, ordered.size - 1)]
    return float(below + (position - lower) * (above - below))
