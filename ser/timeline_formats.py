"""A timeline as the text of a file: a table, JSON, subtitles, or annotations for Praat and ELAN."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ser.errors import SerError
from ser.paths import expanded
from ser.storage.atomic_folder import replace_file

if TYPE_CHECKING:
    from ser.timeline import Timeline


def share_column(label: str) -> str:
    """Return the name of the column for the probability of an emotion, in any table."""
    return f"probability_{label}"


def to_csv(timeline: Timeline) -> str:
    """Write a row for each window, with every probability; cells without speech are empty.

    References
    ----------
    RFC 4180, "Common Format and MIME Type for Comma-Separated Values (CSV) Files", 2005.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\r\n")
    labels = timeline.labels
    shares = map(share_column, labels)
    table.writerow(["start", "end", "speech_duration", "emotion", "confidence", *shares])
    for each in timeline.windows:
        known = each.probabilities or {}
        row = [each.start, each.end, each.speech_duration, each.emotion, each.confidence]
        table.writerow([*row, *(known.get(label) for label in labels)])
    return text.getvalue()


def to_json(timeline: Timeline) -> str:
    """Write what `Timeline.to_dict` returns."""
    return json.dumps(timeline.to_dict(), indent=2, allow_nan=False) + "\n"


def to_srt(timeline: Timeline) -> str:
    """Write a subtitle for each segment with speech, in the format of SubRip."""
    subtitles = []
    for number, (start, end, text) in enumerate(_subtitles(timeline), 1):
        line = text.replace("-->", "->")  # which means times, and cannot be escaped
        subtitles.append(f"{number}\n{_clock(start, ',')} --> {_clock(end, ',')}\n{line}\n")
    return "\n".join(subtitles)


def to_vtt(timeline: Timeline) -> str:
    """Write a subtitle for each segment with speech, in the format of the Web.

    References
    ----------
    W3C, "WebVTT: The Web Video Text Tracks Format", 2019.
    """
    cues = (
        f"{_clock(start, '.')} --> {_clock(end, '.')}\n{escape(text, quote=False)}\n"
        for start, end, text in _subtitles(timeline)
    )
    return "\n".join(["WEBVTT\n", *cues])


def to_textgrid(timeline: Timeline) -> str:
    """Write a tier of emotions and one of confidence, empty where nobody speaks.

    References
    ----------
    P. Boersma and D. Weenink, "Praat: doing phonetics by computer", manual, "TextGrid file
    formats"; this is the long one.
    """
    segments = timeline.segments
    tiers = {
        "emotion": [each.emotion or "" for each in segments],
        "confidence": [
            "" if each.confidence is None else f"{each.confidence:.2f}" for each in segments
        ],
    }
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        *_span("", 0.0, timeline.duration),
        "tiers? <exists>",
        f"size = {len(tiers)}",
        "item []:",
    ]
    for number, (name, texts) in enumerate(tiers.items(), 1):
        lines += [
            f"    item [{number}]:",
            '        class = "IntervalTier"',
            f'        name = "{name}"',
            *_span("        ", 0.0, timeline.duration),
            f"        intervals: size = {len(texts)}",
        ]
        for index, (segment, text) in enumerate(zip(segments, texts, strict=True), 1):
            doubled = text.replace('"', '""')
            lines += [
                f"        intervals [{index}]:",
                *_span("            ", segment.start, segment.end),
                f'            text = "{doubled}"',
            ]
    return "\n".join(lines) + "\n"


FORMATS: dict[str, Callable[[Timeline], str]] = {
    "csv": to_csv,
    "json": to_json,
    "srt": to_srt,
    "vtt": to_vtt,
    "TextGrid": to_textgrid,
}
"""Maps a format, which is also the suffix of its files, to its writer."""


def find_format(name: str) -> str:
    """Return the name of a format as it stands in `FORMATS`, whatever case it was given in.

    Raises
    ------
    SerError
        If there is no such format.
    """
    known = {each.casefold(): each for each in FORMATS}
    if name.casefold() not in known:
        raise SerError(f"{name!r} is not a format of timelines: choose from {', '.join(FORMATS)}.")
    return known[name.casefold()]


