"""Anybody's own speech: folders named after emotions, and tables with columns of any names."""

import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ser.corpora.catalog import CORPORA
from ser.corpora.corpus import Clip
from ser.corpora.emotions import find_emotion
from ser.corpora.files import find_audio, is_file
from ser.corpora.sources import Source, audio_suffix, find_tables, open_source, unpack
from ser.corpora.tables import parquet_columns, read_parquet, read_table
from ser.errors import DatasetError

MAX_NAME = 150  # bytes in the name of a clip, but for what keeps two apart

_SEXES = {
    **dict.fromkeys(("female", "f", "woman", "women", "w"), "female"),
    **dict.fromkeys(("male", "m", "man", "men"), "male"),
}


@dataclass(frozen=True)
class Columns:
    """The columns of a table.

    Attributes
    ----------
    audio : str
        Paths relative to the table, or embedded recordings.
    emotion : str
    speaker, sex, sentence, intensity, language : str or None
        By default the column of that name, if there is one.
    """

    audio: str = "audio"
    emotion: str = "emotion"
    speaker: str | None = None
    sex: str | None = None
    sentence: str | None = None
    intensity: str | None = None
    language: str | None = None


def read_own(source: Source, columns: Columns | None) -> tuple[list[tuple[Clip, Path]], list[str]]:
    """Read the clips of a table, or of a folder with a subfolder for each emotion.

    Parameters
    ----------
    source : Source
    columns : Columns, optional
        Of the table; without them, a folder that holds audio files is not read as a table.

    Returns
    -------
    clips : list of (Clip, Path)
        Those whose file exists.
    problems : list of str
        A sentence for each that is skipped.

    Raises
    ------
    DatasetError
        If the source is neither, a table cannot be read, or a column is missing.
    """
    tables = find_tables(source.path)
    is_folder = columns is None and source.path.is_dir() and find_audio(source.path)
    if tables and not is_folder:
        return _read_tables(source, tables, columns or Columns())
    if columns is not None:
        raise DatasetError(
            f"{source} has no table with columns; give a CSV, JSON-lines or Parquet file, or leave "
            "the columns out."
        )
    folder = open_source(source, lambda path, columns: None, naming="as they are")
    return _read_folders(folder, source)


def _read_folders(folder: Path, source: Source) -> tuple[list[tuple[Clip, Path]], list[str]]:
    """Read ``EMOTION/file`` or ``EMOTION/SPEAKER/file``, in folders around all or in splits."""
    files = find_audio(folder)
    paths = [file.relative_to(folder) for file in files]
    while paths and all(path.parts[2:] for path in paths) and _are_no_emotions(paths):
        paths = [Path(*path.parts[1:]) for path in paths]
    clips, problems, names = [], [], _Names()
    for file, path in zip(files, paths, strict=True):
        if len(path.parts) == 1:
            problems.append(f"{path} lies in no subfolder that is named after an emotion.")
            continue
        speaker = _text(path.parts[1]) if len(path.parts) > 2 else None
        clips.append((Clip(names.new(path), _text(path.parts[0]) or "_", speaker), file))
    if len({clip.emotion for clip, _ in clips}) < 2:
        known = ", ".join(dict.fromkeys(row.about.name for row in CORPORA.values()))
        found = "holds no recording"
        if files:
            found = f"has {len(files)} recordings, but not in subfolders of two or more emotions"
        raise DatasetError(
            f"{source} {found}: give a folder with a subfolder for each emotion or a ZIP of it, a "
            "CSV, JSON-lines or Parquet table with a column for the recordings and one for their "
            f"emotions, or recordings named as in {known}."
        )
    return clips, problems


def _are_no_emotions(paths: list[Path]) -> bool:
    """Whether the outermost folders are one around all, or parts of a dataset, such as "train"."""
    outer, inner = ({path.parts[depth] for path in paths} for depth in (0, 1))
    if any(map(find_emotion, outer)):
        return False
    known = sum(find_emotion(each) is not None for each in inner)
    return len(outer) == 1 or 2 * known >= len(inner)  # an emotion may have an unusual name


