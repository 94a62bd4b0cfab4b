"""Families of frame descriptors: named numbers that describe a frame of 40 ms.

A family is a row of `FAMILIES`: the names of its tracks, known from the configuration
alone, and a function from frames to their values. All share one spectrogram.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.fft import dct

from ser.features import voice_quality
from ser.features.frames import LEVEL_FLOOR

CHROMA = ("c", "cs", "d", "ds", "e", "f", "fs", "g", "gs", "a", "as", "b")
CHROMA_CENTRE, CHROMA_OCTAVES = 880.0, 2.0  # Hz, and octaves either side, that count most
CONTRAST_EDGES = (0, 200, 400, 800, 1600, 3200, 6400)  # Hz, of bands an octave wide
CONTRAST_SHARE = 0.1  # of the bins of a band that make its peak and its valley
LOWEST_SHIFT = 50.0  # Hz, added so that logarithms of frequencies stay finite
ROLLOFFS = (25, 50, 85)  # % of a frame's power
CROSSINGS_FLOOR = 1e-3  # share of samples
NOISE_CROSSINGS = 0.5  # share of samples, of white noise
MAX_HNR = 30.0  # dB


@dataclass(frozen=True)
class Family:
    """Descriptors that belong together.

    Attributes
    ----------
    names : callable
        From `FeatureConfig` to the names of the tracks.
    compute : callable
        From `Frames` to values, shape (n_frames, n_tracks).
    paired : bool
        Whether the tracks are correlated with each other; not for those that come in dozens.
    """

    names: Callable
    compute: Callable
    paired: bool = True


def energy(frames):
    """Level in dB relative to the clip's."""
    return frames.level[:, None]


def mfcc(frames):
    """Mel-frequency cepstral coefficients but the first, level (Davis & Mermelstein 1980)."""
    return dct(frames.log_mel, axis=1, norm="ortho")[:, 1 : frames.config.n_mfcc]


def mel(frames):
    """Mel bands in dB relative to the clip's level."""
    return frames.log_mel


def chroma(frames):
    """Power in the twelve pitch classes, the strongest being 1."""
    classes = frames.power @ _chroma_filters(frames.config).T
    return classes / (classes.max(axis=1, keepdims=True) + np.float32(1e-12))


def tonnetz(frames):
    """Tonal centroid: fifths, minor and major thirds as coordinates (Harte et al. 2006)."""
    classes = chroma(frames)
    return classes / (classes.sum(axis=1, keepdims=True) + np.float32(1e-12)) @ _tonal_space()


def contrast(frames):
    """Peak over valley in each octave, in dB (Jiang et al. 2002)."""
    bands = []
    for lowest, highest in _contrast_bands(frames.config):
        band = np.sort(frames.decibels[:, frames.bins(lowest, highest)], axis=1)
        n_bins = max(1, round(CONTRAST_SHARE * band.shape[1]))
        bands.append(band[:, -n_bins:].mean(axis=1) - band[:, :n_bins].mean(axis=1))
    return np.stack(bands, axis=1)


def shape(frames):
    """Spectral shape: frequencies in octaves, flatness in dB, flux and zero crossings.

    Flux is the distance between the spectral shapes of neighbouring frames, whatever
    their levels. All are of the frame with white noise at the floor, so that what a
    microphone or a codec leaves of a pause does not matter.
    """
    frequencies, total = frames.frequencies.astype(np.float32), frames.total
    power = frames.power + np.float32(LEVEL_FLOOR / frequencies.size)
    sound = frames.sound
    crossings = sound * frames.zero_crossings + (1 - sound) * NOISE_CROSSINGS
    centroid = power @ frequencies / total
    bandwidth = np.sqrt(np.maximum(power @ frequencies**2 / total - centroid**2, 0))
    cumulated = np.cumsum(power, axis=1)
    rolloffs = [
        frequencies[(cumulated >= share / 100 * cumulated[:, -1:]).argmax(axis=1)]
        for share in ROLLOFFS
    ]
    flatness = frames.decibels.mean(axis=1) - 10 * np.log10(total / frequencies.size)
    shapes = np.sqrt(frames.mel / frames.mel.sum(axis=1, keepdims=True))
    flux = np.sqrt(np.sum(np.square(np.diff(shapes, axis=0, prepend=shapes[:1])), axis=1))
    return np.column_stack(
        [
            *(np.log2(hertz + LOWEST_SHIFT) for hertz in (centroid, bandwidth, *rolloffs)),
            flatness,
            flux,
            np.log(crossings + CROSSINGS_FLOOR),
        ]
    )


