"""Fundamental frequency and periodicity of voice.

Boersma's method: the autocorrelation of a windowed frame, here the inverse transform of
its power spectrum, is divided by that of the window; its peaks are candidates, and the
cheapest path through the candidates of all frames, one of which is "unvoiced", is the
contour.

References
----------
Boersma, "Accurate short-term analysis of the fundamental frequency and the
harmonics-to-noise ratio of a sampled sound", IFA Proceedings 17, 1993.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct, irfft, rfft
from scipy.signal import get_window

if TYPE_CHECKING:
    from ser.features.config import FeatureConfig
    from ser.features.frames import Frames

CANDIDATES = 8  # peaks of a frame that are considered
HIGHEST_HARMONIC = 4000.0  # Hz; above it voice is seldom periodic, and telephones cut
RUMBLE = 0.75  # of the lowest F0, below which all sound is taken for rumble
VOICING_THRESHOLD = 0.45  # periodicity from which a loud frame is voiced
OCTAVE_COST = 0.02  # per octave below the highest F0, since all multiples of a period fit
OCTAVE_JUMP_COST = 0.6  # per octave between neighbouring frames
VOICING_COST = 0.14  # of a change between voiced and unvoiced
QUIET = -20.0  # dB relative to the clip, below which frames are less and less often voiced
QUIET_RANGE = 20.0  # dB, over which the voicing threshold rises by 1
RUN = 16  # frames of a path that are worked out one after the other
NO_VOICE = 150.0  # Hz, assumed between men's and women's voices where there is none


@dataclass(frozen=True)
class Pitch:
    """Pitch of frames.

    Attributes
    ----------
    f0 : numpy.ndarray, shape (n_frames,)
        In Hz; NaN where unvoiced.
    periodicity : numpy.ndarray, shape (n_frames,)
        Share of the power that repeats after a period, 0 to 1; where unvoiced, after
        whichever period fits best.
    """

    f0: NDArray[np.float64]
    periodicity: NDArray[np.float64]

    @cached_property
    def contour(self) -> NDArray[np.float64]:
        """F0 in Hz, interpolated where unvoiced; `NO_VOICE` if all is, shape (n_frames,)."""
        (voiced,) = np.nonzero(np.isfinite(self.f0))
        if voiced.size == 0:
            return np.full(self.f0.shape, NO_VOICE)
        return np.interp(np.arange(self.f0.size), voiced, self.f0[voiced])


def track_pitch(frames: "Frames") -> Pitch:
    """Find the fundamental frequency.

    Parameters
    ----------
    frames : Frames
    """
    config = frames.config
    correlation = _autocorrelation(frames)
    f0, periodicity = _candidates(correlation, config)
    strength = periodicity - OCTAVE_COST * np.log2(config.f0_max / f0)
    unvoiced = VOICING_THRESHOLD + np.clip((QUIET - frames.level) / QUIET_RANGE, 0, 1)
    path = _cheapest_path(f0, strength, unvoiced)
    rows = np.arange(len(frames))
    voiced = path < CANDIDATES
    chosen = np.where(voiced, path, periodicity.argmax(axis=1))
    return Pitch(
        f0=np.where(voiced, f0[rows, chosen], np.nan),
        periodicity=np.clip(periodicity[rows, chosen], 0, 1),
    )


def _autocorrelation(frames: "Frames") -> NDArray[np.float32]:
    """Return the normalised autocorrelation at lags of whole samples, (n_frames, n_lags)."""
    config = frames.config
    n_lags = int(np.ceil(config.sample_rate / config.f0_min)) + 2
    harmonics = np.zeros_like(frames.power)
    used = frames.bins(RUMBLE * config.f0_min, HIGHEST_HARMONIC)
    harmonics[:, used] = frames.power[:, used]
    correlation = inverse(harmonics)[:, :n_lags]
    silence = np.float32(1e-12)
    taper = _taper(config.window_length, config.fft_length, n_lags)
    return correlation * np.reciprocal(correlation[:, :1] + silence) * taper


@lru_cache
def _taper(window_length: int, fft_length: int, n_lags: int) -> NDArray[np.float32]:
    """Return what undoes the fall of the autocorrelation that the window causes."""
    spectrum = rfft(get_window("hann", window_length), fft_length)
    of_window = irfft(np.abs(spectrum) ** 2, fft_length)[:n_lags]
    return (of_window[0] / of_window).astype(np.float32)


def inverse(spectra: NDArray[np.float32]) -> NDArray[np.float32]:
    """Transform real spectra, shape (n_frames, n_bins), into half of what they have in time.

    They are symmetric in time, too, which saves half of the work.
    """
    halves: Any = dct(spectra, type=1, axis=1, norm="forward")
    return np.asarray(halves)


def _candidates(
    correlation: NDArray[np.float32], config: "FeatureConfig"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return frequency in Hz and height of the strongest peaks, each (n_frames, CANDIDATES).

    Where a frame has fewer peaks, the height of the others is minus infinity.
    """
    first = int(config.sample_rate / config.f0_max)
    before, at, after = (correlation[:, first + i : -2 + i or None] for i in (0, 1, 2))
    heights = np.where((at > before) & (at >= after), at, np.float32(-np.inf))
    columns = np.argpartition(-heights, CANDIDATES, axis=1)[:, :CANDIDATES]
    left, top, right, height = (
        np.take_along_axis(values, columns, axis=1).astype(np.float64)
        for values in (before, at, after, heights)
    )
    # The top of the parabola through the three points at the peak.
    slope, curvature = (right - left) / 2, 2 * top - left - right
    shift = np.where(np.isfinite(height), slope / np.maximum(curvature, 1e-6), 0).clip(-0.5, 0.5)
    frequency = config.sample_rate / (first + 1 + columns + shift)
    # What drifts slowly, such as the rounding errors of a silent frame, exceeds 1 at long lags.
    height = np.minimum(height + slope * shift / 2, 1)
    return frequency.clip(config.f0_min, config.f0_max), height


