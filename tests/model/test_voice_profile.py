"""A voice profile: what someone's everyday speech changes."""

import dataclasses
import json

import numpy as np
import pytest
import soundfile
from tiny_model import FEATURES, voice

from ser import EmotionRecognizer
from ser.errors import AudioError, NoSpeechError, VoiceProfileError
from ser.model.classifier import EmotionClassifier
from ser.model.evidence import fit_evidence
from ser.model.voice_profile import VoiceProfile

RATE = FEATURES.sample_rate


@pytest.fixture(scope="module")
def recognizer(tiny_model):
    return EmotionRecognizer.from_pretrained(tiny_model)


@pytest.fixture(scope="module")
def profile(recognizer):
    return recognizer.voice_profile([(voice("calm", seed, 2.5), RATE) for seed in (300, 301)])


def test_what_is_louder_than_usual_sounds_angrier(recognizer, profile):
    clip = voice("calm", 302)
    loud, quiet = (
        recognizer.predict((gain * clip, RATE), voice=profile).probabilities["angry"]
        for gain in (2.0, 0.25)
    )
    assert loud > quiet
    without = [recognizer.predict((gain * clip, RATE)).probabilities for gain in (2.0, 0.25)]
    assert without[0] == pytest.approx(without[1], abs=1e-3)


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
    assert again.reference == "voice" and restored.everyday and restored.n_clips == 2


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
        {"level": float("nan")},
        {"level": 10**400},
        {"level": 1e4},
        {"features": [3e38]},
        {"features": [float("inf")]},
        {"features": 3},
        {"features": [1.0]},
        {"everyday": "yes"},
        {"n_clips": 0},
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
    assert paused.level == pytest.approx(profile.level, abs=1)


def actors_of_two_emotions(rng):
    """Return one component and the level of clips of 20 actors who differ more than emotions do."""
    actors, targets = np.repeat(np.arange(20), 8), np.tile([0, 1], 80)
    own = rng.standard_normal((20, 2)) * [10, 20]
    values = own[actors] + targets[:, None] * [3, 6] + rng.standard_normal((160, 2))
    return values[:, :1, None], values[:, 1], targets, actors


def test_emotion_is_told_relative_to_the_everyday_voice():
    rng = np.random.default_rng(0)
    voice = fit_evidence(*actors_of_two_emotions(rng), everyday=0, n_clean=1)
    components, levels, targets, actors = actors_of_two_emotions(rng)
    clips = np.column_stack([components[:, 0], levels])
    usual = np.stack([clips[(actors == a) & (targets == 0)].mean(axis=0) for a in actors])
    told = voice.predict(np.hstack([clips, usual])).argmax(axis=1)
    assert np.mean(told == targets) > 0.95
    strangers = voice.predict(np.hstack([clips, np.roll(usual, 8, axis=0)])).argmax(axis=1)
    assert np.mean(strangers == targets) < 0.7


def test_what_a_microphone_changes_is_compared_with_the_everyday_voice():
    rng = np.random.default_rng(0)
    targets, actors = np.tile([0, 1], 80), np.repeat(np.arange(20), 8)
    clean = targets[:, None, None] + 0.3 * rng.standard_normal((160, 1, 1))
    copies = np.concatenate([clean, clean + 10 * rng.standard_normal((160, 3, 1))], axis=1)
    shares = []
    for known in (clean, copies):
        voice = fit_evidence(known, 0.0 * targets, targets, actors, everyday=0, n_clean=1)
        on_clip, _, on_profile, _ = voice["evidence"].coef_[1]
        shares.append(-on_profile / on_clip)
    assert shares[0] < 0.3
    assert shares[1] > 0.7


@pytest.mark.parametrize("everyday", ["neutral", None])
def test_without_everyday_speech_there_is_nothing_to_compare_with(everyday):
    features = np.random.default_rng(0).standard_normal((20, 6))
    classifier = EmotionClassifier(everyday=everyday)
    classifier.fit(features, np.array(["happy", "sad"] * 10), np.arange(20) // 5)
    assert not classifier.knows_voices