def pitch(frames):
    """Fundamental frequency in semitones from 100 Hz, and harmonics-to-noise ratio in dB.

    F0 is interpolated where there is no voice.
    """
    periodicity = (frames.pitch.periodicity * frames.sound).clip(1e-2, 1 - 10 ** (-MAX_HNR / 10))
    hnr = 10 * np.log10(periodicity / (1 - periodicity))
    return np.column_stack([12 * np.log2(frames.pitch.contour / 100), hnr])


def _contrast_bands(config):
    edges = [edge for edge in CONTRAST_EDGES if edge < config.sample_rate / 2]
    return list(zip(edges, [*edges[1:], config.sample_rate / 2], strict=True))


@lru_cache
def _chroma_filters(config):
    """Return the weight of each bin in each pitch class, A being 440 Hz, shape (12, n_bins).

    A bin counts for classes up to about a semitone away, or as far as the bin is wide, and
    most around `CHROMA_CENTRE` (Ellis 2007).
    """
    hertz = np.fft.rfftfreq(config.fft_length, 1 / config.sample_rate)[1:]
    semitones = 12 * np.log2(hertz / 440) + CHROMA.index("a")
    width = np.maximum(1, 12 * np.log2(1 + hertz[0] / hertz))
    distance = (semitones - np.arange(12)[:, None] + 6) % 12 - 6
    weights = np.exp(-0.5 * (2 * distance / width) ** 2)
    weights /= np.linalg.norm(weights, axis=0)
    weights *= np.exp(-0.5 * (np.log2(hertz / CHROMA_CENTRE) / CHROMA_OCTAVES) ** 2)
    return np.pad(weights, ((0, 0), (1, 0))).astype(np.float32)


@lru_cache
def _tonal_space():
    """Return the coordinates of each pitch class, shape (12, 6)."""
    radii, turns = np.array([1, 1, 1, 1, 0.5, 0.5]), np.array([7, 7, 9, 9, 4, 4]) / 12
    phases = np.array([0.5, 0, 0.5, 0, 0.5, 0])  # sine and cosine
    angles = 2 * turns * np.arange(12)[:, None] - phases
    return (radii * np.cos(np.pi * angles)).astype(np.float32)


FAMILIES = {
    "energy": Family(lambda config: ("energy",), energy),
    "mfcc": Family(lambda config: [f"mfcc{i}" for i in range(1, config.n_mfcc)], mfcc),
    "pitch": Family(lambda config: ("f0", "hnr"), pitch),
    "voice": Family(lambda config: voice_quality.NAMES, voice_quality.voice),
    "shape": Family(
        lambda config: (
            *("centroid", "bandwidth", *(f"rolloff{share}" for share in ROLLOFFS)),
            *("flatness", "flux", "zero_crossings"),
        ),
        shape,
    ),
    "mel": Family(lambda config: [f"mel{i}" for i in range(config.n_mels)], mel, paired=False),
    "chroma": Family(lambda config: [f"chroma_{name}" for name in CHROMA], chroma, paired=False),
    "contrast": Family(
        lambda config: [f"contrast{i}" for i in range(len(_contrast_bands(config)))],
        contrast,
        paired=False,
    ),
    "tonnetz": Family(lambda config: [f"tonnetz{i}" for i in range(6)], tonnetz, paired=False),
}
