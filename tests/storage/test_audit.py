"""What a model folder may hold: whatever else is in one is refused in a sentence, and cheaply."""

import hashlib
import io
import json
import re
import zipfile

import numpy as np
import pytest
import skops.io
from fuzz import models
from fuzz.costs import Costs
from model_files import edit_config, small_pipelines, write_model_folder
from sklearn.svm import SVC

from ser.errors import FeatureMismatchError, ModelFormatError, UntrustedModelError
from ser.model.config import ModelConfig
from ser.storage.assembly import make_extractor
from ser.storage.audit import MAX_FILES, read_table
from ser.storage.folder import read_model_folder
from ser.storage.front_matter import split_card
from ser.storage.skops_file import MAX_ENTRIES, open_pipelines

CONFIG = {
    "model": ModelConfig(("calm", "angry"), speeds=(1.0,)).to_dict(),
    "features": {},
    "feature_hash": "0" * 16,
}
MIB = 2**20
CHEAP = 60 * MIB  # of memory, to refuse a folder; what the attacks here would take is far more


@pytest.fixture(scope="module")
def pipelines():
    return small_pipelines()


@pytest.fixture
def folder(tmp_path, pipelines):
    write_model_folder(
        tmp_path / "model", model=pipelines, config=CONFIG, metrics={}, readme="# Card\n"
    )
    return tmp_path / "model"


def refused(folder, words="not a model of ser", kind=ModelFormatError):
    """Check that a folder is refused by one short sentence, and without much memory."""
    costs = Costs()
    costs.start()
    before = costs.stop()[1]
    with pytest.raises(kind, match=words) as caught:
        read_model_folder(folder)
    seconds, peak = costs.stop()
    text = str(caught.value).replace(str(folder), "")
    assert type(caught.value) is kind and "\n" not in text and len(text) < 500
    assert seconds < 2 and peak - before < CHEAP


