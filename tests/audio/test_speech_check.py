"""Speech is told from other sounds."""

import io

import numpy as np
import pytest
import soundfile
import sounds
from signals import noise, speech_like

from ser.audio.activity import find_speech
from ser.audio.loading import load_audio
from ser.audio.speech_check import check_speech
from ser.errors import NoSpeechError
from ser.features import FeatureConfig, FeatureExtractor

EXTRACTOR = FeatureExtractor(FeatureConfig(families=("energy",), statistics=("mean",)))
RATE = EXTRACTOR.config.sample_rate


def verdict(waveform):
    """What a person would be told of a sound: nothing, a doubt or a refusal."""
    waveform = np.asarray(waveform, np.float32)
    try:
        return check_speech(EXTRACTOR.tracks(waveform[find_speech(waveform, RATE)]))
    except NoSpeechError as error:
        return [str(error)]


def accepted(kind, count=20):
    """How many of some sounds would get an emotion without a warning."""
    rng = np.random.default_rng(0)
    return sum(verdict(0.1 * kind(rng, RATE)) == [] for _ in range(count))


@pytest.mark.parametrize(
    ("kind", "heard"),
    [
        (sounds.white_noise, "noise"),
        (sounds.pink_noise, "noise"),
        (sounds.brown_noise, "noise"),
        (sounds.applause, "noise"),
        (sounds.wind, "noise"),
        (sounds.steady_tone, "tones or music"),
        (sounds.melody, "tones or music"),
        (sounds.chords, "tones or music"),
        (sounds.arpeggio, "tones or music"),
    ],
)
def test_a_sound_is_named(kind, heard):
    (sentence,) = verdict(0.1 * kind(np.random.default_rng(1), RATE))
    assert heard in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    "kind",
    [
        *(sounds.white_noise, sounds.pink_noise, sounds.brown_noise, sounds.applause, sounds.wind),
        *(sounds.hum, sounds.engine, sounds.steady_tone, sounds.whistle),
        *(sounds.melody, sounds.chords, sounds.arpeggio, sounds.vibrato),
    ],
)
def test_at_most_one_in_twenty_passes_for_speech(kind):
    assert accepted(kind) <= 1


@pytest.mark.parametrize("seed", range(8))
def test_speech_passes(seed):
    pitch = np.random.default_rng(seed).uniform(90, 260)
    assert verdict(speech_like(2, RATE, pitch=pitch, seed=seed)) == []


def test_noisy_speech_passes():
    assert verdict(speech_like(2, RATE) + noise(3, RATE, level=0.1 * 10 ** (-15 / 20))) == []


def test_whispered_speech_passes():
    """Noise through the same moving vocal tract, without any voice."""
    voice = speech_like(2, RATE)
    spectra = np.fft.rfft(voice[: voice.size // 512 * 512].reshape(-1, 512), axis=1)
    turned = np.random.default_rng(0).uniform(0, 2 * np.pi, spectra.shape)
    whisper = np.fft.irfft(np.abs(spectra) * np.exp(1j * turned), axis=1).ravel()
    assert verdict(whisper) == []


def mp3(waveform):
    file = io.BytesIO()
    soundfile.write(file, waveform, RATE, format="MP3")
    return load_audio(file.getvalue(), RATE)


@pytest.mark.parametrize("change", [lambda clip: clip, mp3], ids=["clean", "MP3"])
def test_recorded_speech_passes(change, ravdess_speech):
    clips = [load_audio(path, RATE) for path in sorted(ravdess_speech.glob("*/*.*"))[::36]]
    assert [verdict(change(clip)) for clip in clips] == [[]] * len(clips)


def test_recorded_speech_of_another_corpus_passes(shared):
    paths = sorted((shared / "crema_d").glob("*.flac"))[::24]
    assert [verdict(load_audio(path, RATE)) for path in paths] == [[]] * len(paths)


@pytest.mark.parametrize("pitch", [110.0, 140.0, 220.0])
def test_a_short_phrase_at_one_pitch_is_speech(pitch):
    assert verdict(speech_like(1.5, RATE, pitch=pitch, intonation=0.05)) == []
