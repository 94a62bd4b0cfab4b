"""The shards of a table that is not complete yet: kept aside, so that nothing is done twice.

They lie in ``TABLE.parts`` beside the table, a Parquet file for each piece of the collection, which
is there whole or not at all. So the work can be ended at any moment, by whatever means; when it is
started again, it goes on where it was. At the end the shards become the table, and the folder goes.
"""

import json
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow

from ser.collection.tables import read_metadata, side_file, write_table
from ser.errors import SerError
from ser.storage.atomic_folder import PART, replace_file

MANIFEST = "manifest.json"
WHOLE = "table-"  # begins the name of a table that is being written


class Shards:
    """The shards of one table.

    Parameters
    ----------
    table : Path
        The table that they will become; its suffix is its format.
    schema : pyarrow.Schema
    metadata : dict
        What makes the table, ready for JSON. Shards that anything else made are refused.
    """

    def __init__(self, table: Path, schema: pyarrow.Schema, metadata: dict[str, Any]) -> None:
        self.table = table
        self.folder = parts_folder(table)
        self._schema = schema
        self.metadata = metadata

    def begin(self) -> bool:
        """Make room for shards, unless the table is complete.

        Returns
        -------
        bool
            Whether there is anything to do.

        Raises
        ------
        SerError
            If there is a table, or there are shards, that something else made, or the place cannot
            be written.
        """
        if self.table.exists():
            self._check(read_metadata(self.table), self.table)
            self._clear()  # if the work was ended when all but this was done
            return False
        self._check_side_file()
        manifest = self.folder / MANIFEST
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # Processes that begin at the same time may be about to write theirs.
            others = [p for p in self.folder.iterdir() if p.suffix != PART]
            if manifest.is_file():
                self._check(_parse(manifest.read_bytes()), self.folder)
                for half in self.folder.glob(f"{WHOLE}*"):  # its process was killed
                    half.unlink(missing_ok=True)
            elif others:
                raise SerError(
                    f"'{self.folder}' holds something else than a table in the making: remove it, "
                    "or give another name."
                )
            else:
                replace_file(manifest, json.dumps(self.metadata, indent=1).encode())
        except OSError as error:
            raise SerError(
                f"'{self.folder}' cannot be written ({error.strerror or error}); mend that, or "
                "give another name."
            ) from error
        return True

    def done(self) -> set[int]:
        """Return the numbers of the shards that are there."""
        names = (path.name for path in self.folder.iterdir())
        return {int(name[:-8]) for name in names if re.fullmatch(r"\d+\.parquet", name)}

    def join(self, n_shards: int) -> None:
        """Make the table from its shards, and remove these.

        Raises
        ------
        SerError
            If a shard has gone, or the table cannot be written.
        """
        whole = self.folder / f"{WHOLE}{uuid4().hex}"
        suffix = self.table.suffix.lower()
        parts = (shard_path(self.folder, number) for number in range(n_shards))
        try:
            write_table(whole, parts, self._schema, suffix)
            if suffix != ".parquet":
                replace_file(side_file(self.table), json.dumps(self.metadata, indent=1).encode())
            whole.replace(self.table)
        except FileNotFoundError as error:
            raise SerError(
                f"'{self.folder}' has lost a shard: if the same work was started twice, the other "
                "has made the table; else start it again."
            ) from error
        except OSError as error:
            raise SerError(
                f"'{self.table}' cannot be written ({error.strerror or error}): mend that, and "
                "start again; all clips are done and kept."
            ) from error
        finally:
            whole.unlink(missing_ok=True)
        self._clear()

    def _clear(self) -> None:
        """Remove the folder; its manifest last, so that it is known for what it is until then."""
        with suppress(OSError):  # of another process that does the same, and the table is there
            for path in self.folder.iterdir():
                if path.name != MANIFEST:
                    path.unlink(missing_ok=True)
            shutil.rmtree(self.folder)

    def _check_side_file(self) -> None:
        """Refuse to write over somebody's file; one of ours may be left of a table that is gone."""
        file = side_file(self.table)
        if self.table.suffix.lower() == ".parquet" or not file.exists():
            return
        if not (_parse(file.read_bytes()) or {}).keys() >= self.metadata.keys():
            raise SerError(
                f"'{file}' would say what made the table, and is something else: move it, or give "
                "the table another name."
            )

    def _check(self, found: dict[str, Any] | None, place: Path) -> None:
        """Refuse what something else made."""
        known, wanted = _flat(found or {}), _flat(self.metadata)
        for name, value in wanted.items():
            if known.get(name) != value:
                if name in ("collection.clips", "collection.sha256"):
                    raise SerError(
                        f"'{place}' was made of other recordings, or some were added, removed or "
                        "changed since: remove it, or give another name."
                    )
                raise SerError(
                    f"'{place}' was made with {name} = {known.get(name)}, and this is {value}: "
                    "start with the same, remove it, or give another name."
                )


def parts_folder(table: Path) -> Path:
    """Return the folder of a table's shards."""
    return table.with_name(f"{table.name}.parts")


def write_shard(folder: Path, number: int, content: bytes) -> None:
    """Write a shard, as `ser.collection.tables.to_parquet` makes it, whole or not at all.

    Raises
    ------
    SerError
        If the folder has gone.
    """
    if not folder.is_dir():
        raise SerError(
            f"'{folder}' has gone: if the same work was started twice, the other has made the "
            "table; else start it again."
        )
    replace_file(shard_path(folder, number), content)


def shard_path(folder: Path, number: int) -> Path:
    """Return where a shard lies."""
    return folder / f"{number:08}.parquet"


def _parse(content: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(content)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings by their names, such as ``versions.numpy``."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
