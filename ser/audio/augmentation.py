"""Altered copies of training clips: other rooms, microphones and lines.

A recogniser that has heard 24 people in one studio mistakes properties of that studio and those
voices for emotion. The copies vary what differs between recordings; `ser.audio.speed` imitates
other voices.

Waveforms are mono float32, shape (n_samples,), before and after; their sample rate is in Hz. 8-bit
copies are made from the recording itself.
Random numbers come from the given generator, so that the same seed gives the same copies.

References
----------
Ko et al., "A Study on Data Augmentation of Reverberant Speech for Robust Speech Recognition",
ICASSP 2017 (rooms).
"""

from collections.abc import Callable

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq
from scipy.signal import fftconvolve

from ser.audio.clips import Clip
from ser.audio.levels import frame_power
from ser.audio.loading import STEP, load_audio

FRAME = 0.02  # s, over which the level of speech is measured
SPEECH_RANGE = 30.0  # dB below the loudest frame that still count as speech
TELEPHONE_LOW = (100.0, 400.0)  # Hz, lower edges of what telephones pass on
TELEPHONE_RATE = (6_400.0, 8_000.0)  # Hz, twice the upper edges, 3.2 to 4 kHz (ITU-T G.712)
LINE_LOW, LINE_RATE = (50.0, 200.0), (10_000.0, 20_000.0)  # Hz, the same of other lines
FILE_RATE = 48_000  # Hz, of RAVDESS
REFERENCE = 1000.0  # Hz, at which equalisers leave the level as it is


def add_noise(
    waveform: NDArray[np.float32],
    sample_rate: int,
    snr: float,
    rng: np.random.Generator,
    *,
    slope: float = 0.0,
) -> NDArray[np.float32]:
    """Add noise under the speech.

    Parameters
    ----------
    snr : float
        Power of the speech (not of pauses) over that of the noise, in dB.
    rng : numpy.random.Generator
    slope : float
        Power of the frequency by which the noise's amplitude falls: 0 is white, 0.5 pink.
    """
    length = next_fast_len(waveform.size, real=True)
    spectrum = rfft(rng.standard_normal(waveform.size).astype(np.float32), length)
    frequencies = np.maximum(rfftfreq(length, 1 / sample_rate), 50).astype(np.float32)
    noise = irfft(spectrum * frequencies ** np.float32(-slope), length)[: waveform.size]
    gain = np.sqrt(speech_power(waveform, sample_rate) / np.mean(noise**2)) * 10 ** (-snr / 20)
    return waveform + np.float32(gain) * noise


