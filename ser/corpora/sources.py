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
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import datasets
import pyarrow
import pyarrow.parquet
from datasets.utils import tqdm
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from ser.errors import DatasetError, HubError
from ser.hub.errors import plain_words

logger = logging.getLogger(__name__)

AUDIO_SUFFIXES = (".wav", ".flac")
ARCHIVE_SUFFIXES = (".parquet", ".zip")
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError)


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

    given: object
    path: Path
    repo_id: str | None = None
    revision: str | None = None

    def __str__(self):
        return str(self.given)


def find_source(source):
    """Find recordings on this machine, or fetch them from the Hub.

    Parameters
    ----------
    source : str or Path
        A folder, a ZIP or Parquet file, a folder of them, or a dataset on the Hub that holds any
        of these: ``OWNER/NAME``, or ``OWNER/NAME@REVISION`` for one state of it.

    Returns
    -------
    Source

    Raises
    ------
    DatasetError
        If there is no such source.
    """
    path = Path(source).expanduser()
    return Source(source, path.resolve()) if path.exists() else _download(source)


def open_source(source, name_of):
    """Return a folder that holds the recordings of a source as WAV or FLAC files.

    Parameters
    ----------
    source : str, Path or Source
        As `find_source` takes or returns it.
    name_of : callable
        ``name_of(path, row)`` gives a recording in Parquet a file name without
        suffix, or None to keep that of its path. ``row`` is a dict of its other
        columns.

    Returns
    -------
    Path

    Raises
    ------
    DatasetError
        If there is no such source, or an archive cannot be read.
    """
    path = (source if isinstance(source, Source) else find_source(source)).path
    archives = _find(path, ARCHIVE_SUFFIXES) if path.is_dir() else [path]
    if not archives:
        return path
    if path.is_dir() and find_audio(path):  # most likely what was unpacked from them
        names = ", ".join(archive.name for archive in archives)
        logger.warning("Ignored in %s: %s, since there are WAV or FLAC files, too", source, names)
        return path
    return _unpack(archives, name_of)


def find_audio(folder):
    """Return the WAV and FLAC files below a folder, sorted, without the files that macOS adds."""
    return _find(folder, AUDIO_SUFFIXES)


def _find(folder, suffixes):
    files, visited = [], set()
    for parent, folders, names in os.walk(folder, followlinks=True):  # unlike `Path.rglob`
        place = Path(parent).resolve()
        if place in visited:  # through a circular link
            folders.clear()
            continue
        visited.add(place)
        files += [Path(parent, name) for name in names]
    return sorted(file for file in files if _is_visible(file.relative_to(folder), suffixes))


def _is_visible(path, suffixes):
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return path.suffix.lower() in suffixes and not hidden


def _download(source):
    """Fetch a dataset from the Hub, or only what changed.

    This avoids `load_dataset`, which refuses mirrors in several
    configurations and, without torch, mirrors made of WAV files.
    """
    missing = f"There is no folder, ZIP or Parquet file {source}"
    patterns = [f"*{suffix}" for suffix in AUDIO_SUFFIXES + ARCHIVE_SUFFIXES]
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
            f"The dataset {source} on the Hub has no WAV, FLAC, ZIP or Parquet file; give another."
        )
    folder = Path(folder).resolve()
    return Source(source, folder, repo_id, revision=folder.name)  # a folder for each commit


def _unpack(archives, name_of):
    """Unpack recordings into one folder in the datasets cache, once; return the folder.

    If several share a name, the first is kept. Those that cannot be read become
    empty files, so that whoever reads the folder can name them.
    """
    states = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in archives]
    key = hashlib.sha256(repr(states).encode()).hexdigest()[:16]
    target = Path(datasets.config.HF_DATASETS_CACHE) / "recordings" / key
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(dir=target.parent, prefix="unpacking-"))
    try:
        for archive in archives:
            if archive.suffix.lower() == ".parquet":
                recordings = _read_parquet(archive, name_of)
            else:
                recordings = _read_zip(archive)
            for name, content in tqdm(recordings, desc=f"Unpacking {archive.name}", unit=" clips"):
                file = staging / re.split(r"[\\/]", name)[-1]  # never outside the folder
                if not file.exists() or not file.stat().st_size:
                    file.write_bytes(content)
        if not target.is_dir():  # another process may have been faster
            staging.replace(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return target


def _read_zip(archive):
    """Yield name and content of the audio files in a ZIP; a damaged one has no content."""
    try:
        members = zipfile.ZipFile(archive)
    except zipfile.BadZipFile:
        raise DatasetError(
            f"{archive} is not a readable ZIP or Parquet file; give one, a folder, or the "
            "name of a dataset on the Hugging Face Hub."
        ) from None
    with members:
        for member in members.infolist():
            if _is_visible(Path(member.filename), AUDIO_SUFFIXES):
                try:
                    content = members.read(member)
                except (*DAMAGED, EOFError, OSError, RuntimeError):
                    content = b""
                yield member.filename, content


def _read_parquet(archive, name_of):
    """Yield name and content of the recordings in a Parquet file, a few at a time."""
    try:
        table = pyarrow.parquet.ParquetFile(archive)
        if "audio" not in table.schema_arrow.names:
            raise DatasetError(
                f"{archive} has the columns {', '.join(table.schema_arrow.names)}; one named "
                "audio with embedded recordings is needed."
            )
        number = 0
        for batch in table.iter_batches(batch_size=16):
            for row in batch.to_pylist():
                number += 1
                audio = row.pop("audio")
                audio = audio if isinstance(audio, dict) else {"bytes": audio}
                path = audio.get("path") or f"row {number} of {archive.name}"
                stem = name_of(path, row) or Path(path).stem
                suffix = Path(path).suffix if path.lower().endswith(AUDIO_SUFFIXES) else ".wav"
                content = audio.get("bytes")
                yield f"{stem}{suffix}", content if isinstance(content, bytes) else b""
    except (pyarrow.ArrowException, OSError) as error:
        raise DatasetError(f"{archive} is not a readable Parquet file.") from error
