"""Opens ``model.skops``, which holds what our pipelines consist of and nothing else.

skops is able to restore hundreds of types of scikit-learn, SciPy and NumPy, and reads what a file
says that it holds. What stands in a model is known exactly, though, and is one table here,
`TYPES`. So the file, a ZIP of ``schema.json`` and arrays, is read here: node by node, each part of
the size that it has to have, before memory is taken for it. skops writes these files, and opens
them as well.

Sizes that the ZIP names are not believed, each array counts as often as it is referred to, and
memory is never that of another file or process: all arrays have to fit each other.
"""

import io
import json
import math
import re
import warnings
from collections.abc import Iterator
from importlib import import_module
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np
from numpy.typing import NDArray

MAX_SCHEMA = 2**20  # bytes of schema.json
MAX_ENTRIES = 256  # of the ZIP
MAX_ARRAYS = 2**27
"""Bytes of all arrays together, where small whole numbers count as the float32 they become."""
LARGEST = 1e12  # number in an array; with larger ones products could overflow

PIPELINES = {"plain": ("scale", "limit", "mlp"), "relative": ("mlp",)}
"""Steps of the pipelines, see `ser.model.perceptrons`."""
STEPS = {
    "scale": "sklearn.preprocessing._data.StandardScaler",
    "limit": "sklearn.preprocessing._data.MinMaxScaler",
    "mlp": "sklearn.neural_network._multilayer_perceptron.MLPClassifier",
}

PIPELINE, LABELS = "sklearn.pipeline.Pipeline", "sklearn.preprocessing._label.LabelBinarizer"
_NUMBER, _ROW, _MATRIX = 0, 1, 2  # dimensions of arrays
TYPES: dict[str, dict[str, Any]] = {
    PIPELINE: {"steps": STEPS},
    STEPS["scale"]: {
        **{"n_samples_seen_": _NUMBER, "mean_": _ROW, "var_": _ROW, "scale_": _ROW},
    },
    STEPS["limit"]: {
        **{"feature_range": tuple, "scale_": _ROW, "min_": _ROW},
        **{"data_min_": _ROW, "data_max_": _ROW, "data_range_": _ROW},
    },
    STEPS["mlp"]: {
        **{"classes_": _ROW, "coefs_": [_MATRIX], "intercepts_": [_ROW]},
        **{"hidden_layer_sizes": tuple, "loss_": _NUMBER, "best_loss_": _NUMBER},
        **{"loss_curve_": [_NUMBER], "_label_binarizer": LABELS},
    },
    LABELS: {"classes_": _ROW},
}
"""What may stand in a file: types, and those of their attributes that are more than a text, a
number, true, false or null."""

LEFT_OUT = {"_random_state"}
"""Attributes that fitting leaves behind and nothing needs: they are not restored."""

ARRAYS = ("numpy.ndarray", "numpy.float64", "numpy.float32", "numpy.int64")
PLAIN_NODES = {
    ("DictNode", "builtins.dict"),
    ("ListNode", "builtins.list"),
    ("TupleNode", "builtins.tuple"),
    ("JsonNode", "builtins.str"),
    ("TypeNode", "builtins.str"),  # of the keys of a dict
    *(("NdArrayNode", name) for name in ARRAYS),
    ("RandomStateNode", "numpy.random.mtrand.RandomState"),  # left out
}

_NPY = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    r"\{'descr': '(<f4|<f8|\|i1|<i4|<i8)', 'fortran_order': (True|False), "
    r"'shape': \(((?:\d{1,9}, ?)*(?:\d{1,9})?)\), \} *\n"
)


def foreign_types(content: bytes) -> list[str]:
    """Return the names of types in a file that are not in the tables, each once.

    Raises
    ------
    Exception
        If it is no skops file; of any type, since the content decides what fails.
    """
    schema = _read_schema(_open(content))
    allowed = PLAIN_NODES | {("ObjectNode", name) for name in TYPES}
    return sorted({name for loader, name in _nodes(schema) if (loader, name) not in allowed})


