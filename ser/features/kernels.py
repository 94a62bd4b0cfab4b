"""Random convolution kernels: how several descriptors move together within half a second.

Statistics of single descriptors do not see that the pitch falls while the voice grows rough.
A kernel is a small random pattern over a few descriptors and nine moments, from 0.09 s to
0.65 s apart in all; convolved with the clip it gives a new descriptor, whose percentiles and
spread are the features. The patterns are drawn once from a fixed seed: nothing is learned.

References
----------
Dempster, Petitjean and Webb, "ROCKET: exceptionally fast and accurate time series
classification using random convolutional kernels", Data Mining and Knowledge Discovery 34, 2020.
"""

import re
from functools import lru_cache

import numpy as np

N_KERNELS = 64  # of each dilation
N_TAPS = 9
DILATIONS = (1, 2, 4, 8)  # frames from tap to tap
MAX_TRACKS = 8  # descriptors that a kernel looks at
SEED = 20201113

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
    "chroma": 0.3,
    "contrast": 10,
    "tonnetz": 0.1,
}


KERNELS = tuple(f"kernel{index}" for index in range(N_KERNELS * len(DILATIONS)))
"""Names of the kernels."""


def convolve(rows, names):
    """Convolve descriptors with all kernels.

    Parameters
    ----------
    rows : ndarray of float32, shape (n_tracks, n_frames)
    names : sequence of str
        Of the descriptors.

    Returns
    -------
    ndarray of float32, shape (n_kernels, n_frames)
    """
    n_frames = rows.shape[1]
    scaled = rows / np.array([_spread(name) for name in names], dtype=np.float32)[:, None]
    responses = []
    for weights, dilation in zip(_kernels(len(names)), DILATIONS, strict=True):
        reach = N_TAPS // 2 * dilation
        padded = np.pad(scaled, ((0, 0), (reach, reach)), mode="edge")
        taps = (padded[:, tap * dilation :][:, :n_frames] for tap in range(N_TAPS))
        responses.append(sum(w @ tap for w, tap in zip(weights, taps, strict=True)))
    return np.concatenate(responses)


@lru_cache
def _kernels(n_tracks):
    """Return the weights of each dilation's kernels, shape (N_TAPS, N_KERNELS, n_tracks)."""
    rng = np.random.default_rng(SEED)
    shape = (N_TAPS, N_KERNELS, n_tracks)
    kernels = []
    for _ in DILATIONS:
        weights = rng.standard_normal(shape)
        # Few descriptors more often than many: as many as 2 to the power of a uniform number.
        n_seen = np.ceil(2 ** rng.uniform(0, np.log2(MAX_TRACKS), (N_KERNELS, 1)))
        weights *= rng.random(shape[1:]).argsort(axis=1) < n_seen
        # Half of them see change alone, the other half what is constant, too.
        sees_change = rng.random((N_KERNELS, 1)) < 0.5
        weights -= sees_change * weights.mean(axis=0)
        weights /= np.sqrt(np.sum(weights**2, axis=(0, 2), keepdims=True))
        kernels.append(weights.astype(np.float32))
    return kernels


def _spread(name):
    """Return the spread of a descriptor, or of the family that its name starts with."""
    return SPREADS.get(name) or SPREADS[re.match("[a-z]+", name)[0]]