def members_of(folder):
    with zipfile.ZipFile(folder / "model.skops") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def put_members(folder, members, method=zipfile.ZIP_DEFLATED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    put_model(folder, content.getvalue())


def put_model(folder, content):
    (folder / "model.skops").write_bytes(content)
    edit_config(folder, sha256=hashlib.sha256(content).hexdigest())


def nodes(value):
    """Yield all dicts in a schema, outermost first."""
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from nodes(each)
    elif isinstance(value, list):
        for each in value:
            yield from nodes(each)


def edit_schema(folder, change):
    members = members_of(folder)
    schema = json.loads(members["schema.json"])
    change(schema)
    members["schema.json"] = json.dumps(schema).encode()
    put_members(folder, members)


def attributes(schema, name):
    """Return the attributes of the first object of a type."""
    return next(each for each in nodes(schema) if each.get("__class__") == name)["content"][
        "content"
    ]


def saved(array):
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def test_what_is_opened_answers_as_skops_opens_it(pipelines):
    content = skops.io.dumps(pipelines)
    rows = np.random.default_rng(0).standard_normal((9, 4))
    ours, theirs = open_pipelines(content)["plain"], skops.io.loads(content)["plain"]
    np.testing.assert_array_equal(ours.predict_proba(rows), theirs.predict_proba(rows))
    np.testing.assert_array_equal(ours.predict(rows), theirs.predict(rows))


def test_what_older_versions_of_scikit_learn_save_is_opened(folder):
    older = small_pipelines()
    older["plain"]["scale"].n_samples_seen_ = np.int64(30)
    put_model(folder, skops.io.dumps(older))
    assert read_model_folder(folder).model["plain"]["scale"].n_samples_seen_ == 30


def test_references_to_one_array_count_each(folder):
    members = members_of(folder)
    schema = json.loads(members["schema.json"])
    layers = attributes(schema, "MLPClassifier")["coefs_"]["content"]
    members[layers[0]["file"]] = saved(np.ones((2**11, 2**11), np.int8))
    layers[:] = [layers[0]] * 1000
    members["schema.json"] = json.dumps(schema).encode()
    put_members(folder, members)
    refused(folder)


@pytest.mark.parametrize("shape", [(2**15, 2**15), (4, 2**28), (10**8, 10**8)])
def test_an_array_is_not_believed_to_be_as_large_as_its_header_says(folder, shape):
    members = members_of(folder)
    for name in members:
        if name.endswith(".npy"):
            header = io.BytesIO()
            fields = {"descr": "<f8", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(header, fields)
            members[name] = header.getvalue() + bytes(1000)
    put_members(folder, members)
    refused(folder)


def test_sizes_in_the_zip_that_lie_take_no_memory(folder):
    members = members_of(folder)
    large = next(name for name in members if name.endswith(".npy"))
    members[large] += bytes(100 * MIB)
    put_members(folder, members)
    content = bytearray((folder / "model.skops").read_bytes())
    size = len(members[large]).to_bytes(4, "little")
    put_model(folder, content.replace(size, (200).to_bytes(4, "little")))
    refused(folder)


def test_a_method_of_compression_that_takes_memory_by_its_header_is_not_used(folder):
    put_members(folder, members_of(folder), zipfile.ZIP_LZMA)
    refused(folder)


def test_many_entries_are_not_looked_at(folder):
    empty = {f"{number}.npy": b"" for number in range(100 * MAX_ENTRIES)}
    put_members(folder, members_of(folder) | empty)
    refused(folder)


def test_a_support_vector_machine_that_ends_the_process_is_not_built(folder, pipelines):
    machine = SVC().fit(np.eye(4), [0, 0, 1, 1])
    machine._n_support = np.array([10**6, 10**6], np.int32)
    put_model(folder, skops.io.dumps({**pipelines, "plain": machine}))
    refused(folder, r"sklearn\.svm\._classes\.SVC", UntrustedModelError)


def test_a_foreign_type_is_found_where_nothing_is_restored_too(folder):
    def change(schema):
        state = attributes(schema, "MLPClassifier")["_random_state"]
        state["content"] = {"__loader__": "FunctionNode", "__module__": "os", "__class__": "system"}

    edit_schema(folder, change)
    refused(folder, r"os\.system", UntrustedModelError)


@pytest.mark.parametrize(
    ("step", "name", "array"),
    [
        ("mlp", "intercepts_", [np.zeros(400, np.float32), np.zeros(1, np.float32)]),
        ("mlp", "coefs_", [np.ones((4, 4), np.int8), np.ones((4, 3), np.float32)]),
        ("mlp", "intercepts_", [np.zeros(4, np.float32), np.full(1, np.nan, np.float32)]),
        ("mlp", "coefs_", [np.ones((4, 4), np.int8), np.full((4, 1), 3e38, np.float32)]),
        ("mlp", "classes_", np.array(["a", "b"])),
        ("mlp", "classes_", np.array([0])),
        ("mlp", "coefs_", None),
        ("scale", "mean_", np.zeros(5)),
        ("scale", "scale_", np.zeros(4)),
        ("scale", "mean_", np.full(4, np.inf)),
        ("limit", "feature_range", (float("-inf"), float("inf"))),
        ("limit", "feature_range", (5, -5)),
    ],
)
def test_arrays_that_do_not_fit_each_other_are_refused(folder, step, name, array):
    """Else answers would be made of memory that was never written, or be no numbers."""
    changed = small_pipelines()
    setattr(changed["plain"][step], name, array)
    put_model(folder, skops.io.dumps(changed))
    refused(folder)


def test_no_attribute_hides_a_method(folder):
    def change(schema):
        known = attributes(schema, "Pipeline")
        known["predict_proba"] = known["verbose"]

    edit_schema(folder, change)
    assert callable(read_model_folder(folder).model["plain"].predict_proba)


@pytest.mark.parametrize("steps", [["mlp"], ["limit", "scale", "mlp"], ["scale", "limit", "svc"]])
def test_pipelines_have_the_steps_that_they_have(folder, steps):
    changed = small_pipelines()
    known = dict(changed["plain"].steps)
    changed["plain"].steps = [(name, known.get(name, known["mlp"])) for name in steps]
    put_model(folder, skops.io.dumps(changed))
    refused(folder)


FIGURES = {
    **{"clips": 1, "accuracy": 1.0, "folds": []},
    **{"labels": ["calm"], "confusion_matrix": [[1]]},
}
BIN = {"lower": 0, "upper": 1, "clips": 3, "accuracy": 0.5}


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("config", {"format_version": "7" * 100_000}, "format version '777"),
        ("config", {"name": 3}, "name is 3, not text"),
        ("config", {"feature_hash": "x" * 100_000}, "feature_hash is 'xxx"),
        ("config", {"versions": {"scikit-learn": ["1"]}}, "versions.scikit-learn is"),
        ("config", {"datasets": [{"kind": ["acted"]}]}, r"datasets\[0\].kind is"),
        ("config", {"datasets": [{"licence": 4}]}, r"datasets\[0\].licence is 4"),
        ("config", {"extra": float("nan")}, "extra is nan, which is not finite"),
        ("config", {"extra": "\ud800"}, "extra is not valid Unicode"),
        ("config", {"\ud800": 1}, "no name in valid Unicode"),
        ("config", {"extra": 10**300}, "extra is 1000"),
        ("config", {"x" * 100_000: 1}, "is no name"),
        ("config", {"extra": [[[[[[[[[[[[[[1]]]]]]]]]]]]]]}, "nested in more than 12"),
        ("config", {"extra": "x" * 2**20}, "bytes, but at most 1048576 are read"),
        ("config", {"model": {**CONFIG["model"], "labels": ["a", "b" * 101]}}, "at most 100"),
        ("config", {"model": {**CONFIG["model"], "labels": list(map(str, range(51)))}}, "2 to 50"),
        ("metrics", {"protocols": []}, "protocols is"),
        ("metrics", {"protocols": {"actors": {"corpora": {}}}}, "description is missing"),
        ("metrics", FIGURES | {"labels": "calm"}, "labels is 'calm', not a list"),
        ("metrics", FIGURES | {"labels": ["calm", "a"]}, "does not fit its labels"),
        ("metrics", FIGURES | {"confusion_matrix": [[-1]]}, "does not fit its labels"),
        ("metrics", FIGURES | {"confusion_matrix": [["1"]]}, r"\[0\]\[0\] is '1', not a number"),
        ("metrics", {"confidence": [BIN | {"clips": "3"}]}, "clips is '3', not a number"),
        ("metrics", {"confidence": [BIN | {"accuracy": None}]}, "without an accuracy"),
        ("metrics", FIGURES | {"accuracy": "high"}, "accuracy is 'high', not a number"),
        ("metrics", FIGURES | {"fold_std": {"accuracy": None}}, "accuracy is None, not a number"),
    ],
)
def test_texts_of_another_shape_are_refused_with_file_and_key(folder, name, changes, words):
    if "confusion_matrix" in changes:
        known = {"description": "", "speaker_independent": True, "corpora": {"Mine": changes}}
        changes = {"protocols": {"actors": known}}
    path = folder / f"{name}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    refused(folder, words)


