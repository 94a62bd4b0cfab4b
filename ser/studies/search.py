"""The search for hyper-parameters: random settings, judged inside training folds only.

The folds of a protocol are used twice. For each tested fold, settings are judged on every other
fold by models trained without either, so that no setting is chosen by a clip on which it is then
tested. A model trained without folds A and B judges B for A and A for B, which halves the work.
"""

import itertools
from dataclasses import asdict, replace
from functools import partial

import numpy as np

from ser.corpora.folds import Fold
from ser.errors import DatasetError
from ser.studies.common import (
    NOT_RECOGNISED,
    figures,
    fit_ours,
    load_corpus,
    paired_difference,
    percent,
    points,
    run_folds,
)
from ser.training.run import corpus_folds

TITLE = "Search"
ABOUT = (
    "Settings of the perceptron on all features, used alone and judged by unweighted recall inside "
    "the training folds: the mean over the tested folds, and the number of tested folds for which "
    "a setting would be chosen. The second table tests the settings chosen for each fold."
)
SPACE = {
    "n_components": (600, 800, 1000),
    "whitening": (0.0, 0.25, 0.5),
    "hidden_units": (128, 256, 512),
    "alpha": (0.5, 1.0, 2.0, 5.0),
    "n_epochs": (10, 15, 20),
    "mixup": (0.2, 0.4, 0.8),
}
N_RANDOM = 11
SEARCH_SEED = 0
DEFAULTS, NESTED = "defaults", "nested"
ROWS = {}  # none to select: the search means something only if it chooses from all settings


def candidates(defaults):
    """Return settings by name, the defaults first; always the same ones.

    Parameters
    ----------
    defaults : MLPSettings

    Returns
    -------
    dict of str to MLPSettings
    """
    rng = np.random.default_rng(SEARCH_SEED)
    drawn = {DEFAULTS: defaults}
    for index in range(1, N_RANDOM + 1):
        values = {key: rng.choice(values).item() for key, values in SPACE.items()}
        drawn[f"random {index}"] = replace(defaults, **values)
    return drawn


def run(options):
    """Yield name and figures of each candidate, and of choosing among them.

    Parameters
    ----------
    options : argparse.Namespace
        Of the command.

    Yields
    ------
    tuple of (str, dict)

    Raises
    ------
    DatasetError
        If the protocol has fewer than three folds of these actors.
    """
    corpus = load_corpus(options)
    folds = corpus_folds(corpus, options.protocol, options.seed)
    if len(folds) < 3 or options.protocol == "sentence":
        raise DatasetError(
            f"Protocol {options.protocol!r} does not split these actors into at least three "
            "groups, which a search needs; add actors or choose another protocol."
        )
    settings, scores = candidates(options.settings), {}
    for name, each in settings.items():
        scores[name] = _inner_scores(corpus, folds, each, name, options)
        yield (
            name,
            {
                "settings": {key: asdict(each)[key] for key in SPACE},
                "scores": dict(zip([fold.name for fold in folds], scores[name], strict=True)),
            },
        )
    chosen = [max(settings, key=lambda name: scores[name][index]) for index in range(len(folds))]
    yield NESTED, _test_choices(corpus, folds, settings, chosen, options)


def _inner_scores(corpus, folds, settings, name, options):
    """Return the mean recall inside the training clips of each fold."""
    pairs = list(itertools.combinations(range(len(folds)), 2))
    inner = [without_both(folds[a], folds[b]) for a, b in pairs]
    # There are fewer clips than in a full training, but there should be as many steps.
    share = (len(folds) - 2) / (len(folds) - 1)
    settings = replace(settings, n_epochs=round(settings.n_epochs / share))
    tested = run_folds(
        corpus.features,
        corpus.targets,
        inner,
        _fit(corpus, settings, options),
        jobs=options.jobs,
        description=f"Settings {name}",
        tests=corpus.heard[:, None],
    )
    scores = [[] for _ in folds]
    for (a, b), (recognised, *_) in zip(pairs, tested, strict=True):
        for outer, judge, classes in (
            (b, a, recognised[: len(folds[a].test), 0]),
            (a, b, recognised[len(folds[a].test) :, 0]),
        ):
            result = figures(corpus.targets[folds[judge].test], classes)
            scores[outer].append(result["unweighted_average_recall"])
    return [float(np.mean(each)) for each in scores]


def without_both(first, second):
    """Return a fold that trains on the clips of neither fold and tests on those of both."""
    return Fold(
        f"{first.name} and {second.name}",
        np.intersect1d(first.train, second.train),
        np.concatenate([first.test, second.test]),
    )


def _test_choices(corpus, folds, settings, chosen, options):
    """Test on each fold the settings chosen without it, and the defaults."""
    recognised = {way: np.full(len(corpus.targets), NOT_RECOGNISED) for way in ("chosen", DEFAULTS)}
    for name in [DEFAULTS, *sorted(set(chosen) - {DEFAULTS})]:
        used = [index for index, choice in enumerate(chosen) if name in (choice, DEFAULTS)]
        tested = run_folds(
            corpus.features,
            corpus.targets,
            [folds[index] for index in used],
            _fit(corpus, settings[name], options),
            jobs=options.jobs,
            description=f"Testing settings {name}",
            tests=corpus.heard[:, None],
        )
        for index, (classes, *_) in zip(used, tested, strict=True):
            for way in ("chosen" if chosen[index] == name else None, name):
                if way in recognised:
                    recognised[way][folds[index].test] = classes[:, 0]
    targets = corpus.targets
    return {
        "choices": {fold.name: name for fold, name in zip(folds, chosen, strict=True)},
        **{way: figures(targets, classes) for way, classes in recognised.items()},
        "to_defaults": paired_difference(
            targets, recognised["chosen"], recognised[DEFAULTS], corpus.actors
        ),
    }


def _fit(corpus, settings, options):
    return partial(fit_ours, seed=options.seed, n_labels=len(corpus.labels), settings=settings)


def tables(results):
    """Lay the figures out, the best settings first."""
    searched = {name: result for name, result in results.items() if name != NESTED}
    means = {name: float(np.mean(list(each["scores"].values()))) for name, each in searched.items()}
    choices = list(results[NESTED]["choices"].values()) if NESTED in results else []
    rows = [["settings", *SPACE, "unweighted recall %", "chosen for folds"]]
    for name in sorted(searched, key=means.get, reverse=True):
        values = [f"{value:g}" for value in searched[name]["settings"].values()]
        rows.append([name, *values, percent(means[name]), str(choices.count(name))])
    laid_out = {"Settings, judged inside training folds": rows}
    if NESTED in results:
        rows = [["settings", "accuracy %", "unweighted recall %", "vs. defaults"]]
        for way, title in ((DEFAULTS, "defaults"), ("chosen", "chosen without the tested fold")):
            result = results[NESTED][way]
            row = [title, percent(result["accuracy"])]
            row += [percent(result["unweighted_average_recall"])]
            rows.append([*row, points(results[NESTED]["to_defaults"]) if way == "chosen" else ""])
        laid_out["Tested on the folds that had no part in the choice"] = rows
    return laid_out
