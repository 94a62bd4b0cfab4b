"""What all studies share: cached extraction, folds tested in parallel, paired differences."""

import time
from functools import partial

import numpy as np
from joblib import Parallel, delayed
from sklearn.metrics import recall_score
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from ser.corpora import loading
from ser.corpora.ravdess import CHANNELS
from ser.errors import AudioError, DatasetError
from ser.features import code_fingerprint
from ser.model.classifier import EmotionClassifier
from ser.model.perceptrons import fit_pipelines
from ser.training.run import WEIGHTS, extract_corpus

NOT_RECOGNISED = -1
"""Class index of a clip that the recogniser refuses; it always counts as an error."""


def load_corpus(options, channel="speech"):
    """Return the clips with their features and copies, from the cache that training fills."""
    recordings = load_recordings(options, channel)
    return extract_corpus(recordings, options.features, seed=options.seed, jobs=options.jobs)


def load_recordings(options, channel="speech"):
    """Return the clips of RAVDESS that are spoken or sung."""
    return loading.load_corpus(options.dataset, corpus=CHANNELS[channel])


def fingerprint(*files):
    """Return a hash of source files, for the key of a cache of what they compute."""
    return code_fingerprint(*files)


def extract(dataset, function, *, code, jobs, description, **settings):
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


def _extract_clip(clip, *, function, settings, code):
    del code  # only part of the key under which the result is cached
    with threadpool_limits(1):  # processes share the cores, threads would only contend
        try:
            rows = np.asarray(function(clip, **settings), dtype=np.float32)
        except AudioError as error:
            return {"values": b"", "rows": 0, "error": str(error)}
    return {"values": rows.tobytes(), "rows": len(rows), "error": ""}


def fit_ours(
    features,
    targets,
    *,
    seed,
    n_labels,
    parts=None,
    settings=None,
    copies=None,
    columns=None,
    weights=WEIGHTS,
):
    """Fit our classifier, optionally to some of the copies of `ser.training.run` and features only.

    Parameters
    ----------
    features : ndarray of float32, shape (n_clips, n_copies, n_features)
    targets : ndarray of int, shape (n_clips,)
    seed, n_labels : int
    parts : dict of str to ndarray of int, optional
        As for `ser.model.perceptrons.fit_pipelines`, of all features.
    settings : MLPSettings, optional
    copies, columns : ndarray of int, optional
        Which of the copies and features to use; all by default.
    weights : sequence of float
        Weight of each copy, those not in `copies` included.

    Returns
    -------
    callable
        From features, shape (n, n_speeds, n_features), to class indices, shape (n,).
    """
    if copies is not None:
        features, weights = features[:, copies], np.array(weights)[copies]
    if columns is not None:
        features = features[:, :, columns]
        parts = {
            name: np.flatnonzero(np.isin(columns, part)) for name, part in (parts or {}).items()
        }
    pipelines = fit_pipelines(
        features,
        targets,
        seed=seed,
        parts=parts,
        settings=settings,
        weights=weights,
    )
    return partial(_predict, EmotionClassifier(range(n_labels), pipelines), columns)


def _predict(classifier, columns, rows):
    return classifier.predict_proba(rows if columns is None else rows[:, :, columns]).argmax(axis=1)


def run_folds(features, targets, folds, fit, *, jobs, description, tests):
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
    list of (ndarray of int, shape (n_test, n_versions), float, float)
        For each fold the recognised classes, and the core seconds to train and to recognise one
        clip from its features.
    """
    tested = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(_run_fold)(features, targets, tests, fold.train, fold.test, fit) for fold in folds
    )
    return list(tqdm(tested, total=len(folds), desc=description, unit="fold"))


def _run_fold(features, targets, tests, train, test, fit):
    with threadpool_limits(1):
        start = time.process_time()
        predict = fit(np.asarray(features[train]), targets[train])
        trained = time.process_time()
        rows = np.asarray(tests[test], dtype=np.float32)
        recognised = predict(rows.reshape(-1, *rows.shape[2:])).reshape(rows.shape[:2])
        single = rows[:20, :1]
        start_single = time.process_time()
        for row in single:
            predict(row)
        return recognised, trained - start, (time.process_time() - start_single) / len(single)


def collect(tested, folds, n_clips):
    """Put what `run_folds` recognised into the order of the clips.

    Returns
    -------
    ndarray of int, shape (n_clips, n_versions)
    """
    recognised = np.full((n_clips, tested[0][0].shape[1]), NOT_RECOGNISED)
    for fold, (classes, *_) in zip(folds, tested, strict=True):
        recognised[fold.test] = classes
    return recognised


def figures(targets, recognised):
    """Return clips, accuracy and unweighted average recall as a dict."""
    return {
        "clips": len(targets),
        "accuracy": float(np.mean(recognised == targets)),
        "unweighted_average_recall": float(
            recall_score(
                targets, recognised, labels=np.unique(targets), average="macro", zero_division=0
            )
        ),
    }


def paired_difference(targets, recognised, baseline, actors):
    """Compare two ways of recognising the same clips.

    Parameters
    ----------
    targets, recognised, baseline, actors : ndarray of int, shape (n_clips,)

    Returns
    -------
    dict
        ``difference`` of the accuracies, and its ``standard_error`` from the spread over actors,
        whose clips are alike; None for a single actor.
    """
    gains = (recognised == targets).astype(float) - (baseline == targets)
    by_actor = [gains[actors == actor].mean() for actor in np.unique(actors)]
    error = float(np.std(by_actor, ddof=1) / np.sqrt(len(by_actor))) if len(by_actor) > 1 else None
    return {"difference": float(gains.mean()), "standard_error": error}


def percent(share):
    """Write a share as a percentage; nothing for None."""
    return "" if share is None else f"{100 * share:.1f}"


def points(paired):
    """Write a paired difference in percentage points, with its standard error."""
    error = paired["standard_error"]
    spread = "" if error is None else f" ± {100 * error:.1f}"
    return f"{100 * paired['difference']:+.1f}{spread}"
