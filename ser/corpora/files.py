"""Which files are recordings, and where they lie below a folder."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ser.errors import DatasetError
from ser.storage.folder import MARK

AUDIO_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a")

HIDDEN = (".", "__MACOSX")


def find_audio(folder: Path) -> list[Path]:
    """Return the audio files below a folder, sorted, without the files that macOS adds."""
    return find_files(folder, AUDIO_SUFFIXES)


def find_files(folder: Path, suffixes: Iterable[str]) -> list[Path]:
    """Return the files below a folder whose names end in one of `suffixes`, sorted."""
    return sorted(folder / name for name in walk_files(folder, suffixes))


def walk_files(folder: Path, suffixes: Iterable[str]) -> Iterator[str]:
    """Yield the paths (relative, POSIX) of what `find_files` finds, in an order that is fixed.

    Model folders below are left out.

    Raises
    ------
    DatasetError
        If a folder cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise DatasetError(
            f"'{error.filename}' cannot be read ({error.strerror}): grant access, or give the "
            "folders that can."
        ) from error

    visited = set()
    for parent, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        place, below = Path(parent).resolve(), Path(parent).relative_to(folder)
        if place in visited:  # through a circular link
            folders.clear()
            continue
        visited.add(place)
        # The examples beside a model that was trained here are no recordings of this folder.
        folders[:] = sorted(
            each
            for each in folders
            if not each.startswith(HIDDEN) and not is_file(place / each / MARK)
        )
        yield from (
            (below / name).as_posix()
            for name in sorted(names)
            if is_visible(below / name, suffixes)
        )


def is_file(path: Path) -> bool:
    """Tell whether there is such a file: not where a folder is closed, or no name can be so."""
    return os.path.isfile(path)  # noqa: PTH113 - `Path.is_file` raises an error then


def is_visible(path: Path, suffixes: Iterable[str]) -> bool:
    """Tell whether a path ends in one of `suffixes`, and nothing in it is hidden."""
    hidden = any(part.startswith(HIDDEN) for part in path.parts)
    return path.suffix.lower() in suffixes and not hidden
