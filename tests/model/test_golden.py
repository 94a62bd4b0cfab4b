"""The model's code gives the answers that it gave: a change of any constant shows here.

`golden.json` holds the probabilities of a small training and those of the model that ships. If a
change of answers is meant, train the shipped model again and write it anew:

    python tests/model/test_golden.py
"""

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from ser import EmotionRecognizer
from ser.model import boxes, calibration, classifier, config, perceptrons, voice_profile
from ser.model.classifier import EmotionClassifier
from ser.model.config import ModelConfig
from ser.model.voice_profile import VoiceProfile

GOLDEN = Path(__file__).with_name("golden.json")
TOLERANCE = 2e-3
"""Of probabilities; processors round differently, and training amplifies that."""

HARMLESS = {
    "BLOCK": "how many rows are handled at once",
    "MAX_SPEEDS": "limits what a model may ask for",
    "SPEED_RANGE": "limits what a model may ask for",
    "TEMPERATURE_RANGE": "limits what a model may ask for",
    "MIN_SPEECH": "refuses a profile of less, and changes no other",
}


def small_training(model=None, rows=None):
    """Return answers of a classifier with the settings of `ser.model`, fitted to a made-up corpus.

    The noise in it is a sine of large numbers, the same everywhere.
    """
    n_clips, n_versions, n_features = 160, 3, 200
    clips, features = np.arange(n_clips), np.arange(n_features)
    y, speakers = clips % 4, clips // 4 % 8
    noise = np.sin(12.9898 * np.arange(n_clips * n_versions * n_features) ** 1.1) * 1.5
    X = noise.reshape(n_clips, n_versions, n_features)
    X[..., :30] += 0.6 * np.cos(y[:, None] * features[:30] + 1)[:, None]
    X[..., 30:60] += np.cos(speakers[:, None] * features[30:60])[:, None]
    X[:, 2] += 0.3 * np.sin(features)
    X[:, :, 70] **= 9
    X = X.astype(np.float32)
    levels = 4.0 * y + 3 * np.sin(clips)
    fitted = EmotionClassifier(
        model or ModelConfig(("neutral", "happy", "sad", "angry")),
        perceptrons=rows or perceptrons.PERCEPTRONS,
        limit=perceptrons.FEATURE_LIMIT,
        parts={"summaries": np.arange(0, 100), "prosody": np.arange(50, 180)},
        weights=(1, 1, 0.35),
        everyday=0,
        seed=1,
    ).fit(X, y, speakers, levels=levels)
    odd = X[:6] * np.array([1, 1.1, 1.2, 1.3, 1.5, 2])[:, None, None]
    profile = VoiceProfile(X[speakers == 2].mean(axis=(0, 1)), 3.0, "")
    plain, novelties = fitted.assess(odd)
    relative, _ = fitted.assess(odd, profile=profile, levels=levels[:6])
    return {"plain": plain, "relative": relative, "novelties": novelties}


def spoken(pitch, seconds, rate):
    """Return a voice of harmonics whose pitch and loudness rise and fall."""
    time = np.arange(int(seconds * rate)) / rate
    phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.2 * np.sin(4 * time))) / rate
    waveform = sum(np.sin(n * phase) / n for n in range(1, 12))
    return (0.1 * waveform * (0.6 + 0.4 * np.sin(11 * time))).astype(np.float32)


def shipped():
    """Return answers of the model that ships to made-up voices."""
    recognizer = EmotionRecognizer.from_pretrained()
    rate = recognizer.sample_rate
    clips = [(spoken(pitch, 2.2, rate), rate) for pitch in (110, 230)]
    voice = recognizer.voice_profile([(spoken(140, 7, rate), rate)])
    predictions = [recognizer.predict(clip) for clip in clips]
    relative = [recognizer.predict(clip, voice=voice) for clip in clips]
    return {
        name: np.array([list(each.probabilities.values()) for each in found])
        for name, found in (("plain", predictions), ("relative", relative))
    }


def difference(answers, golden):
    return max(np.abs(answers[name] - np.array(golden[name])).max() for name in golden)


@pytest.fixture(scope="module")
def golden():
    return json.loads(GOLDEN.read_text())


def test_a_small_training_gives_the_answers_that_it_gave(golden):
    assert difference(small_training(), golden["small training"]) < TOLERANCE, (
        "a change in ser/model gives other models: raise FORMAT_VERSION in ser/model/folder.py if "
        "older folders no longer suit it, train the shipped model again, and run "
        "python tests/model/test_golden.py"
    )


def test_the_shipped_model_gives_the_answers_that_it_gave(golden):
    assert difference(shipped(), golden["shipped"]) < TOLERANCE, (
        "the shipped model answers differently: raise FEATURE_VERSION in ser/features/config.py if "
        "the features changed, FORMAT_VERSION in ser/model/folder.py if the model's code did; "
        "train it again, and run python tests/model/test_golden.py"
    )


MODULES = (boxes, calibration, classifier, config, perceptrons, voice_profile)
CONSTANTS = sorted(
    {
        (module.__name__, name)
        for module in MODULES
        for name, value in vars(module).items()
        if name.isupper() and type(value) in (int, float) and name not in HARMLESS
    }
)


@pytest.mark.parametrize(("module", "name"), CONSTANTS, ids=str)
def test_no_constant_changes_unseen(module, name, golden, monkeypatch):
    value = getattr(sys.modules[module], name)
    other = 1e4 * value if value < 1e-3 else type(value)(1.5 * value + (type(value) is int))
    for each in MODULES:  # some have it from another
        if getattr(each, name, None) is value:
            monkeypatch.setattr(each, name, other)
    if name == "PIECE":
        assert difference(shipped(), golden["shipped"]) > TOLERANCE
    else:
        assert difference(small_training(), golden["small training"]) > TOLERANCE


def numbers(settings):
    return [name for name, value in vars(settings).items() if type(value) in (int, float)]


@pytest.mark.parametrize("name", numbers(ModelConfig(("a", "b"))))
def test_no_setting_of_a_model_changes_unseen(name, golden):
    usual = ModelConfig(("neutral", "happy", "sad", "angry"))
    other = dataclasses.replace(usual, **{name: 1.2 * getattr(usual, name)})
    assert difference(small_training(other), golden["small training"]) > TOLERANCE


def test_the_shipped_model_was_trained_with_the_settings_of_this_code():
    from ser.training.config import TrainingConfig

    settings = TrainingConfig()
    stored = EmotionRecognizer.from_pretrained().config
    assert stored["training"].items() >= json.loads(json.dumps(settings.describe())).items()
    assert stored["features"] == settings.features.to_dict()
    expected = ModelConfig(stored["model"]["labels"], speeds=settings.speeds)
    fitted = ("temperature", "novelty_limit")
    for field, value in expected.to_dict().items():
        assert field in fitted or stored["model"][field] == value


def main():
    """Write the answers anew."""
    content = {
        part: {name: np.round(values, 5).tolist() for name, values in answers.items()}
        for part, answers in (("small training", small_training()), ("shipped", shipped()))
    }
    GOLDEN.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
