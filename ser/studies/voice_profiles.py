"""The gain from knowing a speaker's voice: judged relative to other clips of them."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ser.errors import DatasetError
from ser.model.calibration import apply_temperature, fit_temperature
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
)
from ser.studies.references import WITHOUT, answer, draw_references
from ser.studies.seeds import with_spread
from ser.training.by_corpus import balanced_weights
from ser.training.features import CorpusFeatures
from ser.training.metrics import expected_calibration_error, headline_figures, reliability

TITLE = "Voice profiles"
ABOUT = (
    "Clips of unseen speakers, protocol `actors`, are judged as they are, and relative to other "
    "clips of their speaker: neutral ones, the same for all clips as in a voice profile, or any, "
    "drawn for each clip. Clips in a neutral reference, and those of speakers with too few, are "
    "tested in neither way. Both ways are compared over the same clips: differences of unweighted "
    "recall are ± standard error over speakers. Confidences are calibrated without a reference, "
    "on the other folds."
)
PROTOCOL = "actors"
REFERENCES = {
    "neutral2": ("2 neutral clips", 2, True),
    "neutral4": ("4 neutral clips", 4, True),
    "any4": ("4 other clips", 4, False),
    "any16": ("16 other clips", 16, False),
}
"""Description of each reference, how many clips it has, and whether they are neutral."""

ROWS = {WITHOUT: "none", **{name: title for name, (title, *_) in REFERENCES.items()}}
RECALL, ERROR = "unweighted_average_recall", "expected_calibration_error"


def uses(row: str) -> tuple[str, ...]:
    """Return the code that decides a row."""
    return ("studies.voice_profiles", "studies.references", *OURS)


def run(options: StudyOptions) -> Iterator[tuple[str, Figures]]:
    """Yield name and figures of each row, by corpus.

    Raises
    ------
    DatasetError
        If no speaker has enough clips for a reference.
    """
    corpus, references = load_corpus(options), {}
    for name in options.rows:
        if name != WITHOUT:
            title, number, everyday = REFERENCES[name]
            references[name] = draw_references(corpus, number, options.seed, everyday=everyday)
            if not references[name].tested.any():
                raise DatasetError(
                    f"No speaker has {title} and one more to test; give --rows without {name}."
                )
    known, folds = answer(
        corpus,
        PROTOCOL,
        options.config,
        references,
        jobs=options.jobs,
        description="Training without each fold",
    )
    known = _calibrate(known, corpus, folds)
    everyone = np.ones(len(corpus.y), dtype=bool)
    for name in options.rows:
        tested = references[name].tested if name in references else everyone
        yield name, _compare(corpus, known[name], known[WITHOUT], tested)


def _calibrate(
    known: Mapping[str, NDArray[np.float64]], corpus: CorpusFeatures, folds: NDArray[np.object_]
) -> dict[str, NDArray[np.float64]]:
    """Calibrate all answers with the temperature of those without a reference in other folds."""
    calibrated = {name: each.copy() for name, each in known.items()}
    weights = balanced_weights(corpus.corpora)
    for fold in np.unique(folds):
        others = folds != fold
        temperature = fit_temperature(
            known[WITHOUT][others], corpus.candidates[others], weights[others]
        )
        for each in calibrated.values():
            each[~others] = apply_temperature(each[~others], temperature)
    return calibrated


def _compare(
    corpus: CorpusFeatures,
    known: NDArray[np.float64],
    plain: NDArray[np.float64],
    tested: NDArray[np.bool_],
) -> Figures:
    """Return by corpus the figures with a reference and without, over the clips tested."""
    found = {}
    for name, judged in judge(corpus, PROTOCOL).items():
        kept = tested[judged.clips]
        if not kept.any():
            continue
        targets, actors = judged.targets[kept], actors_of(corpus)[judged.clips][kept]
        ways = {"with": judged.merge(known)[kept], "without": judged.merge(plain)[kept]}
        recognised = {way: each.argmax(axis=1) for way, each in ways.items()}
        found[name] = {
            **{
                way: {
                    **headline_figures(targets, recognised[way]),
                    ERROR: expected_calibration_error(reliability(targets, each)),
                }
                for way, each in ways.items()
            },
            "gain": paired_recall(targets, recognised["with"], recognised["without"], actors),
        }
    return found


def tables(results: Mapping[str, Figures]) -> Tables:
    """Lay the figures out: a table for each corpus."""
    heading = ["reference", "clips", "unweighted recall %", "without", "gain"]
    heading += ["accuracy %", "without", "calibration error, points", "without"]
    found: Tables = {}
    for name, title in ROWS.items():
        for corpus, figures in results.get(name, {}).items():
            ways = [figures["with"], figures["without"]]
            row = [title, f"{ways[0]['clips']:.0f}"]
            for key in (RECALL, "accuracy", ERROR):
                first, second = (with_spread(way, key) for way in ways)
                row += [first, "" if name == WITHOUT else second]
                if key == RECALL:
                    row.append("" if name == WITHOUT else points(figures["gain"]))
            found.setdefault(f"Clips of {corpus} with a reference", [heading]).append(row)
    return found
