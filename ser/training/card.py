"""The model card: the template ``model_card.md``, filled from a model's config and figures."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from ser.corpora.catalog import CORPORA
from ser.corpora.corpus import About
from ser.corpora.folds_in_words import in_words, people
from ser.features import FeatureConfig, FeatureExtractor
from ser.hub.licences import licence_link, licence_name
from ser.model.folder import library_versions
from ser.training.config import TITLE
from ser.training.metrics import by_independence, in_percent, metrics_in
from ser.training.report import (
    SAME_SPEAKERS,
    class_table,
    slice_table,
    summary_table,
    to_markdown,
)

TEMPLATE = Path(__file__).with_name("model_card.md")
"""Beside this module where ser is installed, at the top of a clone."""
if not TEMPLATE.is_file():
    TEMPLATE = Path(__file__).parents[2] / "model_card.md"

EXAMPLES = (
    "`examples/` has a clip of each emotion, chosen at random, with the answer of a model that had "
    "not been trained on\nthat speaker."
)
"""What a card says of the examples."""

CHOSEN = {
    "RAVDESS": """\
with the speech of RAVDESS, and some of CREMA-D, in view: expect somewhat lower figures on other
speakers. A nested search over the settings of the perceptron on all features found none that tested
better there than the defaults.""",
    "CREMA-D": """\
