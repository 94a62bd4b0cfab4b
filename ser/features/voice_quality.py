"""Voice quality: how the spectrum of a voice falls off, from breathy to pressed.

References
----------
Eyben et al., "The Geneva minimalistic acoustic parameter set (GeMAPS) for voice research
and affective computing", IEEE Transactions on Affective Computing 7(2), 2016.
Hillenbrand, Cleveland & Erickson, "Acoustic correlates of breathy vocal quality", Journal
of Speech and Hearing Research 37, 1994.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ser.features.pitch import inverse

if TYPE_CHECKING:
    from ser.features.frames import Frames

NAMES = (
    *("alpha", "hammarberg", "slope0", "slope1", "slope2"),
    *("h1_h2", "h1_a1", "h1_a3", "cpp"),
)
ALPHA_BANDS = ((50, 1000), (1000, 5000))  # Hz
HAMMARBERG_BANDS = ((0, 2000), (2000, 5000))  # Hz
SLOPE_BANDS = ((30, 500), (500, 1500), (1500, 4000))  # Hz
FIRST_FORMANT, THIRD_FORMANT = (300, 1000), (2000, 3500)  # Hz, where they usually are
BAND_FLOOR = 1e-7  # power of a band relative to the clip's: -70 dB
HARMONIC_BINS = 2  # either side of where a harmonic should be


def voice(frames: "Frames") -> NDArray[np.float32]:
    """Compute the measures of voice quality, all in dB, slopes in dB per kHz.

    The alpha ratio compares power, the Hammarberg index peaks, above and below 1 and
    2 kHz. H1-H2 compares the first harmonics; H1-A1 and H1-A3 the first one with the
    peaks where the first and third formant usually are. CPP is the cepstral peak's
    prominence.

    Returns
    -------
    numpy.ndarray, shape (n_frames, len(NAMES))
    """

    def band(edges: tuple[float, float]) -> NDArray[np.float32]:
        return frames.decibels[:, frames.bins(*edges)]

    low, high = (frames.power[:, frames.bins(*edges)].sum(axis=1) for edges in ALPHA_BANDS)
    alpha = 10 * np.log10((high + BAND_FLOOR) / (low + BAND_FLOOR))
    low, high = (band(edges).max(axis=1) for edges in HAMMARBERG_BANDS)
    slopes = []
    for edges in SLOPE_BANDS:
        kilohertz = frames.frequencies[frames.bins(*edges)] / 1000
        kilohertz = (kilohertz - kilohertz.mean()).astype(np.float32)
        slopes.append(band(edges) @ kilohertz / np.sum(kilohertz**2))
    first, second = (_harmonic(frames, order * frames.pitch.contour) for order in (1, 2))
    return np.column_stack(
        [
            alpha,
            low - high,
            *slopes,
            first - second,
            first - band(FIRST_FORMANT).max(axis=1),
            first - band(THIRD_FORMANT).max(axis=1),
            _cepstral_peak_prominence(frames),
        ]
    )


def _harmonic(frames: "Frames", hertz: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the peak in dB near a frequency in Hz of each frame, shape (n_frames,)."""
    nearest = np.rint(hertz / frames.frequencies[1]).astype(int)
    bins = nearest[:, None] + np.arange(-HARMONIC_BINS, HARMONIC_BINS + 1)
    bins = bins.clip(0, frames.frequencies.size - 1)
    return np.take_along_axis(frames.decibels, bins, axis=1).max(axis=1)


def _cepstral_peak_prominence(frames: "Frames") -> NDArray[np.float32]:
    """Return how far the cepstrum's peak rises above its regression line, shape (n_frames,)."""
    config = frames.config
    first, last = (int(config.sample_rate / hertz) for hertz in (config.f0_max, config.f0_min))
    cepstrum = inverse(frames.decibels)[:, first : last + 1]
    quefrency = np.arange(cepstrum.shape[1], dtype=np.float32)
    quefrency -= quefrency.mean()
    slope = cepstrum @ quefrency / np.sum(quefrency**2)
    return (cepstrum - slope[:, None] * quefrency).max(axis=1) - cepstrum.mean(axis=1)
