"""The table of answers: its columns, what it says of its making, and its three formats."""

import json
import os
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.csv
import pyarrow.parquet

import ser
from ser.collection.rows import Row, Settings
from ser.errors import SerError
from ser.recognizer import EmotionRecognizer
from ser.timeline_formats import share_column

SUFFIXES = (".parquet", ".csv", ".jsonl")
METADATA = b"ser"
"""Key of the schema's metadata, under which JSON says what made the table."""
GROUP = 50_000  # rows in a row group, which are in memory at once
LIBRARIES = ("av", "numpy", "scikit-learn", "scipy", "soundfile", "soxr")


def make_schema(
    labels: Iterable[str], settings: Settings, *, voices: bool, metadata: dict[str, Any]
) -> pyarrow.Schema:
    """Return the columns of a table of answers.

    Parameters
    ----------
    labels : iterable of str
        Of the model.
    settings : Settings
    voices : bool
        Whether clips are judged relative to voices.
    metadata : dict
        What made the table, ready for JSON.
    """
    text, number = pyarrow.string(), pyarrow.float64()
    shares = {share_column(label): number for label in labels}
    span = {"start": number, "end": number}
    columns = {
        "path": text,
        **({"speaker": text} if voices else {}),
        **({"channel": pyarrow.int32()} if settings.channels == "each" else {}),
        **(span if settings.timeline else {}),
        "emotion": text,
        "confidence": number,
        **(shares if settings.timeline != "segments" else {}),
        **({"speech_duration": number} if settings.timeline == "windows" else {}),
        **({} if settings.timeline else {"speech_start": number, "speech_end": number}),
        "duration": number,
        **({"reference": text} if voices else {}),
        "doubts": text,
        "error": text,
    }
    return pyarrow.schema(list(columns.items()), {METADATA: json.dumps(metadata).encode()})


def describe_model(recognizer: EmotionRecognizer) -> dict[str, Any]:
    """Return what a table says of the model, and of the software, that made it."""
    config, source = recognizer.config, recognizer.source
    return {
        # Of a folder only the name: its place is private.
        "model": source if recognizer.revision else Path(source).name,
        "revision": recognizer.revision,
        "model_sha256": config["sha256"],
        "features": config["feature_hash"],
        "versions": {"ser": ser.__version__, **{name: version(name) for name in LIBRARIES}},
    }


def to_parquet(rows: Iterable[Row], schema: pyarrow.Schema) -> bytes:
    """Return rows as a Parquet file."""
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(list(rows), schema), sink)
    return sink.getvalue().to_pybytes()


def write_table(path: Path, parts: Iterable[Path], schema: pyarrow.Schema, suffix: str) -> None:
    """Join Parquet files into a table, and see to it that the table is on the disk.

    Parameters
    ----------
    path : Path
        Where to write.
    parts : iterable of Path
        Files that `to_parquet` made, in order.
    schema : pyarrow.Schema
        Of them all.
    suffix : str
        The format, of `SUFFIXES`.

    Raises
    ------
    SerError
        If one has another schema, or was made by something else.
    """
    with path.open("wb") as file:
        if suffix == ".jsonl":
            for table in _groups(parts, schema):
                lines = (json.dumps(row, ensure_ascii=False) for row in table.to_pylist())
                file.write("".join(f"{line}\n" for line in lines).encode())
        else:
            is_csv = suffix == ".csv"
            make = pyarrow.csv.CSVWriter if is_csv else pyarrow.parquet.ParquetWriter
            with make(file, schema) as writer:
                for table in _groups(parts, schema):
                    writer.write_table(table)
        file.flush()
        os.fsync(file.fileno())


def _groups(parts: Iterable[Path], schema: pyarrow.Schema) -> Iterator[pyarrow.Table]:
    """Yield the rows of all parts, many at a time."""
    waiting: list[pyarrow.Table] = []
    for part in parts:
        waiting.append(pyarrow.parquet.read_table(part))
        if not waiting[-1].schema.equals(schema, check_metadata=True):  # on another machine
            raise SerError(
                f"'{part.name}' of the shards was made with another model, version or setting than "
                "the rest: remove it and start again, with the same software on all machines."
            )
        if sum(map(len, waiting)) >= GROUP:
            yield pyarrow.concat_tables(waiting).combine_chunks()
            waiting = []
    if waiting:
        yield pyarrow.concat_tables(waiting).combine_chunks()


def side_file(path: Path) -> Path:
    """Return the file beside a CSV or JSON-lines table that says what made it."""
    return path.with_name(f"{path.name}.json")


def read_metadata(path: Path) -> dict[str, Any] | None:
    """Return what made a table; None if it does not say so.

    Raises
    ------
    SerError
        If the table cannot be read.
    """
    try:
        if path.suffix.lower() == ".parquet":
            text = (pyarrow.parquet.read_schema(path).metadata or {}).get(METADATA, b"null")
        else:
            text = side_file(path).read_bytes() if side_file(path).exists() else b"null"
        value = json.loads(text)
    except ValueError:  # among them pyarrow's
        return None
    except OSError as error:
        raise SerError(f"'{path}' cannot be read ({error.strerror or error}).") from error
    return value if isinstance(value, dict) else None
