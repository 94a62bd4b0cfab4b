"""What all studies share: cached extraction, folds tested in parallel, paired differences."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypedDict

import datasets
import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from ser.corpora import loading
from ser.corpora.corpus import Corpus
from ser.corpora.folds import Fold
from ser.corpora.ravdess import CHANNELS
from ser.errors import AudioError, DatasetError
from ser.model.classifier import EmotionClassifier
from ser.training.config import TrainingConfig
from ser.training.features import CorpusFeatures, extract_features

NOT_RECOGNISED = -1
"""Class index of a clip that the recogniser refuses; it always counts as an error."""

READING = (
    *("corpora.ravdess", "corpora.loading", "corpora.sources", "corpora.clips", "corpora.corpus"),
    *("corpora.tables", "corpora.folds"),
)
"""What decides which clips of RAVDESS are in which fold: no other corpus, and no emotion."""

OURS = ("studies.common", "audio", *READING, "features", "model", "training")
"""What decides the figures of our recogniser, besides a study itself; see `ser.studies.age`."""

Predict = Callable[[NDArray[np.float32]], NDArray[np.integer]]
"""From features, shape (n_clips, n_speeds, n_features), to class indices, shape (n_clips,)."""

Tested = tuple[NDArray[np.integer], float, float]
"""The classes recognised in a fold, shape (n_test, n_versions), and the core seconds to train and
to recognise one clip from its features."""

Figures = dict[str, Any]
"""The figures of a row by name, ready for JSON."""

Tables = dict[str, list[list[str]]]
"""Maps a title to the rows of a table, the heading first."""


class Paired(TypedDict):
    """The difference of two accuracies over the same clips.

    Attributes
    ----------
    difference : float
    standard_error : float or None
        From the spread over actors, whose clips are alike; None for a single actor.
    """

    difference: float
    standard_error: float | None


@dataclass(frozen=True)
class StudyOptions:
    """What a study is to do.

    Attributes
    ----------
    dataset : str
        RAVDESS, as `ser.corpora.loading.load_corpus` takes it, or a folder of recordings.
    protocol : str
        Of `ser.corpora.folds.PROTOCOLS`.
    seed : int
    jobs : int
        Processes.
    rows, sets : sequence of str
        The rows, and for the comparison the sets of clips, that are asked for.
    training : TrainingConfig
        How our recogniser is trained; its seed is `seed`.
    """

    dataset: str
    protocol: str = "published"
    seed: int = 0
    jobs: int = 1
    rows: Sequence[str] = ()
    sets: Sequence[str] = ()
    training: TrainingConfig = field(default_factory=TrainingConfig)

    @property
    def config(self) -> TrainingConfig:
        """The settings of a training with the seed."""
        return replace(self.training, seed=self.seed)


def load_corpus(options: StudyOptions, channel: str = "speech") -> CorpusFeatures:
    """Return the clips with their features and copies, from the cache that training fills."""
    return extract_features(load_recordings(options, channel), options.config, jobs=options.jobs)


def load_recordings(options: StudyOptions, channel: str = "speech") -> Corpus:
    """Return the clips of RAVDESS that are spoken or sung."""
    return loading.load_corpus(options.dataset, corpus=CHANNELS[channel])


def extract(
    dataset: datasets.Dataset,
    function: Callable[..., ArrayLike],
    *,
    code: str,
    jobs: int,
    description: str,
    **settings: Any,
) -> NDArray[np.float32]:
    """Compute some rows of numbers for each clip, or take them from the cache.

    Parameters
    ----------
    dataset : datasets.Dataset
        As `ser.corpora.corpus.Corpus.clips`.
    function : callable
        ``function(clip, **settings)`` returns an array of shape (n_rows, n_values) for a row
        of the dataset.
    code : str
        Fingerprint of the code that `function` runs.
    jobs : int
        Processes.
    description : str
        Of the progress bar.

    Returns
    -------
    ndarray of float32, shape (n_clips, n_rows, n_values)

    Raises
    ------
    DatasetError
        If a clip cannot be read; the message names it.
    """
    extracted = dataset.map(
        _extract_clip,
        fn_kwargs={"function": function, "settings": settings, "code": code},
        remove_columns=dataset.column_names,
        num_proc=jobs if jobs > 1 else None,
        writer_batch_size=100,
        desc=description,
    )
    for file, error in zip(dataset["file"], extracted["error"], strict=True):
        if error:
            raise DatasetError(f"{file} cannot be used; remove it from the dataset: {error}")
    n_rows = extracted[0]["rows"]
    return np.stack(
        [np.frombuffer(clip["values"], np.float32).reshape(n_rows, -1) for clip in extracted]
    )


def _extract_clip(
    clip: dict[str, Any],
    *,
    function: Callable[..., ArrayLike],
    settings: dict[str, Any],
    code: str,
) -> dict[str, Any]:
    del code  # only part of the key under which the result is cached
    with threadpool_limits(1):  # processes share the cores, threads would only contend
        try:
            rows = np.asarray(function(clip, **settings), dtype=np.float32)
        except AudioError as error:
            return {"values": b"", "rows": 0, "error": str(error)}
    return {"values": rows.tobytes(), "rows": len(rows), "error": ""}


def fit_ours(
    features: NDArray[np.floating],
    targets: NDArray[np.integer],
    *,
    classifier: EmotionClassifier,
    versions: Sequence[int] | None = None,
    columns: NDArray[np.integer] | None = None,
) -> Predict:
    """Fit our classifier, optionally to some of the versions of clips and of the features only.

    Parameters
    ----------
    features : ndarray, shape (n_clips, n_versions, n_features)
    targets : ndarray of int, shape (n_clips,)
    classifier : EmotionClassifier
        For all versions and features; it is left as it is.
    versions, columns : sequence of int, optional
        Which of the versions and features to use; all by default.

    Returns
    -------
    callable
        See `Predict`.
    """
    classifier = clone(classifier)
    if versions is not None:
        features = features[:, versions]
        weights = classifier.weights
        classifier.weights = weights and [weights[version] for version in versions]
    if columns is not None:
        features = features[:, :, columns]
        parts = classifier.parts or {}
        classifier.parts = {
            name: np.flatnonzero(np.isin(columns, part)) for name, part in parts.items()
        }
    return partial(_predict, classifier.fit(features, targets), columns)


def _predict(
    classifier: EmotionClassifier, columns: NDArray[np.integer] | None, rows: NDArray[np.float32]
) -> NDArray[np.integer]:
    return classifier.predict(rows if columns is None else rows[:, :, columns])


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
    with threadpool_limits(1):
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


def actors_of(corpus: CorpusFeatures) -> NDArray[np.integer]:
    """Return who speaks in each clip, shape (n_clips,): RAVDESS tells it of all."""
    assert corpus.speakers is not None
    return corpus.speakers


def paired_difference(
    targets: NDArray[np.integer],
    recognised: NDArray[np.integer],
    baseline: NDArray[np.integer],
    actors: NDArray[Any],
) -> Paired:
    """Compare two ways of recognising the same clips.

    Parameters
    ----------
    targets, recognised, baseline, actors : ndarray of int, shape (n_clips,)
    """
    gains = (recognised == targets).astype(float) - (baseline == targets)
    by_actor = [gains[actors == actor].mean() for actor in np.unique(actors)]
    error = float(np.std(by_actor, ddof=1) / np.sqrt(len(by_actor))) if len(by_actor) > 1 else None
    return {"difference": float(gains.mean()), "standard_error": error}


def points(paired: Paired) -> str:
    """Write a paired difference in percentage points, with its standard error."""
    error = paired["standard_error"]
    spread = "" if error is None else f" ± {100 * error:.1f}"
    return f"{100 * paired['difference']:+.1f}{spread}"
