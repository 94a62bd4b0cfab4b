"""What the picture of a recording is drawn from, in as many columns as a screen shows."""

import numpy as np

COLUMNS = 800
"""Columns of a picture at most; a recording of an hour is not drawn finer than one of a second."""

MAX_FREQUENCY = 8000
"""Top of the spectrogram in Hz."""

MELS = 80
RANGE = 65.0
"""Decibels from the loudest point of a spectrogram down to where it fades out."""

PITCH_RANGE = (65.0, 500.0)
"""Hz between which a speaking voice moves."""

FRAME = 0.05
"""Seconds of sound behind one point of spectrogram or pitch."""

MIN_PERIODICITY = 0.5
"""Correlation of a frame with itself one period later, from which it counts as voiced."""


def envelope(waveform):
    """Return the lowest and highest sample of each column.

    Parameters
    ----------
    waveform : ndarray, shape (n_samples,)

    Returns
    -------
    low, high : ndarray, shape (n_columns,)
    """
    starts = np.linspace(0, waveform.size, min(COLUMNS, waveform.size), endpoint=False).astype(int)
    return np.minimum.reduceat(waveform, starts), np.maximum.reduceat(waveform, starts)


def mel(hertz):
    """Convert Hz to mel (O'Shaughnessy 1987, as HTK writes it)."""
    return 2595 * np.log10(1 + np.asarray(hertz) / 700)


def mel_spectrogram(waveform, sample_rate):
    """Return a log-mel spectrogram, scaled for drawing.

    Parameters
    ----------
    waveform : ndarray, shape (n_samples,)
    sample_rate : int
        In Hz.

    Returns
    -------
    ndarray, shape (MELS, n_columns)
        From 0, `RANGE` below the loudest point or silence, to 1; low frequencies first.
    """
    frames = _frames(waveform, sample_rate)[1]
    power = np.abs(np.fft.rfft(frames * np.hanning(frames.shape[1]))) ** 2
    bins = np.fft.rfftfreq(frames.shape[1], 1 / sample_rate)
    centres = np.linspace(0, mel(MAX_FREQUENCY), MELS + 2)
    rising = (mel(bins) - centres[:-2, None]) / (centres[1] - centres[0])
    filters = np.clip(np.minimum(rising, 2 - rising), 0, None)
    # The lowest filters are narrower than a bin; each takes the bin at its centre at least.
    nearest = np.abs(mel(bins) - centres[1:-1, None]).argmin(axis=1)
    filters[np.arange(MELS), nearest] = np.maximum(filters[np.arange(MELS), nearest], 0.5)
    decibels = 10 * np.log10(filters @ power.T + 1e-10)
    return np.clip(1 + (decibels - decibels.max()) / RANGE, 0, 1)


def pitch_track(waveform, sample_rate):
    """Return the fundamental frequency over time, by autocorrelation.

    Parameters
    ----------
    waveform : ndarray, shape (n_samples,)
    sample_rate : int
        In Hz.

    Returns
    -------
    times : ndarray, shape (n_columns,)
        In seconds.
    hertz : ndarray, shape (n_columns,)
        NaN where there is no voice.

    References
    ----------
    Boersma, "Accurate short-term analysis of the fundamental frequency and the
    harmonics-to-noise ratio of a sampled sound", IFA Proceedings 17, 1993: the
    autocorrelation is divided by that of the window.
    """
    times, frames = _frames(waveform, sample_rate)
    length = frames.shape[1]
    window = np.hanning(length)
    frames = (frames - frames.mean(axis=1, keepdims=True)) * window
    correlation = _autocorrelation(frames) / _autocorrelation(window)
    shortest, longest = (int(sample_rate / hertz) for hertz in PITCH_RANGE[::-1])
    lags = np.arange(shortest, min(longest, length // 2) + 1)
    # A little less for longer lags: twice the period fits as well as the period itself.
    scores = correlation[:, lags] * (1 - 0.1 * lags / lags[-1])
    best = scores.argmax(axis=1)
    hertz = sample_rate / lags[best].astype(float)
    periodicity = np.take_along_axis(correlation[:, lags], best[:, None], axis=1)[:, 0]
    loudness = np.sqrt(np.mean(frames**2, axis=1))
    hertz[(periodicity < MIN_PERIODICITY) | (loudness < 0.03 * loudness.max())] = np.nan
    return times, hertz


def _frames(waveform, sample_rate):
    """Cut at most `COLUMNS` frames out of a recording, evenly spread; return centres and frames."""
    length = int(FRAME * sample_rate)
    padded = np.pad(waveform, length // 2)
    count = min(COLUMNS, waveform.size // (length // 5) + 1)
    centres = np.linspace(0, waveform.size, count, endpoint=False).astype(int)
    windows = np.lib.stride_tricks.sliding_window_view(padded, length)
    return centres / sample_rate, windows[np.minimum(centres, len(windows) - 1)]


def _autocorrelation(frames):
    """Return the autocorrelation along the last axis, 1 at lag 0 unless all is zero."""
    spectrum = np.fft.rfft(frames, 2 * frames.shape[-1])
    result = np.fft.irfft(np.abs(spectrum) ** 2)[..., : frames.shape[-1]]
    return result / np.maximum(result[..., :1], 1e-12)
