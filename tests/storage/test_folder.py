"""A model folder is written whole, and opened only after it was found in order."""

import hashlib
import io
import json
import logging
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skops.io
from model_files import edit_config, small_pipelines, write_model_folder
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from ser.errors import (
    ModelFormatError,
    ModelIntegrityError,
    ModelNotFoundError,
    SerError,
    UntrustedModelError,
)
from ser.model.config import ModelConfig
from ser.storage.atomic_folder import check_replaceable
from ser.storage.audit import FORMAT_VERSION
from ser.storage.folder import MARK, is_model_file, read_model_folder
from ser.storage.skops_file import MAX_SCHEMA

X = np.random.default_rng(0).standard_normal((30, 4))
CONFIG = {
    "model": ModelConfig(("calm", "angry"), speeds=(1.0,)).to_dict(),
    "features": {"families": ["mfcc"]},
    "feature_hash": "0" * 16,
}
PICTURES = {
    "confusion.png": b"\x89PNG",
    "examples/metadata.csv": b"file_name\n",
    "examples/03-01.flac": b"fLaC",
}


@pytest.fixture(scope="module")
def model():
    return small_pipelines()


@pytest.fixture
def folder(tmp_path, model):
    write(tmp_path / "model", model)
    return tmp_path / "model"


def write(folder, model, **changes):
    parts = {"config": CONFIG, "metrics": {"accuracy": 0.5}, "readme": "# Card\n"}
    write_model_folder(folder, model=model, files=PICTURES, **{**parts, **changes})


def put_model(folder, content):
    """Put other bytes in the place of the model, with the digest that they have."""
    (folder / "model.skops").write_bytes(content)
    edit_config(folder, sha256=hashlib.sha256(content).hexdigest())


def contents(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def refused(folder, kind, words):
    """Check that a folder is refused by one short sentence."""
    with pytest.raises(kind, match=words) as caught:
        read_model_folder(folder)
    assert type(caught.value) is kind
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400 + len(str(folder))


def test_what_is_written_is_read_back(folder, model):
    read = read_model_folder(folder)
    expected = model["plain"].predict_proba(X)
    np.testing.assert_array_equal(read.model["plain"].predict_proba(X), expected)
    assert read.config.items() >= CONFIG.items()
    assert read.config["format_version"] == FORMAT_VERSION
    assert set(read.config["versions"]) == {"scikit-learn", "skops", "librosa"}
    assert read.metrics == {"accuracy": 0.5}
    assert read.files == contents(folder)
    assert read.files.items() >= PICTURES.items()


def test_the_model_opens_with_no_trusted_list(folder):
    assert skops.io.get_untrusted_types(file=folder / "model.skops") == []


def test_an_older_model_is_replaced_whole(folder, model):
    write_model_folder(folder, model=model, config=CONFIG, metrics={}, readme="new")
    assert sorted(contents(folder)) == ["README.md", "config.json", "metrics.json", "model.skops"]
    assert list(folder.parent.iterdir()) == [folder]


def test_an_untrusted_model_is_not_written(folder, model):
    before = contents(folder)
    mlp = MLPClassifier((4,), tol=10).fit(X, np.arange(30) % 2)
    with pytest.raises(UntrustedModelError, match="AdamOptimizer"):
        write(folder, {"plain": make_pipeline(mlp)})
    assert contents(folder) == before
    assert list(folder.parent.iterdir()) == [folder]


def test_a_file_that_would_not_be_read_back_is_not_written(tmp_path, model):
    with pytest.raises(ValueError, match=r"no place for 'my figure\.png'"):
        write_model_folder(
            tmp_path / "model",
            model=model,
            config=CONFIG,
            metrics={},
            readme="",
            files={"my figure.png": b""},
        )
    assert not (tmp_path / "model").exists()


def test_other_things_are_not_overwritten(tmp_path, model):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    with pytest.raises(SerError, match=r"'chapter\.txt', which does not belong there"):
        write(tmp_path / "thesis", model)
    assert contents(tmp_path) == {"thesis/chapter.txt": b"years of work"}
    with pytest.raises(SerError, match="is a file"):
        check_replaceable(tmp_path / "thesis" / "chapter.txt", is_ours=is_model_file, mark=MARK)
    with pytest.raises(SerError, match=r"can be created in .*chapter\.txt"):
        check_replaceable(
            tmp_path / "thesis" / "chapter.txt" / "model", is_ours=is_model_file, mark=MARK
        )
    check_replaceable(tmp_path / "not there yet", is_ours=is_model_file, mark=MARK)


def test_files_of_somebody_else_with_our_names_are_not_replaced(tmp_path, model):
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "beach.png").write_bytes(b"sand")
    with pytest.raises(SerError, match=r"has no 'model\.skops'"):
        write(tmp_path / "holiday", model)
    assert contents(tmp_path) == {"holiday/beach.png": b"sand"}


