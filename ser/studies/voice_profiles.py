"""The gain from a voice profile of two neutral clips, on unseen speakers."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from ser.corpora.emotions import EVERYDAY
from ser.corpora.folds import Fold
from ser.errors import DatasetError
from ser.model.calibration import apply_temperature, fit_temperature
from ser.model.classifier import EmotionClassifier
from ser.model.config import ModelConfig
from ser.model.evidence import fit_evidence, weigh
from ser.studies.common import (
    OURS,
    Figures,
    StudyOptions,
    Tables,
    actors_of,
    load_corpus,
    paired_difference,
    points,
)
from ser.studies.seeds import with_spread
from ser.training.features import CorpusFeatures
from ser.training.metrics import headline_figures
from ser.training.run import make_classifier

TITLE = "Voice profiles"
ABOUT = (
    "Each unseen speaker is tested with and without a profile made from two of their neutral "
    "clips, which are left out of the test in both cases. Every pair of neutral clips is used in "
    "turn; figures are means over the pairs. Differences are paired over the same clips, that of "
    "accuracy ± its standard error over actors. The structure and weight of the voice model were "
    "chosen with these clips in view, but no clip of a tested actor was used to fit the recogniser "
    "or the voice model."
)
WITHOUT = "without"
ROWS = {
    WITHOUT: "without a profile",
    "profile": "with a profile",
    "features": "with its features alone",
    "loudness": "with its loudness alone",
}
N_PROFILE_CLIPS = 2

Sides = tuple[NDArray[Any], NDArray[Any]]
"""Values of a fold's clips: first those for training, then those for the test."""


class TestedFold(NamedTuple):
    """What a fold's model answers.

    Attributes
    ----------
    plain : ndarray, shape (n_test, n_labels)
        Probabilities without a profile, not calibrated.
    evidence : dict of str to ndarray, shape (n_choices, n_test, n_labels)
        Evidence from the profiles, by row.
    in_profile : ndarray of bool, shape (n_choices, n_test)
        Which clips a profile is made from.
    """

    plain: NDArray[np.float64]
    evidence: dict[str, NDArray[np.float64]]
    in_profile: NDArray[np.bool_]


def uses(row: str) -> tuple[str, ...]:
    """Return the code that decides a row."""
    return ("studies.voice_profiles", *OURS)


def run(options: StudyOptions) -> Iterator[tuple[str, Figures]]:
    """Yield name and figures of each row.

    Raises
    ------
    DatasetError
        If an actor has fewer than three neutral clips.
    """
    corpus = load_corpus(options)
    folds = corpus.folds(options.protocol, options.seed)
    is_neutral = np.array([corpus.labels[target] == EVERYDAY for target in corpus.y])
    actors = actors_of(corpus)
    n_neutral = min(np.sum(is_neutral & (actors == one)) for one in set(actors))
    if n_neutral <= N_PROFILE_CLIPS:
        raise DatasetError(
            f"An actor has only {n_neutral} neutral clips; a profile of {N_PROFILE_CLIPS} and a "
            f"test need {N_PROFILE_CLIPS + 1} of every actor."
        )
    choices = list(itertools.combinations(range(n_neutral), N_PROFILE_CLIPS))
    columns: tuple[NDArray[Any], ...] = (corpus.X, corpus.levels, corpus.y, actors, is_neutral)
    tested = Parallel(n_jobs=options.jobs, return_as="generator")(
        delayed(_test_fold)(
            make_classifier(corpus, options.config),
            *((values[fold.train], values[fold.test]) for values in columns),
            choices=choices,
            n_speeds=len(options.training.speeds),
            n_labels=len(corpus.labels),
        )
        for fold in folds
    )
    tested = list(tqdm(tested, total=len(folds), desc="Testing each fold", unit="fold"))
    recognised, in_profile = _recognise(corpus, folds, tested, len(choices))
    baseline = recognised[WITHOUT]
    for name in [WITHOUT, *(row for row in options.rows if row != WITHOUT)]:
        yield name, _compare(corpus, recognised[name], baseline, in_profile)


def tables(results: Mapping[str, Figures]) -> Tables:
    """Lay the figures out."""
    rows = [["speaker", "accuracy %", "vs. no profile", "unweighted recall %", "vs. no profile"]]
    recall = "unweighted_average_recall"
    for name in ROWS:
        if result := results.get(name):
            gain = 100 * (result[recall] - results[WITHOUT][recall])
            known = name == WITHOUT
            rows.append(
                [
                    ROWS[name],
                    with_spread(result, "accuracy"),
                    "" if known else points(result["to_without"]),
                    with_spread(result, recall),
                    "" if known else f"{gain:+.1f}",
                ]
            )
    return {f"Profiles of {N_PROFILE_CLIPS} neutral clips": rows}


