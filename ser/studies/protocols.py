"""The figures of a training, protocol by protocol: with several seeds, how much they vary."""

from collections.abc import Iterator, Mapping

from ser.corpora.folds import PROTOCOLS
from ser.studies.common import OURS, Figures, StudyOptions, Tables, load_corpus
from ser.studies.seeds import with_spread
from ser.training.metrics import METRICS, evaluate
from ser.training.run import calibrate, cross_validate

TITLE = "Protocols"
ABOUT = (
    "Our recogniser under each protocol, evaluated as in a training. The seed decides the copies "
    "of the clips, the perceptrons and, of the random protocol, the folds."
)
ROWS = PROTOCOLS
SHARES = {
    **{metric.key: f"{metric.name} %" for metric in METRICS},
    "expected_calibration_error": "calibration error, points",
}


def uses(row: str) -> tuple[str, ...]:
    """Return the code that decides a row."""
    return ("studies.protocols", *OURS)


def run(options: StudyOptions) -> Iterator[tuple[str, Figures]]:
    """Yield name and figures of each protocol."""
    corpus = load_corpus(options)
    for protocol in options.rows:
        probabilities, folds, _ = cross_validate(corpus, protocol, options.config)
        metrics = evaluate(
            corpus.y,
            calibrate(probabilities, corpus, folds),
            labels=corpus.labels,
            folds=folds,
            groups={},
        )
        kept = {key: metrics[key] for key in ("clips", *SHARES, "fold_mean")}
        yield protocol, kept


def tables(results: Mapping[str, Figures]) -> Tables:
    """Lay the figures out."""
    rows = [["protocol", *SHARES.values()]]
    for name in ROWS:
        if result := results.get(name):
            rows.append([name, *(with_spread(result, key) for key in SHARES)])
    clips = next(iter(results.values()))["clips"]
    return {f"{clips} clips": rows}
