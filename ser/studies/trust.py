"""Reasons to doubt an answer: how often those with a warning are wrong, and unsure ones."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from ser.audio import quality
from ser.audio.loading import read_recording
from ser.audio.speed import SPEEDS
from ser.corpora.folds import PROTOCOLS
from ser.errors import NoSpeechError
from ser.features import FeatureConfig, FeatureExtractor, code_fingerprint
from ser.model import analysis
from ser.model.analysis import analyse
from ser.studies.common import (
    OURS,
    Figures,
    StudyOptions,
    Tables,
    extract,
    judge,
    load_corpus,
    possible,
)
from ser.studies.seeds import with_spread
from ser.training.features import CorpusFeatures, training_fingerprint
from ser.training.fitting import calibrate, cross_validate

TITLE = "Trust"
ABOUT = (
    "How far answers for clips of unseen speakers can be trusted. The score of trust is the "
    "confidence, calibrated on the other folds: AUC is the probability that it is higher for a "
    "right answer than for a wrong one, and the errors are those among the most confident 100, "
    "80, 60 and 40 % of the clips. Warnings are those that the recogniser gives for the "
    "recording; each is to have at least 1.3 times the errors of the clips without it."
)
ROWS = {name: PROTOCOLS[name] for name in ("actors", "leave-one-corpus-out") if name in PROTOCOLS}
COVERAGES = (100, 80, 60, 40)
"""Shares of the clips in per cent, the most confident ones."""

ERRORS = {f"error_{share}": f"errors % in {share} %" for share in COVERAGES}
"""Key and heading of the errors in each."""

WARNINGS = {
    "little speech": "There is little speech in it",
    "clipped": "It is clipped",
    "noisy": "It is noisy",
    "may not be speech": "This may not be speech",
}
"""Name and beginning of each warning about a recording."""

WARNING_COLUMNS = ("clips", "errors % with", "without", "ratio")
"""Headings of the figures of a warning."""


def uses(row: str) -> tuple[str, ...]:
    """Return the code that decides a row."""
    return ("studies.trust", *OURS)


def run(options: StudyOptions) -> Iterator[tuple[str, Figures]]:
    """Yield name and figures of each protocol."""
    corpus = load_corpus(options)
    warned, refused = find_warnings(corpus, options)
    for protocol in possible(options.rows, corpus, options.seed):
        probabilities, folds = cross_validate(corpus, protocol, options.config)
        calibrated = calibrate(probabilities, corpus, folds)
        by_corpus = {}
        for name, judged in judge(corpus, protocol).items():
            told, heard = judged.merge(calibrated), ~refused[judged.clips]
            wrong = (told.argmax(axis=1) != judged.targets)[heard]
            by_corpus[name] = {
                **trust_figures(told.max(axis=1)[heard], wrong),
                "warnings": {
                    warning: warning_figures(flags[judged.clips][heard], wrong)
                    for warning, flags in zip(WARNINGS, warned.T, strict=True)
                },
            }
        yield protocol, {"refused": int(refused.sum()), "corpora": by_corpus}


def find_warnings(
    corpus: CorpusFeatures, options: StudyOptions
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which warnings the recogniser gives for the clips, from the cache if they are there.

    Returns
    -------
    warned : ndarray of bool, shape (n_clips, n_warnings)
        In the order of `WARNINGS`.
    refused : ndarray of bool, shape (n_clips,)
        Where it finds no speech.
    """
    code = code_fingerprint(__file__, analysis.__file__, Path(quality.__file__).parent)
    found = extract(
        corpus.corpus.clips,
        hear,
        config=options.training.features.to_dict(),
        code=training_fingerprint() + code,
        jobs=options.jobs,
        description="Looking for reasons to doubt",
    )[:, 0]
    return found == 1, np.asarray(np.isnan(found).any(axis=1))


def hear(clip: Mapping[str, Any], *, config: dict[str, Any]) -> NDArray[np.float32]:
    """Return for each of `WARNINGS` whether a clip draws it, shape (1, n_warnings).

    Parameters
    ----------
    clip : dict
        Row of `ser.corpora.corpus.Corpus.clips`.
    config : dict
        Of a `FeatureConfig`.

    Returns
    -------
    ndarray of float32
        1 or 0; NaN where the recogniser finds no speech.
    """
    extractor = FeatureExtractor(FeatureConfig.from_dict(config))
    recording = read_recording(clip["audio"]["path"], extractor.config.sample_rate)
    row = np.full((1, len(WARNINGS)), np.nan, dtype=np.float32)
    with suppress(NoSpeechError):
        given = analyse(recording, extractor, SPEEDS[:1]).warnings
        row[0] = [any(each.startswith(begin) for each in given) for begin in WARNINGS.values()]
    return row


def trust_figures(confidences: NDArray[np.float64], wrong: NDArray[np.bool_]) -> Figures:
    """Measure how well confidence tells right answers from wrong ones.

    Parameters
    ----------
    confidences : ndarray, shape (n_clips,)
    wrong : ndarray of bool, shape (n_clips,)

    Returns
    -------
    dict
        ``auc`` is None if all answers are right, or all are wrong.
    """
    ranked = wrong[np.argsort(-confidences, kind="stable")]
    kept = [ranked[: max(1, len(ranked) * share // 100)] for share in COVERAGES]
    both = len(set(wrong.tolist())) == 2
    return {
        "clips": len(wrong),
        "auc": float(roc_auc_score(~wrong, confidences)) if both else None,
        **{key: float(each.mean()) for key, each in zip(ERRORS, kept, strict=True)},
    }


def warning_figures(warned: NDArray[np.bool_], wrong: NDArray[np.bool_]) -> Figures:
    """Compare the errors with and without a warning; None where there are no such clips."""
    with_it, without = wrong[warned], wrong[~warned]
    return {
        "clips": int(warned.sum()),
        "with": float(with_it.mean()) if with_it.size else None,
        "without": float(without.mean()) if without.size else None,
    }


def tables(results: Mapping[str, Figures]) -> Tables:
    """Lay the figures out."""
    found: Tables = {}
    for protocol, result in results.items():
        scores = [["corpus", "clips", "AUC %", *ERRORS.values()]]
        doubts = [["corpus", "warning", *WARNING_COLUMNS]]
        for name, figures in result["corpora"].items():
            shares = [_share(figures, key) for key in ("auc", *ERRORS)]
            scores.append([name, f"{figures['clips']:.0f}", *shares])
            for warning, each in figures["warnings"].items():
                doubts.append([name, warning, *warning_row(each)])
        found[f"Confidence, protocol {protocol}"] = scores
        found[f"Warnings, protocol {protocol}"] = doubts
    return found


def warning_row(figures: Figures) -> list[str]:
    """Lay what `warning_figures` returns out, in the order of `WARNING_COLUMNS`."""
    shares = [_share(figures, key) for key in ("with", "without")]
    return [f"{figures['clips']:.0f}", *shares, _ratio(figures)]


def _share(figures: Figures, key: str) -> str:
    return "" if figures[key] is None else with_spread(figures, key)


def _ratio(figures: Figures) -> str:
    if figures["with"] is None or not figures["without"]:
        return ""
    return f"{figures['with'] / figures['without']:.2f}"
