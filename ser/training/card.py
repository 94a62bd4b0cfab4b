"""The model card: the template ``model_card.md``, filled from a model's config and figures."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ser.corpora.catalog import CORPORA
from ser.corpora.corpus import About
from ser.corpora.folds import in_words, people
from ser.hub.licences import licence_link, licence_name
from ser.model.folder import library_versions
from ser.training.metrics import metrics_in

TEMPLATE = Path(__file__).with_name("model_card.md")
"""Beside this module where ser is installed, at the top of a clone."""
if not TEMPLATE.is_file():
    TEMPLATE = Path(__file__).parents[2] / "model_card.md"
TITLE = "Speech emotion recognition"

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

SAME = "same actors on both sides"
"""What `ser.training.report` says of a random split."""

HUB = "https://huggingface.co"

_LINKS = re.compile(r"<!-- links -->\n.*?<!-- /links -->\n\n", re.DOTALL)


def make_card(
    config: Mapping[str, Any],
    metrics: Mapping[str, Any],
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
    from huggingface_hub import ModelCard

    from ser.features import FeatureConfig, FeatureExtractor
    from ser.training.report import class_table, slice_table, summary_table, to_markdown

    protocols = sorted(
        metrics.get("protocols", {}).items(), key=lambda item: not item[1]["speaker_independent"]
    )
    dataset, title = _complete(config["dataset"]), config.get("name", TITLE)
    figures = {}
    if protocols:
        protocol, main = protocols[0]
        figures = {
            "main": f"`{protocol}`, {_kind(main, dataset)}",
            "summary": to_markdown(summary_table(metrics)).replace(SAME, _same(dataset)),
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


def _complete(dataset):
    """Return what is known of the recordings, with None for what is not."""
    numbers = dict.fromkeys(("speakers", "men", "women", "sentences"))
    return {**numbers, **asdict(About(dataset["name"])), **dataset}


def _data_in_words(dataset):
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


def _speaker(dataset):
    """Return what a speaker is called."""
    return About(dataset["name"], kind=dataset["kind"]).speaker


def _licences(name):
    """Return the licence of the corpus of a name."""
    return {row.about.licence for row in CORPORA.values() if row.about.name == name}


def _perceptrons(rows):
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


def _copies(rows):
    """Return the training copies in words."""
    return "; ".join(
        f"{row['recording']} at {row['speed']:g} times the speed, weight {row['weight']:g}"
        for row in rows
    )


def with_links(card: str, *, code: str | None = None, space: str | None = None) -> str:
    """Return a card that says, above its first section, where the demo and the code are.

    Parameters
    ----------
    card : str
    code : str, optional
        Address of the code's git repository; by default the Space, which has the code as well.
    space : str, optional
        ``OWNER/SPACE`` of the demo.

    Returns
    -------
    str
        With these links alone; without either, the card as it was.
    """
    from huggingface_hub import constants

    lines = []
    if space:
        address, folder = f"{constants.ENDPOINT}/spaces/{space}", space.split("/")[-1]
        lines.append(f"- Try it: [{space}]({address})")
    if code:
        lines.append(f"- Code: <{code}>; to install it: `python -m pip install git+{code}`")
    elif space:
        lines.append(
            f"- Code: in the same [Space]({address}/tree/main); for use in the folder `{folder}`: "
            f"`git clone {address} && python -m pip install -r {folder}/requirements.txt`"
        )
    if not lines:
        return card
    before, heading, rest = _LINKS.sub("", card).partition("\n## ")
    links = "\n".join(["<!-- links -->", *lines, "<!-- /links -->"])
    return f"{before}\n{links}\n{heading}{rest}"


def _metadata(dataset, title, protocols, widget):
    from huggingface_hub import EvalResult, ModelCardData

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
    corpus = [slug] if _licences(dataset["name"]) else []
    return ModelCardData(
        language=dataset["language"],
        license=dataset["licence"],
        library_name="ser",  # for which the Hub counts downloads of config.json
        pipeline_tag="audio-classification",
        tags=["speech-emotion-recognition", "emotion", "speech", *corpus, "sklearn", "skops"],
        datasets=dataset["repo_id"] and [dataset["repo_id"]],
        metrics=list(dict.fromkeys(result.metric_type for result in results)) if results else None,
        **({"widget": widget} if widget else {}),
        **({"model_name": title, "eval_results": results} if results else {}),
    )


def _kind(figures, dataset):
    if figures["speaker_independent"]:
        return "speaker-independent"
    return f"random split, {_same(dataset)}"


def _same(dataset):
    """Say of whom there are recordings on both sides of the random split."""
    if not (dataset["speakers"] or dataset["men"] or dataset["women"]):
        return "perhaps the same speakers on both sides"
    return SAME.replace("actor", _speaker(dataset))


def _weakest(figures):
    """Return the two emotions that are recognised least often."""
    rows = sorted(figures["classes"].items(), key=lambda item: item[1]["recall"])
    return [(label, _percent(row["recall"])) for label, row in rows[:2]]


def _confusions(figures):
    """Return the three most frequent confusions, by their share of the clips of an emotion."""
    labels = figures["labels"]
    shares = [
        (count / sum(row), labels[target], labels[answer])
        for target, row in enumerate(figures["confusion_matrix"])
        for answer, count in enumerate(row)
        if answer != target and count
    ]
    return [
        (target, answer, _percent(share))
        for share, target, answer in sorted(shares, reverse=True)[:3]
    ]


def _groups(figures):
    """Return the accuracy of each group for each way to slice the clips, worst first."""
    return [
        (
            group,
            [
                (value, _percent(row["accuracy"]))
                for value, row in sorted(slices.items(), key=lambda item: item[1]["accuracy"])
            ],
        )
        for group, slices in figures["slices"].items()
    ]


def _percent(share):
    return f"{100 * share:.0f} %"
