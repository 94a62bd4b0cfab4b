"""Training evaluates each clip by a model that did not know it, and gives a whole model."""

from types import SimpleNamespace

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from ser.corpora.corpus import About, Corpus, Origin
from ser.errors import DatasetError
from ser.model.perceptrons import PerceptronSettings
from ser.training.checks import check_usable, choose_protocols
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


def corpus_of(clips):
    rows = [
        dict.fromkeys(("speaker", "sex", "sentence")) | {"corpus": "Moods"} | row for row in clips
    ]
    names = dict.fromkeys(row["corpus"] for row in rows)
    origins = tuple(Origin(About(name), "moods") for name in names)
    features = Dataset.from_list(rows).features | {
        "emotion": ClassLabel(names=["joy", "rage", "fear"])
    }
    return Corpus(Dataset.from_list(rows, features=Features(features)), origins)


def test_corpora_without_two_emotions_in_common_are_not_tested_on_each_other():
    pairs = {"One": (0, 1), "Two": (1, 2)}
    clips = [{"corpus": name, "emotion": each} for name, two in pairs.items() for each in two]
    with pytest.raises(DatasetError, match="No two emotions are in several of One, Two"):
        choose_protocols(corpus_of(clips), TrainingConfig(protocols=["leave-one-corpus-out"]))


def test_clips_without_speech_may_leave_no_two_emotions(caplog):
    corpus = corpus_of([{"emotion": 0}, {"emotion": 1}])
    given = {"corpus": corpus, "labels": corpus.labels}
    given |= {"speakers": None, "corpora": ["Moods"] * 2}
    one = SimpleNamespace(**given, y=np.zeros(2, int), candidates=np.eye(3, dtype=bool)[[0, 0]])
    with pytest.raises(DatasetError, match="Only clips of 'joy' hold speech"):
        check_usable(one, [], TrainingConfig())
    two = SimpleNamespace(**given, y=np.array([0, 1]), candidates=np.eye(3, dtype=bool)[[0, 1]])
    check_usable(two, [], TrainingConfig())
    assert "No clip that can be used is fear" in caplog.text
    assert "compare clips with others of their speaker" not in caplog.text
    two.speakers = np.array([0, 1])
    check_usable(two, [], TrainingConfig())
    assert "model will not compare clips with others of their speaker" in caplog.text


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
    with pytest.raises(DatasetError, match="name '' has 0 characters; give one of 1 to 200"):
        train_on(["joy", "rage"], "")


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
