"""The model card: the template ``model_card.md``, filled from a model's config and figures."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from ser.corpora.catalog import CORPORA
from ser.corpora.corpus import About
from ser.corpora.folds_in_words import in_words, people
from ser.features import FeatureConfig, FeatureExtractor
from ser.hub.licences import licence_link, licence_name, model_licence
from ser.storage.folder import library_versions
from ser.training.by_corpus import Result, results_in, same_protocol, slug
from ser.training.config import TITLE
from ser.training.metrics import in_percent, metrics_in
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

IN_VIEW = ("RAVDESS", "CREMA-D")
"""Corpora that had a part in the choice of features, copies and settings."""

NOTICES = {
    "CREMA-D": (
        "The model contains information from CREMA-D, which is made available under the Open "
        "Database License;\nany rights in individual contents of the database are licensed under "
        "the [Database Contents License](https://opendatacommons.org/licenses/dbcl/1-0/)."
    )
}
"""What the licence of a corpus asks to say."""

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
    emobox: str = "",
    widget: Iterable[dict[str, Any]] = (),
) -> str:
    """Write the model card of a model folder.

    Parameters
    ----------
    config, metrics : dict
        For ``config.json`` and ``metrics.json``, as `ser.training.run.train` makes them.
    name : str
        What the snippet loads: the folder's path, or the repository that it is published to.
    files : iterable of str
        Names of the pictures and examples in the folder.
    comparison, emobox : str
        Markdown: other recipes under the same folds, and EmoBox's folds of RAVDESS.
    widget : list of dict
        The examples with our answers, as `ser.training.examples.widget` makes it.

    Returns
    -------
    str
        Markdown with metadata on top, for ``README.md``.
    """
    results = results_in(metrics)
    datasets, title = [_complete(each) for each in config["datasets"]], config.get("name", TITLE)
    figures: dict[str, Any] = {}
    if results:
        main = same_protocol(results)
        figures = {
            "main": f"`{main[0].protocol}`, {_kind(main[0], datasets)}",
            "summary": to_markdown(summary_table(metrics)).replace(SAME_SPEAKERS, _same(datasets)),
            "protocols": {result.protocol: result.description for result in results},
            "reports": [_report(result.corpus, result.figures) for result in main],
            "independent": any(result.speaker_independent for result in results),
            "random": not all(result.speaker_independent for result in results),
        }
    extractor = FeatureExtractor(FeatureConfig.from_dict(config["features"]))
    card = ModelCard.from_template(
        _metadata(datasets, title, results, list(widget)),
        template_path=str(TEMPLATE),
        title=title,
        name=json.dumps(Path(name).as_posix(), ensure_ascii=False),
        config=config,
        comparison=comparison,
        emobox=emobox,
        versions=library_versions(),
        labels=config["model"]["labels"],
        n_features=len(extractor.names),
        perceptrons=_perceptrons(config["training"]["perceptrons"]),
        copies=_copies(config["training"]["copies"]),
        weights=_weights(config),
        partial=[
            {"corpus": each["name"], "name": label, "alike": list(dict.fromkeys(alike))}
            for each in config["datasets"]
            for label, alike in each.get("partial", {}).items()
            if len(set(alike)) > 1 and set(alike) <= set(config["model"]["labels"])
        ],
        pictures=[
            {"name": file, "text": Path(file).stem.replace("_", " ").replace("-", " ")}
            for file in sorted(files)
            if file.endswith(".png")
        ],
        example=next((file for file in sorted(files) if file.endswith(".flac")), None),
        kept_apart=config["training"].get("kept_apart", []),
        **_data_in_words(datasets),
        **figures,
    )
    return f"{card}\n"


def _complete(dataset: Described) -> dict[str, Any]:
    """Return what is known of the recordings, with None for what is not."""
    numbers = dict.fromkeys(("speakers", "men", "women", "sentences"))
    return {**numbers, **asdict(About(dataset["name"])), **dataset}


def _data_in_words(datasets: Sequence[Described]) -> dict[str, Any]:
    """Return what the template says of all recordings; None of what is not known."""
    licence = model_licence([dataset["licence"] for dataset in datasets])
    names = [dataset["name"] for dataset in datasets]
    return {
        "datasets": [_dataset_in_words(dataset) for dataset in datasets],
        "speaker": _speaker(datasets),
        "knows_speakers": all(map(_knows_speakers, datasets)),
        "licence": licence and licence_name(licence),
        "licence_link": licence and licence_link(licence),
        "licensed_alike": [
            each["name"]
            for each in datasets
            if licence == each["licence"] and licence in _licences(each["name"])
        ],
        "in_view": [name for name in IN_VIEW if name in names],
    }


def _dataset_in_words(dataset: Described) -> dict[str, Any]:
    """Return what the template says of the recordings of one corpus, besides what is known."""
    speaker, number = _speaker([dataset]), dataset["speakers"]
    speakers = people(dataset["men"] or 0, dataset["women"] or 0)
    if not speakers and number:
        speakers = f"{in_words(number)} {speaker}{'s' * (number != 1)}"
    clips = f"{dataset['clips']} clips of {dataset['kind'] or 'speech'}"
    sentences, hub_link = dataset["sentences"], f"{HUB}/datasets/{dataset['repo_id']}"
    english, licence = "English " * (dataset["language"] == "en"), dataset["licence"]
    link = dataset["link"] or (dataset["repo_id"] and hub_link)
    return {
        **dataset,
        "clips": f"{clips} by {speakers}" if speakers else clips,
        "speakers": speakers,
        "sentences": sentences
        and f"{in_words(sentences)} {english}sentence{'s' * (sentences != 1)}",
        "hub_link": hub_link,
        "linked": f"[{dataset['name']}]({link})" if link else dataset["name"],
        "licence": licence and _linked_licence(licence),
        "notice": NOTICES.get(dataset["name"]),
    }


def _linked_licence(licence: str) -> str:
    link, name = licence_link(licence), licence_name(licence)
    return f"[{name}]({link})" if link else name


def _speaker(datasets: Iterable[Described]) -> str:
    """Return what a speaker is called: an actor where all recordings are acted."""
    called = {About(each["name"], kind=each["kind"]).speaker for each in datasets}
    return called.pop() if len(called) == 1 else "speaker"


def _knows_speakers(dataset: Described) -> bool:
    return bool(dataset["speakers"] or dataset["men"] or dataset["women"])


def _licences(name: str) -> set[str | None]:
    """Return the licence of the corpus of a name."""
    return {row.about.licence for row in CORPORA.values() if row.about.name == name}


def _perceptrons(rows: Sequence[Described]) -> list[str]:
    """Return the settings of the first perceptron, and what differs in each of the others."""
    shown = [
        {
            "relative": row["relative"],
            "features": row["part"] or "all",
            **{name: value for name, value in row.items() if name not in ("part", "learning")},
            **row["learning"],
        }
        for row in rows
    ]
    return [
        ", ".join(
            f"`{name}={value}`"
            for name, value in row.items()
            if row is shown[0]
            or name in ("relative", "features", "share")
            or value != shown[0][name]
        )
        for row in shown
    ]


def _copies(rows: Iterable[Described]) -> str:
    """Return the training copies in words."""
    return "; ".join(
        f"{row['recording']} at {row['speed']:g} times the speed, weight {row['weight']:g}"
        for row in rows
    )


def _weights(config: Described) -> list[dict[str, Any]]:
    """Return the corpora whose clips count more or less than those of others."""
    names = [each["name"] for each in config["datasets"]]
    weights = config["training"].get("corpus_weights", {})
    return [
        {"name": name, "value": f"{weights[name]:g}"}
        for name in names
        if len(names) > 1 and weights.get(name, 1) != 1
    ]


def _metadata(
    datasets: Sequence[Described],
    title: str,
    results: Sequence[Result],
    widget: list[dict[str, Any]],
) -> ModelCardData:
    named = {dataset["name"]: dataset for dataset in datasets}
    evaluated = [
        EvalResult(
            task_type="audio-classification",
            task_name="Speech emotion recognition",
            dataset_type=named[result.corpus]["repo_id"] or slug(result.corpus),
            dataset_name=f"{result.corpus}, {_kind(result, datasets)} ({result.protocol})",
            dataset_config=result.protocol,
            dataset_revision=named[result.corpus]["revision"],
            metric_type=metric.hub_type,
            metric_name=f"{metric.hub_name}, {_kind(result, datasets)}",
            metric_value=round(result.figures[metric.key], 4),
        )
        for result in results
        for metric in metrics_in(result.figures)
    ]
    known: dict[str, Any] = {"widget": widget} if widget else {}
    if evaluated:
        known |= {
            "metrics": list(dict.fromkeys(result.metric_type for result in evaluated)),
            "model_name": title,
            "eval_results": evaluated,
        }
    corpora = [slug(name) for name in named if _licences(name)]
    languages = list(dict.fromkeys(each["language"] for each in datasets if each["language"]))
    return ModelCardData(
        language=languages[0] if len(languages) == 1 else languages or None,
        license=model_licence([dataset["licence"] for dataset in datasets]),
        library_name="ser",  # for which the Hub counts downloads of config.json
        pipeline_tag="audio-classification",
        tags=["speech-emotion-recognition", "emotion", "speech", *corpora, "sklearn", "skops"],
        datasets=[each["repo_id"] for each in datasets if each["repo_id"]] or None,
        **known,
    )


def _kind(result: Result, datasets: Sequence[Described]) -> str:
    if result.speaker_independent:
        return "speaker-independent"
    return f"random split, {_same(datasets)}"


def _same(datasets: Sequence[Described]) -> str:
    """Say of whom there are recordings on both sides of the random split."""
    if not all(map(_knows_speakers, datasets)):
        return "perhaps the same speakers on both sides"
    return SAME_SPEAKERS.replace("actor", _speaker(datasets))


def _report(corpus: str, figures: Described) -> dict[str, Any]:
    """Return what the template shows of the figures of one corpus."""
    return {
        "corpus": corpus,
        "classes": to_markdown(class_table(figures)),
        "sliced_by": " and ".join(figures["slices"]),
        "slices": to_markdown(slice_table(figures)),
        "weakest": _weakest(figures),
        "confusions": _confusions(figures),
        "groups": _groups(figures),
    }


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
