"""The speeds at which a clip is processed: a little slower and a little faster than it is.

Probabilities are averaged over both, so that the result depends less on details of the clip
and of the perceptrons.

References
----------
Ko et al., "Audio Augmentation for Speech Recognition", Interspeech 2015 (speed).
"""

import soxr

SPEEDS = (0.95, 1.05)
SPEED_RANGE = (0.5, 2.0)  # within which speech still sounds like speech


def change_speed(waveform, sample_rate, speed):
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


def at_speeds(speech, sample_rate, speeds=SPEEDS):
    """Return speech at each speed.

    Parameters
    ----------
    speech : ndarray of float32, shape (n_samples,)
        Without its silent edges.
    sample_rate : int
        In Hz.
    speeds : sequence of float

    Returns
    -------
    list of ndarray of float32
    """
    return [change_speed(speech, sample_rate, speed) for speed in speeds]
