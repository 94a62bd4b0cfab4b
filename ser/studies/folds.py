"""A way of recognising, tested on each fold of a corpus by what it learns from the others."""

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from tqdm.auto import tqdm

from ser.corpora.folds import Fold
from ser.model.classifier import EmotionClassifier
from ser.model.config import ModelConfig
from ser.threads import one_thread
from ser.training.config import TrainingConfig

NOT_RECOGNISED = -1
"""Class index of a clip that the recogniser refuses; it always counts as an error."""

Predict = Callable[[NDArray[np.float32]], NDArray[np.integer]]
"""From features, shape (n_clips, n_speeds, n_features), to class indices, shape (n_clips,)."""

Tested = tuple[NDArray[np.integer], float, float]
"""The classes recognised in a fold, shape (n_test, n_versions), and the core seconds to train and
to recognise one clip from its features."""


def fit_ours(
    features: NDArray[np.floating],
    targets: NDArray[np.integer],
    *,
    parts: Mapping[str, NDArray[np.integer]],
    config: TrainingConfig,
) -> Predict:
    """Fit our classifier to clips of one corpus, to judge clips as they are.

    Parameters
    ----------
    features : ndarray, shape (n_clips, n_versions, n_features)
    targets : ndarray of int, shape (n_clips,)
    parts : dict of str to ndarray of int
        As `ser.training.features.CorpusFeatures.parts`.
    config : TrainingConfig

    Returns
    -------
    callable
        See `Predict`.
    """
    classifier = EmotionClassifier(
        ModelConfig(("no", "yes"), speeds=config.speeds),
        perceptrons=config.perceptrons,
        limit=config.feature_limit,
        parts=parts,
        weights=[version.weight for version in config.versions],
        seed=config.seed,
    )
    predict: Predict = classifier.fit(features, targets).predict
    return predict


def run_folds(
    features: NDArray[np.floating],
    targets: NDArray[np.integer],
    folds: Sequence[Fold],
    fit: Callable[..., Predict],
    *,
    jobs: int,
    description: str,
    tests: NDArray[np.floating],
) -> list[Tested]:
    """Train without each fold and recognise its clips, several folds at a time.

    Parameters
    ----------
    features : ndarray of float32, shape (n_clips, n_copies, n_features)
        To train on.
    targets : ndarray of int, shape (n_clips,)
    folds : list of Fold
        Of one protocol, or of several after each other.
    fit : callable
        ``fit(features, targets)`` returns a function from features to class indices.
    jobs : int
        Processes, each on one core.
    description : str
        Of the progress bar.
    tests : ndarray, shape (n_clips, n_versions, n_speeds, n_features)
        To test on: versions of each clip, at the speeds at which they are processed.

    Returns
    -------
    list of Tested
        For each fold.
    """
    tested = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(_run_fold)(features, targets, tests, fold, fit) for fold in folds
    )
    return list(tqdm(tested, total=len(folds), desc=description, unit="fold"))


def _run_fold(
    features: NDArray[np.floating],
    targets: NDArray[np.integer],
    tests: NDArray[np.floating],
    fold: Fold,
    fit: Callable[..., Predict],
) -> Tested:
    with one_thread():
        start = time.process_time()
        predict = fit(np.asarray(features[fold.train]), targets[fold.train])
        trained = time.process_time()
        rows = np.asarray(tests[fold.test], dtype=np.float32)
        recognised = predict(rows.reshape(-1, *rows.shape[2:])).reshape(rows.shape[:2])
        single = rows[:20, :1]
        start_single = time.process_time()
        for row in single:
            predict(row)
        return recognised, trained - start, (time.process_time() - start_single) / len(single)


def collect(
    tested: Sequence[Tested],
    folds: Sequence[Fold],
    n_clips: int,
) -> NDArray[np.integer]:
    """Put what `run_folds` recognised into the order of the clips.

    Returns
    -------
    ndarray of int, shape (n_clips, n_versions)
    """
    recognised = np.full((n_clips, tested[0][0].shape[1]), NOT_RECOGNISED)
    for fold, (classes, *_) in zip(folds, tested, strict=True):
        recognised[fold.test] = classes
    return recognised
