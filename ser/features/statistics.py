"""Statistics of descriptors over time, of all descriptors at once.

A statistic is a row of `STATISTICS`: the names of its features, known from those of the
tracks alone, and a function from the tracks to their values. A name says what is measured,
where and how: ``f0.voiced.mean``, ``mfcc3.delta.std``, ``corr.mfcc1.energy``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import find_peaks

from ser.features.kernels import KERNELS, THRESHOLDS, kernel_shares

if TYPE_CHECKING:
    from ser.features.tracks import Tracks

PERCENTILES = (5, 25, 50, 75, 95)
DELTA_PERCENTILES = (10, 90)
DELTA_REACH = 2  # frames either side, over which the slope is fitted
N_TRAJECTORY = 5  # coefficients
MAX_CORRELATION = 0.98  # beyond which noise in the rest would decide
MIN_SPREAD = 1e-3  # of a descriptor, below which it counts as constant
MIN_FRAMES = 10  # from which a statistic is worth computing
LOUD = -20.0  # dB relative to the clip
PEAK = -15.0  # dB relative to the clip, that a syllable reaches
DIP = 2.0  # dB, between syllables
SYLLABLE_SMOOTHING = 0.05  # s

# From names of tracks, and of those that are correlated, to names of features.
Names = Callable[[Sequence[str], Sequence[str]], list[str]]


class Views:
    """Tracks as statistics need them: a row for each descriptor, over several sets of frames.

    Parameters
    ----------
    tracks : Tracks
    hop : float
        From one frame to the next in seconds.
    """

    def __init__(self, tracks: "Tracks", hop: float) -> None:
        self.tracks = tracks
        self.hop = hop

    @cached_property
    def loud(self) -> NDArray[np.bool_]:
        """Frames that are not pauses; all if there are few, shape (n_frames,)."""
        loud = self.tracks.level > LOUD
        return loud if loud.sum() >= MIN_FRAMES else np.ones_like(loud)

    @cached_property
    def voiced(self) -> NDArray[np.bool_]:
        """Frames with voice; loud ones if there are few, shape (n_frames,)."""
        voiced = self.tracks.voiced
        return voiced if voiced.sum() >= MIN_FRAMES else self.loud

    @cached_property
    def values(self) -> dict[str, NDArray[np.float32]]:
        """Descriptors, and those of voiced frames, each (n_tracks, n_frames)."""
        values = np.ascontiguousarray(self.tracks.values.T)
        return {"all": values, "voiced": values[:, self.voiced]}

    @cached_property
    def deltas(self) -> NDArray[np.float32]:
        """Slopes per frame of the descriptors, shape (n_tracks, n_frames)."""
        padded = np.pad(self.values["all"], ((0, 0), (DELTA_REACH, DELTA_REACH)), mode="edge")
        n_frames = self.voiced.size
        slopes = np.zeros((len(padded), n_frames), np.float32)
        for step in range(1, DELTA_REACH + 1):
            after = padded[:, DELTA_REACH + step :][:, :n_frames]
            before = padded[:, DELTA_REACH - step :][:, :n_frames]
            slopes += step * (after - before)
        slopes /= 2 * sum(step**2 for step in range(1, DELTA_REACH + 1))
        return slopes

    @cached_property
    def means(self) -> dict[str, NDArray[np.float32]]:
        """Mean over each set of frames, (n_tracks, 1)."""
        return {mask: rows.mean(axis=1, keepdims=True) for mask, rows in self.values.items()}

    @cached_property
    def spreads(self) -> dict[str, NDArray[np.float32]]:
        """Standard deviation over each set of frames, (n_tracks, 1)."""
        return {mask: rows.std(axis=1, keepdims=True) for mask, rows in self.values.items()}

    @cached_property
    def standardised(self) -> NDArray[np.float32]:
        """Descriptors less mean, in standard deviations; zeros for constants."""
        return (self.values["all"] - self.means["all"]) / (self.spreads["all"] + MIN_SPREAD)


@dataclass(frozen=True)
class Statistic:
    """Features of one kind.

    Attributes
    ----------
    names : callable
        `Names` of the features.
    compute : callable
        From `Views` to values, one for each name.
    """

    names: Names
    compute: Callable[[Views], NDArray[np.floating]]


def _named(*suffixes: str) -> Names:
    """Return a function that gives each track each of some suffixes."""
    return lambda tracks, paired: [f"{track}.{suffix}" for suffix in suffixes for track in tracks]


def _masked(*names: str) -> Names:
    return _named(*(f"{mask}.{name}" for mask in ("all", "voiced") for name in names))


def _paired(named: Names) -> Names:
    """Return a function that names features of the paired tracks only."""
    return lambda tracks, paired: named(paired, paired)


def mean(views: Views) -> NDArray[np.float32]:
    """Mean."""
    return np.concatenate(list(views.means.values()))


def std(views: Views) -> NDArray[np.float32]:
    """Spread, the standard deviation."""
    return np.concatenate(list(views.spreads.values()))


def percentiles(views: Views) -> NDArray[np.float32]:
    """Percentiles, from the lowest to the highest."""
    paired = views.tracks.paired
    return np.concatenate(
        [_percentiles(rows[paired], PERCENTILES) for rows in views.values.values()]
    )


def delta(views: Views) -> NDArray[np.float32]:
    """How fast descriptors change: spread and mean size of slopes, and spread while voiced."""
    deltas = views.deltas[views.tracks.paired]
    voiced = deltas[:, views.voiced]
    return np.concatenate(
        [
            deltas.std(axis=1),
            np.abs(deltas[:, views.loud]).mean(axis=1),
            voiced.std(axis=1),
            _percentiles(voiced, DELTA_PERCENTILES).ravel(),
        ]
    )


def trajectory(views: Views) -> NDArray[np.float32]:
    """First coefficients of the cosine transform over the clip, whatever its duration."""
    n_frames = views.voiced.size
    time = (np.arange(n_frames) + 0.5) / n_frames
    cosines = np.cos(np.pi * time[:, None] * np.arange(1, N_TRAJECTORY + 1)) * 2 / n_frames
    return (views.values["all"][views.tracks.paired] @ cosines.astype(np.float32)).T


def correlation(views: Views) -> NDArray[np.float32]:
    """Correlation of each pair of descriptors, as Fisher's z."""
    rows = views.standardised[views.tracks.paired]
    pairs = np.triu_indices(len(rows), 1)
    return _fisher(rows @ rows.T / rows.shape[1])[pairs]


