"""Where the files of a collection are: below a folder of this machine, or in a dataset on the Hub.

Files on the Hub are read as they are needed, a part of a Parquet file or one recording at a time;
nothing is kept on this machine.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import pyarrow
from huggingface_hub import HfApi, HfFileSystem

from ser.corpora.files import is_visible, walk_files
from ser.errors import DatasetError
from ser.hub.errors import plain_words

ON_HUB = re.compile(
    r"(?:hf://datasets/|(?!hf://))(?P<repo_id>[\w.-]+/[\w.-]+)"
    r"(?:@(?P<revision>refs/(?:convert|pr)/[^/]+|[^/]+))?(?:/(?P<inside>.*))?"
)
"""``OWNER/NAME`` and ``hf://datasets/OWNER/NAME``, either with ``@REVISION`` and a path inside."""


@dataclass(frozen=True)
class LocalFolder:
    """A folder of this machine.

    Attributes
    ----------
    is_remote : bool
        Whether its files come over the network.
    revision : None
        A dataset on the Hub has a commit.
    """

    root: Path
    is_remote = False
    revision = None

    def names(self, suffixes: Sequence[str]) -> list[str]:
        """Return the paths of files in it, in a fixed order, by how their names end.

        Raises
        ------
        DatasetError
            If a folder in it cannot be read.
        """
        return list(walk_files(self.root, suffixes))

    def open(self, name: str) -> BinaryIO:
        """Open one of its files, in which one can seek."""
        return (self.root / name).open("rb")

    def clip(self, name: str) -> Path:
        """Return a file as `ser.audio.loading.read_recording` takes it."""
        return self.root / name

    def size(self, name: str) -> int | None:
        """Return the bytes of a file, to tell it from another of its name; None if unknown."""
        try:
            return (self.root / name).stat().st_size
        except (OSError, ValueError):  # such as a NUL in a name
            return None


@dataclass(frozen=True)
class HubFolder:
    """A folder of a dataset on the Hub, or one of its files, at one commit."""

    repo_id: str
    revision: str
    inside: str = ""
    is_remote = True

    def names(self, suffixes: Sequence[str]) -> list[str]:
        """Return the paths of files in it, as `LocalFolder.names`.

        Raises
        ------
        DatasetError
            If the dataset has no such folder or file.
        HubError
            If the Hub cannot be asked.
        """
        root = f"datasets/{self.repo_id}@{self.revision}/"
        # A shared one remembers all that it lists, and copies it for each thread that reads.
        files = HfFileSystem(skip_instance_cache=True)
        with fetching(self):
            found = files.find(f"{root}{self.inside}".rstrip("/"))
        if self.inside and not found:
            raise DatasetError(
                f"The dataset '{self.repo_id}' has no {self.inside}; give a folder or a file that "
                "it has."
            )
        paths = [PurePosixPath(name.removeprefix(root)) for name in found]
        return [str(path) for path in sorted(paths) if is_visible(Path(path), suffixes)]

    def open(self, name: str, **options: Any) -> Any:
        """Open one of its files; what is read is fetched."""
        path = f"datasets/{self.repo_id}/{name}"
        return HfFileSystem().open(path, "rb", revision=self.revision, **options)

    def clip(self, name: str) -> dict[str, Any]:
        """Fetch a file whole.

        Raises
        ------
        HubError
            If the Hub does not give it.
        """
        with fetching(self), self.open(name, block_size=0) as file:
            return {"path": name, "bytes": file.read()}

    def size(self, name: str) -> None:
        """Return None: the commit tells what its files are."""


Place = LocalFolder | HubFolder
"""Where the files of a collection are; it can be sent to other processes."""


def find_on_hub(repo_id: str, revision: str | None, inside: str | None) -> HubFolder:
    """Return a folder of a dataset as it is now; it stays so whatever is committed later.

    Raises
    ------
    HubError
        If there is no such dataset, or the Hub cannot be asked.
    """
    with plain_words(repo_id, revision):
        info = HfApi().dataset_info(repo_id, revision=revision)
    inside = "/".join(part for part in (inside or "").split("/") if part not in ("", "."))
    return HubFolder(repo_id, str(info.sha), inside)


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Say in one sentence, as a `DatasetError`, that a Parquet file cannot be read."""
    try:
        yield
    except (pyarrow.ArrowException, OSError) as error:
        is_pyarrows = type(error) is OSError and error.errno is None
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and not is_pyarrows):
            raise
        raise DatasetError(
            f"{name} is not a readable Parquet file; mend it, or take it out of the collection."
        ) from error


def fetching(place: Place) -> AbstractContextManager[None]:
    """Say in one sentence, as a `HubError`, why the files of a place cannot be fetched."""
    if isinstance(place, HubFolder):
        return plain_words(place.repo_id, place.revision)
    return nullcontext()
