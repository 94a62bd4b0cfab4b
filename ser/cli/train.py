"""The command ``train``, which is also ``train.py``."""

import logging
from argparse import ArgumentParser, Namespace
from functools import partial

from ser.cli.options import (
    add_jobs,
    add_links,
    corpus_key,
    corpus_name,
    corpus_weight,
    dataset,
    label_mapping,
    label_text,
    licence,
    repository,
    seed,
)
from ser.corpora.catalog import CORPORA
from ser.corpora.folds import PROTOCOLS
from ser.corpora.ravdess import CHANNELS
from ser.errors import DatasetError
from ser.training.config import TITLE

logger = logging.getLogger(__name__)

COLUMNS = ("audio", "emotion", "speaker", "sex", "sentence", "intensity", "language")


def add_train(parser: ArgumentParser) -> None:
    """Add the options of ``train``."""
    parser.epilog = "Protocols, with all of RAVDESS: " + "; ".join(
        f"{name}: {what}" for name, what in PROTOCOLS.items()
    )
    parser.add_argument(
        "--dataset",
        nargs="+",
        type=dataset,
        default=[(None, CORPORA["ravdess"].about.repo_id)],
        metavar="SOURCE",
        help="folder or ZIP of recordings, a CSV, JSON-lines or Parquet table, or a dataset on the "
        "Hub, OWNER/NAME[@REVISION]; several are joined, each as SOURCE or CORPUS=SOURCE, such as "
        "ravdess=FOLDER "
        f"(default: {CORPORA['ravdess'].about.repo_id})",
    )
    parser.add_argument(
        "--corpus",
        type=corpus_key,
        choices=CORPORA,
        metavar="NAME",
        help=f"corpus whose file names the recordings have, from {', '.join(CORPORA)} (default: "
        "what they fit; else each subfolder is an emotion)",
    )
    parser.add_argument(
        "--channel", choices=CHANNELS, help="recordings of RAVDESS to use (default: speech)"
    )
    parser.add_argument(
        "--emotions",
        nargs="+",
        type=label_text,
        metavar="EMOTION",
        help="emotions to distinguish (default: all)",
    )
    parser.add_argument(
        "--corpus-weight",
        nargs="+",
        type=corpus_weight,
        default=[],
        metavar="NAME=NUMBER",
        help="how much a clip of a corpus counts beside those of others, such as crema-d=0.5",
    )
    columns = parser.add_argument_group("recordings of your own, in a table")
    for name in COLUMNS:
        columns.add_argument(f"--{name}-column", metavar="COLUMN", help=f"column of the {name}")
    columns.add_argument(
        "--map",
        nargs="+",
        type=label_mapping,
        default=[],
        metavar="LABEL=EMOTION",
        help="other names for emotions of the recordings, such as anger=angry",
    )
    parser.add_argument(
        "--output", default="model", help="model folder to write (default: %(default)s)"
    )
    parser.add_argument(
        "--protocol",
        nargs="+",
        choices=PROTOCOLS,
        metavar="PROTOCOL",
        help=f"evaluation protocols, from {', '.join(PROTOCOLS)} (default: actors random, or "
        "random alone unless several speakers are known)",
    )
    parser.add_argument(
        "--skip-evaluation",
        action="store_true",
        help="only train: no figures, no calibration, no examples but those of --examples-of",
    )
    parser.add_argument(
        "--no-examples", action="store_true", help="put no example clips into the model folder"
    )
    parser.add_argument(
        "--examples-of",
        metavar="CORPUS",
        help="keep a woman and a man of a corpus, such as CREMA-D, out of training and figures, "
        "and take the example clips of them",
    )
    add_jobs(parser)
    parser.add_argument(
        "--seed",
        type=seed,
        default=0,
        help="on one machine, the same seed gives the same model (default: %(default)s)",
    )
    parser.add_argument(
        "--push-to-hub",
        type=repository,
        metavar="OWNER/NAME",
        help="publish the model on the Hugging Face Hub",
    )
    parser.add_argument("--private", action="store_true", help="publish to a private repository")
    parser.add_argument("--tag", help="name for the published revision, such as v1")
    card = parser.add_argument_group("model card")
    card.add_argument("--name", help="name of the model (default: %(default)s)", default=TITLE)
    card.add_argument("--dataset-name", help="name of the recordings (default: the corpus's)")
    card.add_argument(
        "--licence", type=licence, help="of the model and its examples, such as cc-by-4.0"
    )
    add_links(card)
    parser.set_defaults(run=partial(_train, parser))


