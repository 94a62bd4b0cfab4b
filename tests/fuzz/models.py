"""Mutants of model folders: of their texts, of the ZIP, of skops's schema and of its arrays."""

import hashlib
import io
import json
import shutil
import zipfile

import numpy as np
from sklearn.base import BaseEstimator
from tiny_model import voice, write_tiny_model

from ser import EmotionRecognizer
from ser.errors import SerError
from ser.storage.audit import read_table
from ser.storage.front_matter import split_card
from ser.storage.skops_file import TYPES

MAX_SECONDS = 3.0
MAX_BYTES = 300_000_000

TEXTS = ("config.json", "metrics.json", "README.md", "examples/metadata.csv")
FOREIGN = (
    ("ObjectNode", "sklearn.svm._classes", "SVC"),
    ("ObjectNode", "sklearn.preprocessing._function_transformer", "FunctionTransformer"),
    ("ObjectNode", "sklearn.decomposition._pca", "PCA"),
    ("FunctionNode", "posix", "system"),
    ("TypeNode", "builtins", "eval"),
    ("PartialNode", "functools", "partial"),
    ("MethodNode", "builtins", "str"),
    ("OperatorFuncNode", "operator", "methodcaller"),
    ("TreeNode", "sklearn.tree._tree", "Tree"),
    ("NdArrayNode", "numpy", "object_"),
    ("CachedNode", "builtins", "dict"),
    ("SetNode", "builtins", "set"),
)
BOMB = 100  # MiB that a member of the ZIP unpacks to


def seeds(folder):
    """Write a small model."""
    return [write_tiny_model(folder / "tiny")]


def mutate(rng, seed, target):
    """Change a folder in one to three ways, mostly with the digest that its model then has."""
    shutil.copytree(seed, target)
    for _ in range(rng.integers(1, 4)):
        WAYS[rng.integers(len(WAYS))](rng, target)
    if rng.random() < 0.9:
        digest = hashlib.sha256((target / "model.skops").read_bytes()).hexdigest()
        config = target / "config.json"
        before = hashlib.sha256((seed / "model.skops").read_bytes()).hexdigest()
        config.write_bytes(config.read_bytes().replace(before.encode(), digest.encode()))


def check(path):
    """Load a model, recognise a voice and read what the page shows."""
    try:
        recognizer = EmotionRecognizer.from_pretrained(path)
    except SerError as error:
        text = str(error).replace(str(path), "")
        assert "\n" not in text and len(text) < 600, text
        return type(error).__name__
    assert not foreign_values(recognizer._classifier.pipelines_)
    answer = recognizer.predict((voice("angry"), recognizer.sample_rate))
    assert abs(sum(answer.probabilities.values()) - 1) < 1e-3
    json.dumps([answer.probabilities, recognizer.metrics, recognizer.config], allow_nan=False)
    json.dumps(split_card(recognizer.files["README.md"].decode()), allow_nan=False).encode()
    read_table(recognizer.files.get("examples/metadata.csv", b"").decode())
    return "harmless"


