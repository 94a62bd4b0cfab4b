"""Clips of any length, made of the examples of the model that ships."""

import io

import numpy as np
import soundfile

from ser.audio.loading import load_audio

RATE = 48_000
"""In Hz, that of RAVDESS; the examples are resampled to it."""

USUAL = 3.7
"""Length in seconds of a clip of RAVDESS."""


def speech(recognizer, seconds, start=0.0):
    """Return so many seconds of the examples, one after the other again and again.

    Parameters
    ----------
    recognizer : ser.EmotionRecognizer
    seconds : float
    start : float
        Where in the examples to start, in seconds, so that clips differ.

    Returns
    -------
    ndarray, shape (n_samples,)
        At `RATE`.
    """
    names = sorted(name for name in recognizer.files if name.endswith(".flac"))
    samples = np.concatenate([load_audio(recognizer.files[name], RATE) for name in names])
    return np.resize(np.roll(samples, -int(start * RATE)), int(seconds * RATE))


def encoded(samples):
    """Return the content of a FLAC file."""
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="FLAC")
    return file.getvalue()
