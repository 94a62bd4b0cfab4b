"""What is in a collection, in a fixed order and in pieces that can be recognised one by one."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow.parquet

from ser.collection.pieces import Files, Piece, Rows, speaker_name, text
from ser.collection.places import ON_HUB, LocalFolder, Place, fetching, find_on_hub, reading
from ser.collection.tables import METADATA
from ser.corpora.files import AUDIO_SUFFIXES, is_file
from ser.corpora.tables import TEXT_SUFFIXES, holds_recordings, read_table
from ser.errors import DatasetError, HubError
from ser.paths import expanded

SUFFIXES = (
    *AUDIO_SUFFIXES,
    *(".aac", ".aif", ".aiff", ".amr", ".au", ".caf", ".oga", ".wma", ".wv"),
    *(".avi", ".flv", ".mka", ".mkv", ".mov", ".mp4", ".webm"),
)
CLIP_COLUMNS = ("path", "audio", "file", "file_name")
SPEAKER_COLUMNS = ("speaker", "speaker_id")

MAX_FILES = 64  # in a piece: what a process that is killed does again
MANY_PIECES = 200  # so that a small collection, too, has work for all processes
MAX_ROWS = 128  # in a piece; `datasets` writes recordings in groups of 100
MAX_SPLITS = 16  # of a larger group, since each piece reads the rows before it again


@dataclass(frozen=True)
class Collection:
    """The clips of a source.

    Attributes
    ----------
    source : str
        As it was given; of a path only the name, as its place is private.
    revision : str or None
        The commit of a dataset on the Hub.
    pieces : list of Files or Rows
        In order.
    """

    source: str
    revision: str | None
    pieces: Sequence[Piece]

    def __len__(self) -> int:
        return sum(map(len, self.pieces))

    @property
    def sha256(self) -> str:
        """A hash of which clips there are, how long their files, and how they are divided."""
        digest = hashlib.sha256()
        for piece in self.pieces:
            names = piece.names if isinstance(piece, Files) else [piece.name]
            what = (
                [*names, *piece.speakers]
                if isinstance(piece, Files)
                else [*names, piece.group, piece.first, piece.start, piece.stop]
            )
            sizes = list(map(piece.place.size, names))
            digest.update(json.dumps([what, sizes]).encode())
        return digest.hexdigest()


def find_collection(source: str | Path, *, largest: int = MAX_FILES) -> Collection:
    """Find the clips that a source names.

    Parameters
    ----------
    source : str or Path
        A folder, searched with its subfolders; a table (CSV, JSON lines or Parquet) with a column
        of paths, or a Parquet file that holds recordings; or a dataset on the Hub, ``OWNER/NAME``
        or ``hf://datasets/OWNER/NAME/FOLDER``, each with ``@REVISION`` after the name or without.
        Parquet files of a folder or a dataset are read if no audio files lie beside them.
    largest : int
        Most files in a piece.

    Raises
    ------
    DatasetError
        If there is no such source, or no clip in it.
    HubError
        If the Hub does not give it.
    """
    path = expanded(source)
    if path.suffix.lower() not in (*TEXT_SUFFIXES, ".parquet") and is_file(path):
        path = path.resolve()  # a link, perhaps, to a table
    if is_file(path):  # a link has a name and a place of its own, as all files of the Hub's cache
        place: Place = LocalFolder(path.parent.resolve())
        return _collection(path.name, place, _read_table(place, path, largest))
    if os.path.isdir(path) and source != "":  # noqa: PTH112 - no error for a name that cannot be
        place = LocalFolder(path.resolve())
        return _collection(path.resolve().name, place, _read_folder(place, largest))
    match = ON_HUB.fullmatch(str(source))
    if match is None:
        raise DatasetError(
            f"There is no folder or table '{source}'; give one that exists, or a dataset on the "
            "Hub as OWNER/NAME or hf://datasets/OWNER/NAME/FOLDER."
        )
    try:
        place = find_on_hub(**match.groupdict())
    except HubError as error:
        raise HubError(
            f"There is no folder or table '{source}', and it cannot be read from the Hub: {error}"
        ) from error
    return _collection(str(source), place, _read_folder(place, largest))


def _collection(name: str, place: Place, pieces: Iterable[Piece]) -> Collection:
    found = Collection(name, place.revision, list(pieces))
    if not len(found):
        raise DatasetError(
            f"'{name}' has no recording: give a folder with audio files ({', '.join(SUFFIXES)}), a "
            "table of their paths, or Parquet files that hold recordings. The Hub converts most "
            "datasets to such files: OWNER/NAME@refs/convert/parquet."
        )
    return found


def _read_folder(place: Place, largest: int) -> Iterator[Piece]:
    if names := place.names(SUFFIXES):
        # People who record others give each a folder.
        speakers = [speaker_name(PurePosixPath(name).parent.name) for name in names]
        return _files(place, names, speakers, largest)
    tables = place.names((".parquet",))
    with ThreadPoolExecutor(8) as pool:  # each is asked over the network for its size
        heads = list(pool.map(lambda name: _head(place, name), tables))
    return (
        piece
        for name, head in zip(tables, heads, strict=True)
        if METADATA not in (head.metadata or {})  # answers, which may lie beside recordings
        for piece in _rows(place, name, head)
    )


def _files(
    place: Place, names: Sequence[str], speakers: Sequence[str | None], largest: int
) -> Iterator[Files]:
    size = max(1, min(largest, len(names) // MANY_PIECES))
    for start in range(0, len(names), size):
        part = slice(start, start + size)
        yield Files(place, names[part], speakers[part])


def _read_table(place: Place, path: Path, largest: int) -> Iterator[Piece]:
    if path.suffix.lower() == ".parquet":
        head = _head(place, path.name)
        if holds_recordings(head.schema.to_arrow_schema(), _audio_column(path.name, head)):
            return _rows(place, path.name, head)
        present = set(head.schema.to_arrow_schema().names)
        wanted = sorted(present.intersection([*CLIP_COLUMNS, *SPEAKER_COLUMNS]))
        rows: list[dict[str, Any]] = pyarrow.parquet.read_table(path, columns=wanted).to_pylist()
    elif path.suffix.lower() in TEXT_SUFFIXES:
        rows = read_table(path, used=[*CLIP_COLUMNS, *SPEAKER_COLUMNS])
        present = {name for row in rows for name in row}
    else:
        raise DatasetError(
            f"'{path}' is neither a folder nor a table; give a folder, or a file that ends in "
            f"{', '.join(TEXT_SUFFIXES)} or .parquet."
        )
    clip, speaker = _one_of(CLIP_COLUMNS, present), _one_of(SPEAKER_COLUMNS, present)
    if clip is None:
        raise _no_column(path.name, present)
    names = [_path_in(row.get(clip)) for row in rows]
    for number, name in enumerate(names, start=1):
        if not name:
            raise DatasetError(
                f"Row {number} of {path.name} has no path in its column {clip}; give every row one."
            )
    speakers = [speaker_name(row.get(speaker or "")) for row in rows]
    return _files(place, names, speakers, largest)


def _rows(place: Place, name: str, head: pyarrow.parquet.FileMetaData) -> Iterator[Rows]:
    audio = _audio_column(name, head)
    columns = head.schema.to_arrow_schema()
    if not holds_recordings(columns, audio):
        raise DatasetError(
            f"{name} has no recordings in its column {audio}; give the table by itself, on this "
            "machine, if that holds their paths."
        )
    speaker = _one_of(SPEAKER_COLUMNS, columns.names)
    first = 0
    for group in range(head.num_row_groups):
        n_rows = head.row_group(group).num_rows
        step = max(MAX_ROWS, -(-n_rows // MAX_SPLITS))
        for start in range(0, n_rows, step):
            stop = min(start + step, n_rows)
            yield Rows(place, name, group, first, start, stop, audio, speaker)
        first += n_rows


def _audio_column(name: str, head: pyarrow.parquet.FileMetaData) -> str:
    """Return the column of recordings; if there is none, that of paths."""
    schema = head.schema.to_arrow_schema()
    names = schema.names
    embedded = [column for column in names if holds_recordings(schema, column)]
    audio = (
        _one_of(CLIP_COLUMNS, embedded)
        or _one_of(CLIP_COLUMNS, names)
        or next(iter(embedded), None)
    )
    if audio is None:
        raise _no_column(name, names)
    return audio


def _path_in(value: Any) -> str:
    """Return the path in a cell of a table, by itself or as `datasets` has it; "" for none."""
    value = value.get("path") if isinstance(value, dict) else value
    return (text(value) or "") if isinstance(value, str) else ""


def _one_of(names: Sequence[str], present: Iterable[str]) -> str | None:
    known = set(present)
    return next((name for name in names if name in known), None)


def _no_column(name: str, present: Iterable[str]) -> DatasetError:
    return DatasetError(
        f"{name} has the columns {', '.join(sorted(present))}; one of recordings or their paths is "
        f"needed, named {' or '.join(CLIP_COLUMNS)}."
    )


def _head(place: Place, name: str) -> pyarrow.parquet.FileMetaData:
    with fetching(place), reading(name), place.open(name) as file:
        head = pyarrow.parquet.read_metadata(file)
    columns = head.schema.to_arrow_schema().names
    if twice := next((each for each in columns if columns.count(each) > 1), None):
        raise DatasetError(f"{name} has more than one column {twice}: rename or remove one.")
    return head