def foreign_values(value):
    """Return what pipelines hold that is of no allowed type."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [found for each in value for found in foreign_values(each)]
    if isinstance(value, BaseEstimator):
        name = f"{type(value).__module__}.{type(value).__qualname__}"
        return foreign_values(vars(value)) if name in TYPES else [value]
    plain = (str, int, float, bool, type(None), np.float64, np.float32, np.int64)
    is_array = type(value) is np.ndarray and value.dtype.kind in "fi"
    return [] if is_array or type(value) in plain else [value]


def _hostile(rng):
    """Return a value that is seldom what is expected."""
    nested = []
    for _ in range(int(rng.integers(2, 900))):
        nested = [nested]
    values = (
        *(None, True, -1, 0, 1e308, float("nan"), float("inf"), 10**400, 2**63, [], {}, ""),
        *("\ud800", "x" * 100_000, "a\nb", "<script>", "../../etc/passwd", [[]], {"": 1}, nested),
        *([0] * 50_000, {"a": "b"}, "1e999", [None], ["calm"] * 200),
    )
    return values[rng.integers(len(values))]


def _change_tree(rng, value, hostile=_hostile):
    """Change a place in a tree of lists and dicts, deep ones as often as others."""
    place = value
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = keys[rng.integers(len(keys))]
        if isinstance(place[key], list | dict) and place[key] and rng.random() < 0.85:
            place = place[key]
            continue
        if rng.random() < 0.15:
            del place[key]
        elif rng.random() < 0.1 and isinstance(place, dict):
            place[str(_hostile(rng))[:300]] = place[key]
        else:
            place[key] = hostile(rng)
        return


def _change_json(rng, folder):
    path = folder / TEXTS[rng.integers(2)]
    try:
        value = json.loads(path.read_bytes())
    except ValueError:
        return
    if isinstance(value, dict | list):
        _change_tree(rng, value)
        path.write_text(json.dumps(value), encoding="utf-8", errors="surrogatepass")


def _change_card(rng, folder):
    path = folder / "README.md"
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    bomb = ["a0: &a0 [x, x, x, x]"] + [
        f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]" for n in range(int(rng.integers(9)))
    ]
    added = (
        bomb,
        ["license: [a, b]"],
        ["license: 2024-01-01"],
        ["license: {a: b}"],
        ["x: !!python/object/apply:os.system [id]"],
        ["x: !!binary aGk="],
        ["x: !!set {a, b}"],
        ["x: .nan"],
        ["? [a, b] : c"],
        ["1: 2"],
        ["x: " + "[" * int(rng.integers(2000))],
        ["x: " + "{a: " * 50],
        ['x: "\\ud800"'],
        ["- a"],
        ["---"],
        ["![" * 100_000],
        ["<!-- links -->"] * 20_000,
        ['from_pretrained("' * 10_000],
    )
    place = int(rng.integers(0, min(len(lines), 60) + 1))
    lines[place:place] = added[rng.integers(len(added))]
    path.write_text("\n".join(lines), encoding="utf-8")


def _change_table(rng, folder):
    path = folder / "examples" / "metadata.csv"
    tables = (
        b"file_name,emotion\n" + b"clip.flac,calm\n" * int(rng.integers(1, 30_000)),
        b"file_name\n" + b"x" * 200_000 + b"\n",
        b"file_name,emotion\nclip.flac\n",
        b"file_name\nclip.flac,a,b,c\n",
        b'file_name,emotion\n"clip.flac,calm\n',
        b"file_name\n\0\n",
        b"emotion\ncalm\n",
        b"file_name,file_name\n../config.json,clip.flac\n",
        b"\xff\xfe",
        b"",
        b"," * 100_000 + b"\n" + b"," * 100_000,
    )
    path.write_bytes(tables[rng.integers(len(tables))])


def _change_bytes(rng, folder):
    """Change bytes of any file."""
    path = folder / (*TEXTS, "model.skops")[rng.integers(5)]
    content = bytearray(path.read_bytes())
    for _ in range(int(rng.integers(1, 20))):
        if content:
            content[rng.integers(len(content))] = rng.integers(256)
    if rng.random() < 0.2:
        content = content[: rng.integers(len(content) + 1)]
    path.write_bytes(content)


def _change_zip(rng, folder):
    """Write numbers into the headers of the ZIP."""
    path = folder / "model.skops"
    content = bytearray(path.read_bytes())
    starts = [b"PK\1\2", b"PK\3\4", b"PK\5\6"]
    found = content.find(starts[rng.integers(3)], int(rng.integers(len(content) + 1)))
    if found >= 0:
        place = found + int(rng.integers(4, 46))
        size = int(rng.choice((1, 2, 4)))
        number = (0, 1, 14, 12, 2**31 - 1, 2**32 - 1, 2**28)[rng.integers(7)]
        content[place : place + size] = (number % 256**size).to_bytes(size, "little")
    path.write_bytes(content)


def _change_members(rng, folder):
    """Write schema and arrays anew, one of them changed."""
    path = folder / "model.skops"
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(each.file_size for each in archive.infolist()) > 2**24:
                return  # changed before
            members = {name: archive.read(name) for name in archive.namelist()}
        schema = json.loads(members["schema.json"])
    except Exception:  # changed before
        return
    names = sorted(members.keys() - {"schema.json"})
    way = rng.random()
    if way < 0.5:
        for _ in range(int(rng.integers(1, 4))):
            _change_tree(rng, schema, lambda rng: _hostile_node(rng, names))
        members["schema.json"] = json.dumps(schema).encode(errors="surrogatepass")
    elif way < 0.9 and names:
        name = names[rng.integers(len(names))]
        members[name] = _hostile_array(rng, members[name])
    bombs = [each for each in members if way >= 0.9 and rng.random() < 0.1]
    methods = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2
    method = methods[rng.choice(4, p=(0.1, 0.7, 0.1, 0.1))]
    with zipfile.ZipFile(path, "w", method, compresslevel=1) as archive:
        for name, member in members.items():
            with archive.open(name, "w") as file:
                file.write(member)
                is_bomb = name in bombs and method == zipfile.ZIP_DEFLATED
                for _ in range(BOMB * is_bomb):  # by parts, as this process is measured
                    file.write(bytes(2**20))


def _hostile_node(rng, names):
    """Return a node of a foreign type, another array, or something else."""
    if rng.random() < 0.3:
        return _hostile(rng)
    if rng.random() < 0.4:
        file = names[rng.integers(len(names))] if names else ""
        node = {"__class__": "ndarray", "__module__": "numpy", "__loader__": "NdArrayNode"}
        return [{**node, "type": "numpy", "file": file}] * int(rng.choice((1, 500)))
    if rng.random() < 0.4:
        plain = json.dumps(_hostile(rng))
        node = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode"}
        return {**node, "content": plain, "is_json": True}
    loader, module, name = FOREIGN[rng.integers(len(FOREIGN))]
    node = {"__class__": name, "__module__": module, "__loader__": loader}
    return {**node, "content": {}, "key_types": [], "__id__": int(rng.integers(100))}


def _hostile_array(rng, content):
    """Return an array with another header or other numbers."""
    try:
        array = np.load(io.BytesIO(content))
    except ValueError:  # changed before
        return content
    shapes = (array.shape[::-1], (10**6, 10**4), (2**40,), (0,), (), (1, *array.shape))
    dtypes = ("<f8", "|O", "<U1000000", "<c16", "|i1", ">f4", "|V8", "<f4")
    header = np.lib.format.header_data_from_array_1_0(array)
    if rng.random() < 0.4:
        header["shape"] = shapes[rng.integers(len(shapes))]
    elif rng.random() < 0.4:
        header["descr"] = dtypes[rng.integers(len(dtypes))]
    else:
        extreme = (np.nan, np.inf, 3e38, -1, 0, 127)[rng.integers(6)]
        with np.errstate(all="ignore"):
            array = np.full(array.shape, extreme).astype(array.dtype)
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + array.tobytes()


WAYS = (
    *[_change_json] * 3,
    *[_change_members] * 4,
    *(_change_card, _change_table, _change_bytes, _change_zip),
)
