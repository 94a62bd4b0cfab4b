"""Sounds without speech that tests make for themselves, each kind with random settings."""

import numpy as np
from scipy.signal import butter, lfilter, sosfilt

MAJOR = np.array([0, 2, 4, 5, 7, 9, 11, 12])
CHORDS = ((0, 4, 7), (0, 3, 7), (0, 4, 7, 12), (0, 3, 6), (0, 4, 7, 10))


def white_noise(rng, sample_rate):
    return rng.standard_normal(_length(rng, sample_rate))


def pink_noise(rng, sample_rate):
    return _coloured(rng, sample_rate, slope=0.5)


def brown_noise(rng, sample_rate):
    return _coloured(rng, sample_rate, slope=1.0)


def hum(rng, sample_rate):
    """Mains hum with harmonics of random strength, and a little hiss."""
    time = np.arange(_length(rng, sample_rate)) / sample_rate
    mains = rng.choice([50, 60])
    falloff = rng.uniform(0.3, 2)
    sound = rng.choice([0, 1e-3, 1e-2]) * rng.standard_normal(time.size)
    for order in range(1, rng.integers(3, 40)):
        strength = rng.uniform() * order**-falloff
        sound += strength * np.sin(2 * np.pi * order * mains * time + rng.uniform(0, 6))
    return sound


def steady_tone(rng, sample_rate):
    return _note(rng, sample_rate, 10 ** rng.uniform(1.9, 3), rng.uniform(1, 4), "organ", 1.0)


def melody(rng, sample_rate):
    """Notes of a scale, plucked, bowed or from an organ."""
    base, seconds = 110 * 2 ** rng.uniform(0, 2.5), rng.uniform(0.12, 0.6)
    return _tune(rng, sample_rate, lambda index: [base * 2 ** (rng.choice(MAJOR) / 12)], seconds)


def chords(rng, sample_rate):
    base, seconds = 110 * 2 ** rng.uniform(0, 1.5), rng.uniform(0.4, 2)

    def chord(index):
        root = base * 2 ** (rng.choice(MAJOR) / 12)
        return [root * 2 ** (step / 12) for step in CHORDS[rng.integers(len(CHORDS))]]

    return _tune(rng, sample_rate, chord, seconds)


def arpeggio(rng, sample_rate):
    base, seconds = 110 * 2 ** rng.uniform(0, 2), rng.uniform(0.08, 0.3)
    return _tune(rng, sample_rate, lambda index: [base * 2 ** (CHORDS[2][index % 4] / 12)], seconds)


def vibrato(rng, sample_rate):
    """A melody whose every note wavers as a violin's."""
    base, seconds = 110 * 2 ** rng.uniform(0, 2.5), rng.uniform(0.2, 0.6)
    depth = rng.uniform(0.2, 1)
    return _tune(
        rng, sample_rate, lambda index: [base * 2 ** (rng.choice(MAJOR) / 12)], seconds, depth
    )


def whistle(rng, sample_rate):
    """A tone that glides between two frequencies."""
    time = np.linspace(0, 1, _length(rng, sample_rate))
    low, high = 10 ** rng.uniform(2.5, 3.5, 2)
    return np.sin(2 * np.pi * np.cumsum(low * (high / low) ** time) / sample_rate)


def applause(rng, sample_rate):
    sound = np.zeros(_length(rng, sample_rate))
    for start in rng.integers(0, sound.size - 800, sound.size // 100):
        clap = rng.standard_normal(800) * np.exp(-np.arange(800) / rng.uniform(30, 150))
        sound[start : start + 800] += rng.uniform(0.2, 1) * clap
    band = butter(2, (600, 5000), "bandpass", fs=sample_rate, output="sos")
    return sosfilt(band, sound)


def wind(rng, sample_rate):
    """Low noise in gusts."""
    noise = _coloured(rng, sample_rate, slope=0.9)
    gusts = lfilter([1e-3], [1, -0.999], rng.standard_normal(noise.size))
    return noise * 10 ** (0.3 * gusts / gusts.std())


def engine(rng, sample_rate):
    time = np.arange(_length(rng, sample_rate)) / sample_rate
    pitch = rng.uniform(30, 120) * 2 ** (0.4 * np.sin(2 * np.pi * rng.uniform(0.1, 0.6) * time))
    strokes = np.diff(np.floor(np.cumsum(pitch) / sample_rate), prepend=0)
    strokes = strokes * (1 + 0.3 * rng.standard_normal(time.size))
    return lfilter([1], [1, -0.9], strokes + 0.05 * rng.standard_normal(time.size))


def _length(rng, sample_rate):
    return int(rng.uniform(1, 5) * sample_rate)


def _coloured(rng, sample_rate, slope):
    spectrum = np.fft.rfft(rng.standard_normal(_length(rng, sample_rate)))
    hertz = np.fft.rfftfreq(2 * spectrum.size - 2, 1 / sample_rate)
    return np.fft.irfft(spectrum * np.maximum(hertz, 20) ** -slope)


def _note(rng, sample_rate, pitch, seconds, instrument, falloff, vibrato=0.0):
    """Return a note of harmonics that fall off, with the envelope of an instrument."""
    time = np.arange(int(seconds * sample_rate)) / sample_rate
    phase = 2 * np.pi * pitch * time + vibrato * 0.06 * pitch / 5.5 * np.sin(11 * np.pi * time)
    orders = np.arange(1, min(30, int(0.47 * sample_rate / pitch)) + 1)
    sound = sum(
        order**-falloff * np.sin(order * phase + shift)
        for order, shift in zip(orders, rng.uniform(0, 6, orders.size), strict=True)
    )
    envelope = {
        "pluck": np.exp(-time / rng.uniform(0.1, 0.8)),
        "organ": np.ones(time.size),
        "bow": np.minimum(1, time / rng.uniform(0.02, 0.15)),
    }[instrument]
    edge = min(int(0.01 * sample_rate), time.size // 2)
    ramp = np.linspace(0, 1, edge)
    envelope[:edge] *= ramp
    envelope[time.size - edge :] *= ramp[::-1]
    return sound * envelope


def _tune(rng, sample_rate, pitches, seconds, vibrato=0.0):
    """Play what `pitches` gives for each index together, one after the other."""
    instrument, falloff = rng.choice(["pluck", "organ", "bow"]), rng.uniform(0.5, 2)
    rest = np.zeros(int(rng.choice([0, 0.02, 0.1]) * sample_rate))
    parts, left = [], _length(rng, sample_rate)
    while left > 0:
        notes = [
            _note(rng, sample_rate, pitch, seconds, instrument, falloff, vibrato)
            for pitch in pitches(len(parts))
        ]
        parts.append(np.concatenate([sum(notes), rest]))
        left -= parts[-1].size
    return np.concatenate(parts)