def _train(parser: ArgumentParser, options: Namespace) -> int:
    # Imports that take seconds are deferred, so that --help answers at once.
    from ser.corpora.clips import join_corpora
    from ser.corpora.loading import load_corpus
    from ser.corpora.own import Columns
    from ser.hub.targets import check_target
    from ser.storage.atomic_folder import check_replaceable
    from ser.storage.folder import MARK, is_model_file
    from ser.training.config import TrainingConfig
    from ser.training.report import format_metrics
    from ser.training.run import train

    if (options.private or options.tag) and not options.push_to_hub:
        parser.error("--private and --tag apply to publishing: add --push-to-hub OWNER/NAME")
    if options.examples_of and options.no_examples:
        parser.error("--examples-of chooses the examples that --no-examples leaves out: give one")
    if options.dataset_name and not options.licence:
        parser.error("--dataset-name needs the licence of the recordings: add --licence")
    if options.channel and options.corpus:
        parser.error("--channel is for RAVDESS: leave out --corpus")
    columns = {name: column for name in COLUMNS if (column := getattr(options, f"{name}_column"))}
    named = CHANNELS[options.channel] if options.channel else options.corpus
    if named and any(corpus for corpus, _ in options.dataset):
        parser.error("--dataset names the corpus: leave out --corpus and --channel")
    for_one = {"name": options.dataset_name, "licence": options.licence}
    if len(options.dataset) > 1 and (named or columns or any(for_one.values())):
        parser.error(
            "--corpus, --channel, --dataset-name, --licence and the columns are of one dataset: "
            "give a single one"
        )
    mapped = [label for label, _ in options.map]
    if twice := next((label for label in mapped if mapped.count(label) > 1), None):
        parser.error(f"--map gives {twice!r} more than one name: keep one")
    logging.getLogger("ser").setLevel(logging.INFO)
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    # Check now what would otherwise fail at the end, minutes later.
    check_replaceable(options.output, is_ours=is_model_file, mark=MARK)
    if options.push_to_hub:
        check_target(options.push_to_hub, private=options.private, tag=options.tag)
    corpora = [
        load_corpus(
            source,
            corpus=corpus or named,
            columns=Columns(**columns) if columns else None,
            about=for_one,
        )
        for corpus, source in options.dataset
    ]
    corpus = join_corpora(corpora, mapping=dict(options.map), emotions=options.emotions)
    names = [origin.about.name for origin in corpus.origins]
    weights = {corpus_name(name, names): weight for name, weight in options.corpus_weight}
    if unknown := sorted(set(weights) - set(names)):
        raise DatasetError(
            f"There is no corpus {unknown[0]!r} to weigh; there are {', '.join(names)}."
        )
    config = TrainingConfig(
        corpus_weights={**TrainingConfig().corpus_weights, **weights},
        protocols=() if options.skip_evaluation else options.protocol,
        seed=options.seed,
        examples=not options.no_examples,
        examples_of=options.examples_of and corpus_name(options.examples_of, names),
        name=options.name,
    )
    model = train(corpus, config, jobs=options.jobs)
    recognizer = model.save(options.output, code=options.code, space=options.space)
    if model.metrics["protocols"]:
        print(format_metrics(model.metrics))
    logger.info("Wrote %s", options.output)
    if options.push_to_hub:
        published = recognizer.push_to_hub(
            options.push_to_hub, private=options.private, tag=options.tag
        )
        logger.info("%s at revision %s", published.url, published.revision)
    return 0
