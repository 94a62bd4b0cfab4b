"""Recordings as files in a folder, whatever their source and packaging.

Parquet with embedded audio and ZIPs are unpacked into the datasets cache, one
recording at a time and once for each state of the archive; datasets on the
Hugging Face Hub are fetched into its cache. Nothing here needs torch, as `datasets`
does for folders of audio, or holds many recordings in memory.
"""

import hashlib
import logging
import lzma
import os
import re
import shutil
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
from datasets.utils import tqdm
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from ser.corpora.files import AUDIO_SUFFIXES, find_audio, find_files, is_visible
from ser.corpora.tables import TEXT_SUFFIXES, holds_recordings, parquet_columns, read_parquet
from ser.errors import DatasetError, HubError
from ser.hub.errors import plain_words

logger = logging.getLogger(__name__)

ARCHIVE_SUFFIXES = (".parquet", ".zip")
METADATA = ("*metadata.csv", "*metadata.jsonl")
DAY = 86400.0  # s
MAX_SHOWN = 100  # characters of a name, in a message
MAX_RECORDING = 1 << 29  # bytes in a ZIP: ten minutes in stereo at 96 kHz and 32 bits
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError)

NameOf = Callable[[str, dict[str, Any]], str | None]


@dataclass(frozen=True)
class Source:
    """Where recordings are.

    Attributes
    ----------
    given : str or Path
        As it was given, for messages.
    path : Path
        A folder or file on this machine.
    repo_id, revision : str or None
        The dataset on the Hub that it is a copy of, and the commit.
    """

    given: str | Path
    path: Path
    repo_id: str | None = None
    revision: str | None = None

    def __str__(self) -> str:
        return str(self.given)

    @property
    def name(self) -> str:
        """Its name without its place on this machine, which is private."""
        return str(self.given) if self.repo_id else self.path.name


def find_source(source: str | Path) -> Source:
    """Find recordings on this machine, or fetch them from the Hub.

    Parameters
    ----------
    source : str or Path
        A folder, a ZIP, a table, a folder of them, or a dataset on the Hub that holds any
        of these: ``OWNER/NAME``, or ``OWNER/NAME@REVISION`` for one state of it.

    Raises
    ------
    DatasetError
        If there is no such source.
    """
    path = Path(os.path.expanduser(source))  # noqa: PTH111 - leaves the ~ of nobody as it is
    exists = os.path.exists(path)  # noqa: PTH110 - false, too, for a name that cannot be
    if not exists:
        return _download(source)
    file, suffixes = path.resolve(), (*ARCHIVE_SUFFIXES, *TEXT_SUFFIXES)
    if path.suffix.lower() in suffixes and file.suffix.lower() not in suffixes:
        file = path.parent.resolve() / path.name  # a link, as all files of the Hub's cache
    return Source(source, file)


def open_source(source: Source, name_of: NameOf, *, naming: str) -> Path:
    """Return a folder that holds the recordings of a source as audio files.

    Parameters
    ----------
    source : Source
    name_of : callable
        ``name_of(path, columns)`` gives a recording in Parquet a file name without suffix, or
        None to keep that of its path. ``columns`` is a dict of the other columns.
    naming : str
        Identifies what `name_of` does: what it named is kept.

    Raises
    ------
    DatasetError
        If an archive cannot be read.
    """
    archives = _archives(source)
    if not archives and not source.path.is_dir():
        raise DatasetError(
            f"{source} has no column 'audio' that holds recordings; if it is a table of paths, "
            "leave the name of a corpus out."
        )
    found = find_files(source.path, ARCHIVE_SUFFIXES) if source.path.is_dir() else []
    if ignored := ", ".join(file.name for file in found if file not in archives):
        has_audio = not archives and find_audio(source.path)
        why = "there are audio files, too" if has_audio else "no recordings are in a column 'audio'"
        logger.warning("Ignored in %s: %s, since %s", source, ignored, why)
    if not archives:
        return source.path

    def read(archive: Path) -> Iterator[tuple[str, bytes]]:
        if archive.suffix.lower() == ".parquet":
            return _read_parquet(archive, name_of)
        return _read_zip(archive)

    return unpack(archives, read, naming=naming)


def list_recordings(source: Source) -> list[tuple[str, dict[str, Any]]]:
    """Return path and other columns of each recording of a source, without unpacking it."""
    archives = _archives(source)
    if not archives:
        files = find_audio(source.path) if source.path.is_dir() else []
        return [(str(file.relative_to(source.path)), {}) for file in files]
    found: list[tuple[str, dict[str, Any]]] = []
    for archive in archives:
        if archive.suffix.lower() != ".parquet":
            found += [(member.filename, {}) for member in _members(_open_zip(archive))]
        else:
            rows = read_parquet(archive, "audio", contents=False)
            found += [(path or "", columns) for path, _, columns in rows]
    return found


def find_tables(path: Path) -> list[Path]:
    """Return the tables that a path names or a folder holds: Parquet, or `metadata` of a folder.

    The latter is what `datasets` calls it, ``metadata.csv`` or ``metadata.jsonl``.
    """
    if not path.is_dir():
        return [path] if path.suffix.lower() in (*TEXT_SUFFIXES, ".parquet") else []
    tables = find_files(path, TEXT_SUFFIXES)
    return find_files(path, (".parquet",)) or [file for file in tables if file.stem == "metadata"]


