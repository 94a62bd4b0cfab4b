"""Write a model folder of given parts, or change what is in one."""

import json

import numpy as np

from ser.model.classifier import EmotionClassifier
from ser.model.learning import LearningSettings
from ser.model.perceptrons import PerceptronSettings
from ser.storage.atomic_folder import replace_folder
from ser.storage.audit import audit
from ser.storage.folder import MARK, is_model_file, make_model_files


def small_pipelines():
    """Return the pipelines of a model of four features and two emotions, fitted to noise."""
    learning = LearningSettings(hidden_units=4, batch_size=8, n_epochs=2)
    perceptrons = [PerceptronSettings(relative=each, learning=learning) for each in (False, True)]
    rows, clips = np.random.default_rng(0).standard_normal((30, 4)), np.arange(30)
    return EmotionClassifier(perceptrons=perceptrons).fit(rows, clips % 2, clips // 3).pipelines_


def write_model_folder(folder, *, model, **parts):
    """Write pipelines, config, metrics, card and files, after the audit."""
    files = audit(make_model_files(model, **parts), source=folder).files
    replace_folder(folder, files, is_ours=is_model_file, mark=MARK)


def edit_config(folder, **changes):
    """Change entries of ``config.json``."""
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