def find_target(path: str | Path) -> tuple[Path, str]:
    """Check that a timeline could be written to a file, before one is made.

    Parameters
    ----------
    path : str or Path
        Its suffix says the format.

    Returns
    -------
    path : Path
    format : str
        Of `FORMATS`.

    Raises
    ------
    SerError
        If there is no format for the suffix, no such folder or one that cannot be written to, or
        a folder of that name.
    """
    path = expanded(path)
    suffixes = ", ".join(f".{each}" for each in FORMATS)
    try:
        chosen = find_format(path.suffix.removeprefix("."))
    except SerError:
        raise SerError(
            f"'{path}' does not say a format: give a name that ends in one of {suffixes}."
        ) from None
    place = Path(os.path.realpath(path)).parent  # of a link, that of what it leads to
    for folder in (path.parent, place):
        if not folder.is_dir():
            raise SerError(
                f"There is no folder '{folder}': make it, or give another than '{path}'."
            )
    if path.is_dir():
        raise SerError(f"'{path}' is a folder: give the name of a file.")
    if not os.access(place, os.W_OK | os.X_OK):
        raise SerError(f"'{place}' cannot be written to: give another folder.")
    return path, chosen


class Exports:
    """The formats as methods of a timeline; each returns the text, and writes it to a path."""

    def to_csv(self, path: str | Path | None = None) -> str:
        """Write a row for each window, with every probability."""
        return self._export("csv", path)

    def to_json(self, path: str | Path | None = None) -> str:
        """Write what `Timeline.to_dict` returns."""
        return self._export("json", path)

    def to_srt(self, path: str | Path | None = None) -> str:
        """Write subtitles: each segment with speech."""
        return self._export("srt", path)

    def to_vtt(self, path: str | Path | None = None) -> str:
        """Write subtitles for the Web: each segment with speech."""
        return self._export("vtt", path)

    def to_textgrid(self, path: str | Path | None = None) -> str:
        """Write the segments as tiers for Praat and ELAN."""
        return self._export("TextGrid", path)

    def to_text(self, format: str) -> str:
        """Return the text of one of `FORMATS`; a `SerError` says if there is no such format."""
        return self._export(find_format(format), None)

    def save(self, path: str | Path) -> None:
        """Write a file, in UTF-8, whole or not at all.

        Parameters
        ----------
        path : str or Path
            Its suffix says the format, of `FORMATS`. An older file is replaced.

        Raises
        ------
        SerError
            If there is no format for the suffix, or the file cannot be written.
        """
        with _in_a_sentence(path):
            target, chosen = find_target(path)
        self._export(chosen, target)

    def _export(self, format: str, path: str | Path | None) -> str:
        text = FORMATS[format](cast("Timeline", self))
        if path is not None:
            with _in_a_sentence(path):
                replace_file(path, text.encode())
        return text


@contextmanager
def _in_a_sentence(path: str | Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: it is empty, or holds a NUL
        reason = getattr(error, "strerror", None) or error
        raise SerError(f"'{path}' cannot be written ({reason}): give another path.") from error


def _subtitles(timeline: Timeline) -> Iterator[tuple[float, float, str]]:
    """Yield start and end in seconds, and the text, of each segment with speech."""
    for each in timeline.segments:
        if each.emotion is not None:
            yield each.start, each.end, f"{each.emotion} {each.confidence:.0%}"


def _clock(seconds: float, mark: str) -> str:
    """Write hours, minutes, seconds and milliseconds, with a mark before the last."""
    rest, milliseconds = divmod(round(1000 * seconds), 1000)
    minutes, second = divmod(rest, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{second:02}{mark}{milliseconds:03}"


def _span(indent: str, start: float, end: float) -> list[str]:
    return [f"{indent}xmin = {start:.15g}", f"{indent}xmax = {end:.15g}"]