def test_a_failed_write_leaves_the_older_model(folder, model):
    before = contents(folder)
    with pytest.raises(SerError, match="cannot be written"):
        write_model_folder(
            folder,
            model=model,
            config=CONFIG,
            metrics={},
            readme="new",
            files={f"{'too_long' * 40}.png": b""},
        )
    assert contents(folder) == before
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize("name", ["model.skops", "config.json", "metrics.json", "README.md"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    refused(folder, ModelNotFoundError, f"has no {name}")


def test_a_file_of_somebody_else_is_not_read_through_a_link(folder, tmp_path):
    secret = tmp_path / "id_rsa"
    secret.write_text("secret")
    (folder / "figure.png").symlink_to(secret)
    refused(folder, ModelFormatError, r"figure\.png in .* is a link to a file elsewhere")


def lay_in_cache(folder, cache):
    """Turn a folder into a revision in a cache of huggingface_hub whose model came by Xet."""
    repository = cache / "models--ada--voices"
    revision = repository / "snapshots" / ("a" * 40)
    shutil.copytree(folder, revision)
    for place in (cache / "blobs" / "ab", repository / "blobs"):
        place.mkdir(parents=True)
    (revision / "model.skops").rename(cache / "blobs" / "ab" / "abcd")
    (repository / "blobs" / "ef01").symlink_to("../../blobs/ab/abcd")
    (revision / "model.skops").symlink_to("../../blobs/ef01")
    return revision


def test_a_revision_in_the_cache_of_the_hub_is_read(folder, tmp_path):
    revision = lay_in_cache(folder, tmp_path / "hub")
    assert read_model_folder(revision).files == read_model_folder(folder).files


@pytest.mark.parametrize("place", ["id_rsa", "blobs/id_rsa", "models--bob--secret/blobs/ef02"])
def test_a_revision_in_the_cache_has_no_links_to_elsewhere(folder, tmp_path, place):
    revision = lay_in_cache(folder, tmp_path)
    secret = tmp_path / place
    secret.parent.mkdir(parents=True, exist_ok=True)
    secret.write_text("secret")
    (revision / "figure.png").symlink_to(secret)
    refused(revision, ModelFormatError, r"figure\.png in .* is a link to a file elsewhere")


def test_links_of_the_cache_mean_nothing_outside_it(folder, tmp_path):
    revision = lay_in_cache(folder, tmp_path / "hub")
    outside = revision.rename(revision.parent / "mine")
    refused(outside, ModelFormatError, r"model\.skops in .* is a link to a file elsewhere")


@pytest.mark.parametrize("name", ["README.md", "examples/metadata.csv"])
def test_text_in_another_encoding_is_refused(folder, name):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes("café".encode("latin-1"))
    refused(folder, ModelFormatError, f"{name} of .* is not text in UTF-8")


def test_a_missing_folder_is_named(tmp_path):
    refused(tmp_path / "nowhere", ModelNotFoundError, "no model folder")


@pytest.mark.parametrize("speeds", [[], [0], [3.0], ["1"], [True], [1.0, None], [1] * 9])
def test_impossible_speeds_are_refused(folder, speeds):
    edit_config(folder, model={**CONFIG["model"], "speeds": speeds})
    refused(folder, ModelFormatError, "speeds is .*, not one to 8 numbers from 0.5 to 2")


@pytest.mark.parametrize("content", ["{", "[]", '"text"', "[" * 100_000, "\xff"])
def test_malformed_json_is_refused(folder, content):
    (folder / "config.json").write_text(content, encoding="latin-1")
    refused(folder, ModelFormatError, r"config\.json")


@pytest.mark.parametrize(
    ("found", "words"),
    [(FORMAT_VERSION + 1, "update ser"), (FORMAT_VERSION - 1, "train it again"), (None, "None")],
)
def test_another_format_version_is_refused(folder, found, words):
    edit_config(folder, format_version=found)
    refused(folder, ModelFormatError, words)


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": "calm"},
        {"labels": ["calm", "calm"]},
        {"labels": []},
        {"temperature": 0},
        {"temperature": "1.1"},
        {"temperature": 10**400},
        {"labels": ["calm", "a\nb"]},
        {"labels": ["calm", "\ud800"]},
        {"labels": ["calm", ""]},
        {"labels": ["calm"] * 100_000},
        {"everyday": ["calm"]},
        {"loudness": 3},
    ],
)
def test_settings_are_checked(folder, changes):
    edit_config(folder, model={**CONFIG["model"], **changes})
    refused(folder, ModelFormatError, rf"config\.json of .*{next(iter(changes))}.* is ")


