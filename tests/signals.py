"""Small signals that tests make for themselves: something like speech, and things unlike it."""

import numpy as np
from scipy.signal import lfilter

FORMANTS = ((730, 1090, 2440), (270, 2290, 3010), (570, 840, 2410), (530, 1840, 2480))


def speech_like(seconds=2.0, sample_rate=24000, pitch=140.0, level=0.1, seed=0, intonation=1.0):
    """A voice-like signal: syllables of vowels with a moving pitch, between half-second pauses."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * sample_rate)) / sample_rate
    contour = 0.25 * np.sin(2 * np.pi * 0.7 * t + rng.uniform(0, 6)) - 0.1 * t
    f0 = pitch * 2 ** (intonation * contour)
    phase = np.cumsum(f0) / sample_rate
    pulses = np.diff(np.floor(phase), prepend=0.0) + 0.02 * rng.standard_normal(t.size)
    syllable = (t * 4).astype(int)
    voice = np.zeros_like(t)
    for index in np.unique(syllable):
        part = syllable == index
        sound = pulses[part]
        for formant in FORMANTS[rng.integers(len(FORMANTS))]:
            radius = np.exp(-np.pi * 90 / sample_rate)
            angle = 2 * np.pi * formant / sample_rate
            poles = [1.0, -2 * radius * np.cos(angle), radius**2]
            sound = lfilter([1 - radius], poles, sound)
        voice[part] = sound * np.hanning(part.sum()) ** 0.5
    voice *= level / np.sqrt(np.mean(voice**2))
    pause = 1e-4 * rng.standard_normal(sample_rate // 2)
    return np.clip(np.concatenate([pause, voice, pause]), -1, 1).astype(np.float32)


def tone(seconds=2.0, sample_rate=24000, frequency=440.0, level=0.1):
    """A steady sine."""
    t = np.arange(int(seconds * sample_rate)) / sample_rate
    return (level * np.sqrt(2) * np.sin(2 * np.pi * frequency * t)).astype(np.float32)


def noise(seconds=2.0, sample_rate=24000, level=0.1, seed=0):
    """Steady white noise."""
    rng = np.random.default_rng(seed)
    return (level * rng.standard_normal(int(seconds * sample_rate))).astype(np.float32)
