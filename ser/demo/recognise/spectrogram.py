"""Data for the picture of a recording, computed as for the recogniser's own features."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser.features import FeatureConfig
from ser.features.frames import MEL_LOWEST, Frames, normalise
from ser.features.mel import hertz_to_mel

COLUMNS = 800
"""Columns of the picture of up to a few minutes, about as many as fit on a screen."""

COLUMNS_A_SECOND = 3.5
"""Those of a longer one, so that there is more to see in it if it is made wider."""

MELS = 80
HOPS = (0.005, 0.1)
"""Shortest and longest distance of frames in seconds; in between, there is one per column."""

PITCHES = (FeatureConfig.f0_min, FeatureConfig.f0_max)
"""Hz at the bottom and the top of the axis of pitch: all that is looked for."""

RANGE = 65.0
"""Decibels from the loudest point of a spectrogram down to where it fades out."""


@dataclass(frozen=True)
class Spectrum:
    """Spectrogram and pitch of a recording.

    Attributes
    ----------
    levels : ndarray, shape (n_columns, MELS)
        From 0, `RANGE` below the loudest point, to 1.
    times : ndarray, shape (n_columns,)
        In seconds.
    pitch : ndarray, shape (n_columns,)
        In Hz; NaN where there is no voice.
    """

    levels: NDArray[np.floating]
    times: NDArray[np.floating]
    pitch: NDArray[np.floating]


def spectrum(waveform: NDArray[np.float32], sample_rate: int) -> Spectrum:
    """Compute the spectrogram and the pitch.

    Parameters
    ----------
    waveform : ndarray, shape (n_samples,)
    sample_rate : int
        In Hz.
    """
    most = columns(waveform.size / sample_rate)
    hop = float(np.clip(waveform.size / sample_rate / most, *HOPS))
    window = max(hop, FeatureConfig.window)
    config = FeatureConfig(sample_rate=sample_rate, n_mels=MELS, hop=hop, window=window)
    # Half a window more on either side puts the middle of the first frame at the first sample.
    frames = Frames(np.pad(normalise(waveform), config.window_length // 2), config)
    times = np.arange(len(frames)) * config.hop_length / sample_rate
    # At least the mean power of the recording, so that silence stays empty.
    loudest = max(frames.log_mel.max(), 0)
    levels = np.clip(1 + (frames.log_mel - loudest) / RANGE, 0, 1)
    step = -(-len(frames) // most)
    loudest_of_each = np.maximum.reduceat(levels, np.arange(0, len(frames), step))
    return Spectrum(loudest_of_each, times[::step], frames.pitch.f0[::step])


def columns(duration: float) -> int:
    """Return the most columns of the picture of a recording of so many seconds."""
    return max(COLUMNS, int(COLUMNS_A_SECOND * duration))


def height(hertz: float, sample_rate: int) -> float:
    """Return how far up the spectrogram a frequency is, from 0 to 1 at half the sample rate."""
    lowest, highest = hertz_to_mel(MEL_LOWEST), hertz_to_mel(sample_rate / 2)
    return float((hertz_to_mel(hertz) - lowest) / (highest - lowest))


def pitch_height(hertz: float | NDArray[np.floating]) -> Any:
    """Return how far up its own axis a pitch is, from 0 to 1; equal steps are equal intervals."""
    lowest, highest = np.log2(PITCHES)
    return (np.log2(hertz) - lowest) / (highest - lowest)


def envelope(
    waveform: NDArray[np.float32], n_columns: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the lowest and highest sample of each column.

    Parameters
    ----------
    waveform : ndarray, shape (n_samples,)
    n_columns : int
        At least 1; there are no more of them than samples.

    Returns
    -------
    low, high : ndarray, shape (n_columns,)
    """
    n_columns = min(n_columns, waveform.size)
    starts = np.linspace(0, waveform.size, n_columns, endpoint=False).astype(int)
    return np.minimum.reduceat(waveform, starts), np.maximum.reduceat(waveform, starts)
