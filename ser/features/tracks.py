"""Tracks: the descriptors of every frame of a clip, side by side."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ser.features.families import FAMILIES
from ser.features.frames import Frames, mel_frequencies, normalise

if TYPE_CHECKING:
    from ser.features.config import FeatureConfig

BLOCK = 2000  # frames that are analysed at once, which bounds the memory of a long clip


@dataclass(frozen=True)
class Tracks:
    """Descriptors of a clip over time.

    Attributes
    ----------
    names : tuple of str
        Of the descriptors.
    values : numpy.ndarray of float32, shape (n_frames, n_tracks)
    paired : numpy.ndarray of bool, shape (n_tracks,)
        Which descriptors are correlated with each other.
    times : numpy.ndarray, shape (n_frames,)
        Centres of the frames in seconds from the start of the waveform.
    f0 : numpy.ndarray, shape (n_frames,)
        In Hz; NaN where unvoiced.
    periodicity : numpy.ndarray, shape (n_frames,)
        Share of the power that repeats after a period, 0 to 1.
    level : numpy.ndarray, shape (n_frames,)
        In dB relative to the clip's.
    log_mel : numpy.ndarray, shape (n_frames, n_mels)
        Level of mel bands in dB relative to the clip's.
    mel_frequencies : numpy.ndarray, shape (n_mels,)
        Centres of the mel bands in Hz.
    persistence : numpy.ndarray, shape (n_frames,)
        Correlation of the spectrum's fine structure with that 50 ms later.
    """

    names: tuple[str, ...]
    values: NDArray[np.float32]
    paired: NDArray[np.bool_]
    times: NDArray[np.float64]
    f0: NDArray[np.float64]
    periodicity: NDArray[np.float64]
    level: NDArray[np.float32]
    log_mel: NDArray[np.float32]
    mel_frequencies: NDArray[np.float64]
    persistence: NDArray[np.float32]

    @property
    def voiced(self) -> NDArray[np.bool_]:
        """Frames with a fundamental frequency, shape (n_frames,)."""
        return np.isfinite(self.f0)


def track_names(config: "FeatureConfig") -> tuple[tuple[str, ...], NDArray[np.bool_]]:
    """Return the names of a configuration's descriptors, and which are correlated."""
    names: list[str] = []
    paired: list[bool] = []
    for family in (FAMILIES[name] for name in config.families):
        names += family.names(config)
        paired += [family.paired] * len(family.names(config))
    return tuple(names), np.array(paired)


def compute_tracks(waveform: NDArray[np.floating], config: "FeatureConfig") -> Tracks:
    """Compute the descriptors of a clip.

    Parameters
    ----------
    waveform : numpy.ndarray, shape (n_samples,)
        Speech at the configuration's sample rate, silent edges cut off.
    config : FeatureConfig

    Returns
    -------
    Tracks
        Frames are centred on multiples of the hop.
    """
    waveform = np.pad(normalise(waveform), config.window_length // 2)
    n_frames = (waveform.size - config.window_length) // config.hop_length + 1
    blocks = []
    for start in range(0, n_frames, BLOCK):
        stop = min(start + BLOCK, n_frames)
        end = (stop - 1) * config.hop_length + config.window_length
        frames = Frames(waveform[start * config.hop_length : end], config)
        values = [FAMILIES[name].compute(frames) for name in config.families]
        blocks.append(
            {
                "values": np.concatenate(values, axis=1, dtype=np.float32),
                "f0": frames.pitch.f0,
                "periodicity": frames.pitch.periodicity,
                "level": frames.level,
                "log_mel": frames.log_mel,
                "persistence": frames.persistence,
            }
        )
    names, paired = track_names(config)
    return Tracks(
        names=names,
        paired=paired,
        mel_frequencies=mel_frequencies(config),
        times=np.arange(n_frames) * config.hop_length / config.sample_rate,
        **{field: np.concatenate([block[field] for block in blocks]) for field in blocks[0]},
    )
