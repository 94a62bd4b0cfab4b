"""The model folder: what is in it, and how it is written and read.

=====================  =========================================================
``model.skops``        a dict of fitted scikit-learn pipelines, nothing else
``config.json``        `ser.model.config.ModelConfig`, `ser.features.FeatureConfig` and the
                       hash of features; name, recordings and settings of the training;
                       library versions, SHA-256 of ``model.skops``, format version
``metrics.json``       the figures
``README.md``          the model card
``*.png``              pictures of the figures
``examples/``          example clips (FLAC) and ``metadata.csv``
=====================  =========================================================

A folder is handled as a whole, as a mapping from file name to bytes: it is read once, and exactly
what was audited is opened, copied and published.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED

from ser.errors import ModelFormatError, ModelNotFoundError
from ser.storage.atomic_folder import is_kept_in
from ser.storage.audit import FORMAT_VERSION, REQUIRED_FILES, ModelFolder, audit

MAX_BYTES = 64 * 2**20  # in a folder

MARK = "model.skops"
"""A folder without this file is not a model folder and is not replaced."""

_OPTIONAL_FILE = re.compile(r"[\w-][\w.-]*\.png|examples/(metadata\.csv|[\w-][\w.-]*\.flac)")


def is_model_file(name: str) -> bool:
    """Tell whether a model folder has a place for a file of this name (POSIX, relative)."""
    return name in REQUIRED_FILES or _OPTIONAL_FILE.fullmatch(name) is not None


def check_size(size: int, place: str) -> None:
    """Raise a `ModelFormatError` if the model files in a place have more bytes than are read."""
    if size > MAX_BYTES:
        raise ModelFormatError(
            f"The model files in the {place} have {size / 2**20:.0f} MiB, but at most "
            f"{MAX_BYTES // 2**20} MiB are read: it is not a model of ser."
        )


def library_versions() -> dict[str, str]:
    """Return the installed versions of the libraries that a model depends on."""
    return {name: version(name) for name in ("scikit-learn", "skops", "librosa")}


def make_model_files(
    pipelines: Mapping[str, Any],
    *,
    config: Mapping[str, Any],
    metrics: Mapping[str, Any],
    readme: str,
    files: Mapping[str, bytes] | None = None,
) -> dict[str, bytes]:
    """Return the files of a model folder.

    Parameters
    ----------
    pipelines : dict of str to sklearn.pipeline.Pipeline
        Fitted pipelines of scikit-learn and NumPy types.
    config : dict
        For ``config.json``, see `ser.storage.audit.SHAPES`, without the digest and the versions,
        which are added here.
    metrics : dict
        Figures, for ``metrics.json``.
    readme : str
        The model card.
    files : dict of str to bytes, optional
        Pictures and examples by file name.

    Returns
    -------
    dict of str to bytes
        Not audited yet.
    """
    import skops.io

    skops_bytes = skops.io.dumps(pipelines, compression=ZIP_DEFLATED)
    described = {
        "format_version": FORMAT_VERSION,
        "versions": library_versions(),
        "sha256": hashlib.sha256(skops_bytes).hexdigest(),
    }
    contents = {
        "model.skops": skops_bytes,
        "config.json": _to_json({**config, **described}),
        "metrics.json": _to_json(metrics),
        "README.md": readme.encode(),
        **(files or {}),
    }
    for name in contents:
        if not is_model_file(name):
            raise ValueError(f"a model folder has no place for {name!r}")
    return contents


def read_model_folder(folder: str | Path, *, source: str | None = None) -> ModelFolder:
    """Read and audit a model folder.

    Parameters
    ----------
    folder : str or Path
        Files that do not belong in it are not read.
    source : str, optional
        Its name in messages; by default its path.

    Raises
    ------
    ModelNotFoundError
        If the folder or a required file is missing.
    ModelFormatError, ModelIntegrityError, UntrustedModelError
        See `ser.storage.audit.audit`.
    """
    folder = Path(folder)
    try:
        if not folder.is_dir():
            raise ModelNotFoundError(
                f"There is no model folder '{folder}': give a folder that train.py wrote, or the "
                "OWNER/NAME of a repository on the Hub."
            )
        paths = {
            name: path
            for path in sorted([*folder.iterdir(), *folder.glob("examples/*")])
            if is_model_file(name := path.relative_to(folder).as_posix()) and path.is_file()
        }
        check_size(sum(path.stat().st_size for path in paths.values()), f"folder '{folder}'")
        for name, path in paths.items():
            if not is_kept_in(folder, path):
                raise ModelFormatError(
                    f"The {name} in '{folder}' is a link to a file elsewhere: put the file itself "
                    "there, or remove the link."
                )
        files = {name: path.read_bytes() for name, path in paths.items()}
    except ModelNotFoundError:
        raise
    except OSError as error:
        raise ModelNotFoundError(
            f"The model folder '{folder}' cannot be read ({error.strerror or error})."
        ) from error
    return audit(files, source=source or folder)


def _to_json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
