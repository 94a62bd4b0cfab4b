"""What is measured of a voice is what was put into it, and only sound tables say what is usual."""

import numpy as np
import pytest
from signals import noise, speech_like

from ser.features import FeatureConfig, FeatureExtractor
from ser.model.config import ModelConfig
from ser.reasons.facts import FACTS, PERCENTILES, find_usual, measure, read_usual

CONFIG = FeatureConfig(
    families=("energy", "pitch", "voice"), statistics=("mean", "percentiles", "clip")
)
RATE = CONFIG.sample_rate
MODEL = ModelConfig(("neutral", "angry"), speeds=(1.0,))


def facts(waveform):
    features = FeatureExtractor(CONFIG).extract(waveform[RATE // 2 : -RATE // 2])
    return {name: float(value) for name, value in measure(CONFIG, features[None]).items()}


def test_facts_say_what_was_changed():
    plain = facts(speech_like(pitch=150, intonation=0))
    assert FACTS["pitch"].write(plain["pitch"]) == "150\N{NO-BREAK SPACE}Hz"
    higher = facts(speech_like(pitch=200, intonation=0))
    assert higher["pitch"] - plain["pitch"] == pytest.approx(12 * np.log2(200 / 150), abs=0.1)
    assert facts(speech_like(pitch=150, intonation=1.5))["pitch_range"] > plain["pitch_range"] + 3
    voice = speech_like(pitch=150, intonation=0)
    hushed = voice * np.where(np.arange(voice.size) % RATE < RATE // 2, 1, 0.05)
    assert facts(hushed)["loudness_range"] > plain["loudness_range"] + 5
    sharper = facts(np.diff(voice, prepend=0))  # 6 dB an octave
    assert sharper["high_frequencies"] > plain["high_frequencies"] + 3
    rougher = facts(voice + noise(voice.size / RATE, RATE, level=0.05))
    assert rougher["clarity"] < plain["clarity"] - 0.3


def test_a_model_without_the_features_has_no_such_facts():
    config = FeatureConfig(families=("energy", "mfcc"), statistics=("mean", "std", "percentiles"))
    features = np.zeros((1, len(FeatureExtractor(config).names)))
    assert list(measure(config, features)) == ["loudness_range"]


def made_features(pitches):
    names = FeatureExtractor(CONFIG).names
    features = np.zeros((len(pitches), 1, len(names)), dtype=np.float16)
    features[:, 0, names.index("f0.voiced.p50")] = pitches
    return features


def test_what_is_usual_is_told_of_strangers_and_of_known_voices():
    speakers, y = np.repeat(np.arange(4), 20), np.tile(np.repeat([0, 1], 10), 4)
    pitches = 5 * speakers + 3 * y + np.tile(np.linspace(-1, 1, 10), 8)  # voices differ by more
    usual = find_usual(CONFIG, made_features(pitches), y, speakers, MODEL)
    assert usual == read_usual({"usual": usual})
    anyone, voice = usual["anyone"]["pitch"], usual["voice"]["pitch"]
    assert anyone["neutral"] == pytest.approx(np.percentile(pitches[y == 0], PERCENTILES), abs=0.01)
    assert voice["neutral"][2] == pytest.approx(0, abs=0.01)
    assert voice["angry"][2] == pytest.approx(3, abs=0.01)
    assert voice["angry"][0] > voice["neutral"][-1]
    assert anyone["angry"][0] < anyone["neutral"][-1]


def test_without_everyday_speech_or_speakers_or_clips_less_is_told():
    features, y = made_features(np.arange(20.0)), np.repeat([0, 1], [17, 3])
    assert find_usual(CONFIG, features, y, None, ModelConfig(("joy", "rage"))) == {}
    usual = find_usual(CONFIG, features, y, None, MODEL)
    assert list(usual) == ["anyone"] and list(usual["anyone"]["pitch"]) == ["neutral"]


@pytest.mark.parametrize(
    "usual",
    [
        *(None, [], {"anyone": 1}, {"anyone": {"pitch": []}}, {"others": {}}),
        *({"anyone": {"pitch": {"angry": each}}} for each in ([1, 2], "12345", [1, 2, 3, 5, 4])),
        {"anyone": {"pitch": {"angry": [1, 2, 3, 4, float("nan")]}}},
        {"anyone": {"heartbeat": {"angry": [1, 2, 3, 4, 5]}}},
    ],
)
def test_a_table_that_training_did_not_write_says_nothing(usual):
    read = read_usual({"usual": usual})
    assert not any(emotions for facts in read.values() for emotions in facts.values())
