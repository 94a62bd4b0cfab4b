"""Write a folder or a file whole or not at all; a folder never over what is not ours."""

import ctypes
import glob
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from ser.errors import SerError
from ser.paths import expanded

PART = ".part"  # ends the name of a file that is being written
LEFT_AFTER = 3600  # s since a writer began, which takes seconds


def check_replaceable(folder: str | Path, *, is_ours: Callable[[str], bool], mark: str) -> None:
    """Refuse a place that cannot be written, or holds anything other than what will be replaced.

    Parameters
    ----------
    folder : str or Path
        A folder that may not exist yet.
    is_ours : callable
        Tells by name (relative, POSIX) whether a file there may be replaced.
    mark : str
        Name of a file; a non-empty folder without it is taken for somebody else's.

    Raises
    ------
    SerError
        If `folder` is a file, holds one that is not ours, lacks the mark, or cannot be
        written.
    """
    folder = expanded(folder)
    try:
        if folder.exists() and not folder.is_dir():
            raise SerError(f"'{folder}' is a file: give the name of a folder.")
        if folder.resolve() == Path.cwd():  # whoever is in it would see the old one
            raise SerError(
                f"'{folder}' is the working directory, which cannot be replaced from inside: give "
                "another folder."
            )
        files = sorted(path for path in folder.rglob("*") if not path.is_dir())
        has_mark = (folder / mark).is_file()
        above = next((path for path in folder.resolve().parents if path.exists()), folder)
    except OSError as error:
        raise _not_writable(folder, error.strerror or error) from error
    if not (above.is_dir() and os.access(above, os.W_OK | os.X_OK)):
        raise _not_writable(folder, f"no folder can be created in '{above}'")
    for name in (path.relative_to(folder).as_posix() for path in files):
        if not is_ours(name):
            raise SerError(
                f"'{folder}' holds '{name}', which does not belong there: nothing was written; "
                "give another folder or an empty one."
            )
    if files and not has_mark:
        raise SerError(
            f"'{folder}' is not empty and has no '{mark}', so it may be somebody else's: nothing "
            "was written; give another folder or an empty one."
        )


def replace_folder(
    folder: str | Path,
    files: Mapping[str, bytes],
    *,
    is_ours: Callable[[str], bool],
    mark: str,
) -> None:
    """Write files to a folder beside its final place, then swap it in.

    Parameters
    ----------
    folder : str or Path
        Final place; what is there is replaced.
    files : dict of str to bytes
        Contents by name (relative, POSIX).
    is_ours, mark
        As for `check_replaceable`.

    Raises
    ------
    SerError
        If the place is taken by anything else, or cannot be written.
    """
    check_replaceable(folder, is_ours=is_ours, mark=mark)
    folder = expanded(folder).resolve()
    new = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.new")
    try:
        _remove_left(folder)
        new.mkdir(parents=True)
        for name, content in files.items():
            _write(new / name, content)
        _swap(new, folder, partial(check_replaceable, folder, is_ours=is_ours, mark=mark))
    except OSError as error:
        raise _not_writable(folder, error.strerror or error) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)


def replace_file(path: str | Path, content: bytes) -> None:
    """Write a file whole or not at all, even if the power fails; its folder is made if need be.

    Of a link, the file that it leads to is written.

    Raises
    ------
    OSError
        If it cannot be written; an older file is as it was.
    """
    path = Path(os.path.realpath(expanded(path)))
    part = path.with_name(f".{secrets.token_hex(8)}{PART}")  # a longer name could be too long
    try:
        _write(part, content)
        with suppress(OSError):  # there is none yet, or its mode cannot be kept
            shutil.copymode(path, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    """Write a file down to the disk, which may only then say that it is full."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _swap(new: Path, folder: Path, check: Callable[[], None]) -> None:
    """Put a new folder into its place at once, and the old one, if any, where the new one was.

    What appears there in this moment is checked.
    """
    if not folder.exists():
        try:
            new.rename(folder)
            return
        except OSError:
            if not folder.exists():  # else somebody was faster
                raise
            check()
    if not _exchange(new, folder):
        # Elsewhere than on Linux there is no folder for a moment.
        old = new.with_suffix(".old")
        folder.rename(old)
        try:
            new.rename(folder)
        except BaseException:  # an interrupt, too
            old.rename(folder)
            raise
        old.rename(new)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step, so that no moment is without either; False if none can."""
    try:
        rename = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    here, exchange = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux
    return rename(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0


def _remove_left(folder: Path) -> None:
    """Remove what writers left that were killed; one that still writes is younger."""
    for path in folder.parent.glob(f".{glob.escape(folder.name)}.*.new"):
        with suppress(FileNotFoundError):  # it has just been put into its place
            if time.time() - path.stat().st_mtime > LEFT_AFTER:
                shutil.rmtree(path, ignore_errors=True)


def is_kept_in(folder: Path, path: Path) -> bool:
    """Tell whether a file is kept in a folder, not only linked to from there.

    Whoever publishes a folder would publish the files that its links lead to. In a cache of
    huggingface_hub a revision's folder is made of links, to where that library keeps contents:
    ``CACHE/models--OWNER--NAME/blobs/ETAG`` for one repository, and ``CACHE/blobs/AB/ABCD…`` for
    all.

    Parameters
    ----------
    folder, path : Path
        The folder, and the file by its path in there.
    """
    folder, target = folder.resolve(), path.resolve()
    if target.is_relative_to(folder):
        return True
    repository, cache = folder.parent.parent, folder.parent.parent.parent
    is_revision = re.fullmatch("[0-9a-f]{40}", folder.name) and folder.parent.name == "snapshots"
    if not (is_revision and repository.name.startswith("models--")):
        return False
    shared = cache / "blobs" / target.name[:2] / target.name
    return target in (repository / "blobs" / target.name, shared)


def _not_writable(folder: Path, reason: object) -> SerError:
    return SerError(
        f"'{folder}' cannot be written ({reason}): nothing was changed; give another folder."
    )
