"""Time feature extraction against the usual recipe: a clip of 3 s on one core, warm.

Ours is timed at all speeds at which a clip is processed.

The usual recipe of 193 values is the mean over time of 40 MFCCs, 12 chroma and 128 mel bands,
7 bands of spectral contrast, and the tonnetz of the harmonic part, each by its own call of
librosa at 22050 Hz. Run it with
``python -m benchmarks.features``, from the root of the repository.
"""

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))

import time
from functools import partial

import librosa
import numpy as np

from ser.audio.speed import at_speeds
from ser.features import FeatureExtractor

SECONDS = 3.0
USUAL_RATE = 22_050  # Hz
RUNS = 20  # timed, after one that is not


def main():
    """Print milliseconds per clip of both, and their ratio."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    extractor = FeatureExtractor()
    ours = milliseconds(partial(our_recipe, extractor), vowel(extractor.config.sample_rate))
    usual = milliseconds(usual_recipe, vowel(USUAL_RATE))
    print(f"{'features':28}{'values':>8}{'ms per clip':>12}")
    print(f"{'usual recipe':28}{193:8}{usual:12.1f}")
    print(f"{'ser':28}{len(extractor.names):8}{ours:12.1f}")
    print(f"ratio {ours / usual:.3f}")


def our_recipe(extractor, waveform):
    """Return the features of a waveform at the speeds at which it is processed."""
    return [
        extractor.extract(speech) for speech in at_speeds(waveform, extractor.config.sample_rate)
    ]


def usual_recipe(waveform):
    """Return the 193 values of a waveform at `USUAL_RATE`."""
    spectrum = np.abs(librosa.stft(waveform))
    harmonic = librosa.effects.harmonic(waveform)
    descriptors = (
        librosa.feature.mfcc(y=waveform, sr=USUAL_RATE, n_mfcc=40),
        librosa.feature.chroma_stft(S=spectrum, sr=USUAL_RATE),
        librosa.feature.melspectrogram(y=waveform, sr=USUAL_RATE),
        librosa.feature.spectral_contrast(S=spectrum, sr=USUAL_RATE),
        librosa.feature.tonnetz(y=harmonic, sr=USUAL_RATE),
    )
    return np.concatenate([descriptor.mean(axis=1) for descriptor in descriptors])


def vowel(sample_rate):
    """Return harmonics of a gliding pitch in a little noise."""
    seconds = np.arange(int(SECONDS * sample_rate)) / sample_rate
    phase = 2 * np.pi * np.cumsum(150 + 40 * np.sin(4 * seconds)) / sample_rate
    voice = sum(np.sin(order * phase) / order for order in range(1, 20))
    noise = 0.01 * np.random.default_rng(0).standard_normal(seconds.size)
    return (0.1 * voice + noise).astype(np.float32)


def milliseconds(function, argument):
    """Return the median time of a call, of `RUNS` after the first."""
    function(argument)
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        function(argument)
        times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times))


if __name__ == "__main__":
    main()
