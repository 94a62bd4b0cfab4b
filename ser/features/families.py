"""Families of frame descriptors: named numbers that describe a frame of 40 ms.

A family is a row of `FAMILIES`: the names of its tracks, known from the configuration
alone, and a function from frames to their values. All share one spectrogram.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from ser.features import voice_quality
from ser.features.frames import LEVEL_FLOOR, Frames

if TYPE_CHECKING:
    from ser.features.config import FeatureConfig

LOWEST_SHIFT = 50.0  # Hz, added so that logarithms of frequencies stay finite
ROLLOFFS = (25, 50, 85)  # % of a frame's power
RUN = 24  # bins that are added up before it is known in which of them a share is reached
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

    names: Callable[["FeatureConfig"], Sequence[str]]
    compute: Callable[[Frames], NDArray[Any]]
    paired: bool = True


def energy(frames: Frames) -> NDArray[np.float32]:
    """Level in dB relative to the clip's."""
    return frames.level[:, None]


def mfcc(frames: Frames) -> NDArray[np.float32]:
    """Mel-frequency cepstral coefficients but the first, level (Davis & Mermelstein 1980)."""
    return dct(frames.log_mel, axis=1, norm="ortho")[:, 1 : frames.config.n_mfcc]


def mel(frames: Frames) -> NDArray[np.float32]:
    """Mel bands in dB relative to the clip's level."""
    return frames.log_mel


def shape(frames: Frames) -> NDArray[np.float64]:
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
    rolloffs = frequencies[_rolloffs(power)]
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


def _rolloffs(power: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the bin up to which each frame has each share of its power, (n_shares, n_frames)."""
    # First which run of bins it is in, then which bin of these: adding up all takes much longer.
    starts = np.arange(0, power.shape[1], RUN)
    ends = np.cumsum(np.add.reduceat(power, starts, axis=1), axis=1)
    rows = np.arange(len(power))[:, None]
    found = []
    for share in ROLLOFFS:
        wanted = np.float32(share / 100) * ends[:, -1:]
        run = (ends < wanted).sum(axis=1, keepdims=True)
        before = np.where(run > 0, ends[rows, run - 1], 0)
        bins = np.minimum(run * RUN + np.arange(RUN), power.shape[1] - 1)
        reached = before + np.cumsum(power[rows, bins], axis=1)
        found.append(bins[rows[:, 0], (reached[:, :-1] < wanted).sum(axis=1)])
    return np.array(found)


def pitch(frames: Frames) -> NDArray[np.float64]:
    """Fundamental frequency in semitones from 100 Hz, and harmonics-to-noise ratio in dB.

    F0 is interpolated where there is no voice.
    """
    periodicity = (frames.pitch.periodicity * frames.sound).clip(1e-2, 1 - 10 ** (-MAX_HNR / 10))
    hnr = 10 * np.log10(periodicity / (1 - periodicity))
    return np.column_stack([12 * np.log2(frames.pitch.contour / 100), hnr])


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
}
