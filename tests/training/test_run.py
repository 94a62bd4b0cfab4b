"""Training evaluates each clip by a model that did not know it, and gives a whole model."""

from types import SimpleNamespace

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from ser.corpora.corpus import About, Corpus, Origin
from ser.errors import DatasetError
from ser.model.perceptrons import PerceptronSettings
from ser.training.checks import choose_protocols
from ser.training.config import TrainingConfig
from ser.training.fitting import calibrate
from ser.training.run import train


def test_no_fold_sets_its_own_temperature():
    rng = np.random.default_rng(0)
    probabilities, targets = rng.dirichlet([1, 1, 1], 90), rng.integers(3, size=90)
    folds = np.arange(90) % 3
    changed = np.where(folds == 0, (targets + 1) % 3, targets)
    before, after = (
        calibrate(
            probabilities,
            SimpleNamespace(candidates=np.eye(3, dtype=bool)[each], corpora=np.full(90, "Moods")),
            folds,
        )
        for each in (targets, changed)
    )
    np.testing.assert_array_equal(before[folds == 0], after[folds == 0])
    assert not np.allclose(before[folds == 1], after[folds == 1])


def test_a_perceptron_on_features_that_do_not_exist_is_refused():
    with pytest.raises(ValueError, match="is 'rhythm'; choose from summaries, prosody, desc"):
        TrainingConfig(perceptrons=[PerceptronSettings(), PerceptronSettings(part="rhythm")])


@pytest.mark.parametrize(
    ("speakers", "protocols"),
    [
        (["ada", "bob"], ["actors", "random"]),
        (["ada", "ada"], ["random"]),
        (["ada", None], ["random"]),
    ],
)
def test_speakers_are_held_out_where_there_are_several(speakers, protocols, caplog):
    clips = [
        {
            **{"emotion": number % 2, "speaker": speakers[number // 10], "corpus": "Moods"},
            **dict.fromkeys(("sex", "sentence")),
        }
        for number in range(20)
    ]
    corpus = Corpus(Dataset.from_list(clips), (Origin(About("Moods"), "moods"),))
    assert choose_protocols(corpus, TrainingConfig()) == protocols
    assert ("expect less on other voices" in caplog.text) == (protocols == ["random"])


def test_labels_and_names_that_no_model_can_have_are_refused_before_the_work():
    def train_on(labels, name="Moods"):
        features = Features({"emotion": ClassLabel(names=labels), "corpus": Value("string")})
        rows = {"emotion": [0, 1], "corpus": ["Moods"] * 2}
        clips = Dataset.from_dict(rows, features=features)
        train(Corpus(clips, (Origin(About(name), "moods"),)), TrainingConfig(protocols=[]))

    with pytest.raises(DatasetError, match=r"cannot be those of a model: .*; check the folders"):
        train_on([f"speaker {number}" for number in range(60)])
    with pytest.raises(DatasetError, match="has 300 characters; give one of 1 to 200"):
        train_on(["joy", "rage"], "x" * 300)


@pytest.mark.parametrize(
    "settings",
    [
        {"protocols": "actors"},
        {"seed": -1},
        {"seed": 1.5},
        {"speeds": []},
        {"speeds": [9.0]},
        {"perceptrons": []},
        {"feature_limit": 0},
    ],
)
def test_settings_that_cannot_be_are_refused_at_once(settings):
    with pytest.raises(ValueError, match=f"{next(iter(settings))} is "):
        TrainingConfig(**settings)
