"""The model card: the template ``model_card.md``, filled from a model's config and figures."""

import json
import re
from dataclasses import asdict
from pathlib import Path

from ser.corpora.recordings import RAVDESS, in_words, licence_link, licence_name, people
from ser.model.folder import library_versions
from ser.training.metrics import metrics_in

TEMPLATE = Path(__file__).parents[2] / "model_card.md"
TITLE = "Speech emotion recognition"

EXAMPLES = (
    "`examples/` has a clip of each emotion, chosen at random, with the answer of a model that had "
    "not been trained on\nthat speaker."
)
"""What a card says of the examples."""

_LINKS = re.compile(r"<!-- links -->\n.*?<!-- /links -->\n\n", re.DOTALL)
_SNIPPET = re.compile(r'from_pretrained\("(\\.|[^"\\])*"')


def make_card(
    config, metrics, *, name, files=(), comparison="", widget=(), about_examples=EXAMPLES
):
    """Write the model card of a model folder.

    Parameters
    ----------
    config : dict
        For ``config.json``. Beyond what `ser.model.folder` requires, the card shows ``name``,
        ``seed``, ``temperature``, ``dataset`` (a dict with ``clips``, ``channel``, ``men``,
        ``women``, ``sentences``, and what `ser.corpora.recordings.Recordings` has if they are not
        RAVDESS), ``training`` (settings by name) and ``training_seconds``.
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
    figures = {}
    if protocols:
        protocol, main = protocols[0]
        figures = {
            "main": f"`{protocol}`, {_kind(main)}",
            "summary": to_markdown(summary_table(metrics)),
            "classes": to_markdown(class_table(main)),
            "slices": to_markdown(slice_table(main)),
            "weakest": _weakest(main),
            "confusions": _confusions(main),
            "groups": _groups(main),
            "independent": any(one["speaker_independent"] for _, one in protocols),
            "random": not all(one["speaker_independent"] for _, one in protocols),
        }
    dataset, title = {**asdict(RAVDESS), **config["dataset"]}, config.get("name", TITLE)
    extractor = FeatureExtractor(FeatureConfig.from_dict(config["features"]))
    card = ModelCard.from_template(
        _metadata(dataset, title, protocols, list(widget)),
        template_path=TEMPLATE,
        title=title,
        name=json.dumps(Path(name).as_posix(), ensure_ascii=False),
        config=config,
        comparison=comparison,
        versions=library_versions(),
        labels=config["labels"],
        n_features=len(extractor.names),
        settings=_settings(config["training"]),
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


def _data_in_words(dataset):
    """Return what the template says of the recordings."""
    channel = "speech and song" if dataset["channel"] == "both" else dataset["channel"]
    kind = " ".join(filter(None, (dataset["kind"], channel)))
    speakers = people(dataset.get("men", 0), dataset.get("women", 0)) or "actors"
    sentences = dataset.get("sentences", len(dataset["statements"] or ()))
    hub_link = f"https://huggingface.co/datasets/{dataset['repo_id']}"
    is_ravdess = dataset["name"] == RAVDESS.name
    return {
        "dataset": dataset,
        "clips": f"{dataset['clips']} clips of {kind} by {speakers}",
        "speakers": speakers,
        "sentences": f"{in_words(sentences)} English sentence{'s' * (sentences != 1)}",
        "hub_link": hub_link,
        "dataset_link": dataset["link"] or (dataset["repo_id"] and hub_link),
        "licence": licence_name(dataset["licence"]),
        "licence_link": licence_link(dataset["licence"]),
        "licensed_alike": is_ravdess and dataset["licence"] == RAVDESS.licence,
        "ravdess": is_ravdess,
    }


def _settings(training):
    """Return the settings of the general expert, and those of the prosody expert that differ."""
    general, prosody = training["general"], training["prosody"]
    differing = {  # both share one limit
        name: value for name, value in prosody.items() if value != general[name] and name != "clip"
    }
    settings = {"general": {**general, "copies": training["copies"]}, "prosody": differing}
    return {
        expert: ", ".join(f"`{name}={value}`" for name, value in each.items())
        for expert, each in settings.items()
    }


def name_in_card(card, repo_id):
    """Return a card whose snippet loads the model from `repo_id`."""
    return _SNIPPET.sub(lambda _: f'from_pretrained("{repo_id}"', card)


def with_links(card, *, code=None, space=None):
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

    results = [
        EvalResult(
            task_type="audio-classification",
            task_name="Speech emotion recognition",
            dataset_type=dataset["repo_id"] or re.sub(r"[^\w.-]+", "-", dataset["name"]).lower(),
            dataset_name=f"{dataset['name']}, {_kind(figures)} ({protocol})",
            dataset_config=protocol,
            dataset_revision=dataset["revision"],
            metric_type=metric.hub_type,
            metric_name=f"{metric.hub_name}, {_kind(figures)}",
            metric_value=round(figures[metric.key], 4),
        )
        for protocol, figures in protocols
        for metric in metrics_in(figures)
    ]
    corpus = ["ravdess"] if dataset["name"] == RAVDESS.name else []
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


def _kind(figures):
    if figures["speaker_independent"]:
        return "speaker-independent"
    return "random split, same actors on both sides"


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