def add_room(
    waveform: NDArray[np.float32],
    sample_rate: int,
    reverberation_time: float,
    direct_to_reverberant: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Put the speaker into a room whose response is modelled as decaying noise.

    Parameters
    ----------
    reverberation_time : float
        Seconds in which the sound falls by 60 dB.
    direct_to_reverberant : float
        Power of the direct sound over that of the room, in dB.
    rng : numpy.random.Generator
    """
    times = np.arange(int(reverberation_time * sample_rate)) / sample_rate
    response = rng.standard_normal(times.size) * 10 ** (-3 * times / reverberation_time)
    response[times < 0.002] = 0  # the first reflection arrives after the direct sound
    response *= 10 ** (-direct_to_reverberant / 20) / np.sqrt(np.sum(response**2))
    response[0] = 1
    return fftconvolve(waveform, response.astype(np.float32))[: waveform.size]


def limit_band(
    waveform: NDArray[np.float32], sample_rate: int, low: float, rate: float
) -> NDArray[np.float32]:
    """Send the clip through a line that carries no low sounds and has a lower sample rate.

    Parameters
    ----------
    low : float
        In Hz; below, the sound falls by 24 dB per octave.
    rate : float
        Sample rate of the line in Hz; sounds from half of it up are lost.
    """

    def gain(frequencies: NDArray[np.float32]) -> NDArray[np.float32]:
        return -24 * np.maximum(0, np.log2(np.float32(low) / frequencies))

    line = _filter(soxr.resample(waveform, sample_rate, rate), rate, gain)
    return soxr.resample(line, rate, sample_rate)


def equalise(
    waveform: NDArray[np.float32], sample_rate: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Colour the sound as microphones do: a tilt and three broad bumps or dips, up to 8 dB."""
    tilt = np.float32(rng.uniform(-3, 3))  # dB per octave
    heights = rng.uniform(-8, 8, 3).astype(np.float32)
    centres = rng.uniform(-3, 3, 3).astype(np.float32)
    widths = rng.uniform(0.3, 1, 3).astype(np.float32)

    def gain(frequencies: NDArray[np.float32]) -> NDArray[np.float32]:
        octaves = np.log2(frequencies / np.float32(REFERENCE))
        distances = (octaves - centres[:, None]) / widths[:, None]
        return np.clip(tilt * octaves + heights @ np.exp(-distances * distances / 2), -20, 20)

    return _filter(waveform, sample_rate, gain)


def in_eight_bits(clip: Clip, sample_rate: int) -> NDArray[np.float32]:
    """Store a recording in an 8-bit file without dither, and load that.

    It is stored at `FILE_RATE`, not at `sample_rate`: sounds too high for the features affect
    how quiet ones are rounded.

    Parameters
    ----------
    clip : str, Path, bytes or (ndarray, int)
        The recording itself, as `ser.audio.loading.load_audio` takes it.
    sample_rate : int
        Of the result, in Hz.
    """
    stored = np.floor(load_audio(clip, FILE_RATE) / STEP) * STEP  # the other bits are cut off
    return load_audio((np.clip(stored, -1, 1 - STEP), FILE_RATE), sample_rate)


def over_telephone(
    waveform: NDArray[np.float32], sample_rate: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Record the clip again over a telephone, mostly with some noise."""
    waveform = equalise(waveform, sample_rate, rng)
    waveform = limit_band(
        waveform, sample_rate, rng.uniform(*TELEPHONE_LOW), rng.uniform(*TELEPHONE_RATE)
    )
    return _maybe_noise(waveform, sample_rate, 0.75, (10, 40), rng)


def in_noise(
    waveform: NDArray[np.float32], sample_rate: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Record the clip again with another microphone in noise."""
    waveform = equalise(waveform, sample_rate, rng)
    return _maybe_noise(waveform, sample_rate, 1, (5, 25), rng)


def in_room(
    waveform: NDArray[np.float32], sample_rate: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Record the clip again farther away, maybe with some noise."""
    waveform = equalise(waveform, sample_rate, rng)
    waveform = _random_room(waveform, sample_rate, rng)
    return _maybe_noise(waveform, sample_rate, 0.5, (10, 40), rng)


def in_all_ways(
    waveform: NDArray[np.float32], sample_rate: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Record the clip again over some line, maybe in a room and in noise."""
    waveform = equalise(waveform, sample_rate, rng)
    low, rate = (TELEPHONE_LOW, TELEPHONE_RATE) if rng.random() < 0.5 else (LINE_LOW, LINE_RATE)
    waveform = limit_band(waveform, sample_rate, rng.uniform(*low), rng.uniform(*rate))
    if rng.random() < 0.5:
        waveform = _random_room(waveform, sample_rate, rng)
    return _maybe_noise(waveform, sample_rate, 0.75, (5, 40), rng)


RECORDINGS = {
    "telephone": over_telephone,
    "noise": in_noise,
    "room": in_room,
    "all ways": in_all_ways,
}
"""Kinds of degraded recordings, all of them with another microphone."""


def _random_room(
    waveform: NDArray[np.float32], sample_rate: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    return add_room(waveform, sample_rate, rng.uniform(0.15, 1), rng.uniform(-8, 12), rng)


def _maybe_noise(
    waveform: NDArray[np.float32],
    sample_rate: int,
    probability: float,
    snrs: tuple[float, float],
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Add noise of some colour at a ratio from a range in dB, or none."""
    if rng.random() >= probability:
        return waveform
    return add_noise(waveform, sample_rate, rng.uniform(*snrs), rng, slope=rng.uniform(0, 1))


def _filter(
    waveform: NDArray[np.float32],
    sample_rate: float,
    gain: Callable[[NDArray[np.float32]], NDArray[np.float32]],
) -> NDArray[np.float32]:
    """Apply a gain in dB, a function of frequency in Hz, without phase."""
    length = next_fast_len(waveform.size + 2048, real=True)
    frequencies = np.maximum(rfftfreq(length, 1 / sample_rate), 1).astype(np.float32)
    response = 10 ** (np.maximum(gain(frequencies), np.float32(-80)) / 20)
    return irfft(rfft(waveform, length) * response.astype(np.float32), length)[: waveform.size]


def speech_power(waveform: NDArray[np.float32], sample_rate: int) -> float:
    """Return the mean power of the frames that are not pauses."""
    power = frame_power(waveform, int(FRAME * sample_rate))
    return power[power >= power.max() * 10 ** (-SPEECH_RANGE / 10)].mean()
