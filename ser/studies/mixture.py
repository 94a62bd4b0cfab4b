"""What each part of the recogniser brings: variants of it, over the same clips."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser.features import FeatureConfig, FeatureExtractor
from ser.features.families import FAMILIES
from ser.model.perceptrons import PerceptronSettings
from ser.studies.common import (
    OURS,
    Figures,
    StudyOptions,
    Tables,
    actors_of,
    judge,
    load_corpus,
    paired_recall,
    points,
    possible,
)
from ser.studies.references import WITHOUT, References, answer, draw_references
from ser.studies.seeds import with_spread
from ser.training.config import CLEAN, TrainingConfig
from ser.training.features import CorpusFeatures
from ser.training.metrics import headline_figures

TITLE = "Mixture"
ABOUT = (
    "Each row changes one part of the recogniser. Figures are unweighted recalls: of unseen "
    "speakers (protocol `actors`), of the same relative to four neutral clips of theirs, which are "
    "then not tested, and of a corpus by a model trained on the others (`leave-one-corpus-out`). "
    "Differences from the recogniser that ships are paired over the same clips, ± standard error "
    "over speakers. Without a family, features that involve any of its descriptors are removed, "
    "except those of the convolution kernels."
)
SHIPPED = "ours"
ACTORS, VOICE, ACROSS = "actors", "neutral clips", "leave-one-corpus-out"
WAYS = {ACTORS: "unseen speakers", VOICE: "relative to 4 neutral clips", ACROSS: "other corpora"}
N_NEUTRAL = 4
NO_LIMIT = 1e6  # standard deviations, which no feature reaches
NO_MIXUP = 1e-3  # of the Beta distribution: its weights are 0 or 1

ROWS = {
    SHIPPED: "as it ships",
    "no-relative": "no relative perceptron",
    "prosody-relative": "one more relative perceptron, on prosody",
    "prosody": "one more perceptron, on prosody",
    "no-summaries": "no perceptron on summaries",
    "no-bands": "no perceptron on kernels of mel bands",
    "no-descriptors": "no perceptron on kernels of descriptors alone",
    "three-speeds": "three speeds",
    "no-exchange": "no exchange of voices",
    "no-dropout": "no dropout",
    "no-mixup": "no mixup",
    "no-whitening": "no whitening",
    "no-limit": "no clipping of features",
    "no-copies": "no copies",
    "degraded-copies": "degraded copies only",
    **{f"family:{name}": f"without the family {name}" for name in FeatureConfig().families},
}


def uses(row: str) -> tuple[str, ...]:
    """Return the code that decides a row."""
    return ("studies.mixture", "studies.references", *OURS)


def run(options: StudyOptions) -> Iterator[tuple[str, Figures]]:
    """Yield name and figures of each row; the recogniser that ships always comes first."""
    corpus, config = load_corpus(options), options.config
    protocols = possible((ACTORS, ACROSS), corpus, options.seed)
    neutral = draw_references(corpus, N_NEUTRAL, options.seed, everyday=True)
    ours: dict[str, NDArray[np.float64]] = {}
    for name in [SHIPPED, *(row for row in options.rows if row != SHIPPED)]:
        changed, seen = change(name, corpus, config)
        known = _answer(seen, changed, protocols, neutral, ROWS[name], options.jobs)
        ours = ours or known
        found = {
            way: _compare(corpus, way, each, ours[way], neutral.tested)
            for way, each in known.items()
        }
        yield name, {"features": seen.X.shape[2], "ways": found}


def change(
    name: str, corpus: CorpusFeatures, config: TrainingConfig
) -> tuple[TrainingConfig, CorpusFeatures]:
    """Return the settings of a row, and the versions and features that it sees.

    Parameters
    ----------
    name : str
        Of `ROWS`.
    corpus : CorpusFeatures
    config : TrainingConfig
        Of the recogniser that ships.
    """
    kind, _, family = name.partition(":")
    if kind == "family":
        return config, _without(corpus, family_columns(family, config.features))
    perceptrons = config.perceptrons
    plain = _plain(config)

    def with_one_more(**settings: Any) -> dict[str, Any]:
        return {"perceptrons": [*perceptrons, replace(plain[0], **settings)]}

    def without(part: str) -> dict[str, Any]:
        return {"perceptrons": [each for each in perceptrons if each.part != part]}

    def learning(**settings: Any) -> dict[str, Any]:
        changed = [
            replace(each, learning=replace(each.learning, **settings)) for each in perceptrons
        ]
        return {"perceptrons": changed}

    settings: dict[str, dict[str, Any]] = {
        SHIPPED: {},
        "no-relative": {"perceptrons": plain},
        "prosody-relative": with_one_more(relative=True, part="prosody", share=0.5),
        "prosody": with_one_more(part="prosody", share=0.5),
        "no-summaries": without("summaries"),
        "no-bands": without("bands"),
        "no-descriptors": without("descriptors"),
        "three-speeds": {
            "speeds": [each.speed for each in config.versions if each.recording == CLEAN],
            "copies": _degraded(config),
        },
        "no-exchange": {"perceptrons": [replace(each, exchange=0.0) for each in perceptrons]},
        "no-dropout": learning(dropout=0.0),
        "no-mixup": learning(mixup=NO_MIXUP),
        "no-whitening": {"perceptrons": [replace(each, whitening=0.0) for each in perceptrons]},
        "no-limit": {"feature_limit": NO_LIMIT},
        "no-copies": {"copies": ()},
        "degraded-copies": {"copies": _degraded(config)},
    }
    changed = replace(config, **settings[name])
    if changed.versions == config.versions:
        return changed, corpus
    kept = [config.versions.index(version) for version in changed.versions]
    return changed, replace(corpus, X=corpus.X[:, kept])


def _degraded(config: TrainingConfig) -> list[Any]:
    return [copy for copy in config.copies if copy.recording != CLEAN]


def _without(corpus: CorpusFeatures, removed: NDArray[np.bool_]) -> CorpusFeatures:
    """Return a corpus without some features, shape (n_features,)."""
    left = np.flatnonzero(~removed)
    parts = {name: np.flatnonzero(np.isin(left, part)) for name, part in corpus.parts.items()}
    return replace(corpus, X=corpus.X[:, :, left], parts=parts)


def family_columns(family: str, config: FeatureConfig) -> NDArray[np.bool_]:
    """Tell by name which features involve a descriptor of a family, shape (n_features,)."""
    descriptors = set(FAMILIES[family].names(config))
    names = FeatureExtractor(config).names
    return np.array([not descriptors.isdisjoint(name.split(".")) for name in names])


def _answer(
    corpus: CorpusFeatures,
    config: TrainingConfig,
    protocols: Sequence[str],
    neutral: References,
    title: str,
    jobs: int,
) -> dict[str, NDArray[np.float64]]:
    """Return the probabilities of each way that the corpora allow."""
    found = {}
    for protocol in protocols:
        by_actor = protocol == ACTORS
        known, _ = answer(
            corpus,
            protocol,
            config if by_actor else replace(config, perceptrons=_plain(config)),
            {VOICE: neutral} if by_actor and neutral.tested.any() else {},
            jobs=jobs,
            description=f"{title}: {protocol}",
        )
        found[protocol] = known.pop(WITHOUT)
        found |= known
    return found


def _plain(config: TrainingConfig) -> list[PerceptronSettings]:
    return [each for each in config.perceptrons if not each.relative]


def _compare(
    corpus: CorpusFeatures,
    way: str,
    known: NDArray[np.float64],
    ours: NDArray[np.float64],
    tested: NDArray[np.bool_],
) -> Figures:
    """Return by corpus the figures of a way, and the difference from ours."""
    found = {}
    for name, judged in judge(corpus, ACROSS if way == ACROSS else ACTORS).items():
        kept = tested[judged.clips] if way == VOICE else np.ones(len(judged.clips), dtype=bool)
        if kept.any():
            targets, actors = judged.targets[kept], actors_of(corpus)[judged.clips][kept]
            recognised, baseline = (
                judged.merge(each)[kept].argmax(axis=1) for each in (known, ours)
            )
            found[name] = {
                **headline_figures(targets, recognised),
                "to_ours": paired_recall(targets, recognised, baseline, actors),
            }
    return found


def tables(results: Mapping[str, Figures]) -> Tables:
    """Lay the figures out: a table for each corpus."""
    found: Tables = {}
    corpora = dict.fromkeys(
        corpus for row in results.values() for way in row["ways"].values() for corpus in way
    )
    for corpus in corpora:
        heading = ["recogniser", "features"]
        for title in WAYS.values():
            heading += [f"{title}: recall %", "vs. ours"]
        rows = [heading]
        for name in ROWS:
            if result := results.get(name):
                row = [ROWS[name], str(result["features"])]
                for way in WAYS:
                    figures = result["ways"].get(way, {}).get(corpus)
                    row.append(with_spread(figures, "unweighted_average_recall") if figures else "")
                    gain = figures and name != SHIPPED
                    row.append(points(figures["to_ours"]) if gain else "")
                rows.append(row)
        found[f"Variants on {corpus}"] = rows
    return found
