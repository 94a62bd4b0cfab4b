"""The course of a long recording in words: a sentence, and a list of stretches to play."""

from collections.abc import Sequence
from dataclasses import replace
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ser.corpora.emotions import adjective
from ser.demo.result_panel import colour
from ser.demo.wording import percent
from ser.timeline import Segment

if TYPE_CHECKING:
    from ser.timeline import Timeline

SHORTEST = 2.0
"""Seconds that a stretch lasts at least: less is within what a window of three seconds can tell."""

MOST = 100
"""Stretches of a recording, so that a list of those of ten minutes can still be read: it is looked
at in so many parts."""

NAMED = 3
"""Stretches that the sentence names."""

MOST_OF_IT = 0.6
"""Share of the speech from which on a recording is mostly of one emotion."""

LONG = 10.0
"""Seconds from which on a recording opens with its course rather than with one headline."""


def stretches(timeline: "Timeline") -> list[Segment]:
    """Return the segments of a timeline, with the shortest of them merged into others.

    Parameters
    ----------
    timeline : ser.timeline.Timeline
        Complete or not; what its windows do not reach yet is left out.

    Returns
    -------
    list of ser.timeline.Segment
        One after the other without a gap; no two neighbours are of the same emotion.
    """
    parts = _parts(timeline)
    # So little speech may fill no part by half.
    kept = _joined(parts if any(each.emotion for each in parts) else timeline.segments)
    while True:
        short = [
            index
            for index, each in enumerate(kept)
            if _length(each) < SHORTEST and _neighbours(kept, index)
        ]
        if not short:
            return kept
        index = min(short, key=lambda index: _length(kept[index]))
        longer = max(_neighbours(kept, index), key=_length)
        kept[index] = replace(kept[index], emotion=longer.emotion, confidence=longer.confidence)
        kept = _joined(kept)


def sentence(found: Sequence[Segment]) -> str:
    """Say what stretches of a recording come to: "Mostly calm; angry from 0:31 to 0:47".

    Parameters
    ----------
    found : sequence of ser.timeline.Segment
        As `stretches` returns them.
    """
    spoken = [each for each in found if each.emotion]
    lengths = _lengths(found)
    main = max(lengths, key=lambda emotion: lengths[emotion])
    share = lengths[main] / sum(lengths.values())
    if len(lengths) == 1:
        return f"{adjective(main).capitalize()} throughout"
    if share >= MOST_OF_IT:
        lead, others = f"Mostly {adjective(main)}", [e for e in spoken if e.emotion != main]
    elif len(spoken) > 1 + NAMED:
        return f"Changing; {adjective(main)} for {percent(share)} of the speech"
    else:
        lead, others = f"At first {adjective(str(spoken[0].emotion))}", spoken[1:]
    longest = sorted(others, key=_length, reverse=True)[:NAMED]
    named = [
        f"{adjective(str(each.emotion))} from {minutes(each.start)} to {minutes(each.end)}"
        for each in sorted(longest, key=lambda each: each.start)
    ]
    if more := len(others) - len(longest):
        named.append(f"{more} other stretch{'es' if more > 1 else ''}")
    listed = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    return f"{lead}; {listed}"


def stretch_list(found: Sequence[Segment]) -> str:
    """Draw stretches as a list with a button for each, which plays it."""
    rows = []
    for each in found:
        if each.emotion is None or each.confidence is None:
            continue
        times = f"{minutes(each.start)} to {minutes(each.end)}"
        name = adjective(each.emotion).capitalize()
        rows.append(
            f'<li style="--colour:{colour(each.emotion)}">'
            f'<button class="ser-play" data-start="{each.start:.2f}" data-end="{each.end:.2f}" '
            f'aria-label="{escape(f"Play {times}: {name}")}"></button>'
            f"<span>{minutes(each.start)}–{minutes(each.end)}</span>"
            f'<b class="ser-dot">{escape(name)}</b><span>{percent(each.confidence)}</span></li>'
        )
    return f'<ol class="ser-stretches" aria-label="Stretches">{"".join(rows)}</ol>'