def _archives(source: Source) -> list[Path]:
    """Return the archives of a source that hold recordings; none if audio files lie beside them."""
    files = [source.path]
    if source.path.is_dir():
        files = [] if find_audio(source.path) else find_files(source.path, ARCHIVE_SUFFIXES)
    return [
        file
        for file in files
        if file.suffix.lower() != ".parquet" or holds_recordings(parquet_columns(file), "audio")
    ]


def _download(source: str | Path) -> Source:
    """Fetch a dataset from the Hub, or only what changed.

    This avoids `load_dataset`, which refuses mirrors in several
    configurations and, without torch, mirrors made of WAV files.
    """
    missing = f"There is no folder, ZIP or Parquet file {source}"
    patterns = [*(f"*{suffix}" for suffix in AUDIO_SUFFIXES + ARCHIVE_SUFFIXES), *METADATA]
    repo_id, _, revision = str(source).partition("@")
    try:
        validate_repo_id(repo_id)
        with plain_words(repo_id, revision):
            folder = snapshot_download(
                repo_id, revision=revision or None, repo_type="dataset", allow_patterns=patterns
            )
    except HFValidationError:
        raise DatasetError(
            f"{missing}; give one that exists, or a dataset on the Hub as OWNER/NAME."
        ) from None
    except HubError as error:
        raise DatasetError(f"{missing}, and it cannot be fetched from the Hub: {error}") from error
    if not Path(folder).is_dir():  # it is made with the first file that is fetched
        raise DatasetError(
            f"The dataset {source} on the Hub has no audio, ZIP or Parquet file; give another."
        )
    path = Path(folder).resolve()
    return Source(source, path, repo_id, revision=path.name)  # a folder for each commit


def unpack(
    archives: Sequence[Path],
    read: Callable[[Path], Iterable[tuple[str, bytes]]],
    *,
    naming: str,
) -> Path:
    """Unpack recordings into one folder in the datasets cache, once; return the folder.

    If several share a name, the first is kept. Those that cannot be read become
    empty files, so that whoever reads the folder can name them.

    Parameters
    ----------
    archives : sequence of Path
    read : callable
        Yields the name, a relative path, and the content of each recording of an archive.
    naming : str
        Identifies how `read` names them.
    """
    states = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in archives]
    key = hashlib.sha256(repr((naming, states)).encode()).hexdigest()[:16]
    target = Path(datasets.config.HF_DATASETS_CACHE) / "recordings" / key
    if target.is_dir():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=target.parent, prefix="unpacking-"))
    except OSError as error:
        raise DatasetError(
            f"Recordings cannot be unpacked to {target.parent} ({error.strerror}): set "
            "HF_DATASETS_CACHE to a folder that can be written to."
        ) from error
    for left in target.parent.glob("unpacking-*"):  # by a process that was killed
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > DAY:
                shutil.rmtree(left)
    try:
        for archive in archives:
            progress = tqdm(read(archive), desc=f"Unpacking {archive.name}", unit=" clips")
            for name, content in progress:
                parts = [part for part in re.split(r"[\\/:]", name) if part.strip(". ")]
                file = staging.joinpath(*parts)  # never outside the folder
                try:
                    if not file.exists() or not file.stat().st_size:
                        file.parent.mkdir(parents=True, exist_ok=True)
                        file.write_bytes(content)
                except OSError as error:
                    raise DatasetError(
                        f"{name[-MAX_SHOWN:]} in {archive} cannot be unpacked to {target.parent} "
                        f"({error.strerror or error})."
                    ) from error
        if not target.is_dir():  # another process may have been faster
            staging.replace(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return target


def _open_zip(archive: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(archive)
    except (zipfile.BadZipFile, OSError):
        raise DatasetError(
            f"{archive} is not a readable ZIP or Parquet file; give one, a folder, or the "
            "name of a dataset on the Hugging Face Hub."
        ) from None


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the audio files in a ZIP."""
    with archive:
        members = archive.infolist()
    return [each for each in members if is_visible(Path(each.filename), AUDIO_SUFFIXES)]


def _read_zip(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the audio files in a ZIP; none of what is damaged or too large."""
    members = _members(_open_zip(archive))
    sizes = (each.file_size for each in members)
    size = sum(each for each in sizes if each <= MAX_RECORDING)
    free = shutil.disk_usage(datasets.config.HF_DATASETS_CACHE).free
    if size > free:  # a few bytes can stand for gigabytes
        raise DatasetError(
            f"{archive} takes {size / 1e9:.1f} GB when it is unpacked, and {free / 1e9:.1f} GB are "
            f"free in {datasets.config.HF_DATASETS_CACHE}: free more, or set HF_DATASETS_CACHE."
        )
    with _open_zip(archive) as opened:
        for member in members:
            content = b""
            if member.file_size > MAX_RECORDING:
                logger.warning(
                    "%s in %s has %.1f GB, and recordings may have %.1f.",
                    *(member.filename, archive, member.file_size / 1e9, MAX_RECORDING / 1e9),
                )
            else:
                with suppress(*DAMAGED, EOFError, OSError, RuntimeError):
                    content = opened.read(member)
            yield member.filename, content


def _read_parquet(archive: Path, name_of: NameOf) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the recordings in a Parquet file."""
    for number, (path, content, columns) in enumerate(read_parquet(archive, "audio"), start=1):
        path = path or f"row {number} of {archive.name}"
        stem = name_of(path, columns) or Path(path).stem
        yield f"{stem}{audio_suffix(path)}", content


def audio_suffix(path: str) -> str:
    """Return the suffix of a recording's path, or that of WAV if it has none."""
    suffix = Path(path).suffix.lower()
    return suffix if suffix in AUDIO_SUFFIXES else ".wav"
