"""Warnings about the recording."""

import numpy as np
import pytest
from signals import noise, speech_like, tone

from ser.audio.activity import find_speech
from ser.audio.loading import load_audio
from ser.audio.quality import recording_warnings

RATE = 24000
SPEECH = slice(RATE // 2, 5 * RATE // 2)


def only_warning(waveform, segment=SPEECH):
    (sentence,) = recording_warnings(waveform, RATE, segment)
    assert sentence.endswith(".")
    return sentence


@pytest.mark.parametrize("level", [0.003, 0.1])
def test_clean_speech_has_none_whether_soft_or_loud(level):
    voice = speech_like(level=0.1) * level / 0.1
    assert recording_warnings(voice, RATE, SPEECH) == []


def test_very_quiet():
    assert "quiet" in only_warning(speech_like() * 0.003)


def test_clipped():
    assert "clipped" in only_warning(np.clip(10 * speech_like(), -1, 1))


@pytest.mark.parametrize("gain", [1.2, 2, 10])
def test_floats_beyond_full_scale_are_not_clipped_unless_they_are_flat(gain):
    voice = speech_like(sample_rate=48000) * gain
    voice /= np.abs(speech_like(sample_rate=48000)).max()
    assert recording_warnings(load_audio((voice, 48000), RATE), RATE, SPEECH) == []
    flat = np.clip(voice * 2, -1, 1)
    assert "clipped" in only_warning(load_audio((flat, 48000), RATE))


@pytest.mark.parametrize("offset", [0.01, 0.05])
def test_a_constant_offset_is_no_noise(offset):
    assert recording_warnings(speech_like() + np.float32(offset), RATE, SPEECH) == []


def test_hum_is_no_noise_since_it_is_not_heard():
    assert recording_warnings(speech_like() + tone(3, RATE, 60, level=0.03), RATE, SPEECH) == []


def test_noisy():
    assert "noisy" in only_warning(speech_like() + noise(3, level=0.05))


def test_noisy_between_digital_silence():
    noisy = speech_like() + noise(3, level=0.05)
    segment = slice(SPEECH.start + RATE, SPEECH.stop + RATE)
    assert "noisy" in only_warning(np.pad(noisy, RATE), segment)


def test_few_steps_of_eight_bits():
    waveform = load_audio(((speech_like() * 16 + 128).astype(np.uint8), RATE), RATE)
    assert "noisy" in only_warning(waveform)


def test_little_speech():
    assert "0.4 s" in only_warning(speech_like(), slice(RATE, RATE + 4 * RATE // 10))


def test_a_segment_shorter_than_a_frame_is_still_measured():
    assert recording_warnings(speech_like(), RATE, slice(RATE, RATE + 100))


def warned(waveforms):
    """Return of which share of waveforms there is any warning."""
    return np.mean(
        [bool(recording_warnings(each, RATE, find_speech(each, RATE))) for each in waveforms]
    )


def test_few_ravdess_clips_draw_any(ravdess_speech):
    clips = [load_audio(path, RATE) for path in sorted(ravdess_speech.glob("*/*.*"))[::23]]
    assert warned(clips) <= 0.05
    cut = [clip[find_speech(clip, RATE)] for clip in clips]  # without a pause that tells the noise
    assert warned(np.pad(clip, RATE) for clip in cut) <= 0.1
