"""The effect of each part: the recogniser without it, over the same clips."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser.audio.augmentation import RECORDINGS
from ser.audio.speed import SPEEDS
from ser.features import FeatureConfig, FeatureExtractor
from ser.features.families import FAMILIES
from ser.features.statistics import STATISTICS
from ser.features.tracks import track_names
from ser.model.perceptrons import MLPSettings
from ser.studies.common import (
    NOT_RECOGNISED,
    OURS,
    Figures,
    StudyOptions,
    Tables,
    collect,
    figures,
    fit_ours,
    load_corpus,
    paired_difference,
    percent,
    points,
    run_folds,
)
from ser.studies.robustness import hear_degraded
from ser.studies.seeds import with_spread
from ser.training.run import CLEAN, COPIES, EIGHT_BIT, corpus_folds

TITLE = "Ablation"
ABOUT = (
    "Each row removes one part of the recogniser; differences from the full one are paired over "
    "the same clips, ± standard error over actors. Without a family, features that involve any of "
    "its descriptors are removed from both experts, except those of the convolution kernels. With "
    "fewer copies there are more epochs of the general expert, so that the number of its training "
    "steps stays the same. Mixup, whitening and clipping are those of the general expert. The "
    "degraded recordings are some of those under Robustness; the first row gives the accuracy on "
    "them."
)
FULL, WEIGHTS, SPEED = "full", "weights", "speed"
SUMMARIES, PROSODY = "summaries", "prosody"
NO_LIMIT = 1e6  # standard deviations, which no feature reaches
NO_MIXUP = 1e-3  # of the Beta distribution: its weights are 0 or 1

#: Maps a kind of copies to the copies that remain without it.
COPIES_WITHOUT = {
    "speeds": [index for index, (speed, kind) in enumerate(COPIES) if speed == 1 or kind != CLEAN],
    **{
        kind: [index for index, (_, other) in enumerate(COPIES) if other != kind]
        for kind in (*RECORDINGS, EIGHT_BIT)
    },
    "recordings": [index for index, (_, kind) in enumerate(COPIES) if kind not in RECORDINGS],
    "all": [COPIES.index((1.0, CLEAN))],
}
SETTINGS_WITHOUT = {
    "mixup": {"mixup": NO_MIXUP},
    "whitening": {"whitening": 0.0},
    "limit": {"clip": NO_LIMIT},
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
    SUMMARIES: "the summaries-only perceptron",
    PROSODY: "the prosody expert",
    "classifier:limit": "clipping of features",
}
TESTS = (CLEAN, "noise15", "telephone", "room", "8bit")
"""Conditions of `ser.studies.robustness` under which each clip is tested."""
AS_RECORDED = [COPIES.index((1.0, CLEAN))] * len(SPEEDS)
"""Copies that are tested, unless degraded, if a clip is to be heard at its own speed only."""


def uses(row: str) -> tuple[str, ...]:
    """Return the code that decides a row."""
    return ("studies.ablation", "studies.robustness", *OURS)


def run(options: StudyOptions) -> Iterator[tuple[str, Figures]]:
    """Yield name and figures of each row; the full recogniser always comes first.

    Parameters
    ----------
    options : StudyOptions

    Yields
    ------
    tuple of (str, dict)
    """
    corpus = load_corpus(options)
    folds = corpus_folds(corpus, options.protocol, options.seed)
    versions, refused = hear_degraded(corpus, TESTS, options)
    full = None
    for name in [FULL, *(row for row in options.rows if row != FULL)]:
        part = {
            "settings": options.settings,
            "parts": {kind: each for kind, each in corpus.parts.items() if kind != name},
            **without(name, options.features, options.settings),
        }
        tested = run_folds(
            corpus.features,
            corpus.targets,
            folds,
            partial(fit_ours, seed=options.seed, n_labels=len(corpus.labels), **part),
            jobs=options.jobs,
            description=f"Without {ROWS[name]}",
            tests=corpus.features[:, None, AS_RECORDED] if name == SPEED else versions,
        )
        recognised = collect(tested, folds, len(corpus.targets))
        recognised[refused[:, : recognised.shape[1]]] = NOT_RECOGNISED
        full = recognised if name == FULL else full
        columns = part.get("columns")
        yield (
            name,
            {
                "features": corpus.features.shape[2] if columns is None else len(columns),
                **{
                    condition: {
                        **figures(corpus.targets, classes),
                        "to_full": paired_difference(
                            corpus.targets, classes, baseline, corpus.actors
                        ),
                    }
                    for condition, classes, baseline in zip(
                        TESTS, recognised.T, full.T, strict=False
                    )  # of some rows only the first condition
                },
            },
        )


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


def without(name: str, config: FeatureConfig, settings: MLPSettings) -> dict[str, Any]:
    """Return the arguments of `fit_ours` that leave a part out, other than perceptrons.

    Parameters
    ----------
    name : str
        Of `ROWS`.
    config : FeatureConfig
    settings : MLPSettings

    Returns
    -------
    dict
    """
    kind, _, part = name.partition(":")
    if kind == "family":
        return {"columns": np.flatnonzero(~family_columns(part, config))}
    if kind == "statistic":
        return {"columns": np.flatnonzero(~statistic_columns(part, config))}
    if kind == "copies":
        # As many training steps as with all copies, or the row would measure fewer steps.
        n_epochs = round(settings.n_epochs * len(COPIES) / len(COPIES_WITHOUT[part]))
        return {
            "copies": COPIES_WITHOUT[part],
            "settings": replace(settings, n_epochs=n_epochs),
        }
    if kind == WEIGHTS:
        return {"weights": np.ones(len(COPIES))}
    if kind == "classifier":
        return {"settings": replace(settings, **SETTINGS_WITHOUT[part])}
    return {}


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
