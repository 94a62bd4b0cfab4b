"""The tab about the model, filled from the model's own files."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

import gradio as gr
from huggingface_hub import constants

from ser.demo.confusion import confusion_table
from ser.storage.front_matter import split_card

if TYPE_CHECKING:
    from ser import EmotionRecognizer
    from ser.training.by_corpus import Result

LIMITS = ("Where it fails", "Out-of-scope use")
"""Sections of a card that everybody should see."""

_PICTURE = re.compile(r"!\[[^][\n]*\]\([^()\n]*\)\n*")
"""A picture in Markdown. What it excludes ends each attempt at the next one's beginning, so that
time grows with the length of a card and not with its square."""


def add_tab() -> list[gr.components.Component]:
    """Lay out the tab; return the components that `contents` fills once the model has loaded."""
    loading = '<p class="ser-quiet">The model is loading.</p>'
    facts = gr.HTML(f'<div class="ser-card">{loading}</div>', elem_id="ser-about")
    limits = gr.Markdown(elem_classes="ser-text", elem_id="ser-limits")
    with gr.Accordion("Model card", open=False):
        card = gr.Markdown(elem_classes="ser-text")
    return [facts, limits, card]


def contents(recognizer: "EmotionRecognizer") -> tuple[str, str, str]:
    """Describe a recogniser.

    Returns
    -------
    facts : str
        HTML: the model's source, its figures and its confusion matrices.
    limits : str
        Markdown: the parts of its card that `LIMITS` names.
    card : str
        Markdown: the card.
    """
    from ser.training.by_corpus import (  # here, since scikit-learn takes long to import
        results_in,
        same_protocol,
    )

    _, card = split_card(recognizer.files["README.md"].decode())
    results = results_in(recognizer.metrics)
    parts = [_facts(model_facts(recognizer), _address(recognizer))]
    if results:
        parts.append(_figures(results, _knows_speakers(recognizer)))
        parts += map(_confusion, same_protocol(results))
    text = _PICTURE.sub("", card)  # they are not served
    sections = re.split(r"(?m)^(?=## )", text)
    limits = [part for part in sections if part.startswith(tuple(f"## {name}" for name in LIMITS))]
    return f'<div class="ser-card">{"".join(parts)}</div>', "".join(limits), text


def model_facts(recognizer: "EmotionRecognizer") -> dict[str, str]:
    """Return name, revision, licence and emotions of a model as a dict of str."""
    metadata, _ = split_card(recognizer.files["README.md"].decode())
    revision = recognizer.revision or ""
    if recognizer.requested_revision not in (None, revision):
        revision = f"{recognizer.requested_revision}, commit {revision}"
    return {
        "Model": recognizer.source,
        "Revision": revision,
        "Licence": metadata.get("license") or "",
        "Emotions": ", ".join(recognizer.labels),
    }


def _address(recognizer: "EmotionRecognizer") -> str | None:
    """Return the page on the Hub of the model as it was loaded, or None for a folder."""
    if recognizer.revision is None:
        return None
    return f"{constants.ENDPOINT}/{recognizer.source}/tree/{recognizer.revision}"


def _facts(facts: Mapping[str, str], address: str | None) -> str:
    cells = {name: escape(value) for name, value in facts.items() if value}
    if address:
        cells["Model"] = f'<a href="{escape(address)}">{cells["Model"]}</a>'
    rows = "".join(
        f'<tr><th scope="row">{name}</th><td>{cell}</td></tr>' for name, cell in cells.items()
    )
    return f'<div class="ser-scroll"><table class="ser-table">{rows}</table></div>'


def _figures(results: "Sequence[Result]", knows_speakers: bool) -> str:
    from ser.training.metrics import metrics_in  # here, since scikit-learn takes long to import
    from ser.training.report import with_spread

    shown = metrics_in(results[0].figures)
    head = "".join(f'<th scope="col">{_capital(metric.name)}</th>' for metric in shown)
    rows = "".join(
        f'<tr><th scope="row">{_tested_on(result, knows_speakers)}</th>'
        + "".join(f"<td>{with_spread(result.figures, metric.key)} %</td>" for metric in shown)
        + "</tr>"
        for result in results
    )
    return (
        "<h2>How often it is right</h2>"
        '<div class="ser-scroll" tabindex="0" role="region" aria-label="Figures">'
        f'<table class="ser-table"><thead><tr><th scope="col">Tested on</th>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _knows_speakers(recognizer: "EmotionRecognizer") -> bool:
    """Tell whether it is known who speaks in all clips that the model learned from."""
    datasets = recognizer.config.get("datasets") or [{}]
    return all(any(each.get(name) for name in ("speakers", "men", "women")) for each in datasets)


def _tested_on(result: "Result", knows_speakers: bool) -> str:
    if result.speaker_independent:
        kind = "Unseen speakers"
    else:
        kind = "Speakers heard in training" if knows_speakers else "Clips not in training"
    return f"{kind}, {escape(result.corpus)} <small>{escape(result.description)}</small>"


def _confusion(result: "Result") -> str:
    figures = result.figures
    return (
        f"<h2>Which emotions of {escape(result.corpus)} it confuses</h2>"
        f'<p class="ser-quiet">{escape(_capital(result.description))}. Each row is the '
        "emotion of clips; cells are the percentage of them recognised as each emotion.</p>"
        + confusion_table(
            figures["labels"],
            figures["confusion_matrix"],
            f"Confusion matrix of {result.corpus}",
        )
    )
