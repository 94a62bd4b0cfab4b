"""Warnings about the recording."""

import numpy as np
import pytest
from signals import noise, speech_like, tone

from ser.audio.activity import cut_speech, find_speech
from ser.audio.augmentation import add_noise
from ser.audio.loading import load_audio
from ser.audio.quality import recording_warnings
from ser.audio.speech_check import clarity
from ser.features import FeatureConfig, FeatureExtractor

RATE = 24000
SPEECH = slice(RATE // 2, 5 * RATE // 2)


def warnings(waveform, segment=SPEECH, clarity=0.8):
    return recording_warnings(waveform, RATE, segment, clarity=clarity)


def only_warning(waveform, segment=SPEECH, clarity=0.8):
    (sentence,) = warnings(waveform, segment, clarity)
    assert "; record " in sentence and sentence.endswith(".")
    assert len(sentence.split()) <= 25, "nobody reads on"
    return sentence


@pytest.mark.parametrize("level", [1e-4, 0.003, 0.1])
def test_clean_speech_has_none_whether_soft_or_loud(level):
    voice = speech_like(level=0.1) * level / 0.1
    assert warnings(voice) == []


def test_much_clipping_is_told_and_a_little_is_not():
    assert "clipped" in only_warning(np.clip(20 * speech_like(), -1, 1))
    assert warnings(np.clip(3 * speech_like(), -1, 1)) == []


@pytest.mark.parametrize("gain", [1.2, 2, 10])
def test_floats_beyond_full_scale_are_not_clipped_unless_they_are_flat(gain):
    voice = speech_like(sample_rate=48000) * gain
    voice /= np.abs(speech_like(sample_rate=48000)).max()
    assert warnings(load_audio((voice, 48000), RATE)) == []
    flat = np.clip(voice * 20, -1, 1)
    assert "clipped" in only_warning(load_audio((flat, 48000), RATE))


@pytest.mark.parametrize("offset", [0.01, 0.05])
def test_a_constant_offset_is_no_noise(offset):
    assert warnings(speech_like() + np.float32(offset), clarity=0) == []


def test_hum_is_no_noise_since_it_is_not_heard():
    assert warnings(speech_like() + tone(3, RATE, 60, level=0.03), clarity=0) == []


def heard(waveform):
    """Return the warnings, and the clarity that the features measure."""
    segment, extractor = find_speech(waveform, RATE), FeatureExtractor(FeatureConfig())
    found = clarity(extractor.tracks(cut_speech(waveform, RATE)))
    return warnings(waveform, segment, found)


def test_noise_is_told_where_it_drowns_the_voice():
    def with_noise(snr):
        return add_noise(speech_like(), RATE, snr, np.random.default_rng(0))

    (sentence,) = heard(with_noise(0))
    assert "noisy" in sentence
    assert heard(with_noise(15)) == []


def test_speech_without_a_pause_is_not_noisy():
    speech = speech_like()[SPEECH]
    assert heard(speech + noise(2, level=1e-4)) == []


def test_noisy_between_digital_silence():
    noisy = speech_like() + noise(3, level=0.1)
    segment = slice(SPEECH.start + RATE, SPEECH.stop + RATE)
    assert "noisy" in only_warning(np.pad(noisy, RATE), segment, clarity=0.3)


def test_little_speech():
    assert "0.4 s" in only_warning(speech_like(), slice(RATE, RATE + 4 * RATE // 10))


def test_a_segment_shorter_than_a_frame_is_still_measured():
    assert warnings(speech_like(), slice(RATE, RATE + 100))


def test_few_ravdess_clips_draw_any(ravdess_speech):
    clips = [load_audio(path, RATE) for path in sorted(ravdess_speech.glob("*/*.*"))[::95]]
    assert not any(heard(clip) for clip in clips)
    drowned = [add_noise(clip, RATE, 0, np.random.default_rng(0)) for clip in clips]
    assert np.mean([bool(heard(clip)) for clip in drowned]) >= 0.9