def _cheapest_path(
    f0: NDArray[np.float64], strength: NDArray[np.float64], unvoiced: NDArray[np.float64]
) -> NDArray[np.intp]:
    """Return the candidate of each frame on the best path; CANDIDATES stands for unvoiced."""
    n_frames, n_candidates = f0.shape
    octaves = np.log2(f0).astype(np.float32)
    costs = np.zeros((n_frames - 1, n_candidates + 1, n_candidates + 1), np.float32)
    jumps = np.abs(octaves[:-1, :, None] - octaves[1:, None, :])
    np.multiply(jumps, np.float32(OCTAVE_JUMP_COST), out=costs[:, :-1, :-1])
    costs[:, -1, :-1] = costs[:, :-1, -1] = VOICING_COST
    gains = np.column_stack([strength, unvoiced]).astype(np.float32)
    scores = _best_scores(gains, costs)
    came_from = (scores[:-1, :, None] - costs).argmax(axis=1).tolist()
    path = [int(scores[-1].argmax())]
    for candidates in reversed(came_from):
        path.append(candidates[path[-1]])
    return np.array(path[::-1])


def _best_scores(gains: NDArray[np.float32], costs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the score of the best path up to each candidate, shape (n_frames, n_candidates).

    All runs of `RUN` frames are worked out at once: first what the best paths through each add,
    then, run after run, where these arrive, then the scores within all of them.
    """
    n_frames, n_candidates = gains.shape
    n_runs = -(-(n_frames - 1) // RUN)
    steps = np.zeros((n_runs * RUN, n_candidates, n_candidates), np.float32)
    np.subtract(gains[1:, None, :], costs, out=steps[: n_frames - 1])
    # The runs last, over which the operations go fastest: (RUN, before, after, n_runs).
    steps = np.ascontiguousarray(
        steps.reshape(n_runs, RUN, n_candidates, n_candidates).transpose(1, 2, 3, 0)
    )
    through = steps[0]
    for step in steps[1:]:
        through = (through[:, :, None] + step).max(axis=1)
    arriving = np.empty((n_candidates, n_runs), np.float32)
    score = gains[0]
    for run in range(n_runs):
        arriving[:, run] = score
        score = (score[:, None] + through[:, :, run]).max(axis=0)
    scores = np.empty((n_runs, RUN, n_candidates), np.float32)
    for number, step in enumerate(steps):
        arriving = (arriving[:, None] + step).max(axis=0)
        scores[:, number] = arriving.T
    return np.concatenate([gains[:1], scores.reshape(-1, n_candidates)])[:n_frames]
