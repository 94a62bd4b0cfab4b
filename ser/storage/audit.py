"""The audit of a model folder: what each file may hold, checked before anything is opened.

Each text has a size and a shape, a row of `SIZES` and `SHAPES`; `ser.storage.skops_file` has the
table of what may stand in the model itself. Entries that no table names may hold any plain data.
"""

import csv
import hashlib
import io
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from ser.errors import (
    ModelFormatError,
    ModelIntegrityError,
    ModelNotFoundError,
    UntrustedModelError,
)
from ser.model.config import MAX_LABELS, ModelConfig
from ser.storage.front_matter import split_card
from ser.storage.schema import LINE, NUMBER, OTHERS, TEXT, check_plain, check_shape, shorten
from ser.storage.skops_file import foreign_types, open_pipelines

logger = logging.getLogger(__name__)

FORMAT_VERSION = 7
"""Raise it when a folder that the code before wrote cannot be opened any more, or gives other
answers although its features are the same: a renamed or new entry of ``config.json`` or pipeline,
another meaning of one. What only adds files or entries that nothing needs leaves it. With the new
number, put a folder of the one before into ``tests/storage``, where a test holds what is said of
it."""

REQUIRED_FILES = ("model.skops", "config.json", "metrics.json", "README.md")
EXAMPLES = "examples/metadata.csv"

SIZES = {"config.json": 2**20, "metrics.json": 2**21, "README.md": 2**19, EXAMPLES: 2**18}
"""Bytes that a text may have."""
MAX_FILES = 256  # of a folder
MAX_EXAMPLES = 100  # rows of their table
MAX_CORPORA = 50  # with figures

