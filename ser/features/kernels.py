"""Random convolution kernels: how several descriptors move together within two thirds of a second.

Statistics of single descriptors cannot show that the pitch falls while the voice grows rough.
A kernel is a small random pattern over a few descriptors and nine moments, which span 0.08 s to
0.64 s. Convolved with the clip, less its mean, it gives a new descriptor, and the
features are the shares of time in which that is above some thresholds. Shares are bounded, so
that no noise or line pushes them far from what training saw, and what a microphone adds to all
frames alike is removed with the mean. The patterns are drawn once from a fixed seed: nothing is
learned.

There are two kinds. Some respond to change only, and are applied to all frames; the others respond
to the distance of descriptors from their mean, too, and are applied to frames with voice, which
stands out from noise. There is a set of both that looks at descriptors only, and one that looks at
mel bands, too.

References
----------
Dempster, Petitjean and Webb, "ROCKET: exceptionally fast and accurate time series
classification using random convolutional kernels", Data Mining and Knowledge Discovery 34, 2020.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

N_CHANGE = 256  # kernels of each dilation that respond to change only
N_VOICED = 128  # kernels of each dilation for frames with voice
N_TAPS = 9
DILATIONS = (1, 2, 4, 8)  # frames from tap to tap
MAX_TRACKS = 8  # descriptors that a kernel looks at
SEED = 20201113
THRESHOLDS = (-0.6, 0.0, 0.6)  # of responses, whose spread is about 1
RAMP = 0.6  # over which a response gradually counts as above a threshold
BLOCK = 4096  # frames at once, which bounds the memory of a long recording

#: Typical spread of the descriptors in speech, in their units, so that none drowns the others.
SPREADS = {
    "energy": 10,
    "mfcc": 10,
    "mfcc1": 50,
    "mfcc2": 25,
    "mfcc3": 22,
    "mfcc4": 20,
    "mfcc5": 18,
    "f0": 7,
    "hnr": 8,
    "alpha": 10,
    "hammarberg": 12,
    "slope0": 37,
    "slope1": 12,
    "slope2": 5,
    "h1_h2": 8,
    "h1_a1": 9,
    "h1_a3": 13,
    "cpp": 0.75,
    "centroid": 1.3,
    "bandwidth": 1.1,
    "rolloff": 1.4,
    "flatness": 9.5,
    "flux": 0.15,
    "zero_crossings": 0.9,
    "mel": 12,
}


KERNELS = (
    *(f"change{index}" for index in range(N_CHANGE * len(DILATIONS))),
    *(f"voiced_kernel{index}" for index in range(N_VOICED * len(DILATIONS))),
)
"""Names of the kernels."""


def kernel_shares(
    rows: NDArray[np.float32], voiced: NDArray[np.bool_], names: Sequence[str]
) -> NDArray[np.float32]:
    """Convolve descriptors with all kernels and count how often responses are high.

    Parameters
    ----------
    rows : ndarray of float32, shape (n_tracks, n_frames)
    voiced : ndarray of bool, shape (n_frames,)
        Frames to which the second kind of kernel is applied.
    names : sequence of str
        Of the descriptors.

    Returns
    -------
    ndarray of float32, shape (n_kernels, n_thresholds)
        From 0 to 1.
    """
    scales = np.array([_spread(name) for name in names], dtype=np.float32)[:, None]
    scaled = (rows - rows.mean(axis=1, keepdims=True)) / scales
    n_tracks, n_frames = scaled.shape
    longest = N_TAPS // 2 * max(DILATIONS)
    padded = np.pad(scaled, ((0, 0), (longest, longest)), mode="edge")
    begins = [np.float32(threshold / RAMP - 0.5) for threshold in THRESHOLDS]  # of their ramps
    kinds = (
        (slice(N_CHANGE), np.full(n_frames, 1 / n_frames, np.float32)),
        (slice(N_CHANGE, None), (voiced / np.count_nonzero(voiced)).astype(np.float32)),
    )
    shares = np.zeros((len(DILATIONS), N_CHANGE + N_VOICED, len(begins)), np.float32)
    for start in range(0, n_frames, BLOCK):
        stop = min(start + BLOCK, n_frames)
        for share, dilation, kernels in zip(shares, DILATIONS, _kernels(n_tracks), strict=True):
            offsets = longest + dilation * np.arange(-(N_TAPS // 2), N_TAPS // 2 + 1)
            taps = [padded[:, start + offset : stop + offset] for offset in offsets]
            heights = kernels @ np.concatenate(taps)
            above = np.empty_like(heights)
            for number, begin in enumerate(begins):
                np.clip(heights, begin, begin + 1, out=above)  # `begin` more than it counts
                for kind, weights in kinds:  # a mean over frames, as a product
                    share[kind, number] += above[kind] @ weights[start:stop]
    return np.concatenate([shares[:, kind].reshape(-1, len(begins)) for kind, _ in kinds]) - begins


@lru_cache
def _kernels(n_tracks: int) -> list[csr_array]:
    """Return the weights of each dilation's kernels, shape (n_kernels, N_TAPS * n_tracks).

    Those that respond to change come first. Responses are in units of `RAMP`.
    """
    kinds = [_draw(N_CHANGE, n_tracks, True), _draw(N_VOICED, n_tracks, False)]
    return [csr_array(np.concatenate(each) / np.float32(RAMP)) for each in zip(*kinds, strict=True)]


def _draw(n_kernels: int, n_tracks: int, change: bool) -> list[NDArray[np.float32]]:
    """Draw the weights of each dilation's kernels of a kind; nine in ten are zero."""
    rng = np.random.default_rng([SEED, change])
    shape = (N_TAPS, n_kernels, n_tracks)
    kernels = []
    for _ in DILATIONS:
        weights = rng.standard_normal(shape)
        # Few descriptors more often than many: as many as 2 to the power of a uniform number.
        n_seen = np.ceil(2 ** rng.uniform(0, np.log2(MAX_TRACKS), (n_kernels, 1)))
        weights *= rng.random(shape[1:]).argsort(axis=1) < n_seen
        if change:
            weights -= weights.mean(axis=0)
        weights /= np.sqrt(np.sum(weights**2, axis=(0, 2), keepdims=True))
        weights = weights.transpose(1, 0, 2).reshape(n_kernels, -1)
        kernels.append(weights.astype(np.float32))
    return kernels


def _spread(name: str) -> float:
    """Return the spread of a descriptor, or of the family that its name starts with."""
    return SPREADS.get(name) or SPREADS[name.rstrip("0123456789")]
