"""The model folder: what is in it, how it is written, and the audit before it is opened.

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
import io
import json
import logging
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from ser.errors import (
    ModelFormatError,
    ModelIntegrityError,
    ModelNotFoundError,
    UntrustedModelError,
)
from ser.model.atomic_folder import is_kept_in
from ser.model.config import ModelConfig

logger = logging.getLogger(__name__)

FORMAT_VERSION = 7
"""Raise it when a folder that the code before wrote cannot be opened any more, or gives other
answers although its features are the same: a renamed or new entry of ``config.json`` or pipeline,
another meaning of one. What only adds files or entries that nothing needs leaves it. With the new
number, put a folder of the one before into ``tests/model``, where a test holds what is said of
it."""

MAX_BYTES = 128 * 2**20
"""Bytes in a folder, and bytes that ``model.skops`` may unpack to."""

REQUIRED_FILES = ("model.skops", "config.json", "metrics.json", "README.md")
CONFIG_TYPES = {
    "model": dict,
    "features": dict,
    "feature_hash": str,
    "sha256": str,
    "versions": dict,
}

MARK = "model.skops"
"""A folder without this file is not a model folder and is not replaced."""

_OPTIONAL_FILE = re.compile(r"[\w-][\w.-]*\.png|examples/(metadata\.csv|[\w-][\w.-]*\.flac)")


@dataclass(frozen=True)
class ModelFolder:
    """A model folder that passed the audit.

    Attributes
    ----------
    model : dict of str to sklearn.pipeline.Pipeline
        Fitted pipelines by name.
    config, metrics : dict
        Contents of ``config.json`` and ``metrics.json``.
    files : dict of str to bytes
        Every file of the folder by its name, ``model.skops`` included.
    """

    model: dict[str, Any]
    config: dict[str, Any]
    metrics: dict[str, Any]
    files: dict[str, bytes]


def is_model_file(name: str) -> bool:
    """Tell whether a model folder has a place for a file of this name (POSIX, relative)."""
    return name in REQUIRED_FILES or _OPTIONAL_FILE.fullmatch(name) is not None


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
        What `CONFIG_TYPES` names, except the digest and the versions, which are added here; further
        entries are kept as they are.
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
        See `audit`.
    """
    folder = Path(folder)
    try:
        if not folder.is_dir():
            raise ModelNotFoundError(
                f"There is no model folder '{folder}': give a folder that train.py wrote."
            )
        paths = {
            name: path
            for path in sorted([*folder.iterdir(), *folder.glob("examples/*")])
            if is_model_file(name := path.relative_to(folder).as_posix()) and path.is_file()
        }
        size = sum(path.stat().st_size for path in paths.values())
        if size > MAX_BYTES:
            raise ModelFormatError(
                f"The model files in '{folder}' have {size / 2**20:.0f} MiB, but at most "
                f"{MAX_BYTES // 2**20} MiB are read: it is not a model of ser."
            )
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


def audit(files: Mapping[str, bytes], *, source: object) -> ModelFolder:
    """Check the files of a model folder, then open its model.

    Nothing of ``model.skops`` is constructed before its types, its digest and the rest of the
    folder have been found in order.

    Parameters
    ----------
    files : dict of str to bytes
        File contents by name.
    source : object
        Where the files are from, for messages.

    Raises
    ------
    ModelNotFoundError
        If a required file is missing.
    ModelFormatError
        If a file is malformed or the folder has another format version.
    UntrustedModelError
        If ``model.skops`` holds types that skops does not trust by default.
    ModelIntegrityError
        If ``model.skops`` is not the file that ``config.json`` describes.
    """
    for name in REQUIRED_FILES:
        if name not in files:
            raise ModelNotFoundError(
                f"'{source}' has no {name}: it is not a complete model folder, "
                "write it again with train.py."
            )
    config = _parse_json(files["config.json"], f"config.json of '{source}'")
    metrics = _parse_json(files["metrics.json"], f"metrics.json of '{source}'")
    if type(metrics.get("protocols", {})) is not dict:
        raise ModelFormatError(f"The protocols of '{source}' should be an object by name.")
    datasets = config.get("datasets", [])
    if type(datasets) is not list or any(type(each) is not dict for each in datasets):
        raise ModelFormatError(f"The datasets of '{source}' should be a list of objects.")
    for name in ("README.md", "examples/metadata.csv"):
        try:
            files.get(name, b"").decode()
        except UnicodeDecodeError as error:
            raise ModelFormatError(
                f"The {name} of '{source}' is not text in UTF-8: write it again in that encoding."
            ) from error
    _check_config(config, source)
    model = _open_model(files["model.skops"], config, source)
    return ModelFolder(model, config, metrics, dict(files))