_OPTIONAL_LINE = (LINE, type(None))
BIN = {"lower": NUMBER, "upper": NUMBER, "clips": int, "accuracy": (*NUMBER, type(None))}
FIGURES = {
    **{"labels": [LINE], "confusion_matrix": [[int]], "folds": list, "fold_std?": {OTHERS: NUMBER}},
    **{"clips": int, "accuracy": NUMBER},
    **{f"{key}?": NUMBER for key in ("unweighted_average_recall", "macro_f1")},
}
PROTOCOL = {"description": TEXT, "speaker_independent": bool, "corpora": {OTHERS: FIGURES}}
DATASET = {f"{key}?": _OPTIONAL_LINE for key in ("name", "kind", "licence", "clip_licence")}
SHAPES: dict[str, dict[str, Any]] = {
    "config.json": {
        **{"model": dict, "features": {OTHERS: (*NUMBER, list)}, "feature_hash": LINE},
        **{"sha256": LINE, "versions": {OTHERS: LINE}},
        **{"name?": LINE, "datasets?": [DATASET], "training?": {"kept_apart?": [LINE]}},
    },
    "metrics.json": {"protocols?": {OTHERS: PROTOCOL}, "confidence?": [BIN]},
    "README.md": {"license?": _OPTIONAL_LINE},
}


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
        If a file is malformed or too large, or the folder has another format version.
    UntrustedModelError
        If ``model.skops`` holds types that our pipelines do not consist of.
    ModelIntegrityError
        If ``model.skops`` is not the file that ``config.json`` describes.
    """
    for name in REQUIRED_FILES:
        if name not in files:
            raise ModelNotFoundError(
                f"'{source}' has no {name}: it is not a complete model folder, "
                "write it again with train.py."
            )
    if len(files) > MAX_FILES:
        raise ModelFormatError(
            f"'{source}' has {len(files)} model files, but at most {MAX_FILES} are read: it is not "
            "a model of ser."
        )
    for name, size in SIZES.items():
        if len(files.get(name, b"")) > size:
            raise ModelFormatError(
                f"The {name} of '{source}' has {len(files[name])} bytes, but at most {size} are "
                "read: it is not a model of ser."
            )
    config = _read("config.json", _parse_json, files, source)
    _check_version(config, source)
    _check("config.json", config, source)
    metrics = _read("metrics.json", _parse_json, files, source)
    _check("metrics.json", metrics, source)
    _check_figures(metrics, source)
    _check("README.md", _read("README.md", lambda card: split_card(card)[0], files, source), source)
    _read(EXAMPLES, read_table, files, source)
    try:
        ModelConfig.from_dict(config["model"])
    except (TypeError, ValueError) as error:
        raise ModelFormatError(
            f"The config.json of '{source}' has settings that this ser cannot use: {error}; train "
            "the model again with train.py."
        ) from error
    model = _open_model(files["model.skops"], config, source)
    return ModelFolder(model, config, metrics, dict(files))


def read_table(text: str) -> list[dict[str, str]]:
    """Return the rows of ``examples/metadata.csv``, those without a file name left out.

    Raises
    ------
    ValueError
        If it is no table, or has more than `MAX_EXAMPLES` rows.
    """
    rows: list[dict[str, str]] = []
    try:
        for row in csv.DictReader(io.StringIO(text)):
            if len(rows) == MAX_EXAMPLES:
                raise ValueError(f"it has more than {MAX_EXAMPLES} rows")
            # Cells beyond those of the header, and those that a row lacks, are no text.
            known = {key: cell for key, cell in row.items() if isinstance(cell, str)}
            if known.get("file_name"):
                rows.append(known)
    except csv.Error as error:
        raise ValueError(f"it is not a table ({error})") from error
    return rows


def _read(
    name: str, parse: Callable[[str], Any], files: Mapping[str, bytes], source: object
) -> Any:
    """Parse a text of a folder."""
    try:
        return parse(files.get(name, b"").decode())
    except UnicodeDecodeError as error:
        raise ModelFormatError(
            f"The {name} of '{source}' is not text in UTF-8: write it again in that encoding."
        ) from error
    except ValueError as error:
        raise ModelFormatError(f"The {name} of '{source}' cannot be used: {error}.") from error


def _parse_json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is not JSON ({error})") from error
    if not isinstance(value, dict):
        raise ValueError(f"it holds a {type(value).__name__}, not an object")
    check_plain(value)
    return value


def _check(name: str, value: dict[str, Any], source: object) -> None:
    try:
        check_shape(value, SHAPES[name])
    except ValueError as error:
        raise ModelFormatError(
            f"The {name} of '{source}' is not that of a model of ser: {error}."
        ) from error


def _check_version(config: Mapping[str, Any], source: object) -> None:
    found = config.get("format_version")
    if type(found) is not int:
        raise ModelFormatError(
            f"'{source}' has model format version {shorten(found)}: it is not a model of ser; give "
            "one that train.py wrote."
        )
    if found != FORMAT_VERSION:
        advice = "update ser"
        if found < FORMAT_VERSION:
            advice = "train it again with train.py, or use the version of ser that wrote it"
        raise ModelFormatError(
            f"'{source}' has model format version {found}, but this ser reads version "
            f"{FORMAT_VERSION}: {advice}."
        )


def _check_figures(metrics: Mapping[str, Any], source: object) -> None:
    """Check that each confusion matrix fits its labels, and each bin of clips its accuracy."""
    if any(each["clips"] and each["accuracy"] is None for each in metrics.get("confidence", [])):
        raise ModelFormatError(f"The metrics.json of '{source}' has clips without an accuracy.")
    for protocol in metrics.get("protocols", {}).values():
        if len(protocol["corpora"]) > MAX_CORPORA:
            raise ModelFormatError(
                f"The metrics.json of '{source}' has figures of {len(protocol['corpora'])} "
                f"corpora, but at most {MAX_CORPORA} are read."
            )
        for corpus, figures in protocol["corpora"].items():
            matrix, size = figures["confusion_matrix"], len(figures["labels"])
            is_square = [len(row) for row in matrix] == [size] * size
            if size > MAX_LABELS or not is_square or any(min(row) < 0 for row in matrix):
                raise ModelFormatError(
                    f"The metrics.json of '{source}' has a confusion matrix of {shorten(corpus)} "
                    "that does not fit its labels."
                )


def _open_model(content: bytes, config: Mapping[str, Any], source: object) -> dict[str, Any]:
    altered = hashlib.sha256(content).hexdigest() != config["sha256"]
    try:
        foreign = foreign_types(content)
    except Exception as error:  # the content decides what zipfile and json stumble over
        raise (_altered if altered else _malformed)(source) from error
    # Types before the digest: whoever adds a foreign type can also write a matching digest.
    if foreign:
        names = ", ".join(shorten(name)[1:-1] for name in foreign[:3])
        raise UntrustedModelError(
            f"The model.skops of '{source}' holds {names}{', ...' * (len(foreign) > 3)}, but "
            " only what the models of ser consist of is opened: do not use this file."
        )
    if altered:
        raise _altered(source)
    try:
        model = open_pipelines(content)
    except Exception as error:
        raise _malformed(source) from error
    saved, running = config["versions"].get("scikit-learn"), version("scikit-learn")
    if saved != running:
        logger.info(
            "'%s' was saved by scikit-learn %s; this is %s.", source, shorten(saved), running
        )
    return model


def _altered(source: object) -> ModelIntegrityError:
    return ModelIntegrityError(
        f"The model.skops of '{source}' does not have the SHA-256 that its config.json names: "
        "it was altered or damaged; fetch it or train it again."
    )


def _malformed(source: object) -> ModelFormatError:
    return ModelFormatError(
        f"The model.skops of '{source}' does not hold the pipelines of a model of ser as skops "
        "saves them: it is not a model of ser."
    )
