"""A small corpus of made-up voices, in RAVDESS's names, and quick settings to study it."""

from dataclasses import replace

from ser.corpora.loading import load_corpus
from ser.features import FeatureConfig
from ser.model.learning import LearningSettings
from ser.model.perceptrons import PERCEPTRONS
from ser.studies.common import (
    StudyOptions,
)
from ser.training.config import TrainingConfig

RATE = 24000
ACTORS = (2, 3, 8)  # each in another published fold
PITCH = {2: 90, 3: 170, 5: 320}  # Hz, of calm, happy and angry
TINY = FeatureConfig(families=("energy", "pitch", "mfcc"), statistics=("mean", "std", "trajectory"))
LEARNING = LearningSettings(
    hidden_units=16, alpha=1.0, dropout=0.0, mixup=0.01, learning_rate=0.02, batch_size=8
)
QUICK = TrainingConfig(
    features=TINY,
    perceptrons=[replace(each, n_components=4, learning=LEARNING) for each in PERCEPTRONS],
)
RECALL = "unweighted_average_recall"


def options(folder, study, rows=None, **changes):
    rows = list(study.ROWS) if rows is None else rows
    defaults = {"protocol": "published", "seed": 0, "jobs": 1, "sets": ["eight"]}
    given = {"sources": [("ravdess", str(folder))], "rows": rows, "training": QUICK}
    return StudyOptions(**{**defaults, **given, **changes})


def clip(folder, index=0):
    return load_corpus(folder, corpus="ravdess").clips[index]
