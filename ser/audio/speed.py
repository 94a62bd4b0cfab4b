"""The speed at which a clip is processed, which imitates other voices in training.

A model may ask for several, over which probabilities are averaged: the result then depends less on
details of the clip, and takes as many times as long.

References
----------
Ko et al., "Audio Augmentation for Speech Recognition", Interspeech 2015 (speed).
"""

from collections.abc import Sequence

import numpy as np
import soxr
from numpy.typing import NDArray

SPEEDS = (1.0,)
SPEED_RANGE = (0.5, 2.0)  # within which speech still sounds like speech


def change_speed(
    waveform: NDArray[np.float32], sample_rate: int, speed: float
) -> NDArray[np.float32]:
    """Play faster or slower: pitch, formants and tempo change together.

    Parameters
    ----------
    waveform : ndarray of float32, shape (n_samples,)
    sample_rate : int
        In Hz.
    speed : float
        Above 1 is faster.

    Returns
    -------
    ndarray of float32, shape (n_samples / speed,)
    """
    return soxr.resample(waveform, sample_rate, sample_rate / speed)


def at_speeds(
    speech: NDArray[np.float32], sample_rate: int, speeds: Sequence[float] = SPEEDS
) -> list[NDArray[np.float32]]:
    """Return speech at each speed.

    Parameters
    ----------
    speech : ndarray of float32, shape (n_samples,)
        Without its silent edges.
    sample_rate : int
        In Hz.
    speeds : sequence of float
    """
    return [change_speed(speech, sample_rate, speed) for speed in speeds]