def test_what_no_table_names_may_be_any_plain_data(folder):
    usual = {"pitch": {"calm": [1.5, 2, 3]}}
    edit_config(folder, usual=usual, extra=[None, True, {"a": "ä"}])
    assert read_model_folder(folder).config["usual"] == usual


def bomb(levels):
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        (bomb(9), "have an alias"),
        ("license: [a, b]", "license is .*, not text"),
        ("a: !!python/object/apply:os.system [id]", "are not YAML"),
        ("a: !!binary aGk=", "a is a bytes"),
        ("a: .nan", "a is nan"),
        ("? [a]\n: b", "are not YAML"),
        ("1: 2", "named by no text"),
        ("- a", "are a list"),
        ("a: " + "[" * 500, "nested in more"),
        ('a: "\\ud800"', "not"),
        ("a: " + "x" * 2**17, "characters; at most"),
    ],
)
def test_metadata_of_a_card_are_plain_data(folder, metadata, words):
    (folder / "README.md").write_text(f"---\n{metadata}\n---\n# Card\n")
    refused(folder, f"README.md of .*{words}")


def test_a_card_is_split_into_metadata_and_text():
    assert split_card("---\nlicense: mit\ndate: 2024-01-01\n---\n# A\n") == (
        {"license": "mit", "date": "2024-01-01"},
        "# A\n",
    )
    assert split_card("# A\n\n---\n") == ({}, "# A\n\n---\n")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (b"file_name\n" + b"a.flac\n" * 101, "more than 100 rows"),
        (b"file_name\n" + b"x" * 200_000, "is not a table"),
        (b"x" * 2**19, "bytes, but at most"),
        (b"\xff", "UTF-8"),
    ],
)
def test_a_table_of_examples_is_bounded(folder, table, words):
    (folder / "examples").mkdir()
    (folder / "examples" / "metadata.csv").write_bytes(table)
    refused(folder, re.escape("examples/metadata.csv") + f".*{words}")


def test_rows_of_examples_are_text_of_the_columns():
    rows = read_table("file_name,emotion\na.flac\n,calm\nb.flac,calm,more\n")
    assert rows == [{"file_name": "a.flac"}, {"file_name": "b.flac", "emotion": "calm"}]


def test_frames_that_are_closer_than_a_clip_can_bear_are_refused(tiny_model):
    config = json.loads((tiny_model / "config.json").read_text())
    config["features"]["hop"] = 1 / config["features"]["sample_rate"]
    with pytest.raises(FeatureMismatchError, match=r"0\.0416667 ms apart, and .* 2\.5 ms at least"):
        make_extractor(config, "theirs")


def test_many_files_are_not_read(folder):
    for number in range(MAX_FILES):
        (folder / f"{number}.png").touch()
    refused(folder, "model files, but at most")


def test_mutants_of_a_model_are_refused_or_harmless(tmp_path, tiny_model):
    costs, outcomes = Costs(), set()
    for index in range(15):
        rng, mutant = np.random.default_rng([0, index]), tmp_path / str(index)
        models.mutate(rng, tiny_model, mutant)
        costs.start()
        outcomes.add(models.check(mutant))
        assert costs.stop()[0] < models.MAX_SECONDS
    assert {"ModelFormatError", "UntrustedModelError"} <= outcomes