def _read_tables(
    source: Source, tables: list[Path], columns: Columns
) -> tuple[list[tuple[Clip, Path]], list[str]]:
    clips, problems, names, seen = [], [], _Names(), set()
    for where, file, path, row in _rows(source, tables, columns):
        emotion = _text(row.get(columns.emotion))
        if file is None:
            problems.append(
                f"{where} names no recording{' of the dataset' * bool(source.repo_id)}."
            )
        elif emotion is None:
            problems.append(f"{path} has no emotion in {where}.")
        elif not is_file(file):
            problems.append(f"{path} in {where} is missing.")
        elif file in seen:
            problems.append(f"{path} in {where} is listed a second time.")
        else:
            seen.add(file)
            known = {name: _text(row.get(column)) for name, column in _optional(columns).items()}
            if known["sex"]:
                known["sex"] = _SEXES.get(known["sex"].lower())
            clips.append((Clip(names.new(path), emotion, **known), file))
    return clips, problems


def _rows(
    source: Source, tables: list[Path], columns: Columns
) -> Iterator[tuple[str, Path | None, str, dict[str, Any]]]:
    """Yield where each row stands, its audio file, the path to name it by, and its values."""
    used = [columns.audio, columns.emotion, *_optional(columns).values()]
    for table in tables:
        if table.suffix.lower() != ".parquet":
            rows = read_table(table, used=used)
            _check(table, {name for row in rows for name in row}, columns)
            for number, row in enumerate(rows, start=1):
                path = _path(row.get(columns.audio))
                file = _named(table, path, source)
                yield f"row {number} of {table.name}", file, _short(path), row
            continue
        _check(table, set(parquet_columns(table, used=used).names), columns)
        folder = unpack([table], lambda file: _embedded(file, columns), naming=columns.audio)
        for number, (path, _, row) in enumerate(read_parquet(table, columns.audio, contents=False)):
            file = folder / f"{number}{audio_suffix(path or '')}"
            if not file.exists():  # only its path is in the table
                file = _named(table, path, source)
            name = _short(path) or f"{table.stem}-{number + 1}"
            yield f"row {number + 1} of {table.name}", file, name, row


def _embedded(table: Path, columns: Columns) -> Iterator[tuple[str, bytes]]:
    """Yield the recordings in a Parquet file by the numbers of their rows."""
    for number, (path, content, _) in enumerate(read_parquet(table, columns.audio)):
        if content:
            yield f"{number}{audio_suffix(path or '')}", content


def _check(table: Path, present: set[str], columns: Columns) -> None:
    """Raise DatasetError if a column that was asked for is missing."""
    asked = [getattr(columns, field.name) for field in fields(columns)]
    missing = [name for name in asked if name and name not in present]
    if missing:
        raise DatasetError(
            f"{table.name} has no column {missing[0]!r}; it has {', '.join(sorted(present))}: name "
            "the columns of recordings, emotions and speakers."
        )


def _optional(columns: Columns) -> dict[str, str]:
    """Return the column of each field that may be unknown."""
    names = ("speaker", "sex", "sentence", "intensity", "language")
    return {name: getattr(columns, name) or name for name in names}


def _named(table: Path, path: str | None, source: Source) -> Path | None:
    """Return the file that a table names.

    A table from the Hub cannot name files of this machine: some of them would be published.
    """
    is_inside = path and not Path(path).is_absolute() and ".." not in Path(path).parts
    return table.parent / path if path and (is_inside or not source.repo_id) else None


def _path(value: Any) -> str | None:
    return str(value).strip() or None if isinstance(value, str | int) else None


def _text(value: Any) -> str | None:
    """Return a value as a line of text; None for nothing, of which tables know several kinds."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    line = unicodedata.normalize("NFC", " ".join(str(value).split()))
    return "".join(each for each in line if unicodedata.category(each) not in ("Cc", "Cs")) or None


def _short(path: str | None) -> str:
    """Return a path without what is private in it: folders outside of the table's tell of one."""
    is_outside = path and (Path(path).is_absolute() or ".." in Path(path).parts)
    return Path(path).name if path and is_outside else path or ""


class _Names:
    """Names for clips that can be file names, each given once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._last: dict[str, int] = {}  # number given to each stem, as thousands may share one

    def new(self, path: str | Path) -> str:
        stem = re.sub(r"\.\w+$", "", str(path))
        stem = re.sub(r"[^\w.-]+", "-", stem)
        # File names have at most 255 bytes; the end tells more than the folders.
        stem = stem.encode()[-MAX_NAME:].decode(errors="ignore").lstrip(".-") or "clip"
        name, number = stem, self._last.get(stem, 1)
        while name in self._taken:
            number += 1
            name = f"{stem}-{number}"
        self._taken.add(name)
        self._last[stem] = number
        return name