with some of these recordings in view: expect somewhat lower figures on other speakers.""",
}
"""How features, copies and settings were chosen, by the corpora that had a part in it."""

HUB = "https://huggingface.co"

Described = Mapping[str, Any]
"""A part of ``config.json`` or ``metrics.json``."""


def make_card(
    config: Described,
    metrics: Described,
    *,
    name: str,
    files: Iterable[str] = (),
    comparison: str = "",
    widget: Iterable[dict[str, Any]] = (),
    about_examples: str = EXAMPLES,
) -> str:
    """Write the model card of a model folder.

    Parameters
    ----------
    config : dict
        For ``config.json``. Beyond what `ser.model.folder` requires, the card shows ``name``,
        ``dataset`` (as `ser.corpora.corpus.describe_corpus` makes it) and ``training`` (as
        `ser.training.run.train` makes it).
    metrics : dict
        For ``metrics.json``; ``protocols`` as `ser.training.metrics` describes them.
    name : str
        What the snippet loads: the folder's path, or the repository that it is published to.
    files : iterable of str
        Names of the pictures and examples in the folder.
    comparison : str
        Markdown table of other recipes under the same folds.
    widget : list of dict
        The examples with our answers, as `ser.training.examples.widget` makes it.
    about_examples : str
        Markdown: what the examples and the answers are.

    Returns
    -------
    str
        Markdown with metadata on top, for ``README.md``.
    """
    protocols = by_independence(metrics)
    dataset, title = _complete(config["dataset"]), config.get("name", TITLE)
    figures: dict[str, Any] = {}
    if protocols:
        protocol, main = protocols[0]
        figures = {
            "main": f"`{protocol}`, {_kind(main, dataset)}",
            "summary": to_markdown(summary_table(metrics)).replace(SAME_SPEAKERS, _same(dataset)),
            "classes": to_markdown(class_table(main)),
            "sliced_by": " and ".join(main["slices"]),
            "slices": to_markdown(slice_table(main)),
            "weakest": _weakest(main),
            "confusions": _confusions(main),
            "groups": _groups(main),
            "independent": any(one["speaker_independent"] for _, one in protocols),
            "random": not all(one["speaker_independent"] for _, one in protocols),
        }
    extractor = FeatureExtractor(FeatureConfig.from_dict(config["features"]))
    card = ModelCard.from_template(
        _metadata(dataset, title, protocols, list(widget)),
        template_path=str(TEMPLATE),
        title=title,
        name=json.dumps(Path(name).as_posix(), ensure_ascii=False),
        config=config,
        comparison=comparison,
        versions=library_versions(),
        labels=config["model"]["labels"],
        n_features=len(extractor.names),
        perceptrons=_perceptrons(config["training"]["perceptrons"]),
        copies=_copies(config["training"]["copies"]),
        protocols=protocols,
        pictures=[
            {"name": file, "text": Path(file).stem.replace("_", " ").replace("-", " ")}
            for file in sorted(files)
            if file.endswith(".png")
        ],
        example=next((file for file in sorted(files) if file.endswith(".flac")), None),
        about_examples=about_examples,
        **_data_in_words(dataset),
        **figures,
    )
    return f"{card}\n"


def _complete(dataset: Described) -> dict[str, Any]:
    """Return what is known of the recordings, with None for what is not."""
    numbers = dict.fromkeys(("speakers", "men", "women", "sentences"))
    return {**numbers, **asdict(About(dataset["name"])), **dataset}


def _data_in_words(dataset: Described) -> dict[str, Any]:
    """Return what the template says of the recordings; None of what is not known."""
    speaker, number = _speaker(dataset), dataset["speakers"]
    speakers = people(dataset["men"] or 0, dataset["women"] or 0)
    if not speakers and number:
        speakers = f"{in_words(number)} {speaker}{'s' * (number != 1)}"
    clips = f"{dataset['clips']} clips of {dataset['kind'] or 'speech'}"
    sentences, hub_link = dataset["sentences"], f"{HUB}/datasets/{dataset['repo_id']}"
    english = "English " * (dataset["language"] == "en")
    licence = dataset["licence"]
    return {
        "dataset": dataset,
        "clips": f"{clips} by {speakers}" if speakers else clips,
        "speaker": speaker,
        "speakers": speakers,
        "sentences": sentences
        and f"{in_words(sentences)} {english}sentence{'s' * (sentences != 1)}",
        "hub_link": hub_link,
        "dataset_link": dataset["link"] or (dataset["repo_id"] and hub_link),
        "licence": licence and licence_name(licence),
        "licence_link": licence and licence_link(licence),
        "licensed_alike": licence is not None and licence in _licences(dataset["name"]),
        "chosen": CHOSEN.get(dataset["name"], "on other recordings than these."),
    }


def _speaker(dataset: Described) -> str:
    """Return what a speaker is called."""
    return About(dataset["name"], kind=dataset["kind"]).speaker


def _licences(name: str) -> set[str | None]:
    """Return the licence of the corpus of a name."""
    return {row.about.licence for row in CORPORA.values() if row.about.name == name}


def _perceptrons(rows: Sequence[Described]) -> list[str]:
    """Return the settings of the first perceptron, and what differs in each of the others."""
    first = rows[0]
    described = []
    for row in rows:
        shown = {name: value for name, value in row.items() if name != "part"}
        differing = {name: value for name, value in shown.items() if value != first[name]}
        named = {"expert": row["expert"], "features": row["part"] or "all", "share": row["share"]}
        others = {**named, **(shown if row is first else differing)}
        described.append(", ".join(f"`{name}={value}`" for name, value in others.items()))
    return described


def _copies(rows: Iterable[Described]) -> str:
    """Return the training copies in words."""
    return "; ".join(
        f"{row['recording']} at {row['speed']:g} times the speed, weight {row['weight']:g}"
        for row in rows
    )


def _metadata(
    dataset: Described,
    title: str,
    protocols: Iterable[tuple[str, Described]],
    widget: list[dict[str, Any]],
) -> ModelCardData:
    slug = re.sub(r"[^\w.-]+", "-", dataset["name"]).lower()
    results = [
        EvalResult(
            task_type="audio-classification",
            task_name="Speech emotion recognition",
            dataset_type=dataset["repo_id"] or slug,
            dataset_name=f"{dataset['name']}, {_kind(figures, dataset)} ({protocol})",
            dataset_config=protocol,
            dataset_revision=dataset["revision"],
            metric_type=metric.hub_type,
            metric_name=f"{metric.hub_name}, {_kind(figures, dataset)}",
            metric_value=round(figures[metric.key], 4),
        )
        for protocol, figures in protocols
        for metric in metrics_in(figures)
    ]
    known: dict[str, Any] = {"widget": widget} if widget else {}
    if results:
        known |= {
            "metrics": list(dict.fromkeys(result.metric_type for result in results)),
            "model_name": title,
            "eval_results": results,
        }
    corpus = [slug] if _licences(dataset["name"]) else []
    return ModelCardData(
        language=dataset["language"],
        license=dataset["licence"],
        library_name="ser",  # for which the Hub counts downloads of config.json
        pipeline_tag="audio-classification",
        tags=["speech-emotion-recognition", "emotion", "speech", *corpus, "sklearn", "skops"],
        datasets=dataset["repo_id"] and [dataset["repo_id"]],
        **known,
    )


def _kind(figures: Described, dataset: Described) -> str:
    if figures["speaker_independent"]:
        return "speaker-independent"
    return f"random split, {_same(dataset)}"


def _same(dataset: Described) -> str:
    """Say of whom there are recordings on both sides of the random split."""
    if not (dataset["speakers"] or dataset["men"] or dataset["women"]):
        return "perhaps the same speakers on both sides"
    return SAME_SPEAKERS.replace("actor", _speaker(dataset))


def _weakest(figures: Described) -> list[tuple[str, str]]:
    """Return the two emotions that are recognised least often."""
    rows = sorted(figures["classes"].items(), key=lambda item: item[1]["recall"])
    return [(label, in_percent(row["recall"])) for label, row in rows[:2]]


def _confusions(figures: Described) -> list[tuple[str, str, str]]:
    """Return the three most frequent confusions, by their share of the clips of an emotion."""
    labels = figures["labels"]
    shares = [
        (count / sum(row), labels[target], labels[answer])
        for target, row in enumerate(figures["confusion_matrix"])
        for answer, count in enumerate(row)
        if answer != target and count
    ]
    return [
        (target, answer, in_percent(share))
        for share, target, answer in sorted(shares, reverse=True)[:3]
    ]


def _groups(figures: Described) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the accuracy of each group for each way to slice the clips, worst first."""
    return [
        (
            group,
            [
                (value, in_percent(row["accuracy"]))
                for value, row in sorted(slices.items(), key=lambda item: item[1]["accuracy"])
            ],
        )
        for group, slices in figures["slices"].items()
    ]
