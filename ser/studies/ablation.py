"""The effect of each part: the recogniser without it, over the same clips."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from ser.audio.augmentation import RECORDINGS
from ser.features import FeatureConfig, FeatureExtractor
from ser.features.families import FAMILIES
from ser.features.statistics import STATISTICS
from ser.features.tracks import track_names
from ser.model.classifier import EmotionClassifier
from ser.model.perceptrons import PERCEPTRONS
from ser.studies.common import (
    NOT_RECOGNISED,
    OURS,
    Figures,
    StudyOptions,
    Tables,
    actors_of,
    collect,
    fit_ours,
    load_corpus,
    paired_difference,
    points,
    run_folds,
)
from ser.studies.robustness import degraded_features
from ser.studies.seeds import with_spread
from ser.training.config import CLEAN, TrainingConfig
from ser.training.metrics import headline_figures, percent
from ser.training.run import make_classifier

TITLE = "Ablation"
ABOUT = (
    "Each row removes one part of the recogniser; differences from the full one are paired over "
    "the same clips, ± standard error over actors. Without a family, features that involve any of "
    "its descriptors are removed from all experts, except those of the convolution kernels. With "
    "fewer copies there are more epochs, so that the number of training steps stays the same. The "
    "degraded recordings are some of those under Robustness; the first row gives the accuracy on "
    "them."
)
FULL, WEIGHTS, SPEED = "full", "weights", "speed"
PARTS = tuple(dict.fromkeys(each.part for each in PERCEPTRONS if each.part))
NO_LIMIT = 1e6  # standard deviations, which no feature reaches
SETTINGS_WITHOUT: dict[str, dict[str, Any]] = {
    "mixup": {"mixup": 1e-3},  # of the Beta distribution: its weights are 0 or 1
    "whitening": {"whitening": 0.0},
}
ROWS = {
    FULL: "nothing",
    **{f"family:{name}": f"family {name}" for name in FeatureConfig().families},
    **{f"statistic:{name}": f"statistic {name}" for name in FeatureConfig().statistics},
    "copies:speeds": "clean copies at other speeds",
    **{f"copies:{name}": f"degraded copies: {name}" for name in RECORDINGS},
    "copies:recordings": "all four degraded copies",
    "copies:8 bit": "8-bit copies",
    "copies:all": "all copies",
    WEIGHTS: "down-weighting of degraded copies",
    SPEED: "averaging over two speeds",
    "classifier:mixup": "mixup",
    "classifier:whitening": "whitening",
    **{part: f"perceptrons on {part} only" for part in PARTS},
    "classifier:limit": "clipping of features",
}
TESTS = (CLEAN, "noise15", "telephone", "room", "8bit")
"""Conditions of `ser.studies.robustness` under which each clip is tested."""


def uses(row: str) -> tuple[str, ...]:
    """Return the code that decides a row."""
    return ("studies.ablation", "studies.robustness", *OURS)


def run(options: StudyOptions) -> Iterator[tuple[str, Figures]]:
    """Yield name and figures of each row; the full recogniser always comes first."""
    corpus, config = load_corpus(options), options.config
    folds = corpus.folds(options.protocol, options.seed)
    degraded, refused = degraded_features(corpus, TESTS, options)
    classifier = make_classifier(corpus, config)
    full = np.empty((0, 0), int)  # until the first row
    for name in [FULL, *(row for row in options.rows if row != FULL)]:
        part = {"classifier": classifier, **without(name, config, classifier)}
        tested = run_folds(
            corpus.X,
            corpus.y,
            folds,
            partial(fit_ours, **part),
            jobs=options.jobs,
            description=f"Without {ROWS[name]}",
            tests=as_recorded(corpus.X, config) if name == SPEED else degraded,
        )
        recognised = collect(tested, folds, len(corpus.y))
        recognised[refused[:, : recognised.shape[1]]] = NOT_RECOGNISED
        full = recognised if name == FULL else full
        columns = part.get("columns")
        yield (
            name,
            {
                "features": corpus.X.shape[2] if columns is None else len(columns),
                **{
                    condition: {
                        **headline_figures(corpus.y, classes),
                        "to_full": paired_difference(
                            corpus.y, classes, baseline, actors_of(corpus)
                        ),
                    }
                    for condition, classes, baseline in zip(
                        TESTS, recognised.T, full.T, strict=False
                    )  # of some rows only the first condition
                },
            },
        )


def as_recorded(features: NDArray[np.floating], config: TrainingConfig) -> NDArray[np.floating]:
    """Return the features of clips at their own speed in place of each of the speeds.

    Parameters
    ----------
    features : ndarray, shape (n_clips, n_versions, n_features)
        Of the versions in `config`.
    config : TrainingConfig

    Returns
    -------
    ndarray, shape (n_clips, 1, n_speeds, n_features)
        As `ser.studies.common.run_folds` tests them.
    """
    clean = [(each.speed, each.recording) for each in config.versions].index((1.0, CLEAN))
    return features[:, None, [clean] * len(config.speeds)]


def tables(results: Mapping[str, Figures]) -> Tables:
    """Lay the figures out."""
    worse = TESTS[1:]
    heading = ["without", "features", "accuracy %", "unweighted recall %", "vs. full model"]
    rows = [[*heading, *(f"{name}: vs. full model" for name in worse)]]
    for name in ROWS:
        if result := results.get(name):
            row = [ROWS[name], str(result["features"])]
            row += [with_spread(result[CLEAN], "accuracy")]
            row += [with_spread(result[CLEAN], "unweighted_average_recall")]
            if name == FULL:
                row += ["", *(f"{percent(result[each]['accuracy'])} %" for each in worse)]
            else:
                row += [points(result[CLEAN]["to_full"])]
                row += [points(result[each]["to_full"]) if each in result else "" for each in worse]
            rows.append(row)
    return {f"Accuracy on {results[FULL]['clean']['clips']} clips without each part": rows}


def without(name: str, config: TrainingConfig, classifier: EmotionClassifier) -> dict[str, Any]:
    """Return the arguments of `fit_ours` that leave a part out.

    Parameters
    ----------
    name : str
        Of `ROWS`.
    config : TrainingConfig
    classifier : EmotionClassifier
        The full one.
    """
    kind, _, part = name.partition(":")
    perceptrons = classifier.perceptrons
    if kind == "family":
        return {"columns": np.flatnonzero(~family_columns(part, config.features))}
    if kind == "statistic":
        return {"columns": np.flatnonzero(~statistic_columns(part, config.features))}
    if kind == "copies":
        kept = versions_without(part, config)
        # As many training steps as with all copies, or the row would measure fewer steps.
        more = len(config.versions) / len(kept)
        longer = [replace(each, n_epochs=round(each.n_epochs * more)) for each in perceptrons]
        return {"versions": kept, "classifier": _changed(classifier, perceptrons=longer)}
    changes: dict[str, dict[str, Any]] = {
        WEIGHTS: {"weights": [1.0] * len(config.versions)},
        **{
            left_out: {"perceptrons": [each for each in perceptrons if each.part != left_out]}
            for left_out in PARTS
        },
        "classifier:limit": {"limit": NO_LIMIT},
        **{
            f"classifier:{part}": {"perceptrons": [replace(each, **less) for each in perceptrons]}
            for part, less in SETTINGS_WITHOUT.items()
        },
    }
    return {"classifier": _changed(classifier, **changes.get(name, {}))}


def _changed(classifier: EmotionClassifier, **parameters: Any) -> EmotionClassifier:
    return clone(classifier).set_params(**parameters)


def versions_without(copies: str, config: TrainingConfig) -> list[int]:
    """Return the versions of a clip to learn from without some copies.

    Parameters
    ----------
    copies : str
        A recording condition, ``"recordings"`` for all that are drawn at random, ``"speeds"`` for
        clean copies at other speeds, or ``"all"`` but the clip as it is.
    config : TrainingConfig
    """
    is_left = {
        "speeds": lambda each: each.speed == 1 or each.recording != CLEAN,
        "recordings": lambda each: each.recording not in RECORDINGS,
        "all": lambda each: each.speed == 1 and each.recording == CLEAN,
    }.get(copies, lambda each: each.recording != copies)
    return [index for index, each in enumerate(config.versions) if is_left(each)]


def family_columns(family: str, config: FeatureConfig) -> NDArray[np.bool_]:
    """Tell by name which features involve a descriptor of a family.

    Returns
    -------
    ndarray of bool, shape (n_features,)
    """
    descriptors = set(FAMILIES[family].names(config))
    names = FeatureExtractor(config).names
    return np.array([not descriptors.isdisjoint(name.split(".")) for name in names])


def statistic_columns(statistic: str, config: FeatureConfig) -> NDArray[np.bool_]:
    """Tell which features belong to a statistic.

    Returns
    -------
    ndarray of bool, shape (n_features,)
    """
    tracks, paired = track_names(config)
    correlated = [name for name, is_paired in zip(tracks, paired, strict=True) if is_paired]
    return np.concatenate(
        [
            np.full(len(STATISTICS[each].names(tracks, correlated)), each == statistic)
            for each in config.statistics
        ]
    )
