"""The model's code gives the answers that it gave: a change of any constant shows here."""

import dataclasses
import json

import numpy as np
import pytest
from answers import STORED, shipped, small_training

from ser import EmotionRecognizer
from ser.model import (
    boxes,
    calibration,
    classifier,
    config,
    learning,
    perceptrons,
    voice_profile,
)
from ser.model.config import ModelConfig

TOLERANCE = 2e-3
"""Of probabilities; processors round differently, and training amplifies that."""

HARMLESS = {
    "BLOCK": "how many rows are handled at once",
    "FEW_ROWS": "how many rows are multiplied one by one",
    "UNITS": "of how many units the products are computed at once",
    "MAX_SPEEDS": "limits what a model may ask for",
    "MAX_LABEL": "limits what a model may ask for",
    "MAX_LABELS": "limits what a model may ask for",
    "SPEED_RANGE": "limits what a model may ask for",
    "SPEEDS": "stored with each model",
    "TEMPERATURE_RANGE": "limits what a model may ask for",
    "MIN_REFERENCE": "refuses a reference of fewer clips, and changes no other",
    "SAMPLE": "how many rows find the components, which are nearly those of all",
    "VARIANCE_FLOOR": "keeps components that hardly vary from being blown up",
    "MIN_SPEECH": "refuses a profile of less, and changes no other",
}


def difference(answers, golden):
    return max(np.abs(answers[name] - np.array(golden[name])).max() for name in golden)


@pytest.fixture(scope="module")
def golden():
    return json.loads(STORED.read_text())


def test_a_small_training_gives_the_answers_that_it_gave(golden):
    assert difference(small_training(), golden["small training"]) < TOLERANCE, (
        "a change in ser/model gives other models: raise FORMAT_VERSION in ser/storage/audit.py if "
        "older folders no longer suit it, train the shipped model again, and run "
        "python -m tests.model.answers"
    )


def test_the_shipped_model_gives_the_answers_that_it_gave(golden):
    assert difference(shipped(), golden["shipped"]) < TOLERANCE, (
        "the shipped model answers differently: raise FEATURE_VERSION in ser/features/config.py if "
        "the features changed, FORMAT_VERSION in ser/storage/audit.py if the model's code did; "
        "train it again, and run python -m tests.model.answers"
    )


def is_numeric(value):
    return all(type(each) in (int, float) for each in (value if type(value) is tuple else [value]))


MODULES = (boxes, calibration, classifier, config, learning, perceptrons, voice_profile)
CONSTANTS = {
    name: value
    for module in MODULES
    for name, value in vars(module).items()
    if name.isupper() and is_numeric(value) and name not in HARMLESS
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_no_constant_changes_unseen(name, golden, monkeypatch):
    value = CONSTANTS[name]
    if isinstance(value, tuple):  # fewest and most
        other = tuple(each + 1 for each in value)
    elif name.endswith("_MOMENT"):  # a share
        other = 0.9 * value
    else:
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
    fitted = ("temperature",)
    for field, value in expected.to_dict().items():
        assert field in fitted or stored["model"][field] == value
