"""Our recogniser and the usual recipes, all under the same folds."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import datasets
import numpy as np
from numpy.typing import NDArray

from ser.audio import decoding, loading
from ser.audio.activity import cut_speech
from ser.audio.loading import load_audio
from ser.audio.speed import at_speeds
from ser.corpora.folds import make_folds
from ser.corpora.ravdess import RAVDESS
from ser.errors import DatasetError
from ser.features import FeatureExtractor, code_fingerprint
from ser.studies import baselines, common
from ser.studies.baselines import MEANS, RECIPES, SAMPLE_RATE, TRIMMED, Recipe, extract_family
from ser.studies.common import (
    Figures,
    StudyOptions,
    Tables,
    extract,
    find_ravdess,
    load_ravdess,
)
from ser.studies.folds import collect, fit_ours, run_folds
from ser.studies.seeds import with_spread
from ser.threads import one_thread
from ser.training.features import CorpusFeatures
from ser.training.metrics import headline_figures

logger = logging.getLogger(__name__)

TITLE = "Comparison"
ABOUT = (
    "Five random folds, with the same actors on both sides, are shown beside them because most "
    "reported figures use them. Training times are for one fold's model, from features; times per "
    "clip are from a clip, once read, to its emotion, without checks of the recording. Both are on "
    "one core, warm. Compare times within a table only: the tables are from different runs, under "
    "varying load. Fits on one core round differently from those of train.py, so our figures "
    "differ a little."
)
OURS = "ours"
ROWS = {**{name: recipe.description for name, recipe in RECIPES.items()}, OURS: "ours"}
SETS = {
    "eight": ("Speech, eight emotions", ("speech",), ()),
    "seven": ("Speech, seven emotions (without sad)", ("speech",), ("sad",)),
    "six": (
        "Speech, six emotions (without neutral and surprised)",
        ("speech",),
        ("neutral", "surprised"),
    ),
    "song": ("Speech and song together, eight emotions", ("speech", "song"), ()),
}
"""Sets of clips: title, channels, and emotions that are left out."""
N_TIMED = 12  # clips whose extraction is timed


def uses(row: str) -> tuple[str, ...]:
    """Return the code that decides a row: of the recipes, nothing of our recogniser."""
    if row.rpartition("/")[2] == OURS:
        return ("studies.comparison", *common.OURS)
    modules = (
        "studies.comparison",
        "studies.baselines",
        "studies.common",
        "studies.folds",
        "training.metrics",
    )
    return (*modules, "audio", *common.READING)


def run(options: StudyOptions) -> Iterator[tuple[str, Figures]]:
    """Yield name and figures of each row of each set."""
    loaded = {"speech": _load(options, "speech")}
    if any("song" in SETS[name][1] for name in options.sets):
        try:
            loaded["song"] = _load(options, "song")
        except DatasetError as error:
            logger.warning("Left out the sets that need song: %s", error)
    # Before other processes keep the machine busy.
    extraction = {
        row: _time_extraction(row, loaded["speech"].dataset, options) for row in options.rows
    }
    for name in options.sets:
        _, channels, left_out = SETS[name]
        if set(channels) <= set(loaded):
            chosen = [loaded[channel] for channel in channels]
            for row in options.rows:
                yield f"{name}/{row}", _compare(row, chosen, left_out, extraction[row], options)


def tables(results: Mapping[str, Figures]) -> Tables:
    """Lay the figures out: a table for each set."""
    laid_out = {}
    for name, (title, *_) in SETS.items():
        rows = [
            [
                ROWS[row],
                str(result["values"]),
                *(
                    with_spread(result[split], figure)
                    for split in ("random", "strangers")
                    for figure in ("accuracy", "unweighted_average_recall")
                ),
                f"{result['training_seconds']:.1f}",
                f"{1000 * result['clip_seconds']:.0f}",
            ]
            for row in ROWS
            if (result := results.get(f"{name}/{row}"))
        ]
        if rows:
            clips = next(results[key] for key in results if key.startswith(f"{name}/"))
            laid_out[f"{title}: {clips['random']['clips']} clips"] = [_HEADING, *rows]
    return laid_out


_HEADING = [
    "recipe",
    "features",
    *("random: accuracy %", "unweighted recall %"),
    *("speaker-independent: accuracy %", "unweighted recall %"),
    *("training, s", "ms per clip"),
]


@dataclass(frozen=True, eq=False)
class _Channel:
    """Clips of a channel and, if needed, our features of them."""

    dataset: datasets.Dataset
    ours: CorpusFeatures | None = None


def _load(options: StudyOptions, channel: str) -> _Channel:
    if OURS not in options.rows:
        return _Channel(find_ravdess(options, channel).clips)
    corpus = load_ravdess(options, channel)
    return _Channel(corpus.corpus.clips, corpus)


def _compare(
    row: str,
    channels: Sequence[_Channel],
    left_out: Sequence[str],
    extraction_seconds: float,
    options: StudyOptions,
) -> Figures:
    """Return the figures of a recipe over the clips of some channels."""
    # Labels of song are the first ones of speech, so their numbers agree.
    emotions, speakers, sexes, sentences = (
        np.concatenate([np.array(channel.dataset[column]) for channel in channels])
        for column in ("emotion", "speaker", "sex", "sentence")
    )
    labels = RAVDESS["ravdess"].emotions
    kept = ~np.isin(emotions, [labels.index(emotion) for emotion in left_out])
    targets = np.unique(emotions[kept], return_inverse=True)[1]
    if row == OURS:
        ours = [channel.ours for channel in channels if channel.ours]
        features = np.concatenate([each.X for each in ours])[kept]
        n_speeds = len(options.training.speeds)
        fit = partial(fit_ours, parts=ours[0].parts, config=options.config)
    else:
        recipe = RECIPES[row]
        features = np.concatenate(
            [_extract_recipe(channel.dataset, recipe, options) for channel in channels]
        )[kept]
        n_speeds = 1
        fit = partial(recipe.fit, seed=options.seed)
    folds = {
        split: make_folds(
            protocol,
            emotions=targets,
            speakers=speakers[kept].tolist(),
            sexes=sexes[kept].tolist(),
            sentences=sentences[kept].tolist(),
            published=RAVDESS["ravdess"].folds,
            seed=options.seed,
        )
        for split, protocol in (("random", "random"), ("strangers", options.protocol))
    }
    tested = run_folds(
        features,
        targets,
        [*folds["random"], *folds["strangers"]],
        fit,
        jobs=options.jobs,
        description=f"{len(targets)} clips, {len(np.unique(targets))} emotions: {row}",
        tests=features[:, None, :n_speeds],
    )
    n_random = len(folds["random"])
    splits = {"random": tested[:n_random], "strangers": tested[n_random:]}
    return {
        **{
            split: headline_figures(targets, collect(each, folds[split], len(targets))[:, 0])
            for split, each in splits.items()
        },
        "values": features.shape[2],
        "training_seconds": float(np.mean([seconds for _, seconds, _ in tested])),
        "clip_seconds": extraction_seconds + float(np.mean([seconds for *_, seconds in tested])),
    }


def _extract_recipe(
    dataset: datasets.Dataset, recipe: Recipe, options: StudyOptions
) -> NDArray[np.float32]:
    """Return the features of a recipe, shape (n_clips, n_copies, n_values)."""
    families = [
        extract(
            dataset,
            extract_family,
            family=family,
            seed=options.seed,
            code=code_fingerprint(baselines.__file__, loading.__file__, decoding.__file__),
            jobs=options.jobs,
            description=f"Extracting {family}",
        )
        for family in recipe.families
    ]
    return np.concatenate(families, axis=2)


def _time_extraction(row: str, dataset: datasets.Dataset, options: StudyOptions) -> float:
    """Return the seconds from a clip's file to its features, warm and on one core."""
    if row == OURS:
        compute = partial(_extract_ours, FeatureExtractor(options.training.features))
    else:
        compute = partial(_extract_values, RECIPES[row].families)
    clips = [dataset[index] for index in range(min(N_TIMED, len(dataset)))]
    with one_thread():
        compute(clips[0])
        start = time.process_time()
        for clip in clips:
            compute(clip)
        return (time.process_time() - start) / len(clips)


def _extract_ours(extractor: FeatureExtractor, clip: Mapping[str, Any]) -> None:
    waveform = load_audio(clip["audio"]["path"], extractor.config.sample_rate)
    speech = cut_speech(waveform, extractor.config.sample_rate)
    for version in at_speeds(speech, extractor.config.sample_rate):
        extractor.extract(version)


def _extract_values(families: Sequence[str], clip: Mapping[str, Any]) -> None:
    if families == (TRIMMED,):
        extract_family(clip, family=TRIMMED, copies=False)
    else:
        waveform = load_audio(clip["audio"]["path"], SAMPLE_RATE)
        for family in families:
            MEANS[family](waveform, SAMPLE_RATE).mean(axis=1)
