"""Tables of recordings: rows of CSV, JSON lines and Parquet as dictionaries."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
from pyarrow.types import (
    is_binary,
    is_binary_view,
    is_fixed_size_binary,
    is_large_binary,
    is_struct,
)

from ser.errors import DatasetError

TEXT_SUFFIXES = (".csv", ".tsv", ".jsonl")


def read_table(file: Path, *, used: Iterable[str]) -> list[dict[str, Any]]:
    """Read a table of text.

    Parameters
    ----------
    file : Path
        CSV with commas, semicolons or tabs and a heading, or JSON lines; in UTF-8.
    used : iterable of str
        Columns of which there may be one only.

    Returns
    -------
    list of dict
        Values by column, a row each.

    Raises
    ------
    DatasetError
        If it cannot be read or has no rows.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{file} is not text in UTF-8 ({error.reason} at byte {error.start}): save it again in "
            "that encoding."
        ) from error
    except OSError as error:
        raise DatasetError(f"{file} cannot be read ({error.strerror or error}).") from error
    if file.suffix.lower() == ".jsonl":
        rows = [
            _parse(line, f"line {number} of {file}")
            for number, line in enumerate(text.split("\n"), start=1)
            if line.strip()
        ]
    else:
        rows = _read_csv(text, file, used)
    if not rows:
        raise DatasetError(f"{file} has no rows; give a table with a row for each recording.")
    return rows


def _read_csv(text: str, file: Path, used: Iterable[str]) -> list[dict[str, Any]]:
    start = text.lstrip("\r\n")
    n_blank = len(text[: len(text) - len(start)].splitlines())
    heading = start.splitlines()[0] if start else ""
    delimiters = "\t,;" if file.suffix.lower() == ".tsv" else ",;\t"
    delimiter = max(delimiters, key=heading.count)
    reader = csv.reader(io.StringIO(start, newline=""), delimiter=delimiter, skipinitialspace=True)
    rows: list[dict[str, Any]] = []
    try:
        names = [name.strip() for name in next(reader, [])]
        _check_names(names, file, used)
        for cells in filter(None, reader):
            if any(cell.strip() for cell in cells[len(names) :]):
                raise DatasetError(
                    f"Line {n_blank + reader.line_num} of {file} has {len(cells)} values for "
                    f"{len(names)} columns: put quotation marks around text with {delimiter!r} in "
                    "it, or name all columns in the first line."
                )
            rows.append(dict(zip_longest(names, cells[: len(names)])))
    except csv.Error as error:  # such as a quotation mark that is never closed
        raise DatasetError(
            f"Line {n_blank + reader.line_num} of {file} is not CSV ({error}): check its quotation "
            "marks."
        ) from error
    return rows


def _parse(line: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{where} is not JSON: {error}.") from error
    if not isinstance(row, dict):
        raise DatasetError(f"{where} is not a JSON object with a value for each column.")
    return row


def parquet_columns(file: Path, *, used: Iterable[str] = ("audio",)) -> pyarrow.Schema:
    """Return the columns of a Parquet file.

    Raises
    ------
    DatasetError
        If it is not one, or several columns have one name of `used`.
    """
    try:
        schema = pyarrow.parquet.read_schema(file)
    except (pyarrow.ArrowException, OSError) as error:
        raise DatasetError(f"{file} is not a readable Parquet file.") from error
    _check_names(schema.names, file, used)
    return schema


def _check_names(names: Sequence[str], file: Path, used: Iterable[str]) -> None:
    if twice := next((name for name in used if names.count(name) > 1), None):
        raise DatasetError(
            f"{file} has more than one column {twice!r}; rename or remove all but one."
        )


def holds_recordings(schema: pyarrow.Schema, column: str) -> bool:
    """Tell whether there is a column of bytes, by themselves or in a dict as `datasets` has it."""
    if column not in schema.names:
        return False
    kind = schema.field(column).type
    if is_struct(kind):
        index = kind.get_field_index("bytes")
        return index >= 0 and _are_bytes(kind.field(index).type)
    return _are_bytes(kind)


def _are_bytes(kind: pyarrow.DataType) -> bool:
    kinds = (is_binary, is_large_binary, is_binary_view, is_fixed_size_binary)
    return any(is_kind(kind) for is_kind in kinds)


def read_parquet(
    file: Path, audio: str, *, contents: bool = True
) -> Iterator[tuple[str | None, bytes, dict[str, Any]]]:
    """Read the rows of a Parquet file, a few at a time.

    Parameters
    ----------
    file : Path
    audio : str
        A column, of recordings' bytes, their paths, or both as `datasets` keeps them.
    contents : bool
        Whether to read the bytes.

    Yields
    ------
    path : str or None
    content : bytes
        Empty without `contents`, and where there is none.
    columns : dict
        The other values; classes of `datasets` by their names.

    Raises
    ------
    DatasetError
        If the file cannot be read.
    """
    schema = parquet_columns(file, used=[audio])
    classes = _class_names(schema)
    wanted = None if contents else _without_bytes(schema, audio)
    try:
        for batch in pyarrow.parquet.ParquetFile(file).iter_batches(batch_size=16, columns=wanted):
            for row in batch.to_pylist():
                value = row.pop(audio, None)
                value = value if isinstance(value, dict) else {_kind(value): value}
                for column, names in classes.items():
                    number = row.get(column)
                    known = isinstance(number, int) and 0 <= number < len(names)
                    row[column] = names[number] if known else None
                content = value.get("bytes")
                yield value.get("path"), content if isinstance(content, bytes) else b"", row
    except (pyarrow.ArrowException, OSError) as error:
        raise DatasetError(f"{file} is not a readable Parquet file.") from error


def _kind(value: Any) -> str:
    return "path" if isinstance(value, str) else "bytes"


def _without_bytes(schema: pyarrow.Schema, audio: str) -> list[str]:
    """Return the columns to read so that no recording is."""
    column = schema.field(audio).type
    if pyarrow.types.is_struct(column):
        paths = [f"{audio}.path"] if column.get_field_index("path") >= 0 else []
    else:
        paths = [] if _are_bytes(column) else [audio]
    return [*(name for name in schema.names if name != audio), *paths]


def _class_names(schema: pyarrow.Schema) -> dict[str, list[str]]:
    """Return the names behind the numbers of each column that is a ClassLabel of `datasets`."""
    try:
        metadata = json.loads((schema.metadata or {})[b"huggingface"])
        features = metadata["info"]["features"].items()
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return {}
    return {
        name: each["names"]
        for name, each in features  # of nested ones, some are lists
        if isinstance(each, dict)
        and each.get("_type") == "ClassLabel"
        and isinstance(each.get("names"), list)
    }
