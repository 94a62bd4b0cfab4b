"""Tell speech from other sounds: noise, hum, tones and music should get no emotion.

The measures capture what speech always or never has. Each describes the whole clip, none is
trained, and each separates some kind of sound from speech by a wide margin. The figures beside
the thresholds are extremes over 2409 clips of RAVDESS and CREMA-D (as they are, with noise at
15 dB, over a telephone, in a small room and as MP3), 338 clips of song, and 3000 sounds of 30
other kinds, made with random settings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.ndimage import uniform_filter1d

from ser.audio.levels import percentile
from ser.errors import NoSpeechError

# Beyond these a sound is refused.
MIN_ARTICULATION = 1.3  # dB; speech at least 1.7, steady noise at most 0.8
MIN_BREADTH = 0.2  # share; speech at least 0.6, over a telephone 0.3, pure tones at most 0.1
MAX_PERSISTENCE = 0.85  # correlation; most chords and melodies above 0.9
# Beyond one of these a sound is refused if its timbre is not free.
MAX_HELD_PITCH = 0.45  # share; speech at most 0.4, melodies and arpeggios at least 0.5
HELD_PERSISTENCE = 0.75  # correlation; speech at most 0.65, song 0.73
# Speech in which one pitch is held throughout, as a vocoder made it, has 0.62 and 0.75 of these,
# but always says different vowels at it.
MIN_FREE_TIMBRE = 2.5  # dB; such speech at least 2.8, nearly all melodies and arpeggios below
# A clear sound whose timbre is not free is only doubted, since a clear "ah" is like that, too.
CLEAR = 0.95  # periodicity; most instruments and few voices are above

LOUD = -20.0  # dB relative to the clip
HIGHEST = 8000.0  # Hz, above which sounds differ more by microphone than by kind
RANGE = 45.0  # dB below the loudest band, beyond which noise would decide
ENVELOPE_ORDER = 6  # cepstral coefficients: enough for formants, too few for harmonics
SMOOTHING = 5  # frames, half a short sound
HELD = 0.06  # semitones in `HELD_LAG`: 2 per second
HELD_LAG = 3  # frames
SAME_PITCH = 0.5  # semitones
MIN_FRAMES = 30  # with voice; fewer are too few to judge
BREADTH_RANGE = 30.0  # dB below the loudest band of a frame that still count


class Tracks(Protocol):
    """What is needed of `ser.features.Tracks`, which stands above this module."""

    @property
    def f0(self) -> NDArray[np.float64]:
        """In Hz; NaN where unvoiced."""

    @property
    def periodicity(self) -> NDArray[np.float64]:
        """Share of the power that repeats after a period."""

    @property
    def level(self) -> NDArray[np.float32]:
        """In dB relative to the clip's."""

    @property
    def log_mel(self) -> NDArray[np.float32]:
        """Level of mel bands in dB relative to the clip's."""

    @property
    def mel_frequencies(self) -> NDArray[np.float64]:
        """Centres of the mel bands in Hz."""

    @property
    def persistence(self) -> NDArray[np.float32]:
        """Correlation of the spectrum's fine structure with that 50 ms later."""


@dataclass(frozen=True)
class Speechness:
    """What tells speech from other sounds.

    Attributes
    ----------
    articulation : float
        Spread over time of the spectral envelope in loud frames, whatever their level, in
        dB. Tongue and lips move it; it stays the same in noise, hum and single notes.
    held_pitch : float
        Share of voice whose pitch moves less than 2 semitones per second. Instruments step
        from note to note; a speaking or singing voice always glides.
    persistence : float
        Median correlation of the spectrum's fine structure with that 50 ms later: shows held
        pitch even where several notes sound together.
    breadth : float
        Share of the mel bands that a broad frame fills. Whistles and beeps fill few.
    clarity : float
        Median periodicity of loud frames.
    free_timbre : float
        Articulation among frames of the same pitch, in dB; infinite without voice. Voices
        say different vowels at one pitch; vibrato, sirens and sweeps sound alike at it.
    """

    articulation: float
    held_pitch: float
    persistence: float
    breadth: float
    clarity: float
    free_timbre: float