def open_pipelines(content: bytes) -> dict[str, Any]:
    """Return the fitted pipelines of a file.

    Parameters
    ----------
    content : bytes
        Without `foreign_types`.

    Returns
    -------
    dict of str to sklearn.pipeline.Pipeline
        Of `PIPELINES`, the plain one at least; their arrays cannot be written to.

    Raises
    ------
    Exception
        If anything is not as it has to be; of any type, since the content decides what fails.
    """
    from sklearn.exceptions import InconsistentVersionWarning

    archive = _open(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        pipelines = _Builder(archive).pipelines(_read_schema(archive))
    if "plain" not in pipelines or not pipelines.keys() <= PIPELINES.keys():
        raise ValueError("other pipelines")
    for name, pipeline in pipelines.items():
        _check_fit(pipeline, PIPELINES[name])
    return pipelines


def _open(content: bytes) -> ZipFile:
    # Counted before ZipFile makes an object of each.
    if content.count(b"PK\x01\x02") > MAX_ENTRIES:
        raise ValueError("too many entries")
    archive = ZipFile(io.BytesIO(content))
    # The other methods take memory as their headers say.
    if any(each.compress_type not in (ZIP_STORED, ZIP_DEFLATED) for each in archive.infolist()):
        raise ValueError("another compression")
    return archive


def _read_schema(archive: ZipFile) -> dict[str, Any]:
    with archive.open("schema.json") as file:
        text = file.read(MAX_SCHEMA + 1)
    if len(text) > MAX_SCHEMA:
        raise ValueError("a schema that is too large")
    schema = json.loads(text)
    if not isinstance(schema, dict):
        raise TypeError("a schema that is no node")
    return schema


def _nodes(value: Any) -> Iterator[tuple[str, str]]:
    """Yield loader and type of all nodes in a schema, those of parts that are left out, too."""
    if isinstance(value, dict):
        if "__loader__" in value:
            yield str(value["__loader__"]), _type(value)
        for each in value.values():
            yield from _nodes(each)
    elif isinstance(value, list):
        for each in value:
            yield from _nodes(each)


def _type(node: dict[str, Any]) -> str:
    return f"{node.get('__module__')}.{node.get('__class__')}"


class _Builder:
    """Builds what the nodes of a schema describe, as far as memory for arrays suffices."""

    def __init__(self, archive: ZipFile) -> None:
        self.archive, self.left = archive, MAX_ARRAYS

    def pipelines(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Build the pipelines of the outermost node, a dict."""
        _expect(schema, "DictNode", "builtins.dict")
        return {name: self.build(node, PIPELINE) for name, node in schema["content"].items()}

    def build(self, node: dict[str, Any], kind: Any) -> Any:
        """Build a node of a kind, as `TYPES` names them, or a plain value, which may replace any.

        Whatever needs more than a plain value where there is one finds that out in `_check_fit`.
        """
        if node["__loader__"] == "JsonNode":
            value = json.loads(node["content"], parse_constant=_refuse)
            if not isinstance(value, str | int | float | None):
                raise TypeError("more than a plain value")
            return value
        if isinstance(kind, int):
            return self.array(node, kind)
        if isinstance(kind, str):
            return self.instance(node, kind)
        if kind is tuple:
            _expect(node, "TupleNode", "builtins.tuple")
            return tuple(self.build(each, None) for each in node["content"])
        _expect(node, "ListNode", "builtins.list")
        if kind is STEPS:
            return [self.step(each) for each in node["content"]]
        (kind,) = kind
        return [self.build(each, kind) for each in node["content"]]

    def step(self, node: dict[str, Any]) -> tuple[str, Any]:
        """Build a step of a pipeline."""
        _expect(node, "TupleNode", "builtins.tuple")
        title, estimator = node["content"]
        name = self.build(title, None)
        return name, self.instance(estimator, STEPS[name])

    def instance(self, node: dict[str, Any], name: str) -> Any:
        """Build an object of one of `TYPES`."""
        _expect(node, "ObjectNode", name)
        state, kinds = node["content"], TYPES[name]
        _expect(state, "DictNode", "builtins.dict")
        module, _, title = name.rpartition(".")
        kind = getattr(import_module(module), title)
        made = kind.__new__(kind)
        made.__setstate__(
            {
                key: self.build(value, kinds.get(key))
                for key, value in state["content"].items()
                # No value hides what the class has, such as a method.
                if key not in LEFT_OUT and not hasattr(kind, key)
            }
        )
        return made

    def array(self, node: dict[str, Any], n_dimensions: int) -> NDArray[Any]:
        """Read an array; as small as its header says, whatever the ZIP says."""
        if _type(node) not in ARRAYS or node["type"] != "numpy":
            raise TypeError("not an array")
        with self.archive.open(node["file"]) as file:
            if file.read(len(_NPY)) != _NPY:
                raise ValueError("not an array of NumPy")
            header = file.read(int.from_bytes(file.read(2), "little")).decode("latin-1")
            found = _HEADER.fullmatch(header)
            if found is None:
                raise ValueError("an array of another type")
            dtype, order = np.dtype(found[1]), "F" if found[2] == "True" else "C"
            shape = tuple(int(each) for each in re.findall(r"\d+", found[3]))
            if len(shape) != n_dimensions:
                raise ValueError("an array of other dimensions")
            number = math.prod(shape)
            self.left -= number * max(dtype.itemsize, np.dtype(np.float32).itemsize)
            if self.left < 0:
                raise ValueError("arrays that are too large")
            data = file.read(number * dtype.itemsize)
            if len(data) < number * dtype.itemsize or file.read(1):  # which checks its sum, too
                raise ValueError("an array of another length")
        array = np.frombuffer(data, dtype).reshape(shape, order=order)  # type: ignore[call-overload]
        if dtype.kind == "f" and array.size:
            lowest, highest = array.min(), array.max()  # NaN if any is
            if not -LARGEST <= lowest <= highest <= LARGEST:
                raise ValueError("numbers that are not finite or too large")
        return array[()]  # a number where it has no dimensions


def _check_fit(pipeline: Any, names: tuple[str, ...]) -> None:
    """Check that steps are those of a pipeline, and their arrays fit each other."""
    if tuple(name for name, _ in pipeline.steps) != names:
        raise ValueError("other steps")
    steps = dict(pipeline.steps)
    mlp = steps["mlp"]
    (first, second), (first_bias, second_bias) = mlp.coefs_, mlp.intercepts_
    n_classes = len(mlp.classes_)
    n_outputs = n_classes if n_classes > 2 else 1
    shapes = [each.shape for each in (first_bias, second, second_bias)]
    if n_classes < 2 or shapes != [first.shape[1:], (first.shape[1], n_outputs), (n_outputs,)]:
        raise ValueError("layers that do not fit each other")
    if "scale" in steps:
        scale, (low, high) = steps["scale"], steps["limit"].feature_range
        if not scale.mean_.shape == scale.scale_.shape == first.shape[:1]:
            raise ValueError("a scaler of other features")
        if scale.n_features_in_ != len(first) or not (scale.scale_ > 0).all():
            raise ValueError("a scaler that divides by nothing")
        if not -LARGEST <= low < high <= LARGEST:
            raise ValueError("a limit that is none")


def _expect(node: dict[str, Any], loader: str, name: str) -> None:
    if (node["__loader__"], _type(node)) != (loader, name):
        raise TypeError(f"not {name}")


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not finite")
