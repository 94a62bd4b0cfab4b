"""Which files are recordings, and where they lie below a folder."""

import os
from collections.abc import Iterable
from pathlib import Path

AUDIO_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a")


def find_audio(folder: Path) -> list[Path]:
    """Return the audio files below a folder, sorted, without the files that macOS adds."""
    return find_files(folder, AUDIO_SUFFIXES)


def find_files(folder: Path, suffixes: Iterable[str]) -> list[Path]:
    """Return the files below a folder whose names end in one of `suffixes`, sorted."""
    files, visited = [], set()
    for parent, folders, names in os.walk(folder, followlinks=True):  # unlike `Path.rglob`
        place = Path(parent).resolve()
        if place in visited:  # through a circular link
            folders.clear()
            continue
        visited.add(place)
        files += [Path(parent, name) for name in names]
    return sorted(file for file in files if is_visible(file.relative_to(folder), suffixes))


def is_visible(path: Path, suffixes: Iterable[str]) -> bool:
    """Tell whether a path ends in one of `suffixes`, and nothing in it is hidden."""
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return path.suffix.lower() in suffixes and not hidden