def measure(tracks: Tracks) -> Speechness:
    """Measure what tells speech from other sounds.

    Parameters
    ----------
    tracks : ser.features.Tracks
    """
    loud = tracks.level > LOUD
    bands = tracks.log_mel[:, tracks.mel_frequencies < HIGHEST]
    envelope = _envelope(bands)
    bands = bands[loud]
    filled = np.mean(bands > bands.max(axis=1, keepdims=True) - BREADTH_RANGE, axis=1)
    semitones = 12 * np.log2(tracks.f0)
    return Speechness(
        articulation=_spread(envelope[loud], [0]),
        held_pitch=_held_pitch(semitones),
        persistence=float(np.median(tracks.persistence[loud])),
        breadth=percentile(filled, 90),
        clarity=clarity(tracks),
        free_timbre=_free_timbre(envelope[loud], semitones[loud]),
    )


def clarity(tracks: Tracks) -> float:
    """Return the median periodicity of loud frames, from 0 for noise to 1 for a pure tone."""
    return float(np.median(tracks.periodicity[tracks.level > LOUD]))


def check_speech(tracks: Tracks) -> list[str]:
    """Refuse a sound that is not speech, and doubt one that may not be.

    Returns
    -------
    list of str
        Reasons for doubt, one sentence each.

    Raises
    ------
    NoSpeechError
        The sound is noise, hum, tones or music.
    """
    sound = measure(tracks)
    is_held = sound.held_pitch > MAX_HELD_PITCH or sound.persistence > HELD_PERSISTENCE
    is_free = min(sound.free_timbre, sound.articulation) >= MIN_FREE_TIMBRE
    if (is_held and not is_free) or sound.persistence > MAX_PERSISTENCE:
        raise _no_speech("tones or music")
    if sound.breadth < MIN_BREADTH:
        raise _no_speech("beeps or whistles")
    if sound.articulation < MIN_ARTICULATION:
        raise _no_speech("noise or another steady sound")
    if sound.clarity > CLEAR and sound.free_timbre < MIN_FREE_TIMBRE:
        return [
            "This may not be speech: it sounds like an instrument, of which the answer says "
            "nothing; record a person who is speaking."
        ]
    return []


def _no_speech(kind: str) -> NoSpeechError:
    return NoSpeechError(
        f"The recording holds {kind} but no speech; record a person who is speaking."
    )


def _envelope(log_mel: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the spectral envelope without its level, in dB, shape (n_frames, ENVELOPE_ORDER)."""
    floored = np.maximum(log_mel, percentile(log_mel, 99.5) - RANGE)
    cepstra = dct(floored, axis=1, norm="ortho")[:, 1 : ENVELOPE_ORDER + 1]
    return uniform_filter1d(cepstra / np.sqrt(log_mel.shape[1]), SMOOTHING, axis=0)


def _spread(envelope: NDArray[np.float64], starts: Sequence[int] | NDArray[np.intp]) -> float:
    """Return the root mean square distance of envelopes from the mean of their group.

    Groups follow each other, from each of `starts` on.
    """
    sizes = np.diff(starts, append=len(envelope))
    means = np.add.reduceat(envelope, starts) / sizes[:, None]
    squares = np.sum(np.square(envelope - np.repeat(means, sizes, axis=0)))
    return float(np.sqrt(squares / np.sum(sizes - 1)))


def _held_pitch(semitones: NDArray[np.float64]) -> float:
    moved = np.abs(semitones[HELD_LAG:] - semitones[:-HELD_LAG])
    moved = moved[np.isfinite(moved)]
    return float(np.mean(moved < HELD)) if moved.size >= MIN_FRAMES else 0.0


def _free_timbre(envelope: NDArray[np.float64], semitones: NDArray[np.float64]) -> float:
    voiced = np.isfinite(semitones)
    pitch = np.rint(semitones[voiced] / SAME_PITCH)
    order = np.argsort(pitch, kind="stable")
    pitch, envelope = pitch[order], envelope[voiced][order]
    # Frames whose pitch no other has cannot differ.
    same = np.diff(pitch) == 0
    shared = np.append(same, False) | np.append(False, same)
    if shared.sum() < MIN_FRAMES:
        return np.inf
    changes = np.diff(pitch[shared], prepend=np.nan) != 0
    return _spread(envelope[shared], np.flatnonzero(changes))
