"""The commands of ``python -m ser`` that measure: study and evaluate."""

import argparse
import json
import os
import tempfile
from importlib import import_module
from pathlib import Path

from ser.cli.options import process_count, seed
from ser.corpora.folds import PROTOCOLS, is_speaker_independent
from ser.errors import DatasetError, SerError

STUDIES = {
    "comparison": "our recogniser and the usual recipes under the same folds",
    "robustness": "degraded recordings of unseen speakers",
    "disturbance": "hum, rumble, offsets and clicks added to any recordings",
    "voice": "the gain from a voice profile of two neutral clips",
    "ablation": "the effect of each part: families, statistics, copies, speeds, classifier",
    "search": "hyper-parameters, chosen inside training folds",
}
"""Maps a study, which is a module beside this one, to a summary."""

TITLE = "# Studies"
"""The beginning of every file that studies write."""


def add_study(parser):
    """Add the options of ``study``."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "\n".join(
        ["studies:", *(f"  {name:11} {what}" for name, what in STUDIES.items())]
    )
    independent = [name for name in PROTOCOLS if is_speaker_independent(name)]
    parser.add_argument("study", choices=STUDIES, metavar="STUDY", help="see below")
    parser.add_argument(
        "dataset",
        metavar="DATASET",
        help="RAVDESS, as train.py takes it; disturbance: a folder of any recordings",
    )
    parser.add_argument(
        "--protocol",
        choices=independent,
        default="published",
        help=f"speaker-independent folds, from {', '.join(independent)} (default: published)",
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
    parser.add_argument(
        "--jobs",
        type=process_count,
        default=os.cpu_count() or 1,
        help="processes (default: one per core)",
    )
    parser.add_argument("--seed", type=seed, default=0, help="random seed (default: 0)")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE.md",
        help="write the tables to this file and the figures to a JSON file beside it; existing "
        "rows and studies that are not run again are kept",
    )
    parser.set_defaults(run=_study)


def _study(options):
    """Run one study and return the exit status."""
    from ser.features import FeatureConfig
    from ser.model.perceptrons import MLPSettings

    options.features, options.settings = FeatureConfig(), MLPSettings()
    study = import_module(f"ser.studies.{options.study}")
    options.rows = _choose("row", options.rows, study.ROWS)
    options.sets = _choose("set", options.sets, getattr(study, "SETS", {}))
    if options.output:
        _check_output(options.output)
    conditions = {"protocol": options.protocol, "seed": options.seed}
    results = {}
    for name, figures in study.run(options):
        results[name] = figures
        if options.output:  # after every row, so that nothing is lost if a later one fails
            _write(options.output, options.study, {**conditions, "rows": results})
    print(_render(study.tables(results), level=None))
    return 0


def _choose(what, names, known):
    """Return the chosen names in the order of the known ones; all if none is given."""
    for name in names or []:
        if name not in known:
            allowed = f"choose from {', '.join(known)}" if known else f"it has no {what}s"
            raise DatasetError(f"The study has no {what} {name!r}; {allowed}.")
    return [name for name in known if names is None or name in names]


def _check_output(path):
    if path.suffix != ".md":
        raise SerError(f"--output is {path}; give the name of a Markdown file, ending in .md.")
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else TITLE
    if not text.startswith(TITLE) or _read(path).keys() - STUDIES.keys():
        raise SerError(
            f"{path}, or the JSON file beside it, was not written by a study and is left "
            "unchanged; give another --output."
        )


def _read(path):
    """Return the figures of all studies that were written beside a Markdown file."""
    try:
        return dict(json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (OSError, TypeError, ValueError) as error:
        raise SerError(
            f"{path.with_suffix('.json')} is not a file of figures that a study wrote; give "
            "another --output, or delete it."
        ) from error


def _write(path, name, result):
    """Add the result of a study to the files; it replaces older rows."""
    results = _read(path)
    older = results.get(name, {})
    if all(older.get(key) == result[key] for key in ("protocol", "seed")):
        result = {**result, "rows": {**older["rows"], **result["rows"]}}
    results[name] = result
    _replace(path.with_suffix(".json"), json.dumps(results, indent=1) + "\n")
    parts = [TITLE, "Written by `python -m ser study`; the figures are in the JSON file beside it."]
    for each in STUDIES:
        if each in results:
            study, protocol = import_module(f"ser.studies.{each}"), results[each]["protocol"]
            parts += [
                f"## {study.TITLE}",
                f"`python -m ser study {each} DATASET --protocol {protocol}`: "
                f"{PROTOCOLS[protocol]}. {study.ABOUT}",
                _render(study.tables(results[each]["rows"]), level=3),
            ]
    _replace(path, "\n\n".join(parts) + "\n")


def _replace(path, text):
    """Write a file whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, suffix=".part", delete=False, encoding="utf-8"
        ) as file:
            file.write(text)
        Path(file.name).chmod(0o644)
        Path(file.name).replace(path)
    except OSError as error:
        raise SerError(f"{path} cannot be written: {error.strerror}.") from error


def _render(tables, level):
    """Write tables with their titles, as Markdown with headings of a level or as plain text."""
    # Deferred, so that --help does not wait for Matplotlib.
    from ser.training.report import to_markdown, to_text

    parts = []
    for title, rows in tables.items():
        if level is None:
            parts += [title, to_text(rows)]
        else:
            parts += [f"{'#' * level} {title}", to_markdown(rows)]
    return "\n\n".join(parts)


def add_evaluate(parser):
    """Add the options of ``evaluate``."""
    parser.add_argument("model", metavar="MODEL", help="model folder, or OWNER/NAME[@REVISION]")
    parser.add_argument(
        "--on",
        required=True,
        metavar="FOLDER",
        help="recordings named as in CREMA-D (ACTOR_SENTENCE_EMOTION_LEVEL.wav), RAVDESS, EmoDB, "
        "SAVEE or TESS",
    )
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    parser.set_defaults(run=_evaluate)


def _evaluate(options):
    from ser.recognizer import EmotionRecognizer
    from ser.studies.cross_corpus import evaluate_corpus, find_clips, format_result

    clips = find_clips(options.on)
    result = evaluate_corpus(EmotionRecognizer.from_pretrained(options.model), clips)
    print(json.dumps(result, indent=1) if options.json else format_result(result))
    return 0
