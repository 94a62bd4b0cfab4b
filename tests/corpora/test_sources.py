"""Recordings in every packaging, on this machine and on the Hub, whole and damaged."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from made_recordings import (
    CLIPS,
    SPEECH,
    described_rows,
    named_rows,
    recording,
    samples,
    write_parquet,
    write_tree,
    write_zip,
)

from ser.corpora.loading import load_corpus
from ser.errors import DatasetError


@pytest.fixture(
    params=[
        "flac",
        "flat",
        "twice",
        "zip",
        "zipped twice",
        "names",
        "columns",
        "bytes",
        "parts",
        "archives",
    ]
)
def source(request, tmp_path):
    """The same recordings in another shape."""
    root = tmp_path / "source"
    members = {f"Actor_{n[-2:]}/{n}.wav": recording(n) for n in CLIPS}
    match request.param:
        case "flac":
            write_tree(root, suffix=".flac")
        case "flat":
            write_tree(root, flat=True)
        case "twice":
            write_tree(root)
            write_tree(root / "audio_speech_actors_01-24")
        case "zip":
            root = write_zip(tmp_path / "Audio_Speech_Actors_01-24.zip", members)
        case "zipped twice":
            copies = {f"audio_speech_actors_01-24/{name}": members[name] for name in members}
            root = write_zip(tmp_path / "archive.zip", members | copies)
        case "names":
            root = write_parquet(tmp_path / "train.parquet", named_rows()[::-1])
        case "columns":
            write_parquet(root / "data" / "train-00000-of-00001.parquet", described_rows()[::-1])
        case "bytes":
            rows = [row | {"audio": row["audio"]["bytes"]} for row in named_rows()]
            root = write_parquet(tmp_path / "train.parquet", rows)
        case "parts":
            write_parquet(root / "fold1" / "train.parquet", named_rows()[:4])
            write_parquet(root / "fold1" / "test.parquet", named_rows()[3:])
            write_parquet(root / "fold2" / "test.parquet", described_rows())
        case "archives":
            root.mkdir()
            for number, name in enumerate(members):
                write_zip(root / f"{number}.zip", {name: members[name]})
    return root


def test_every_source_gives_the_same_dataset(source, tmp_path):
    expected = load_corpus(write_tree(tmp_path / "tree"), corpus="ravdess-both").clips
    dataset = load_corpus(source, corpus="ravdess-both").clips
    assert dataset.features == expected.features
    assert dataset.remove_columns("audio")[:] == expected.remove_columns("audio")[:]
    for row, other in zip(dataset, expected, strict=True):
        np.testing.assert_allclose(samples(row), samples(other), atol=1e-4)


def test_one_recording_under_two_names_is_two_clips(tmp_path):
    root = write_tree(tmp_path / "ravdess")
    dataset = load_corpus(root).clips.filter(lambda one: one == "7", input_columns="speaker")
    assert len(dataset) == 2
    np.testing.assert_array_equal(samples(dataset[0]), samples(dataset[1]))


def test_folders_of_actors_can_be_links(tmp_path):
    root = write_tree(tmp_path / "ravdess")
    linked = tmp_path / "linked"
    linked.mkdir()
    for folder in root.iterdir():
        (linked / folder.name).symlink_to(folder)
    (linked / "circle").symlink_to(linked)
    assert load_corpus(linked).clips["file"][:] == load_corpus(root).clips["file"][:]


def test_wrong_files_are_named_and_skipped(tmp_path, caplog):
    root = write_tree(tmp_path / "ravdess")
    flac = recording("03-01-02-01-01-01-01", ".flac")
    wrong = {
        "Actor_01/03-01-09-01-01-01-01.wav": recording(SPEECH[0]),
        "Actor_01/notes.wav": recording(SPEECH[0]),
        "Actor_01/03-01-02-01-01-01-01.wav": b"",
        "Actor_01/03-01-02-01-01-02-01.wav": b"not a recording at all",
        "Actor_01/03-01-02-01-02-01-01.flac": flac[: len(flac) // 2],
    }
    for name, content in wrong.items():
        (root / name).write_bytes(content)
    (root / "Actor_01" / "._03-01-01-01-02-01-01.wav").write_bytes(b"what macOS leaves behind")
    (root / "__MACOSX").mkdir()
    (root / "__MACOSX" / "03-01-02-01-02-02-01.wav").write_bytes(b"the same")
    (root / "README.md").write_text("no recording")

    dataset = load_corpus(root).clips

    assert dataset["file"][:] == SPEECH
    warnings = [
        record.getMessage() for record in caplog.records if "Skipped" in record.getMessage()
    ]
    assert len(warnings) == len(wrong)
    for name in wrong:
        assert sum(str(Path(name)) in warning for warning in warnings) == 1


@pytest.mark.parametrize("again", [False, True])
def test_wrong_recordings_in_archives_are_named_each_time(again, tmp_path, caplog):
    members = {f"{name}.wav": recording(name) for name in SPEECH}
    members["03-01-02-01-01-01-01.wav"] = b"\0" * 100
    members["__MACOSX/._03-01-01-01-02-01-01.wav"] = b"x"
    packed = write_zip(tmp_path / "ravdess.zip", members)
    content = bytearray(packed.read_bytes())
    content[content.index(members[f"{SPEECH[1]}.wav"]) + 60] ^= 0xFF  # its checksum fails
    packed.write_bytes(content)
    rows = named_rows(SPEECH)
    rows[1]["audio"] = None
    rows[2]["audio"]["bytes"] = b"no audio"
    rows[3]["file"] = "someone.wav"
    parquet = write_parquet(tmp_path / "ravdess.parquet", rows)
    if again:
        load_corpus(packed)
        load_corpus(parquet)
        caplog.clear()

    assert load_corpus(packed).clips["file"][:] == [SPEECH[0], *SPEECH[2:]]
    assert "03-01-02-01-01-01-01" in caplog.text
    assert SPEECH[1] in caplog.text
    assert "MACOSX" not in caplog.text
    assert "._" not in caplog.text
    caplog.clear()
    assert load_corpus(parquet).clips["file"][:] == [SPEECH[0], SPEECH[4]]
    assert SPEECH[1] in caplog.text
    assert SPEECH[2] in caplog.text
    assert "row 4 of ravdess" in caplog.text


def test_archives_beside_what_was_unpacked_from_them_are_ignored_once(tmp_path, caplog):
    root = write_tree(tmp_path / "ravdess", SPEECH[:2])
    write_zip(root / "all.zip", {f"{name}.wav": recording(name) for name in SPEECH})
    assert load_corpus(root).clips["file"][:] == SPEECH[:2]
    assert caplog.text.count("all.zip") == 1


def test_an_unreadable_copy_gives_way_to_a_good_one(tmp_path):
    root = write_tree(tmp_path / "ravdess")
    (root / "Actor_01" / f"{SPEECH[0]}.wav").write_bytes(b"")
    write_tree(root / "copy")
    assert load_corpus(root).clips["file"][:] == SPEECH


def test_members_of_a_zip_stay_inside_the_cache(tmp_path):
    name = "03-01-02-01-01-01-01.wav"
    packed = tmp_path / "in" / "evil.zip"
    packed.parent.mkdir()
    write_zip(packed, {f"../../../{name}": b"x", f"/{name}": recording(SPEECH[0])})
    load_corpus(packed)
    inside = list((tmp_path / "cache").rglob(name))
    assert list(tmp_path.rglob(name)) == inside
    assert not Path(f"/{name}").exists()


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        ([], "no audio file"),
        (["a.txt"], "no audio file"),
        (["a.wav", "b.wav"], "a.wav is not a RAVDESS file name"),
        (["03-01-01-01-01-01-01.wav"], "03-01-01-01-01-01-01.wav is not audio"),
        (["03-02-01-01-01-01-01.wav"], "none of its recordings is of the corpus"),
    ],
)
def test_a_source_without_a_usable_clip_is_shown_a_good_name(names, complaint, tmp_path, caplog):
    root = tmp_path / "ravdess"
    root.mkdir()
    for name in names:
        (root / name).write_bytes(b"nothing")
    with pytest.raises(DatasetError, match=complaint) as error:
        load_corpus(root, corpus="ravdess")
    assert "03-01-06-01-02-01-12.wav" in str(error.value)
    assert "\n" not in str(error.value)
    assert not caplog.records


def test_unreadable_archives_are_refused_and_leave_nothing_behind(tmp_path, cache):
    parquet = tmp_path / "parquet"
    write_parquet(parquet / "a.parquet", named_rows())
    (parquet / "b.parquet").write_bytes(b"PAR1 but no more")
    torn = write_zip(tmp_path / "torn.zip", {"a.wav": bytes(1000)})
    torn.write_bytes(torn.read_bytes()[:500])
    plain = write_parquet(tmp_path / "plain.parquet", [{"sound": b"", "label": "happy"}])
    for source, complaint in {
        parquet: "b.parquet is not a readable Parquet file",
        torn: "torn.zip is not a readable ZIP",
        plain: "plain.parquet has no column 'audio' that holds recordings",
        Path(__file__): "test_sources.py is not a readable ZIP or Parquet file",
    }.items():
        with pytest.raises(DatasetError, match=complaint):
            load_corpus(source, corpus="ravdess")
    assert not list(cache.rglob("*.wav"))


def test_a_link_is_as_good_as_what_it_names(tmp_path):
    stored = write_parquet(tmp_path / "blobs" / "0a1b", named_rows())  # as in the Hub's cache
    link = tmp_path / "train.parquet"
    link.symlink_to(stored)
    assert load_corpus(link).about.name == "RAVDESS"
    latest = tmp_path / "latest"
    latest.symlink_to(write_parquet(tmp_path / "v2" / "train.parquet", named_rows()))
    assert load_corpus(latest).about.name == "RAVDESS"
    (tmp_path / "speech.zip").symlink_to(write_tree(tmp_path / "data" / "speech"))
    assert load_corpus(tmp_path / "speech.zip" / ".." / "speech").about.name == "RAVDESS"


def test_tables_without_recordings_beside_some_with_them_are_named_and_ignored(tmp_path, caplog):
    write_parquet(tmp_path / "train.parquet", named_rows())
    write_parquet(tmp_path / "val.parquet", [{"audio": "a.wav", "emotion": "sad"}])
    assert load_corpus(tmp_path).about.name == "RAVDESS"
    assert "val.parquet, since no recordings are in a column 'audio'" in caplog.text


def test_a_cache_that_cannot_be_written_to_is_told(tmp_path, monkeypatch):
    (tmp_path / "cache").write_bytes(b"")
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    with pytest.raises(DatasetError, match=r"Not a directory.*: set HF_DATASETS_CACHE"):
        load_corpus(write_parquet(tmp_path / "train.parquet", named_rows()))


def test_an_archive_is_not_unpacked_where_it_has_no_room(tmp_path, cache, monkeypatch):
    members = {f"{name}.wav": recording(name) for name in SPEECH}
    archive = write_zip(tmp_path / "speech.zip", members)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10))
        with pytest.raises(DatasetError, match=r"speech.zip takes 0.0 GB .* and 0.0 GB are free"):
            load_corpus(archive)
    assert not list(cache.rglob("*.wav"))


def test_a_recording_of_gigabytes_in_an_archive_is_left_out(tmp_path, cache, monkeypatch, caplog):
    members = {f"{name}.wav": recording(name) for name in SPEECH}
    longest = max(map(len, members.values()))
    members[f"{SPEECH[0]}.wav"] += bytes(longest)
    monkeypatch.setattr("ser.corpora.sources.MAX_RECORDING", longest)
    archive = write_zip(tmp_path / "speech.zip", members)
    clips = load_corpus(archive).clips
    assert clips["file"][:] == [name for name in SPEECH if name != SPEECH[0]]
    assert f"{SPEECH[0]}.wav in {archive} has 0.0 GB, and recordings may have 0.0" in caplog.text
    assert f"{SPEECH[0]}.wav is not audio that can be read" in caplog.text


def test_a_missing_folder_is_said_to_be_missing(tmp_path):
    with pytest.raises(DatasetError, match="no folder, ZIP or Parquet file"):
        load_corpus(tmp_path / "missing")


def extract(path, log):
    with Path(log).open("a") as file:
        file.write(f"{path['path']}\n")
    return {"length": Path(path["path"]).stat().st_size}


def test_what_map_derives_is_cached_until_a_recording_changes(tmp_path):
    root, log = write_tree(tmp_path / "ravdess"), tmp_path / "log"

    def derive():
        log.write_text("")
        load_corpus(root).clips.map(extract, input_columns="audio", fn_kwargs={"log": str(log)})
        return len(log.read_text().splitlines())

    assert derive() == 5
    assert derive() == 0
    file = root / "Actor_01" / f"{SPEECH[0]}.wav"
    shutil.copy(root / "Actor_02" / f"{SPEECH[1]}.wav", file)
    assert derive() == 5


def test_an_archive_is_unpacked_once_until_it_changes(tmp_path, cache):
    packed = tmp_path / "ravdess.zip"

    def unpacked():
        load_corpus(packed)
        return {file: file.stat().st_mtime_ns for file in cache.rglob("*.wav")}

    write_zip(packed, {f"{name}.wav": recording(name) for name in SPEECH[:2]})
    first = unpacked()
    assert len(first) == 2
    assert unpacked() == first
    write_zip(packed, {f"{name}.wav": recording(name) for name in SPEECH})
    assert load_corpus(packed).clips["file"][:] == SPEECH


def load_from_hub(source, cache):
    import datasets

    datasets.config.HF_DATASETS_CACHE = cache
    corpus = load_corpus(source)
    return corpus.clips["file"][:], corpus.about, corpus.origins[0].source


def test_copies_on_the_hub_are_fetched_and_then_serve_without_it(hub, machine, tmp_path):
    parquet = write_parquet(tmp_path / "train.parquet", described_rows()).read_bytes()
    files = {"data/train.parquet": parquet, "README.md": b"# RAVDESS", "clip.mp4": b"video"}
    commit = hub.add("ada/parquet", files, kind="dataset").commits[-1].sha
    waves = {f"Actor_{n[-2:]}/{n}.wav": recording(n) for n in CLIPS}
    hub.add("ada/waves", waves, kind="dataset")

    def load(source):
        return machine.run(load_from_hub, source, tmp_path / "cache")

    names, about, source = load(f"ada/parquet@{commit}")
    assert (names, source) == (SPEECH, f"ada/parquet@{commit}")
    assert (about.name, about.repo_id, about.revision) == ("RAVDESS", "ada/parquet", commit)
    assert load("ada/waves")[0] == SPEECH
    assert not any("mp4" in request for request in hub.requests)
    with pytest.raises(DatasetError, match="no folder, ZIP or Parquet file ada/nothing, and it"):
        load("ada/nothing")
    hub.go_away()
    assert load(f"ada/parquet@{commit}")[0] == SPEECH
    machine.forget()
    with pytest.raises(DatasetError, match="The Hub cannot be reached"):
        load("ada/parquet")
