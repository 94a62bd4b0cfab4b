"""The files that studies write: figures as JSON, each row with its stamp, and tables as Markdown.

The JSON file maps a section to its rows, and a row to its ``stamp`` and ``figures``. The Markdown
file beside it is made from that, and marks rows that older code made.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from ser.corpora.folds import PROTOCOLS
from ser.errors import SerError
from ser.storage.atomic_folder import replace_file
from ser.studies import EVALUATION, SECTIONS
from ser.studies.age import Stamp, current_code, why_stale
from ser.training import report

Rows = dict[str, dict[str, Any]]
"""Maps a row to its ``stamp``, the fields of a `Stamp`, and its ``figures``."""

TITLE = "# Studies"
"""The beginning of every Markdown file that studies write."""

ABOUT = (
    "Written by `python -m ser study` and `python -m ser evaluate` with `--output`; the figures "
    "are in the JSON file beside it. Below each title stands what made its rows: date, commit, "
    "versions and seeds. Figures of one seed would differ a little with another; of several seeds "
    "the means are given, those after accuracy and recall ± standard deviation over seeds. Rows "
    "are marked as made by older code if code that decides their figures, other than comments, has "
    "changed since; the same command with `--rows` makes them anew. The clips that the model that "
    "ships keeps apart for its examples are among those of studies. Figures are over all clips "
    "of a protocol together, whatever their fold; in EmoBox's table they are means over its folds."
)


def check(path: Path) -> None:
    """Check that a study may write to a Markdown file and the JSON file beside it.

    Raises
    ------
    SerError
        If the name does not end in ``.md``, or something else wrote the files.
    """
    if path.suffix != ".md":
        raise SerError(f"--output is {path}; give the name of a Markdown file, ending in .md.")
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else TITLE
    above = next(each for each in path.absolute().parents if each.exists())
    if not os.access(above, os.W_OK):
        raise SerError(f"'{above}' cannot be written to; give another --output.")
    if not text.startswith(TITLE) or not _is_ours(read(path)):
        raise SerError(
            f"{path}, or the JSON file beside it, was not written by a study of this version and "
            "is left unchanged; give another --output."
        )


def _is_ours(sections: Mapping[str, Any]) -> bool:
    try:
        for rows in sections.values():
            for row in rows.values():
                Stamp(**row["stamp"])
                dict(row["figures"])
        to_markdown(sections)
    except (AttributeError, KeyError, TypeError, ValueError):
        return False
    return not sections.keys() - SECTIONS.keys()


def read(path: Path) -> dict[str, Rows]:
    """Return the sections that were written beside a Markdown file; none if there is no file.

    Raises
    ------
    SerError
        If the JSON file cannot be read.
    """
    file = path.with_suffix(".json")
    try:
        sections = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(sections, dict):
            raise ValueError("it holds no sections")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SerError(
            f"{file} is not a file of figures that a study wrote; give another --output, or "
            "delete it."
        ) from error
    return sections


def add(path: Path, section: str, row: str, stamp: Stamp, figures: Mapping[str, Any]) -> None:
    """Add a row to the files; it replaces an older one, and all rows of another protocol.

    Parameters
    ----------
    path : Path
        Of the Markdown file.
    section : str
        Of `ser.studies.SECTIONS`.
    row : str
    stamp : Stamp
    figures : dict

    Raises
    ------
    SerError
        If a file cannot be read or written.
    """
    sections = read(path)
    kept = {
        name: older
        for name, older in sections.get(section, {}).items()
        if older["stamp"]["protocol"] == stamp.protocol
    }
    sections[section] = {**kept, row: {"stamp": asdict(stamp), "figures": dict(figures)}}
    try:
        replace_file(path.with_suffix(".json"), (json.dumps(sections, indent=1) + "\n").encode())
        replace_file(path, to_markdown(sections).encode())
    except OSError as error:
        raise SerError(f"{path} cannot be written: {error.strerror}.") from error


def study_module(section: str) -> ModuleType:
    """Return the module that fills a section."""
    return import_module(f"ser.studies.{SECTIONS[section]}")


def split_by_age(section: str, rows: Rows) -> tuple[dict[str, Any], dict[str, str]]:
    """Tell figures that still hold from those that may not.

    Parameters
    ----------
    section : str
        Of `ser.studies.SECTIONS`.
    rows : dict

    Returns
    -------
    current : dict of str to dict
        Figures by row.
    stale : dict of str to str
        Why the others may not hold, by row.
    """
    uses = {name: study_module(section).uses(name) for name in rows}
    codes = {each: current_code(each) for each in set(uses.values())}
    reasons = {
        name: why_stale(Stamp(**row["stamp"]), codes[uses[name]]) for name, row in rows.items()
    }
    current = {name: row["figures"] for name, row in rows.items() if not reasons[name]}
    return current, {name: reason for name, reason in reasons.items() if reason}


def to_markdown(sections: Mapping[str, Rows]) -> str:
    """Write all sections, in the order of `ser.studies.SECTIONS`."""
    parts = [TITLE, ABOUT]
    for section in SECTIONS:
        if rows := sections.get(section):
            study = study_module(section)
            tables = study.tables({name: row["figures"] for name, row in rows.items()})
            parts += [
                f"## {study.TITLE}",
                f"{_command(section, rows)} {study.ABOUT}",
                _made(section, rows),
                *_tables(tables),
            ]
    return "\n\n".join(parts) + "\n"


def _command(section: str, rows: Rows) -> str:
    """Write the command that makes a section, and what its protocol is."""
    if section == EVALUATION:
        return "`python -m ser evaluate MODEL --on FOLDER`."
    protocol = next(iter(rows.values()))["stamp"]["protocol"]
    if protocol is None:
        return f"`python -m ser study {section} DATASET`."
    command = f"`python -m ser study {section} DATASET --protocol {protocol}`"
    return f"{command}: {PROTOCOLS[protocol]}."


def _made(section: str, rows: Rows) -> str:
    """List what made the rows, those that were made alike together."""
    _, stale = split_by_age(section, rows)
    alike: dict[str, list[str]] = {}
    for name, row in rows.items():
        mark = f"**Made by older code** ({stale[name]}): " if name in stale else "Made "
        alike.setdefault(mark + _describe(Stamp(**row["stamp"])), []).append(name)
    return "\n".join(
        f"- {made}: {'all rows' if len(alike) == 1 else ', '.join(f'`{name}`' for name in names)}."
        for made, names in alike.items()
    )


def _describe(stamp: Stamp) -> str:
    seeds = f"{'seed' if len(stamp.seeds) == 1 else 'seeds'} {', '.join(map(str, stamp.seeds))}"
    known = [
        stamp.date,
        f"commit {stamp.commit or 'unknown'}",
        *(f"{name} {number}" for name, number in stamp.versions.items()),
        *([seeds] if stamp.seeds else []),
    ]
    return ", ".join(each for each in known if each)


def _tables(tables: Mapping[str, list[list[str]]]) -> list[str]:
    return [f"### {title}\n\n{report.to_markdown(rows)}" for title, rows in tables.items()]
