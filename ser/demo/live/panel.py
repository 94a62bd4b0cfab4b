"""The panel of the tab for live recognition: what is heard now, and at the end a summary.

All of its states have one height, so that nothing on the page moves while somebody talks.
"""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from ser.corpora.emotions import adjective
from ser.demo.result_panel import bars, colour, panel, relative
from ser.demo.wording import TO_VOICE, clock, how_sure, percent
from ser.timeline_formats import to_csv, to_json

if TYPE_CHECKING:
    from ser import Prediction
    from ser.timeline import Timeline, Window

HISTORY = 60
"""Updates that the history shows while somebody talks."""

INVITATION = "Press Record and talk."
RELATIVE = {"voice": TO_VOICE, "clips": "Relative to what you said before"}


def idle_panel(labels: Iterable[str]) -> str:
    """Draw the panel before anything is heard."""
    return live_panel(None, [], labels, INVITATION)


def live_panel(
    result: "Prediction | None",
    windows: "Sequence[Window]",
    labels: Iterable[str],
    message: str | None = None,
) -> str:
    """Draw the last result and the short history.

    Parameters
    ----------
    result : ser.Prediction or None
        None where nobody speaks.
    windows : list of ser.timeline.Window
        What each update heard.
    labels : sequence of str
        Every emotion, in order.
    message : str, optional
        Shown in place of a result while the microphone is off.

    Returns
    -------
    str
        HTML; not announced by screen readers, which could not keep up.
    """
    recent = windows[-HISTORY:]
    history = _strip("", ((1, each.emotion, each.confidence) for each in recent))
    if result is None:
        body = bars(dict.fromkeys(labels, 0.0)) + history + _foot("")
        if message is None:
            return panel("No speech in the last seconds.", "Listening", body, "empty")
        return panel(escape(message), "Not listening", body, "empty")
    sure = f"<b>{how_sure(result.confidence)}</b>, {percent(result.confidence)}"
    if result.reference:
        sure += f". {relative(RELATIVE[result.reference])}"
    return panel(
        sure,
        adjective(result.emotion).capitalize(),
        bars(result.probabilities, result.emotion) + history + _foot(_doubt(result.warnings)),
        hue=colour(result.emotion),
    )


def summary_panel(timeline: "Timeline") -> str:
    """Draw what was heard from the beginning to the end, with links that save it.

    Parameters
    ----------
    timeline : ser.timeline.Timeline
        Of the whole session.

    Returns
    -------
    str
        HTML. What the links save is in the page, and not on the server.
    """
    seconds = dict.fromkeys(timeline.labels, 0.0)
    for each in timeline.segments:
        if each.emotion:
            seconds[each.emotion] += each.end - each.start
    total = sum(seconds.values())
    shares = {emotion: part / total for emotion, part in seconds.items()}
    most = max(shares, key=shares.__getitem__)
    sentence = f"In {clock(timeline.duration)}; bars show shares of the time with speech."
    if timeline.reference:
        key = "voice" if timeline.reference == "voice" else "clips"
        sentence += f" {relative(RELATIVE[key])}"
    parts = ((each.end - each.start, each.emotion, each.confidence) for each in timeline.segments)
    strip = _strip(" ser-whole", parts)
    links = _link("Save as CSV", "live.csv", "text/csv", "\ufeff" + to_csv(timeline))
    links += _link("Save as JSON", "live.json", "application/json", to_json(timeline))
    return panel(
        sentence,
        f"{'Mostly' if shares[most] > 0.5 else 'Most often'} {adjective(most)}",
        bars(shares, most) + strip + _foot(links),
        hue=colour(most),
        live="polite",
    )


def _strip(kind: str, parts: "Iterable[tuple[float, str | None, float | None]]") -> str:
    """Draw stretches of time: for each its length, its emotion and how confident that is."""
    marks = "".join(
        f'<i style="--colour:{colour(emotion) if emotion else "var(--ser-soft)"};'
        f'--share:{confidence or 0:.2f};--length:{length:g}"></i>'
        for length, emotion, confidence in parts
    )
    return f'<div class="ser-history{kind}" aria-hidden="true">{marks}</div>'


def _foot(content: str) -> str:
    return f'<div class="ser-foot">{content}</div>'


def _doubt(warnings: Sequence[str]) -> str:
    """Draw the first reason to doubt a result, and say how many more there are."""
    if not warnings:
        return ""
    more = f" (and {len(warnings) - 1} more)" if warnings[1:] else ""
    return f'<p class="ser-doubt"><b>Reason for doubt:</b> {escape(warnings[0])}{more}</p>'


def _link(text: str, name: str, kind: str, content: str) -> str:
    data = base64.b64encode(content.encode()).decode()
    href = f"data:{kind};charset=utf-8;base64,{data}"
    return f'<a class="ser-button" download="{name}" href="{href}">{text}</a>'