def _to_json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _parse_json(content: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ModelFormatError(f"The {name} is not JSON ({error}).") from error
    if not isinstance(value, dict):
        raise ModelFormatError(f"The {name} holds a {type(value).__name__}, not an object.")
    return value


def _check_config(config: Mapping[str, Any], source: object) -> None:
    found = config.get("format_version")
    if type(found) is not int:
        raise ModelFormatError(
            f"'{source}' has model format version {found!r}: it is not a model of ser; give one "
            "that train.py wrote."
        )
    if found != FORMAT_VERSION:
        advice = "update ser"
        if found < FORMAT_VERSION:
            advice = "train it again with train.py, or use the version of ser that wrote it"
        raise ModelFormatError(
            f"'{source}' has model format version {found}, but this ser reads version "
            f"{FORMAT_VERSION}: {advice}."
        )
    for key, kind in CONFIG_TYPES.items():
        if type(config.get(key)) is not kind:
            raise ModelFormatError(
                f"The config.json of '{source}' has no {key}, or one that is not a {kind.__name__}."
            )
    try:
        ModelConfig.from_dict(config["model"])
    except (TypeError, ValueError) as error:
        raise ModelFormatError(
            f"The config.json of '{source}' has settings that this ser cannot use: {error}; train "
            "the model again with train.py."
        ) from error


def _open_model(content: bytes, config: Mapping[str, Any], source: object) -> dict[str, Any]:
    # Imported here: skops takes seconds, and the command line's --help should not.
    import skops.io
    from sklearn.exceptions import InconsistentVersionWarning
    from sklearn.pipeline import Pipeline

    digest = hashlib.sha256(content).hexdigest()
    altered = digest != config["sha256"]
    try:
        untrusted = _untrusted_types(content)
    except Exception as error:  # the content decides what zipfile and skops stumble over
        raise (_altered if altered else _malformed)(source) from error
    # Types before the digest: whoever adds a foreign type can also write a matching digest.
    if untrusted:
        raise UntrustedModelError(
            f"The model.skops of '{source}' holds {', '.join(untrusted)}, but only types of "
            "scikit-learn and NumPy are opened: do not use this file."
        )
    if altered:
        raise _altered(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            model = skops.io.loads(content, trusted=[])
    except Exception as error:
        raise _malformed(source) from error
    pipelines = model.values() if isinstance(model, dict) else ()
    if not pipelines or not all(isinstance(each, Pipeline) for each in pipelines):
        raise _malformed(source)
    saved, running = config["versions"].get("scikit-learn"), version("scikit-learn")
    if saved != running:
        logger.info("'%s' was saved by scikit-learn %s; this is %s.", source, saved, running)
    return model


def _untrusted_types(content: bytes) -> list[str]:
    import skops.io

    unpacked = sum(entry.file_size for entry in ZipFile(io.BytesIO(content)).infolist())
    if unpacked > MAX_BYTES:
        raise ValueError(f"{unpacked} bytes when unpacked")
    return skops.io.get_untrusted_types(data=content)


def _altered(source: object) -> ModelIntegrityError:
    return ModelIntegrityError(
        f"The model.skops of '{source}' does not have the SHA-256 that its config.json names: "
        "it was altered or damaged; fetch it or train it again."
    )


def _malformed(source: object) -> ModelFormatError:
    return ModelFormatError(
        f"The model.skops of '{source}' does not hold scikit-learn pipelines saved by skops: "
        "it is not a model of ser."
    )