@pytest.mark.parametrize("entry", ["model", "features", "feature_hash", "versions"])
def test_entries_of_config_are_checked(folder, entry):
    edit_config(folder, **{entry: 3})
    refused(folder, ModelFormatError, entry)


def test_what_the_page_shows_of_the_training_is_checked(folder):
    for datasets in ({"name": "RAVDESS"}, ["RAVDESS"]):
        edit_config(folder, datasets=datasets)
        refused(folder, ModelFormatError, "datasets")
    edit_config(folder, datasets=[])
    (folder / "metrics.json").write_text('{"protocols": [1]}')
    refused(folder, ModelFormatError, "protocols")


def test_a_folder_of_the_format_before_is_refused_with_what_to_do():
    before = Path(__file__).with_name(f"format-{FORMAT_VERSION - 1}")
    refused(before, ModelFormatError, "train it again with train.py, or use the version of ser")


def test_any_flipped_byte_is_refused(folder):
    content = (folder / "model.skops").read_bytes()
    for place in np.linspace(0, len(content) - 1, 50).astype(int):
        altered = bytearray(content)
        altered[place] ^= 0x40
        (folder / "model.skops").write_bytes(altered)
        refused(folder, ModelIntegrityError, "SHA-256")


@pytest.mark.parametrize("with_digest", [True, False])
def test_a_foreign_type_is_refused_by_name_before_it_is_built(folder, tmp_path, with_digest):
    evil = make_pipeline(FunctionTransformer(os.system, kw_args={}))
    content = skops.io.dumps({"plain": evil})
    put_model(folder, content)
    if not with_digest:
        edit_config(folder, sha256="0" * 64)
    refused(folder, UntrustedModelError, r"posix\.system")


@pytest.mark.parametrize("content", [b"", b"PK", b"not a model"], ids=["empty", "start", "text"])
def test_something_else_than_a_skops_file_is_refused(folder, content):
    put_model(folder, content)
    refused(folder, ModelFormatError, "not a model of ser")


def test_a_zip_bomb_is_refused(folder):
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("schema.json", "w") as member,
    ):
        for _ in range(200):
            member.write(b" " * MAX_SCHEMA)
    put_model(folder, buffer.getvalue())
    refused(folder, ModelFormatError, "not a model of ser")


@pytest.mark.parametrize("saved", [[1, 2], {}, {"plain": [1]}, StandardScaler()], ids=repr)
def test_trusted_types_that_are_no_pipelines_are_refused(folder, saved):
    put_model(folder, skops.io.dumps(saved))
    refused(folder, ModelFormatError, "not a model of ser")


def test_files_that_do_not_belong_are_not_read(folder):
    (folder / "evil.py").write_text("raise SystemExit")
    (folder / "examples" / "evil.sh").write_text("")
    assert not any("evil" in name for name in read_model_folder(folder).files)


def test_another_scikit_learn_is_one_log_line(folder, caplog, recwarn):
    content = (folder / "model.skops").read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = members["schema.json"].decode()
    current = json.loads((folder / "config.json").read_text())["versions"]["scikit-learn"]
    members["schema.json"] = schema.replace(current, "1.7.0").encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    put_model(folder, buffer.getvalue())
    edit_config(folder, versions={"scikit-learn": "1.7.0"})
    with caplog.at_level(logging.INFO, logger="ser"):
        read_model_folder(folder)
    assert [record.message for record in caplog.records if "1.7.0" in record.message]
    assert len(caplog.records) == 1 and not recwarn.list
