"""A voice profile: what someone's everyday speech changes."""

import dataclasses
import json

import numpy as np
import pytest
import soundfile
from tiny_model import FEATURES, voice

from ser import EmotionRecognizer
from ser.errors import AudioError, NoSpeechError, VoiceProfileError
from ser.model.voice_profile import VoiceProfile

RATE = FEATURES.sample_rate


@pytest.fixture(scope="module")
def recognizer(tiny_model):
    return EmotionRecognizer.from_pretrained(tiny_model)


@pytest.fixture(scope="module")
def profile(recognizer):
    return recognizer.voice_profile([(voice("calm", seed, 2.5), RATE) for seed in (300, 301)])


def test_probabilities_are_whole(recognizer, profile):
    prediction = recognizer.predict((voice("angry", 303), RATE), voice=profile)
    assert sum(prediction.probabilities.values()) == pytest.approx(1)
    assert prediction.confidence == max(prediction.probabilities.values())


def test_clips_serve_as_a_voice_in_any_collection(recognizer, profile, tmp_path):
    paths = [tmp_path / "a.wav", tmp_path / "b.wav"]
    for path, seed in zip(paths, (300, 301), strict=True):
        soundfile.write(path, voice("calm", seed, 2.5), RATE, subtype="FLOAT")
    clip = (voice("calm", 302), RATE)
    expected = recognizer.predict(clip, voice=profile)
    for clips in (tuple(paths), (str(path) for path in paths), tmp_path.glob("*.wav")):
        assert recognizer.predict(clip, voice=clips).probabilities == pytest.approx(
            expected.probabilities, abs=1e-6
        )
    whole = (np.concatenate([voice("calm", seed, 2.5) for seed in (300, 301)]), RATE)
    learnt = recognizer.voice_profile(whole)
    assert recognizer.predict(clip, voice=whole) == recognizer.predict(clip, voice=learnt)
    timeline = recognizer.timeline(clip, voice=whole)
    assert timeline.windows[0].probabilities == recognizer.predict(clip, voice=whole).probabilities
    assert recognizer.voice_profile(learnt) is learnt


def test_what_is_no_voice_is_refused(recognizer):
    clip = (voice("calm", 302), RATE)
    for wrong, words in (
        ("missing.wav", "'missing.wav' was not found"),
        (["a.wav", b""], "'a.wav' was not found"),
        (5, "type int"),
    ):
        with pytest.raises(AudioError, match=words):
            recognizer.predict(clip, voice=wrong)
    with pytest.raises(VoiceProfileError, match=r"hold 0\.0 s of speech"):
        recognizer.predict(clip, voice=[])


def test_a_profile_survives_json_and_is_small(recognizer, profile):
    text = json.dumps(profile.to_dict())
    assert len(text) < 100_000
    restored = VoiceProfile.from_dict(json.loads(text))
    clip = (voice("angry", 304), RATE)
    again = recognizer.predict(clip, voice=restored)
    assert again == recognizer.predict(clip, voice=profile)
    assert again.reference == "voice" and restored.everyday


def test_too_little_speech_is_refused_with_what_is_needed(recognizer):
    with pytest.raises(VoiceProfileError, match=r"hold 1\.\d s of speech .* at least 3 s"):
        recognizer.voice_profile((voice("calm", 305, 1.0), RATE))


def test_silence_is_no_voice(recognizer):
    with pytest.raises(NoSpeechError):
        recognizer.voice_profile([(np.zeros(5 * RATE, np.float32), RATE)])


def test_the_profile_of_another_model_is_refused(recognizer, profile):
    other = dataclasses.replace(profile, feature_hash="0123456789abcdef")
    with pytest.raises(VoiceProfileError, match="0123456789abcdef"):
        recognizer.predict((voice("calm", 306), RATE), voice=other)


def test_what_is_no_profile_is_refused():
    with pytest.raises(VoiceProfileError, match="not a voice profile"):
        VoiceProfile.from_dict({"features": [1.0]})


@pytest.mark.parametrize(
    "damage",
    [
        {"features": [3e38]},
        {"features": [float("inf")]},
        {"features": 3},
        {"features": [1.0]},
        {"everyday": "yes"},
    ],
)
def test_a_damaged_profile_is_refused(recognizer, profile, damage):
    clip = (voice("calm", 300, 2.5), RATE)
    with pytest.raises(VoiceProfileError):
        recognizer.predict(clip, voice=VoiceProfile.from_dict(profile.to_dict() | damage))


def test_pauses_are_no_part_of_a_voice(recognizer, profile):
    pause = np.zeros(12 * RATE, np.float32)
    calm = [voice("calm", seed, 2.5) for seed in (300, 301)]
    paused = recognizer.voice_profile([(np.concatenate([calm[0], pause, calm[1]]), RATE)])
    np.testing.assert_allclose(paused.features, profile.features, rtol=0.2, atol=2)
