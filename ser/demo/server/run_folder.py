"""The folder in which one run of the demo keeps all that it writes.

Uploads, answers that are files, and what libraries write for a moment lie here and nowhere else. A
run that was killed cannot delete them, so the next one does; files of a running one go after an
hour. Runs hold a lock each, by which others tell that they are still there.
"""

import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from ser.errors import SerError

logger = logging.getLogger(__name__)

AGE = 3600.0
"""Seconds after which a file is deleted."""

EVERY = 600.0
"""Seconds from one look for old files to the next."""

PREFIX = "ser-run-"


class RunFolderError(SerError):
    """There is no place for what the demo writes."""


class RunFolder:
    """A folder for this run, where gradio and `tempfile` put their files from now on.

    Use it as a context: at the end the folder is deleted. What runs that have ended left beside it
    is deleted at the beginning.

    Parameters
    ----------
    parent : Path, optional
        By default what `GRADIO_TEMP_DIR` names, or gradio's folder among temporary files.

    Attributes
    ----------
    path : Path

    Raises
    ------
    RunFolderError
        If it cannot be made.
    """

    def __init__(self, parent: Path | None = None) -> None:
        named = os.environ.get("GRADIO_TEMP_DIR")
        parent = parent or Path(named or Path(tempfile.gettempdir(), "gradio"))
        with _told(parent):
            parent.mkdir(parents=True, exist_ok=True)
        delete_left(parent)
        self.path = parent / f"{PREFIX}{uuid4().hex}"
        self._lock = FileLock(_lock_of(self.path))
        self._ended = threading.Event()

    def __enter__(self) -> "RunFolder":
        with _told(self.path.parent):
            self._lock.acquire(timeout=0)  # before there is a folder that could be taken for left
            self.path.mkdir(mode=0o700)  # visitors' recordings are not for others on the machine
        os.environ["GRADIO_TEMP_DIR"] = tempfile.tempdir = str(self.path)
        threading.Thread(target=self._tidy, name="tidy", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.release()
        Path(_lock_of(self.path)).unlink(missing_ok=True)

    def _tidy(self) -> None:
        while not self._ended.wait(EVERY):
            delete_old(self.path, AGE)


@contextmanager
def _told(parent: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, Timeout) as error:
        reason = getattr(error, "strerror", None) or "another run is starting"
        raise RunFolderError(
            f"'{parent}' cannot hold what visitors send ({reason}): set GRADIO_TEMP_DIR to a "
            "folder that can be written to."
        ) from error


def delete_left(parent: Path) -> None:
    """Delete the folders of runs that have ended without doing so."""
    for path in parent.glob(f"{PREFIX}*.lock"):
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except (Timeout, OSError):  # it runs, or is another user's
            continue
        shutil.rmtree(path.with_suffix(""), ignore_errors=True)
        if path.with_suffix("").exists():
            logger.warning("'%s' cannot be deleted: delete it by hand.", path.with_suffix(""))
        else:
            path.unlink(missing_ok=True)
        lock.release()


def delete_old(folder: Path, age: float) -> None:
    """Delete files in a folder, and folders in it that are empty, after some seconds.

    Parameters
    ----------
    folder : Path
    age : float
        In seconds, since the last change of the file or of its place.
    """
    last = time.time() - age
    for here, folders, files in os.walk(folder, topdown=False):
        for name in (*files, *folders):
            path = Path(here, name)
            with suppress(OSError):  # deleted meanwhile, or not empty
                state = path.lstat()
                if max(state.st_mtime, state.st_ctime) > last:
                    continue
                if name in folders and not path.is_symlink():
                    path.rmdir()
                else:
                    path.unlink()


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")