def _test_fold(
    classifier: EmotionClassifier,
    features: Sides,
    levels: Sides,
    targets: Sides,
    speakers: Sides,
    is_neutral: Sides,
    *,
    choices: Sequence[tuple[int, ...]],
    n_speeds: int,
    n_labels: int,
) -> TestedFold:
    """Train without a fold and test its clips with each choice of profile."""
    train, test = features
    with threadpool_limits(1):
        classifier.fit(train, targets[0], speakers[0], levels=levels[0])
        chosen = _choose(speakers[1], is_neutral[1], choices)
        classes, known_targets = np.unique(targets[0], return_inverse=True)
        _, known_speakers = np.unique(speakers[0], return_inverse=True)
        fit = partial(
            fit_evidence,
            targets=known_targets,
            speakers=known_speakers,
            everyday=int(np.flatnonzero(classes == classifier.everyday)[0]),
            n_clean=n_speeds,
        )
        evidence: dict[str, NDArray[np.float64]] = {}
        experts = list(dict.fromkeys(settings.expert for settings in classifier.perceptrons))
        for expert in experts:
            learned = classifier.components(train, expert)
            shown = classifier.components(test[:, :n_speeds], expert).mean(axis=1)
            versions = {  # what is left out is the same for all
                "profile": ((learned, levels[0]), (shown, levels[1])),
                "features": ((learned, 0 * levels[0]), (shown, 0 * levels[1])),
                "loudness": ((learned[..., :0], levels[0]), (shown[..., :0], levels[1])),
            }
            for name, (learning, tested) in versions.items():
                compare = fit(*learning)
                values = np.column_stack(tested)
                found = [
                    compare.predict(np.hstack([values, usual]))
                    for usual in values[chosen].mean(axis=2)
                ]
                evidence[name] = evidence.get(name, 0) + np.stack(found) / len(experts)
        plain = classifier.predict_proba(test)
        evidence = {
            name: _of_all(values, classes, n_labels, -np.inf) for name, values in evidence.items()
        }
        in_profile = (chosen == np.arange(len(test))[:, None]).any(axis=2)
        return TestedFold(_of_all(plain, classes, n_labels, 0), evidence, in_profile)


def _of_all(
    values: NDArray[np.floating], classes: NDArray[np.integer], n_labels: int, unknown: float
) -> NDArray[np.float64]:
    """Return the values of some classes as those of all labels."""
    wide = np.full((*values.shape[:-1], n_labels), unknown, dtype=float)
    wide[..., classes] = values
    return wide


def _choose(
    actors: NDArray[np.integer], is_neutral: NDArray[np.bool_], choices: Sequence[tuple[int, ...]]
) -> NDArray[np.integer]:
    """Return the clips of the profile with which each clip is tested, by choice.

    Returns
    -------
    ndarray of int, shape (n_choices, n_clips, N_PROFILE_CLIPS)
    """
    chosen = np.zeros((len(choices), len(actors), N_PROFILE_CLIPS), dtype=int)
    for actor in np.unique(actors):
        neutral = np.flatnonzero((actors == actor) & is_neutral)
        chosen[:, actors == actor] = neutral[np.array(choices)][:, None]
    return chosen


def _recognise(
    corpus: CorpusFeatures,
    folds: Sequence[Fold],
    tested: Sequence[TestedFold],
    n_choices: int,
) -> tuple[dict[str, NDArray[np.integer]], NDArray[np.bool_]]:
    """Calibrate each fold with the others, and choose emotions for each row.

    Returns
    -------
    recognised : dict of str to ndarray of int, shape (n_choices, n_clips)
    in_profile : ndarray of bool, shape (n_choices, n_clips)
    """
    config = ModelConfig(corpus.labels)
    n_clips, shape = len(corpus.y), (n_choices, len(corpus.y))
    plain = np.zeros((n_clips, len(corpus.labels)))
    for fold, (probabilities, *_) in zip(folds, tested, strict=True):
        plain[fold.test] = probabilities
    recognised = {name: np.zeros(shape, dtype=int) for name in ROWS}
    in_profile = np.zeros(shape, dtype=bool)
    for fold, (probabilities, evidence, left_out) in zip(folds, tested, strict=True):
        others = np.setdiff1d(np.arange(n_clips), fold.test)
        temperature = fit_temperature(plain[others], corpus.candidates[others])
        known = apply_temperature(probabilities, temperature)
        recognised[WITHOUT][:, fold.test] = known.argmax(axis=1)
        for name, values in evidence.items():
            recognised[name][:, fold.test] = weigh(known, values, config).argmax(axis=2)
        in_profile[:, fold.test] = left_out
    return recognised, in_profile


def _compare(
    corpus: CorpusFeatures,
    recognised: NDArray[np.integer],
    baseline: NDArray[np.integer],
    in_profile: NDArray[np.bool_],
) -> Figures:
    """Return mean figures over the choices of profile, on the clips outside each profile."""
    tested = [
        headline_figures(corpus.y[~left_out], classes[~left_out])
        for classes, left_out in zip(recognised, in_profile, strict=True)
    ]
    targets, actors = (
        np.broadcast_to(values, in_profile.shape)[~in_profile]
        for values in (corpus.y, actors_of(corpus))
    )
    return {
        **{name: float(np.mean([each[name] for each in tested])) for name in tested[0]},
        "to_without": paired_difference(
            targets, recognised[~in_profile], baseline[~in_profile], actors
        ),
    }