def following() -> str:
    """Draw the place of the sentence and the list while nothing is known of them."""
    return _card("Following its course…", state="following")


def card(
    timeline: "Timeline",
    *,
    whole: str | None = None,
    so_far: bool = False,
    until: float | None = None,
) -> str:
    """Draw the sentence and the list.

    Parameters
    ----------
    timeline : ser.timeline.Timeline
    whole : str, optional
        The answer for the recording as a whole, with which its course need not agree.
    so_far : bool
        Whether there is more to come: the list then waits, so that nothing in it moves.
    until : float, optional
        Second up to which the recording was followed, if not to its end.
    """
    found = stretches(timeline)
    said = sentence(found)
    if so_far:
        return _card(f"So far: {said[0].lower()}{said[1:]}…", state="following")
    if until is not None:
        said = f"Until {minutes(until)}: {said[0].lower()}{said[1:]}"
    note = ""
    lengths = _lengths(found)
    main = max(lengths, key=lambda emotion: lengths[emotion])
    if whole is not None and lengths.get(whole, 0.0) < lengths[main]:
        note = (
            f"<p>Judged as a whole it is {escape(adjective(whole))}, though part by part it is "
            f"more often {escape(adjective(main))}: one word does not do for this recording.</p>"
        )
    return _card(said, note + stretch_list(found), live="polite")


def minutes(seconds: float) -> str:
    """Write a time as the player does, `0:31`."""
    return f"{round(seconds) // 60}:{round(seconds) % 60:02}"


def _card(headline: str, body: str = "", state: str = "done", live: str = "off") -> str:
    return (
        f'<section class="ser-course-card ser-{state}" aria-label="Course" aria-live="{live}">'
        f"<h2>{escape(headline)}</h2>{body}</section>"
    )


def _lengths(found: Sequence[Segment]) -> dict[str, float]:
    """Return how many seconds there are of each emotion."""
    lengths: dict[str, float] = {}
    for each in found:
        if each.emotion:
            lengths[each.emotion] = lengths.get(each.emotion, 0.0) + _length(each)
    return lengths


def _length(segment: Segment) -> float:
    return segment.end - segment.start


def _parts(timeline: "Timeline") -> list[Segment]:
    """Cut a timeline into at most `MOST` parts, each with the emotion that is strongest in it."""
    edges, curves = timeline.curves()
    cells = -(-len(curves) // MOST)
    reached = timeline.windows[-1].end
    parts = []
    for first in range(0, len(curves), cells):
        start, end = edges[first], edges[min(first + cells, len(curves))]
        shares = curves[first : first + cells]
        spoken = shares[~np.isnan(shares[:, 0])]
        if start >= reached:
            break
        emotion = confidence = None
        if len(spoken) > len(shares) / 2:
            mean = spoken.mean(axis=0)
            emotion, confidence = timeline.labels[mean.argmax()], float(mean.max())
        parts.append(Segment(float(start), float(min(end, reached)), emotion, confidence))
    return parts


def _neighbours(segments: list[Segment], index: int) -> list[Segment]:
    """Return those that a segment can be merged into: speech does not become a pause."""
    around = segments[max(index - 1, 0) : index] + segments[index + 1 : index + 2]
    return [each for each in around if each.emotion or not segments[index].emotion]


def _joined(segments: list[Segment]) -> list[Segment]:
    """Join neighbours of the same emotion; the confidence is that of both, by their lengths."""
    joined = segments[:1]
    for before, each in pairwise(segments):
        last = joined[-1]
        if before.emotion != each.emotion:
            joined.append(each)
            continue
        confidence = each.confidence
        if last.confidence is not None and confidence is not None:
            whole = _length(last) + _length(each)
            confidence = (last.confidence * _length(last) + confidence * _length(each)) / whole
        joined[-1] = replace(last, end=each.end, confidence=confidence)
    return joined
