"""The commands of ``python -m ser`` that measure: study and evaluate."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ser.cli.options import add_jobs, dataset, seed, source
from ser.corpora.catalog import names_and_examples
from ser.corpora.folds import PROTOCOLS, is_speaker_independent
from ser.errors import DatasetError
from ser.paths import expanded
from ser.studies import EVALUATION, STUDIES, WITHOUT_FOLDS
from ser.training.report import to_text

OUTPUT = (
    "write the tables to this file and the figures to a JSON file beside it; rows of the same "
    "protocol, and sections, that are not made again are kept"
)


def add_study(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``study``."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "\n".join(
        ["studies:", *(f"  {name:11} {what}" for name, (_, what) in STUDIES.items())]
    )
    independent = [name for name in PROTOCOLS if is_speaker_independent(name)]
    parser.add_argument("study", choices=STUDIES, metavar="STUDY", help="see below")
    parser.add_argument(
        "dataset",
        nargs="+",
        type=dataset,
        metavar="DATASET",
        help="recordings as train.py takes them, SOURCE or CORPUS=SOURCE; several are joined; "
        "comparison and robustness: RAVDESS; disturbance: a folder of any recordings",
    )
    parser.add_argument(
        "--protocol",
        choices=independent,
        default="published",
        help=f"comparison and robustness: speaker-independent folds, from {', '.join(independent)} "
        "(default: published)",
        metavar="PROTOCOL",
    )
    parser.add_argument(
        "--rows", nargs="+", metavar="ROW", help="only these rows; a wrong name lists them all"
    )
    parser.add_argument(
        "--sets",
        nargs="+",
        metavar="SET",
        help="comparison: only these sets, from eight, seven, six, song",
    )
    add_jobs(parser)
    parser.add_argument(
        "--seeds",
        type=seed,
        nargs="+",
        default=[0],
        metavar="SEED",
        help="random seeds; with several, the study runs once with each, and figures are means ± "
        "standard deviation (default: 0)",
    )
    parser.add_argument("--output", type=expanded, metavar="FILE.md", help=OUTPUT)
    parser.set_defaults(run=_study)


def _study(options: argparse.Namespace) -> int:
    """Run one study and return the exit status."""
    from ser.studies import record
    from ser.studies.age import make_stamp
    from ser.studies.common import StudyOptions
    from ser.studies.seeds import run_seeds

    study = record.study_module(options.study)
    chosen = StudyOptions(
        sources=options.dataset,
        protocol=options.protocol,
        jobs=options.jobs,
        rows=_choose("row", options.rows, study.ROWS),
        sets=_choose("set", options.sets, getattr(study, "SETS", {})),
    )
    seeds = list(dict.fromkeys(options.seeds))
    if options.output:
        record.check(options.output)
    # Before the study, as somebody may edit its code while it runs.
    protocol = None if options.study in WITHOUT_FOLDS else options.protocol
    stamps = {
        uses: make_stamp(uses, seeds=seeds, protocol=protocol)
        for uses in set(map(study.uses, study.ROWS))
    }
    results = {}
    for name, figures in run_seeds(study, chosen, seeds):
        results[name] = figures
        if options.output:  # after every row, so that nothing is lost if a later one fails
            record.add(options.output, options.study, name, stamps[study.uses(name)], figures)
    tables = study.tables(results)
    print("\n\n".join(f"{title}\n\n{to_text(rows)}" for title, rows in tables.items()))
    return 0


def _choose(what: str, names: Sequence[str] | None, known: Mapping[str, object]) -> list[str]:
    """Return the chosen names in the order of the known ones; all if none is given."""
    for name in names or []:
        if name not in known:
            allowed = f"choose from {', '.join(known)}" if known else f"it has no {what}s"
            raise DatasetError(f"The study has no {what} {name!r}; {allowed}.")
    return [name for name in known if names is None or name in names]


def add_evaluate(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``evaluate``."""
    parser.add_argument("model", metavar="MODEL", help="model folder, or OWNER/NAME[@REVISION]")
    parser.add_argument(
        "--on",
        required=True,
        type=source,
        metavar="FOLDER",
        help=f"recordings named as in one of {names_and_examples()}",
    )
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    parser.add_argument("--output", type=expanded, metavar="FILE.md", help=OUTPUT)
    parser.set_defaults(run=_evaluate)


def _evaluate(options: argparse.Namespace) -> int:
    """Evaluate a model and return the exit status."""
    from ser.recognizer import EmotionRecognizer
    from ser.studies import record
    from ser.studies.age import make_stamp, model_fingerprint
    from ser.studies.cross_corpus import evaluate_corpus, find_clips, format_result, uses

    clips = find_clips(options.on)
    if options.output:
        record.check(options.output)
    recognizer = EmotionRecognizer.from_pretrained(options.model)
    corpus = expanded(options.on).resolve().name
    stamp = make_stamp(uses(corpus), model=model_fingerprint(recognizer.files["config.json"]))
    result = evaluate_corpus(recognizer, clips)
    print(json.dumps(result, indent=1) if options.json else format_result(result))
    if options.output:
        before = record.read(options.output).get(EVALUATION, {}).get(corpus)
        if before and _of_what(before["stamp"], before["figures"]) != _of_what(vars(stamp), result):
            print(
                f"The row {corpus} of {options.output}, of another model or other recordings, is "
                "replaced.",
                file=sys.stderr,
            )
        record.add(options.output, EVALUATION, corpus, stamp, result)
    return 0


def _of_what(stamp: Mapping[str, Any], figures: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what tells an evaluation from that of another model, or of other recordings."""
    return stamp["model"], figures["all"]["clips"], figures["speakers"]
