"""The figures of a training, protocol by protocol: with several seeds, how much they vary."""

from collections.abc import Iterator, Mapping

from ser.corpora.folds import PROTOCOLS
from ser.studies.common import OURS, Figures, StudyOptions, Tables, load_corpus, possible
from ser.studies.seeds import with_spread
from ser.training.by_corpus import evaluate_by_corpus
from ser.training.fitting import calibrate, cross_validate
from ser.training.metrics import METRICS

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
    """Yield name and figures of each protocol that the corpora allow.

    Raises
    ------
    DatasetError
        If they allow none of them.
    """
    corpus = load_corpus(options)
    for protocol in possible(options.rows, corpus, options.seed):
        probabilities, folds = cross_validate(corpus, protocol, options.config)
        found = evaluate_by_corpus(
            corpus.y,
            calibrate(probabilities, corpus, folds),
            labels=corpus.labels,
            candidates=corpus.candidates,
            corpora=corpus.corpora,
            folds=folds,
            groups={},
            across=protocol == "leave-one-corpus-out",
        )
        kept = ("clips", *SHARES, "fold_mean")
        yield protocol, {name: {key: each[key] for key in kept} for name, each in found.items()}


def tables(results: Mapping[str, Figures]) -> Tables:
    """Lay the figures out."""
    rows = [["protocol", "corpus", "clips", *SHARES.values()]]
    for name in ROWS:
        for corpus, figures in results.get(name, {}).items():
            shares = [with_spread(figures, key) for key in SHARES]
            rows.append([name, corpus, str(figures["clips"]), *shares])
    return {"Clips of unseen speakers, and under random of all": rows}
