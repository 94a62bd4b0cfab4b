"""Pieces of a collection, each of which one process recognises: its clips, one after another.

A piece is small to send to a process, and says where its clips are; it is read there.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath
from sys import intern
from typing import Any
from unicodedata import normalize

import pyarrow.parquet

from ser.collection.places import Place, fetching, reading
from ser.collection.rows import Item

READ_AT_ONCE = 8  # rows, each perhaps a long recording
FETCHED_AHEAD = 8  # files, the same
BUFFER = 1 << 20  # bytes of a column, which otherwise is read whole


@dataclass(frozen=True)
class Files:
    """A piece of a collection: some audio files."""

    place: Place
    names: Sequence[str]
    speakers: Sequence[str | None]

    def __len__(self) -> int:
        return len(self.names)

    def items(self) -> Iterator[Item]:
        """Yield the clips; those of the Hub are fetched a few ahead."""
        read = _ahead if self.place.is_remote else map
        clips = read(self.place.clip, self.names)
        for name, clip, speaker in zip(self.names, clips, self.speakers, strict=True):
            yield Item(name, clip, speaker)


@dataclass(frozen=True)
class Rows:
    """A piece of a collection: some rows of a Parquet file that holds recordings.

    Attributes
    ----------
    place : Place
    name : str
        Of the file.
    group, first, start, stop : int
        The row group, the number of its first row in the file, and which of its rows.
    audio, speaker : str
        Columns; that of the speaker may be missing.
    """

    place: Place
    name: str
    group: int
    first: int
    start: int
    stop: int
    audio: str
    speaker: str | None

    def __len__(self) -> int:
        return self.stop - self.start

    def items(self) -> Iterator[Item]:
        """Yield the clips, a few of which are in memory at once."""
        columns = [self.audio, *([self.speaker] if self.speaker else [])]
        with fetching(self.place), reading(self.name), self.place.open(self.name) as file:
            groups = pyarrow.parquet.ParquetFile(file, buffer_size=BUFFER)
            number = 0
            for batch in groups.iter_batches(READ_AT_ONCE, [self.group], columns):
                rows = batch.to_pylist() if number + len(batch) > self.start else [{}] * len(batch)
                for row in rows:
                    if self.start <= number < self.stop:
                        yield self._item(number, row)
                    number += 1
                if number >= self.stop:
                    return

    def _item(self, number: int, row: dict[str, Any]) -> Item:
        value = row[self.audio]
        value = value if isinstance(value, dict) else {"bytes": value}
        path, content = value.get("path"), value.get("bytes")
        if not isinstance(content, bytes):  # text would be taken for the path of a file
            content = None
        name = path or f"{self.name}:{self.first + number + 1}"
        clip: Any = {"path": name, "bytes": content or b""}
        if content is None and path and not self.place.is_remote:  # whose paths are its author's
            clip = self.place.clip(str(PurePosixPath(self.name).parent / path))
        return Item(name, clip, speaker_name(row.get(self.speaker or "")))


Piece = Files | Rows


def _ahead(fetch: Callable[[str], Any], names: Sequence[str]) -> Iterator[Any]:
    """Yield what there is by each name, with a few requests under way, as each takes its time."""
    with ThreadPoolExecutor(FETCHED_AHEAD) as pool:
        waiting: deque[Future[Any]] = deque()
        for name in names:
            waiting.append(pool.submit(fetch, name))
            if len(waiting) == FETCHED_AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def text(value: Any) -> str | None:
    """Return a value of a table as text; None for nothing."""
    return None if value is None else str(value).strip() or None


def speaker_name(value: Any) -> str | None:
    """Return a speaker as all tables and folders name them; None for nobody.

    Numbers beside gaps are ``1001.0`` and NaN in tables that pandas wrote, and systems differ in
    how they compose the letters of names of files.
    """
    name = normalize("NFC", text(value) or "")
    name = re.sub(r"^(\d+)\.0$", r"\1", name)
    return intern(name) if name not in ("", "nan") else None
