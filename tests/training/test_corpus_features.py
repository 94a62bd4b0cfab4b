"""Altered copies of clips, from which training learns what does not matter."""

import numpy as np
import pytest
import soundfile
from signals import noise, speech_like, tone

from ser.audio.activity import cut_speech
from ser.audio.augmentation import RECORDINGS, add_noise, in_eight_bits, limit_band
from ser.audio.loading import load_audio
from ser.audio.speed import at_speeds, change_speed
from ser.training.config import Copy, TrainingConfig
from ser.training.features import make_copies

RATE = 16000


def power(waveform):
    return np.mean(np.square(waveform, dtype=np.float64))


@pytest.mark.parametrize("snr", [5, 20])
def test_noise_is_as_loud_as_asked_for(snr):
    clip = tone(1, RATE)
    noisy = add_noise(clip, RATE, snr, np.random.default_rng(0))
    assert 10 * np.log10(power(clip) / power(noisy - clip)) == pytest.approx(snr, abs=0.1)


def test_speed_changes_pitch_and_duration():
    faster = change_speed(tone(1, RATE, 400), RATE, 1.25)
    assert faster.size == pytest.approx(RATE / 1.25, abs=2)
    strongest = np.abs(np.fft.rfft(faster)).argmax() * RATE / faster.size
    assert strongest == pytest.approx(500, abs=2)


def test_a_clip_is_heard_as_training_tests_it():
    clip = np.pad(speech_like(1, RATE), RATE)
    heard = at_speeds(cut_speech(clip, RATE), RATE)
    versions = TrainingConfig().versions
    learned = list(make_copies((clip, RATE), RATE, "a name", versions, 0))
    assert len(learned) == len(versions)
    for version, copy in zip(heard, learned, strict=False):
        np.testing.assert_array_equal(version, copy)


def test_a_telephone_carries_no_high_sounds():
    heard = limit_band(noise(1, RATE), RATE, 300, 8000)
    spectrum = np.abs(np.fft.rfft(heard, RATE)) ** 2
    assert spectrum[4200:].sum() < 1e-3 * spectrum[1000:3000].sum()


def test_eight_bits_sound_like_a_file_of_eight_bits(tmp_path):
    clip = (speech_like(1, 48000, level=0.01) * 2**15).astype(np.int16)
    file = tmp_path / "clip.wav"
    soundfile.write(file, clip, 48000, subtype="PCM_U8")
    np.testing.assert_array_equal(in_eight_bits((clip, 48000), RATE), load_audio(file, RATE))


@pytest.mark.parametrize("kind", RECORDINGS)
def test_equal_seeds_give_equal_copies(kind):
    clip, record = speech_like(1, RATE), RECORDINGS[kind]
    first, again, other = (record(clip, RATE, np.random.default_rng(s)) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert first.size != other.size or not np.array_equal(first, other)
    assert np.isfinite(first).all()


def test_an_unknown_recording_is_refused():
    with pytest.raises(ValueError, match="recording is 'moon'; choose from clean, 8 bit, "):
        Copy(1.0, "moon")
