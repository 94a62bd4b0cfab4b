"""The model card: the template ``model_card.md``, filled from a model's config and figures."""

import json
import re
from pathlib import Path

from ser.model_folder import library_versions

TEMPLATE = Path(__file__).parents[1] / "model_card.md"
DATASET = "xbgoose/ravdess"
"""The recordings on the Hub, whichever copy of them was used for training."""

METRICS = {
    "accuracy": ("accuracy", "Accuracy"),
    "unweighted_average_recall": ("recall", "Unweighted average recall"),
    "macro_f1": ("f1", "Macro-averaged F1"),
}
"""Maps a figure in ``metrics.json`` to the Hub's metric name and a readable name."""

_SNIPPET = re.compile(r'from_pretrained\("(\\.|[^"\\])*"')


def make_card(config, metrics, *, name, files=(), comparison=""):
    """Write the model card of a model folder.

    Parameters
    ----------
    config : dict
        For ``config.json``. Beyond what `ser.model_folder` requires, the card shows ``seed``,
        ``temperature``, ``dataset`` (a dict with ``clips`` and ``channel``), ``training``
        (settings by name) and ``training_seconds``.
    metrics : dict
        For ``metrics.json``; ``protocols`` as `ser.evaluation` describes them.
    name : str
        What the snippet loads: the folder's path, or the repository that it is published to.
    files : iterable of str
        Names of the pictures and examples in the folder.
    comparison : str
        Markdown table of other recipes under the same folds.

    Returns
    -------
    str
        Markdown with metadata on top, for ``README.md``.
    """
    from huggingface_hub import ModelCard

    from ser.features import FeatureConfig, FeatureExtractor
    from ser.report import class_table, slice_table, summary_table, to_markdown

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
            "random": not all(one["speaker_independent"] for _, one in protocols),
        }
    extractor = FeatureExtractor(FeatureConfig.from_dict(config["features"]))
    card = ModelCard.from_template(
        _metadata(config, protocols),
        template_path=TEMPLATE,
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
        **figures,
    )
    return f"{card}\n"


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


def _metadata(config, protocols):
    from huggingface_hub import EvalResult, ModelCardData

    results = [
        EvalResult(
            task_type="audio-classification",
            task_name="Speech emotion recognition",
            dataset_type=DATASET,
            dataset_name=f"RAVDESS, {_kind(figures)} ({protocol})",
            dataset_config=protocol,
            metric_type=metric,
            metric_name=f"{title}, {_kind(figures)}",
            metric_value=round(figures[key], 4),
        )
        for protocol, figures in protocols
        for key, (metric, title) in METRICS.items()
    ]
    return ModelCardData(
        language="en",
        license="cc-by-nc-sa-4.0",
        library_name="sklearn",
        pipeline_tag="audio-classification",
        tags=["speech-emotion-recognition", "emotion", "speech", "ravdess", "skops"],
        datasets=[DATASET],
        metrics=[metric for metric, _ in METRICS.values()],
        **(
            {"model_name": "Speech emotion recognition", "eval_results": results} if results else {}
        ),
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
