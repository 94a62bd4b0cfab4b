"""Train a speech emotion recogniser on RAVDESS, evaluate it, and write it as a model folder.

    python train.py --dataset path/to/ravdess

The dataset is a folder or ZIP of RAVDESS recordings, or a dataset on the Hugging Face Hub.
"""

import argparse
import logging
import os
import sys
import time
from functools import partial

from tqdm.auto import tqdm

from ser.cli.options import add_links, licence, process_count, repository, seed
from ser.corpora.emotions import NAMES
from ser.corpora.folds import PROTOCOLS, is_speaker_independent
from ser.corpora.ravdess import ABOUT, CHANNELS
from ser.errors import DatasetError, SerError
from ser.training.card import TITLE

logger = logging.getLogger("train")


def parse_arguments(arguments=None):
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="Protocols, with all of RAVDESS: "
        + "; ".join(f"{name}: {what}" for name, what in PROTOCOLS.items()),
    )
    parser.add_argument(
        "--dataset",
        default=ABOUT.repo_id,
        help="folder or ZIP of recordings named like RAVDESS's, or a dataset on the Hub, "
        "OWNER/NAME[@REVISION] (default: %(default)s)",
    )
    parser.add_argument(
        "--channel", default="speech", choices=CHANNELS, help="recordings to use (default: speech)"
    )
    parser.add_argument(
        "--emotions",
        nargs="+",
        choices=NAMES,
        metavar="EMOTION",
        help=f"emotions to distinguish, from {', '.join(NAMES)} (default: all)",
    )
    parser.add_argument(
        "--output", default="model", help="model folder to write (default: %(default)s)"
    )
    parser.add_argument(
        "--protocol",
        nargs="+",
        choices=PROTOCOLS,
        default=["actors", "random"],
        metavar="PROTOCOL",
        help=f"evaluation protocols, from {', '.join(PROTOCOLS)} (default: actors random)",
    )
    parser.add_argument(
        "--skip-evaluation",
        action="store_true",
        help="only train: no figures, no examples, no calibration, no novelty warnings",
    )
    parser.add_argument(
        "--no-examples", action="store_true", help="put no example clips into the model folder"
    )
    parser.add_argument(
        "--jobs",
        type=process_count,
        default=os.cpu_count() or 1,
        help="processes that extract features (default: one per core)",
    )
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
    card.add_argument("--dataset-name", help="name of the recordings, if they are not RAVDESS")
    card.add_argument(
        "--licence", type=licence, help="of the model and its examples, such as cc-by-4.0"
    )
    add_links(card)
    options = parser.parse_args(arguments)
    if options.dataset_name and not options.licence:
        parser.error("--dataset-name needs the licence of the recordings: add --licence")
    if (options.private or options.tag) and not options.push_to_hub:
        parser.error("--private and --tag apply to publishing: add --push-to-hub OWNER/NAME")
    return options