def clip(views: Views) -> NDArray[np.float64]:
    """Duration, voicing, syllable rate, jitter and shimmer of the clip as a whole.

    Syllables are peaks of the level between dips (de Jong & Wempe 2009). Jitter is in
    semitones and shimmer in dB, both from frame to frame rather than from period to period.
    """
    voiced, level = views.tracks.voiced, views.tracks.level
    duration = voiced.size * views.hop
    edges = np.flatnonzero(np.diff(voiced, prepend=False, append=False))
    segments = (edges[1::2] - edges[::2]) * views.hop
    envelope = uniform_filter1d(level, round(SYLLABLE_SMOOTHING / views.hop))
    syllables, _ = find_peaks(envelope, height=PEAK, prominence=DIP)
    semitones = 12 * np.log2(views.tracks.f0)
    return np.array(
        [
            np.log(duration),
            voiced.mean(),
            segments.size / duration,
            segments.mean() if segments.size else 0,
            segments.max() if segments.size else 0,
            syllables.size / duration,
            _roughness(semitones, voiced),
            _roughness(level, voiced),
        ]
    )


def kernels(views: Views) -> NDArray[np.floating]:
    """Shares of time in which random convolution kernels respond to the descriptors."""
    paired = views.tracks.paired
    if not paired.any():
        return np.zeros(0)
    names = [name for name, is_paired in zip(views.tracks.names, paired, strict=True) if is_paired]
    return kernel_shares(views.values["all"][paired], views.voiced, names)


def band_kernels(views: Views) -> NDArray[np.floating]:
    """Shares of time in which kernels respond that look at mel bands, too."""
    return kernel_shares(views.values["all"], views.voiced, views.tracks.names)


CLIP_NAMES = (
    *("log_duration", "voiced_fraction", "voiced_segment_rate", "mean_voiced_segment"),
    *("longest_voiced_segment", "syllable_rate", "jitter", "shimmer"),
)


def _percentiles(rows: NDArray[np.float32], percentiles: Sequence[float]) -> NDArray[np.float32]:
    """Return percentiles of each row, shape (n_percentiles, n_rows)."""
    rows = np.sort(rows, axis=1)
    position = np.array(percentiles) / 100 * (rows.shape[1] - 1)
    lower = position.astype(int)
    upper = np.minimum(lower + 1, rows.shape[1] - 1)
    weight = (position - lower).astype(np.float32)
    return (rows[:, lower] * (1 - weight) + rows[:, upper] * weight).T


def _fisher(correlation: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.arctanh(correlation.clip(-MAX_CORRELATION, MAX_CORRELATION))


def _roughness(values: NDArray[np.floating], voiced: NDArray[np.bool_]) -> float:
    """Return the mean size of second differences within voiced segments; 0 if there are none."""
    inside = voiced[2:] & voiced[1:-1] & voiced[:-2]
    return np.abs(np.diff(values, 2)[inside]).mean() if inside.any() else 0.0


def _shares_of(prefix: str) -> list[str]:
    return [
        f"{prefix}{kernel}.above{threshold:g}" for kernel in KERNELS for threshold in THRESHOLDS
    ]


STATISTICS = {
    "mean": Statistic(_masked("mean"), mean),
    "std": Statistic(_masked("std"), std),
    "percentiles": Statistic(_paired(_masked(*(f"p{p}" for p in PERCENTILES))), percentiles),
    "delta": Statistic(
        _paired(
            _named(
                *("delta.std", "delta.size", "voiced_delta.std"),
                *(f"voiced_delta.p{p}" for p in DELTA_PERCENTILES),
            )
        ),
        delta,
    ),
    "trajectory": Statistic(
        _paired(_named(*(f"trajectory.c{i}" for i in range(1, N_TRAJECTORY + 1)))), trajectory
    ),
    "correlation": Statistic(
        lambda tracks, paired: [
            f"corr.{a}.{b}" for i, a in enumerate(paired) for b in paired[i + 1 :]
        ],
        correlation,
    ),
    "kernels": Statistic(lambda tracks, paired: _shares_of("") if paired else [], kernels),
    "band_kernels": Statistic(lambda tracks, paired: _shares_of("band_"), band_kernels),
    "clip": Statistic(lambda tracks, paired: [f"clip.{name}" for name in CLIP_NAMES], clip),
}
