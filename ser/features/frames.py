"""Windows of a waveform at regular times, and the power spectra that all descriptors share."""

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft, rfftfreq
from scipy.ndimage import uniform_filter1d
from scipy.signal import get_window

from ser.features.mel import mel_filters
from ser.features.pitch import Pitch, track_pitch

if TYPE_CHECKING:
    from ser.features.config import FeatureConfig

LEVEL_FLOOR = 1e-4  # power of a frame relative to the clip's: -40 dB
MEL_FLOOR = 1e-5  # power of a mel band relative to the clip's: -50 dB
BIN_FLOOR = 1e-7  # power of a frequency bin relative to the clip's: -70 dB
MEL_LOWEST = 50.0  # Hz, lower edge of the lowest mel band
LINE_BAND = (100.0, 4000.0)  # Hz, where partials of voices and instruments are strong
LINE_FLOOR = -55.0  # dB of a bin relative to the clip
LINE_LAG = 0.05  # s, in which a voice moves on
ENVELOPE = 200.0  # Hz, over which fine structure is averaged away
FLAT = 0.3  # dB, of fine structure that counts as none


def normalise(waveform: NDArray[np.floating]) -> NDArray[np.float32]:
    """Remove the offset and scale to a root mean square of 1, so that gain does not matter.

    Parameters
    ----------
    waveform : numpy.ndarray, shape (n_samples,)

    Returns
    -------
    numpy.ndarray of float32, shape (n_samples,)
        Zeros if the waveform is constant.
    """
    centred = np.subtract(waveform, np.mean(waveform, dtype=np.float64), dtype=np.float32)
    power = np.mean(np.square(centred), dtype=np.float64)
    return centred / np.float32(np.sqrt(power)) if power > 0 else centred


def mel_frequencies(config: "FeatureConfig") -> NDArray[np.float64]:
    """Return the centre of each mel band in Hz, shape (n_mels,)."""
    bins = rfftfreq(config.fft_length, 1 / config.sample_rate)
    return bins[_mel_filters(config).argmax(axis=1)]


class Frames:
    """Frames of a normalised waveform; what several descriptors need is computed once.

    Powers are relative to the clip's mean power, one-sided, and add up to it over bins.

    Parameters
    ----------
    samples : numpy.ndarray of float32, shape ((n_frames - 1) * hop + window,)
        The first frame starts at the first sample, the last one ends at the last.
    config : FeatureConfig
    """

    def __init__(self, samples: NDArray[np.float32], config: "FeatureConfig") -> None:
        self.config = config
        self._samples = samples
        self._starts = np.arange(0, samples.size - config.window_length + 1, config.hop_length)

    def __len__(self) -> int:
        return self._starts.size

    @cached_property
    def frequencies(self) -> NDArray[np.float64]:
        """Frequency of each bin in Hz, shape (n_bins,)."""
        return rfftfreq(self.config.fft_length, 1 / self.config.sample_rate)

    @cached_property
    def power(self) -> NDArray[np.float32]:
        """Power spectra, shape (n_frames, n_bins)."""
        window = _window(self.config.window_length, self.config.fft_length)
        views = np.lib.stride_tricks.sliding_window_view(self._samples, window.size)
        # In place where possible: allocating memory would take longer than the computation.
        padded = np.zeros((len(self), self.config.fft_length), dtype=np.float32)
        np.multiply(views[:: self.config.hop_length], window, out=padded[:, : window.size])
        spectra = rfft(padded, axis=1, overwrite_x=True)
        power = np.square(spectra.real)
        power += np.square(spectra.imag)
        return power

    @cached_property
    def decibels(self) -> NDArray[np.float32]:
        """Power spectra in dB, shape (n_frames, n_bins)."""
        levels = self.power + np.float32(BIN_FLOOR)
        np.log10(levels, out=levels)
        levels *= 10
        return levels

    @cached_property
    def total(self) -> NDArray[np.float32]:
        """Power of each frame, shape (n_frames,)."""
        return self.power.sum(axis=1) + np.float32(LEVEL_FLOOR)

    @cached_property
    def sound(self) -> NDArray[np.float32]:
        """Share of the frame in itself with noise at the floor, 0 to 1, shape (n_frames,)."""
        return 1 - np.float32(LEVEL_FLOOR) / self.total

    @cached_property
    def level(self) -> NDArray[np.float32]:
        """Level of each frame in dB relative to the clip's, shape (n_frames,)."""
        return 10 * np.log10(self.total)

    @cached_property
    def mel(self) -> NDArray[np.float32]:
        """Power in mel bands, shape (n_frames, n_mels)."""
        return self.power @ _mel_filters(self.config).T + np.float32(MEL_FLOOR)

    @cached_property
    def log_mel(self) -> NDArray[np.float32]:
        """Level of mel bands in dB relative to the clip's, shape (n_frames, n_mels)."""
        return 10 * np.log10(self.mel)

    @cached_property
    def zero_crossings(self) -> NDArray[np.float64]:
        """Share of neighbouring samples of opposite sign in each frame, shape (n_frames,)."""
        signs = np.signbit(self._samples)
        crossings = np.concatenate([[0], np.cumsum(signs[1:] != signs[:-1])])
        span = self.config.window_length - 1
        return (crossings[self._starts + span] - crossings[self._starts]) / span

    @cached_property
    def persistence(self) -> NDArray[np.float32]:
        """How much of the fine structure is still there 50 ms later, shape (n_frames,).

        The correlation, from -1 to 1, of a spectrum in dB with a later one, both less their
        envelopes: near 1 if partials stay where they are, whatever their number.
        """
        fine = np.maximum(self.decibels[:, self.bins(*LINE_BAND)], LINE_FLOOR)
        fine -= uniform_filter1d(fine, round(ENVELOPE / self.frequencies[1]), axis=1)
        size = np.sqrt(np.mean(np.square(fine), axis=1)) + FLAT
        lag = min(round(LINE_LAG / self.config.hop), len(self) - 1)
        earlier, later = slice(len(self) - lag), slice(lag, None)
        products = np.einsum("ij,ij->i", fine[earlier], fine[later]) / fine.shape[1]
        return np.pad(products / (size[earlier] * size[later]), (0, lag), mode="edge")

    @cached_property
    def pitch(self) -> Pitch:
        """Fundamental frequency and periodicity, a `Pitch`."""
        return track_pitch(self)

    def bins(self, lowest: float, highest: float) -> slice:
        """Return the slice of bins from one frequency up to another, in Hz."""
        return _bins(self.config.sample_rate, self.config.fft_length, lowest, highest)


@lru_cache
def _window(length: int, fft_length: int) -> NDArray[np.float32]:
    """Return a window under which squared spectra are powers."""
    window = get_window("hann", length)
    return (window * np.sqrt(2 / (fft_length * np.sum(window**2)))).astype(np.float32)


@lru_cache
def _bins(sample_rate: int, fft_length: int, lowest: float, highest: float) -> slice:
    return slice(*np.searchsorted(rfftfreq(fft_length, 1 / sample_rate), (lowest, highest)))


@lru_cache  # keyed by what affects them, as configurations for pictures differ in more
def _cached_mel_filters(sample_rate: int, fft_length: int, n_mels: int) -> NDArray[np.float32]:
    return mel_filters(sample_rate, fft_length, n_mels, MEL_LOWEST)


def _mel_filters(config: "FeatureConfig") -> NDArray[np.float32]:
    """Return triangular filters on Slaney's mel scale, shape (n_mels, n_bins)."""
    return _cached_mel_filters(config.sample_rate, config.fft_length, config.n_mels)