def main(arguments=None):
    """Train, evaluate, write, and publish if asked to."""
    options = parse_arguments(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    logging.getLogger("huggingface_hub").propagate = False  # it prints its lines itself
    try:
        train(options)
    except (SerError, OSError) as error:  # OSError: a full disk, or caches without access
        logger.error("%s", error)
        return 1
    except KeyboardInterrupt:
        logger.error("Stopped.")
        return 130
    return 0


def train(options):
    """Run the training that the options describe."""
    # Imports that take seconds are deferred, here and below, so that --help answers at once.
    from ser.features import FeatureConfig
    from ser.hub.targets import check_target
    from ser.model.atomic_folder import check_replaceable
    from ser.model.folder import MARK, is_model_file, write_model_folder
    from ser.model.perceptrons import MLPSettings
    from ser.training.card import make_card, with_links
    from ser.training.examples import make_examples, widget
    from ser.training.report import draw_figures, format_metrics
    from ser.training.run import extract_corpus

    # Check now what would otherwise fail at the end, minutes later.
    check_replaceable(options.output, is_ours=is_model_file, mark=MARK)
    if options.push_to_hub:
        check_target(options.push_to_hub, private=options.private, tag=options.tag)
    start = time.monotonic()
    features, settings = FeatureConfig(), MLPSettings()
    recordings, protocols = _load(options)
    corpus = extract_corpus(recordings, features, seed=options.seed, jobs=options.jobs)
    logger.info("%d clips with %d features each", len(corpus.targets), corpus.features.shape[2])

    metrics, temperature, max_novelty, held_out = _evaluate(corpus, protocols, options, settings)
    logger.info("Training on all clips")
    classifier = _fit(corpus, options, settings, temperature, max_novelty)
    config = _describe(corpus, classifier, options, features, settings)
    config["training_seconds"] = round(time.monotonic() - start)
    files, answers = draw_figures(metrics), {}
    if held_out is not None and not options.no_examples:
        files |= make_examples(
            corpus.dataset, held_out.argmax(axis=1), seed=options.seed, about=recordings.about
        )
        answers = {
            f"examples/{file}.flac": dict(zip(corpus.labels, probabilities.tolist(), strict=True))
            for file, probabilities in zip(corpus.dataset["file"], held_out, strict=True)
        }
    card = make_card(
        config, metrics, name=options.output, files=files, widget=widget(files, answers)
    )
    write_model_folder(
        options.output,
        model=classifier.pipelines,
        config=config,
        metrics=metrics,
        readme=with_links(card, code=options.code, space=options.space),
        files=files,
    )
    if metrics["protocols"]:
        print(format_metrics(metrics))
    logger.info("Wrote %s", options.output)
    if options.push_to_hub:
        _publish(options)


def _load(options):
    """Return the recordings, and the protocols under which they can be evaluated, in order."""
    from ser.corpora.folds import make_folds
    from ser.corpora.loading import load_corpus

    corpus = load_corpus(
        options.dataset,
        corpus=CHANNELS[options.channel],
        emotions=options.emotions,
        about={"name": options.dataset_name, "licence": options.licence},
    )
    clips = corpus.clips
    if len(set(clips["emotion"])) < 2:
        raise DatasetError("All clips have the same emotion; give at least two emotions.")
    protocols = [] if options.skip_evaluation else _ordered(options.protocol)
    for protocol in protocols:  # only to check that they can be made
        make_folds(
            protocol,
            emotions=clips["emotion"],
            speakers=clips["speaker"],
            sexes=clips["sex"],
            sentences=clips["sentence"],
            published=corpus.published_folds,
            seed=options.seed,
        )
    return corpus, protocols


def _evaluate(corpus, protocols, options, settings):
    """Evaluate under each protocol.

    Returns
    -------
    metrics : dict
        For ``metrics.json``.
    temperature, max_novelty : float
        By which the probabilities of held-out clips are calibrated, and which few of them exceed.
        Of the first protocol, which is speaker-independent if any is: they are to hold for
        strangers.
    held_out : ndarray, shape (n_clips, n_labels), or None
        Calibrated probabilities by a model that had not heard the clip's speaker; None if the
        first protocol is not speaker-independent.
    """
    import numpy as np

    from ser.model.classifier import FALSE_ALARMS
    from ser.training.metrics import fit_temperature
    from ser.training.run import calibrate, cross_validate, evaluate_protocol

    metrics, temperature, max_novelty, held_out = {"protocols": {}}, 1.0, float("inf"), None
    for protocol in protocols:
        probabilities, folds, novelties = cross_validate(
            corpus,
            protocol,
            seed=options.seed,
            settings=settings,
            progress=partial(tqdm, desc=f"Protocol {protocol}", unit="fold"),
        )
        metrics["protocols"][protocol] = evaluate_protocol(corpus, protocol, probabilities, folds)
        if protocol == protocols[0]:
            temperature = fit_temperature(probabilities, corpus.targets)
            max_novelty = float(np.quantile(novelties, 1 - FALSE_ALARMS))
            if is_speaker_independent(protocol):
                held_out = calibrate(probabilities, corpus.targets, folds)
    return metrics, temperature, max_novelty, held_out


def _fit(corpus, options, settings, temperature, max_novelty):
    """Return a classifier trained on all clips."""
    from ser.audio.speed import SPEEDS
    from ser.model.classifier import EmotionClassifier
    from ser.model.perceptrons import fit_pipelines
    from ser.training.run import WEIGHTS

    pipelines = fit_pipelines(
        corpus.features,
        corpus.targets,
        seed=options.seed,
        parts=corpus.parts,
        settings=settings,
        weights=WEIGHTS,
    )
    classifier = EmotionClassifier(corpus.labels, pipelines, temperature, max_novelty)
    classifier.learn_voices(
        corpus.features,
        corpus.levels,
        corpus.targets,
        corpus.actors,
        n_heard=len(SPEEDS),
        seed=options.seed,
        prosody=corpus.parts["prosody"],
    )
    return classifier


def _describe(corpus, classifier, options, features, settings):
    """Return the part of ``config.json`` on the classifier and its training."""
    from ser.audio.speed import SPEEDS
    from ser.corpora.corpus import describe_corpus
    from ser.features import FeatureExtractor
    from ser.training.run import describe_training

    return {
        **classifier.to_config(),
        "name": options.name,
        "sample_rate": features.sample_rate,
        "features": features.to_dict(),
        "feature_hash": FeatureExtractor(features).hash,
        "speeds": list(SPEEDS),
        "seed": options.seed,
        "dataset": describe_corpus(corpus.recordings, corpus.dataset),
        "training": describe_training(settings),
    }


def _publish(options):
    """Push the model folder to the Hub."""
    from ser.recognizer import EmotionRecognizer

    published = EmotionRecognizer.from_pretrained(options.output).push_to_hub(
        options.push_to_hub, private=options.private, tag=options.tag
    )
    logger.info("%s at revision %s", published.url, published.revision)


def _ordered(protocols):
    """Return protocols once each, in the order of `PROTOCOLS`: speaker-independent ones first."""
    return [name for name in PROTOCOLS if name in protocols]


if __name__ == "__main__":
    sys.exit(main())
