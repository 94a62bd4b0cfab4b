"""What a few signals measure, stored in ``golden.npz``, since models rely on it.

``python -m tests.features.golden`` writes the file anew. It refuses as long as the file holds the
present `FEATURE_VERSION`: features that move under the same version are not those that a model
learned from.

The signals are made of formulas alone, so that they are the same everywhere. Between them they
hold whatever the constants of ``ser/audio`` and ``ser/features`` decide about.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from ser.audio import speed
from ser.audio.activity import cut_speech, find_speech
from ser.audio.loading import load_audio
from ser.audio.speech_check import measure
from ser.features import FeatureExtractor
from ser.features.config import FEATURE_VERSION

STORED = Path(__file__).with_name("golden.npz")
EXTRACTOR = FeatureExtractor()
RATE = EXTRACTOR.config.sample_rate

TOLERANCE = 2e-3
"""How far a value may be off, relative to its size plus 1: storing it in 16 bits takes 0.0005,
other processors 0.00001, and a frame that rounding takes across a threshold 0.001."""

VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (570, 840, 2410), (530, 1840, 2480))  # Hz


def noise(n_samples, seed):
    """White noise from -1 to 1: a counter whose bits are mixed (SplitMix64, Steele et al. 2014)."""
    bits = np.arange(seed << 32, (seed << 32) + n_samples, dtype=np.uint64)
    bits *= np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (bits ^ (bits >> np.uint64(31))) / 2.0**63 - 1


def glide(start, stop, seconds, rate):
    """F0 in Hz at each sample, from one to another with a vibrato."""
    time = np.arange(int(seconds * rate)) / rate
    return start * (stop / start) ** (time / seconds) * 1.02 ** np.sin(2 * np.pi * 5 * time)


def vowel(f0, rate, formants, creak=0.0):
    """Harmonics whose amplitudes follow formants; creak makes every other period louder."""
    phase = 2 * np.pi * np.cumsum(f0) / rate
    waveform = np.zeros(f0.size)
    for order in range(1, int(min(6000, 0.45 * rate) / f0.max())):
        hertz = order * f0
        gain = 0.01 + sum(1 / (1 + ((hertz - formant) / 120) ** 2) for formant in formants)
        waveform += gain / order**0.5 * np.cos(order * phase + order**2)
    return waveform / 2 * (1 + creak * np.cos(phase / 2))


def syllables(f0, rate, count, *, fall, dip, creak=0.0):
    """Vowel after vowel, each quieter by `fall` dB, and creakier if at all.

    Between them the level falls by `dip` dB, between later ones by twice that.
    """
    course = np.linspace(0, count, f0.size, endpoint=False)
    index, valley = course.astype(int), np.cos(np.pi * (course % 1)) ** 4
    creaks = creak * index / count * (1 - valley)
    voices = [vowel(f0, rate, formants, creaks) for formants in VOWELS]
    decibels = -fall * course - valley * dip * (1 + course / count)
    return np.choose(index % len(VOWELS), voices) * 10 ** (decibels / 20)


def sentence(rate=48_000):
    """Someone who grows quiet, pauses and answers in a creaky voice, with hum and an offset."""
    said = syllables(glide(95, 230, 1.4, rate), rate, 6, fall=4.3, dip=20)
    hiss = 0.1 * np.diff(noise(int(0.2 * rate), 1), prepend=0)
    answer = 0.6 * syllables(glide(250, 130, 1.1, rate), rate, 6, fall=0, dip=6, creak=0.8)
    pause = np.zeros(int(1.08 * rate))
    waveform = np.concatenate([pause[: rate // 3], said, hiss, pause, answer, pause])
    time = np.arange(waveform.size) / rate
    hum = 0.3 * np.sin(2 * np.pi * 50 * time) + 0.02 * np.sin(2 * np.pi * 66 * time)
    return 0.2 * (waveform + hum + 2e-3 * noise(waveform.size, 2)) + 0.05


def street(rate=16_000):
    """A voice in noise that comes and goes, and whose last sound fades into it, over rumble."""
    said = syllables(glide(180, 130, 1.2, rate), rate, 8, fall=1, dip=1.4)
    fading = noise(int(0.9 * rate), 3)
    fading *= 10 ** (-1.8 * np.arange(fading.size) / fading.size) / 2
    waveform = np.concatenate([np.zeros(rate // 2), said, fading])
    time = np.arange(waveform.size) / rate
    waveform += (0.05 + 0.1 * np.sin(2.5 * time) ** 2) * noise(time.size, 4)
    return 0.2 * (waveform + 0.5 * np.sin(2 * np.pi * 58 * time))


def breath(rate=16_000):
    """Bursts of noise in noise, nowhere a voice, the second channel against the first."""
    time = np.arange(int(1.2 * rate)) / rate
    waveform = (0.15 + np.sin(2 * np.pi * 1.7 * time) ** 4) * noise(time.size, 5) / 4
    return np.stack([waveform, -0.65 * waveform], axis=1)


def held(rate=RATE):
    """A hiss and a steady vowel, short and very quiet; almost nothing on the second channel."""
    steady = vowel(150 + 0.3 * np.arange(int(0.17 * rate)) / rate, rate, VOWELS[3])
    waveform = np.pad(np.concatenate([noise(int(0.16 * rate), 6) / 3, steady]), rate // 2)
    return 1.5e-4 * np.stack([waveform, 9.5e-4 * waveform], axis=1)


def coarse(rate=8_000):
    """Quiet speech of 8 bits, before and after which samples flip between two values."""
    said = syllables(glide(330, 440, 0.8, rate), rate, 2, fall=6, dip=30)
    waveform = 0.1 * np.pad(said, rate // 2)
    drift = np.repeat(noise(waveform.size // 40, 7), 40)
    return np.floor((waveform + 0.004 * drift) * 128) / 128


def make_clips(folder):
    """Return the clips by name, each as `load_audio` takes it; those that take least time first."""
    file = folder / "sentence.wav"
    soundfile.write(file, sentence(), 48_000, subtype="PCM_16")
    return {
        "breath": (14 * breath() / np.abs(breath()).max(), 16_000),  # floats beyond full scale
        "held": (held(), RATE),
        "coarse": (coarse(), 8_000),
        "street": (30_000 * street() / np.abs(street()).max(), 16_000),  # integers made floats
        "sentence": file,
    }


MEASURES = (
    *("start", "stop", "speech duration", "silence", "level", "speech level"),
    *("articulation", "held pitch", "persistence", "breadth", "clarity", "free timbre"),
)
NAMES = (*MEASURES, *EXTRACTOR.names)


def measure_clips(clips):
    """Yield the name of each clip and its values of `NAMES`, features at one speed or the other."""
    for index, (name, clip) in enumerate(clips.items()):
        waveform = load_audio(clip, RATE)
        found, speech = find_speech(waveform, RATE), cut_speech(waveform, RATE)
        version = speed.change_speed(speech, RATE, (0.95, 1.05)[index % 2])
        tracks = EXTRACTOR.tracks(version)
        sound = measure(tracks)
        measures = [
            *(found.start / RATE, found.stop / RATE, speech.size / RATE, np.mean(waveform == 0)),
            *(10 * np.log10(np.mean(np.square(each))) for each in (waveform, speech)),
            *(sound.articulation, sound.held_pitch, sound.persistence, sound.breadth),
            *(sound.clarity, min(sound.free_timbre, 100)),
        ]
        yield name, np.array([*measures, *EXTRACTOR.summarise(tracks)])


def difference(values, stored):
    """Say in a few words how values differ from what is stored; an empty string if they do not."""
    if values.shape != stored.shape:
        return f"there are {values.size} values instead of {stored.size}"
    distance = np.abs(values - stored) / (1 + np.abs(stored))
    distance = np.where(np.isnan(distance), np.inf, distance)
    if distance.max() <= TOLERANCE:
        return ""
    most = distance.argmax()
    return (
        f"{np.sum(distance > TOLERANCE)} values have moved, most of all {NAMES[most]}, from "
        f"{stored[most]:.4g} to {values[most]:.4g}"
    )


def read():
    """Return the version of what is stored, and the values of each clip."""
    with np.load(STORED) as stored:
        values = {name: stored[name].astype(float) for name in stored}
    return int(values.pop("version")), values


def write():
    """Write the values of this version; exit if there are some of it."""
    if STORED.exists() and read()[0] == FEATURE_VERSION:
        sys.exit(
            f"{STORED.name} holds version {FEATURE_VERSION}; raise FEATURE_VERSION in "
            "ser/features/config.py first, and train again."
        )
    with tempfile.TemporaryDirectory() as folder:
        measured = dict(measure_clips(make_clips(Path(folder))))
    values = {name: each.astype(np.float16) for name, each in measured.items()}
    np.savez_compressed(STORED, version=FEATURE_VERSION, **values)


if __name__ == "__main__":
    write()
