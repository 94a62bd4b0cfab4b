"""The result panel: the emotion, how confident the model is, and reasons for doubt."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from ser.corpora.emotions import NAMES, adjective
from ser.demo.wording import TO_VOICE, how_sure, percent, runner_up

if TYPE_CHECKING:
    from ser import Prediction
    from ser.demo.example_shelf import Example


def empty_panel(labels: Iterable[str]) -> str:
    """Draw the panel before anything is recognised, with empty bars."""
    invitation = "Record a sentence or two, or upload an audio file."
    return panel(invitation, "No recording yet", bars(dict.fromkeys(labels, 0.0)), "empty")


def error_panel(sentence: str, labels: Iterable[str]) -> str:
    """Draw the panel for a recording that cannot be recognised, and say why."""
    nothing = bars(dict.fromkeys(labels, 0.0))
    return panel(escape(sentence), "No result", nothing, "error", live="polite")


def result_panel(
    prediction: "Prediction", *, accuracy: str = "", example: "Example | None" = None
) -> str:
    """Draw the panel of a result.

    Parameters
    ----------
    prediction : ser.Prediction
    accuracy : str
        How often the model is right.
    example : ser.demo.example_shelf.Example, optional
        What the clip is, if it is not the visitor's own.

    Returns
    -------
    str
        HTML.
    """
    confidence = prediction.confidence
    sure = f"<b>{how_sure(confidence)}</b>, {percent(confidence)}"
    second, share = runner_up(prediction.probabilities)
    if share > confidence / 2:
        sure += f" – it could also be {escape(adjective(second))}, {percent(share)}"
    if prediction.reference:
        sure += f". {relative(TO_VOICE)}"
    if example is not None:
        sure = _about_example(example, prediction.emotion) + sure
    body = bars(prediction.probabilities, prediction.emotion)
    if accuracy and not prediction.reference:  # the figures are of clips without a voice profile
        body += f'<p class="ser-accuracy">{escape(accuracy)}</p>'
    return panel(
        sure,
        adjective(prediction.emotion).capitalize(),
        body + warning_list(prediction.warnings),
        hue=colour(prediction.emotion),
        live="polite",
    )


def _about_example(example: "Example", heard: str) -> str:
    said = f"{example.caption}; heard: {heard}" if example.emotion else example.caption
    return f'<span class="ser-example">Example. {escape(said)}. </span>'


def unannounced(panel_html: str) -> str:
    """Return a panel that nobody asked for, which screen readers leave until they come to it."""
    return panel_html.replace('aria-live="polite"', 'aria-live="off"', 1)


def bars(probabilities: Mapping[str, float], top: str | None = None) -> str:
    """Draw one bar per emotion, in the given order, so that results can be compared at a glance."""
    rows = []
    for emotion, share in probabilities.items():
        mark = ' class="ser-top"' if emotion == top else ""
        rows.append(
            f'<li{mark} style="--share:{share:.4f};--colour:{colour(emotion)}">'
            f'<span class="ser-name">{escape(emotion)}</span>'
            '<span class="ser-track" aria-hidden="true"><i></i></span>'
            f'<span class="ser-share">{percent(share)}</span></li>'
        )
    return f'<ul class="ser-bars" aria-label="Probability of each emotion">{"".join(rows)}</ul>'


def warning_list(warnings: Sequence[str]) -> str:
    """List the reasons to doubt a result; nothing if there are none."""
    if not warnings:
        return ""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in warnings)
    return f'<div class="ser-warnings"><h3>Reasons for doubt</h3><ul>{items}</ul></div>'


def relative(sentence: str) -> str:
    """Draw what a result was compared with."""
    return f'<span class="ser-relative">{escape(sentence)}</span>'


def status(sentence: str) -> str:
    """Draw a sentence that screen readers announce."""
    return f'<p role="status">{escape(sentence)}</p>'


def colour(emotion: str) -> str:
    """Return the CSS colour of an emotion, which is the accent if it is not a canonical one."""
    return f"var(--emotion-{emotion})" if emotion in NAMES else "var(--ser-accent)"


def panel(
    explanation: str,
    headline: str,
    body: str,
    state: str = "result",
    *,
    hue: str = "inherit",
    live: str = "off",
) -> str:
    """Put a headline, the sentence under it (HTML) and a body (HTML) into a frame."""
    return (
        f'<section class="ser-panel ser-{state}" aria-live="{live}">'
        f'<h2 style="--colour:{hue}">{escape(headline)}</h2>'
        f'<p class="ser-sure">{explanation}</p>{body}</section>'
    )
