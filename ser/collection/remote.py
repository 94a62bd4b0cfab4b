"""A table in the making in a store that is no folder: a bucket of the Hub or of S3, for example.

Machines that share no folder work each in one of its own, and copy what they make to the store,
which has a file whole or not at all.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from fsspec.core import url_to_fs

from ser.collection.shards import MANIFEST, parts_folder
from ser.collection.tables import SUFFIXES, side_file
from ser.errors import DatasetError, SerError
from ser.hub.errors import BACKEND_ERRORS, one_line

AT_ONCE = 16  # files, each of which takes a moment however small it is


def is_remote(to: str) -> bool:
    """Tell whether a table lies in a store, which has an address."""
    return "://" in to


class RemoteTable:
    """A table in a store, with its shards, and the copy on this machine that is worked on.

    Parameters
    ----------
    url : str
        Of the table, as fsspec takes it: ``hf://buckets/OWNER/NAME/answers.parquet``.
    folder : Path
        Of this machine, and empty.

    Attributes
    ----------
    copy : Path
        The table on this machine.

    Raises
    ------
    DatasetError
        If the address cannot be that of a table.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self._above, _, name = url.rpartition("/")
        self._folder = folder
        self.copy = folder / name
        if self.copy.suffix.lower() not in SUFFIXES:
            raise DatasetError(
                f"'{url}' cannot be a table: give an address that ends in {', '.join(SUFFIXES)}."
            )
        try:
            self._fs, _ = url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise DatasetError(f"'{url}' cannot be reached: {error}.") from error

    def pull(self, *, whole: bool) -> None:
        """Copy what there is.

        Parameters
        ----------
        whole : bool
            Whether to copy the shards. Otherwise empty files stand for them, which is enough to
            know what is done.

        Raises
        ------
        SerError
            If the store does not give it.
        """
        parts = parts_folder(self.copy)
        parts.mkdir()
        with self._plainly():
            self._fs.invalidate_cache()
            tables = (side_file(self.copy), self.copy)
            wanted = [path for path in tables if self._has(path)]
            for path in self._shards(parts):
                if whole or path.name == MANIFEST:
                    wanted.append(path)
                else:
                    path.touch()
            self._each(lambda path: self._fs.get_file(self._address(path), str(path)), wanted)

    def push(self, *paths: Path) -> None:
        """Copy files of the copy to the store.

        Raises
        ------
        SerError
            If the store does not take them.
        """
        with self._plainly():
            self._each(lambda path: self._fs.put_file(str(path), self._address(path)), paths)

    def finish(self) -> None:
        """Copy the table to the store, and remove the shards there; errors as `push`."""
        if side_file(self.copy).exists():  # without which the table would be another's
            self.push(side_file(self.copy))
        self.push(self.copy)
        with self._plainly(), suppress(FileNotFoundError):
            self._fs.invalidate_cache()
            self._fs.rm(self._address(parts_folder(self.copy)), recursive=True)

    def _has(self, path: Path) -> bool:
        try:
            self._fs.info(
                self._address(path)
            )  # its `exists` takes a store that fails for an empty one
        except FileNotFoundError:
            return False
        return True

    def _shards(self, parts: Path) -> list[Path]:
        """Return where the shards and their manifest, as far as they are there, lie in the copy."""
        try:
            found = self._fs.ls(self._address(parts), detail=False)
        except FileNotFoundError:
            return []
        return [parts / name.rsplit("/", 1)[-1] for name in found]

    def _address(self, path: Path) -> str:
        return f"{self._above}/{path.relative_to(self._folder).as_posix()}"

    @staticmethod
    def _each(do: Callable[[Path], Any], paths: Iterable[Path]) -> None:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(do, paths))

    @contextmanager
    def _plainly(self) -> Iterator[None]:
        """Say in one sentence why the store cannot be used."""
        try:
            yield
        except SerError:
            raise
        except BACKEND_ERRORS as error:
            raise SerError(f"'{self.url}' cannot be read or written: {one_line(error)}") from error
