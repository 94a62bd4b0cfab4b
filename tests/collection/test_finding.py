"""What is in a collection: folders, tables, Parquet files, datasets on the Hub."""

import errno
import json
import os
from functools import partial
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_collections import wav, write_embedded, write_folder

from ser.collection.finding import find_collection
from ser.errors import DatasetError, HubError


def items(source, **options):
    return list(chain.from_iterable(each.items() for each in find_collection(source).pieces))


def named(source):
    return [(item.path, item.speaker) for item in items(source)]


def test_a_folder_is_searched_in_one_order_without_what_is_hidden(tmp_path):
    for name in (
        "b/2.WAV",
        "b/10.wav",
        "a/x/1.mp4",
        "z.flac",
        ".b/1.wav",
        "b/._2.wav",
        "notes.txt",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert named(tmp_path) == [
        ("z.flac", None),
        ("a/x/1.mp4", "x"),
        ("b/10.wav", "b"),
        ("b/2.WAV", "b"),
    ]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_table_names_clips_relative_to_itself_or_anywhere(tmp_path, suffix):
    elsewhere = str(tmp_path / "far" / "b.wav")
    rows = [
        {"file": "in/a.wav", "speaker": "ada", "words": "so be it"},
        {"file": elsewhere, "speaker": None, "words": "not here"},
    ]
    table = tmp_path / "lists" / f"clips.{suffix}"
    table.parent.mkdir()
    if suffix == "parquet":
        nested = [row | {"turns": [{"path": "c.wav"}]} for row in rows]
        pq.write_table(pa.Table.from_pylist(nested), table)
    elif suffix == "csv":
        table.write_text(f"words;file;speaker\nso be it;in/a.wav;ada\nnot here;{elsewhere};\n")
    else:
        table.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    first, second = items(table)
    assert (first.path, first.speaker, second.speaker) == ("in/a.wav", "ada", None)
    assert os.fspath(first.clip) == str(table.parent / "in" / "a.wav")
    assert os.fspath(second.clip) == elsewhere


def test_recordings_in_a_parquet_file_come_in_order_however_they_are_divided(tmp_path, monkeypatch):
    monkeypatch.setattr("ser.collection.finding.MAX_ROWS", 3)
    file = write_embedded(tmp_path / "train.parquet", 11, row_group_size=7)
    expected = [(f"{index}.wav", str(10 + index % 2)) for index in range(11)]
    assert named(file) == named(tmp_path) == expected
    assert [len(piece) for piece in find_collection(file).pieces] == [3, 3, 1, 3, 1]
    assert items(file)[9].clip["bytes"] == wav("angry", seed=109)


def test_a_recording_without_a_path_is_named_by_its_row(tmp_path):
    pq.write_table(pa.table({"audio": [wav("calm"), None]}), tmp_path / "a.parquet")
    assert [path for path, _ in named(tmp_path)] == ["a.parquet:1", "a.parquet:2"]


def test_a_file_that_is_a_link_is_what_it_is_called(tmp_path):
    """As all files in the cache of the Hub are."""
    (tmp_path / "blobs").mkdir()
    (tmp_path / "names").mkdir()
    write_embedded(tmp_path / "blobs" / "0123abcd", 1)
    (tmp_path / "names" / "train.parquet").symlink_to("../blobs/0123abcd")
    assert named(tmp_path / "names" / "train.parquet") == [("0.wav", "10")]
    (tmp_path / "blobs" / "4567").write_text("path\na.wav\n")
    (tmp_path / "names" / "table.csv").symlink_to("../blobs/4567")
    assert items(tmp_path / "names" / "table.csv")[0].clip == tmp_path / "names" / "a.wav"
    write_embedded(tmp_path / "v2.parquet", 1)
    (tmp_path / "latest").symlink_to("v2.parquet")  # its own name does not tell what it is
    assert named(tmp_path / "latest") == [("0.wav", "10")]


def test_a_speaker_is_the_same_however_a_table_writes_the_name(tmp_path):
    columns = {"path": ["a.wav", "b.wav"], "speaker": [1001.0, None]}
    pq.write_table(pa.table(columns), tmp_path / "table.parquet")
    (tmp_path / "table.csv").write_text("path,speaker\na.wav,1001.0\nb.wav,nan\n")
    for name in ("table.parquet", "table.csv"):
        assert named(tmp_path / name) == [("a.wav", "1001"), ("b.wav", None)]
    file = tmp_path / "clips" / "Jose\N{COMBINING ACUTE ACCENT}" / "a.wav"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x")
    assert items(tmp_path / "clips")[0].speaker == "Jos\N{LATIN SMALL LETTER E WITH ACUTE}"


def test_sound_in_place_of_a_path_is_refused_at_once(tmp_path):
    sound = {"array": [0.0, 0.1], "sampling_rate": 16000, "path": None}
    pq.write_table(pa.table({"audio": [sound]}), tmp_path / "table.parquet")
    with pytest.raises(DatasetError, match=r"Row 1 of table.parquet has no path in its column a"):
        find_collection(tmp_path / "table.parquet")
    (tmp_path / "table.jsonl").write_text('{"audio": {"path": "a.wav"}}\n')
    assert named(tmp_path / "table.jsonl") == [("a.wav", None)]
    pq.write_table(pa.table({"path": pa.array([], pa.string())}), tmp_path / "empty.parquet")
    with pytest.raises(DatasetError, match=r"'empty.parquet' has no recording"):
        find_collection(tmp_path / "empty.parquet")


def test_a_parquet_file_with_two_columns_of_a_name_is_refused(tmp_path):
    twice = pa.table([["a.wav"], [1], [2]], names=["path", "note", "note"])
    pq.write_table(twice, tmp_path / "table.parquet")
    for source in (tmp_path, tmp_path / "table.parquet"):
        with pytest.raises(DatasetError, match=r"table.parquet has more than one column note"):
            find_collection(source)


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    (tmp_path / "clip.wav").write_bytes(wav("calm"))
    for name in ("lost+found", ".Trash-0"):
        (tmp_path / name).mkdir()

    def locked(function, path):  # as for all but root
        if any(part in ("lost+found", ".Trash-0") for part in Path(path).parts):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return function(path)

    is_file = Path.is_file
    monkeypatch.setattr(os, "scandir", partial(locked, os.scandir))
    monkeypatch.setattr(Path, "is_file", lambda path: locked(is_file, path))
    with pytest.raises(DatasetError, match=r"lost\+found' cannot be read \(Permission denied\)"):
        find_collection(tmp_path)
    (tmp_path / "lost+found").rmdir()
    assert len(find_collection(tmp_path)) == 1  # nothing is looked for in hidden folders


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "There is no folder or table"),
        ({}, "has no recording"),
        ({"a.txt": b"x"}, "has no recording"),
        ({"table.csv": b"name,words\na,b\n"}, "columns name, words; one of recordings"),
        ({"table.csv": b"path,words\na.wav,b\n,c\n"}, r"Row 2 of table.csv has no path"),
        ({"table.csv": b""}, "has no rows"),
        ({"table.parquet": b"PAR1 and no more"}, "table.parquet is not a readable Parquet file"),
        (
            {"table.parquet": b"PAR1" + b"\xff" * 16 + b"\x10\0\0\0PAR1"},
            "table.parquet is not a read",
        ),
        ({"clip.wav": b"x"}, "neither a folder nor a table"),
    ],
)
def test_what_is_no_collection_is_refused_in_one_sentence(tmp_path, content, complaint):
    folder = tmp_path / "source" / "of clips"
    for name, each in (content or {}).items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(each)
    if content == {}:
        folder.mkdir(parents=True)
    is_file = content and next(iter(content)) != "a.txt"
    with pytest.raises(DatasetError, match=complaint) as error:
        find_collection(folder / next(iter(content)) if is_file else folder)
    assert "\n" not in str(error.value)


def test_a_name_that_cannot_be_is_one_that_is_not_there():
    with pytest.raises(DatasetError, match=r"There is no folder or table '~nobody.csv'"):
        find_collection("~nobody.csv")
    with pytest.raises(DatasetError, match=r"There is no folder or table 'aaa"):
        find_collection("a" * 5000)


def read_from_hub(source):
    found = find_collection(source)
    clips = list(chain.from_iterable(each.items() for each in found.pieces))
    return found.revision, [(each.path, each.clip["bytes"], each.speaker) for each in clips]


def test_a_dataset_on_the_hub_streams(hub, machine, tmp_path):
    parquet = write_embedded(tmp_path / "train.parquet", 3).read_bytes()
    big = {"data/train.parquet": parquet, "README.md": b"# Voices", "other/test.parquet": parquet}
    hub.add("ada/voices", big, kind="dataset")
    waves = {"clips/eve/1.wav": wav("calm"), "clips/bob/2.wav": wav("angry"), "more/3.wav": b"x"}
    commit = hub.add("ada/waves", waves, kind="dataset").commits[-1].sha
    hub.add("ada/waves", {"clips/eve/1.wav": b"newer"}, kind="dataset")

    rows = [(f"{n}.wav", wav(("calm", "angry")[n % 2], 100 + n), str(10 + n % 2)) for n in range(3)]
    assert machine.run(read_from_hub, "ada/voices")[1] == rows * 2
    assert machine.run(read_from_hub, "hf://datasets/ada/voices/other")[1] == rows
    assert machine.run(read_from_hub, "hf://datasets/ada/voices/other/test.parquet")[1] == rows
    revision, clips = machine.run(read_from_hub, f"hf://datasets/ada/waves@{commit}/clips")
    assert revision == commit
    names = [("clips/bob/2.wav", "bob"), ("clips/eve/1.wav", "eve")]
    assert clips == [(name, waves[name], speaker) for name, speaker in names]
    assert not list(machine.home.rglob("*.wav")) and not list(machine.home.rglob("*.parquet"))
    assert machine.run(read_from_hub, f"ada/waves@{commit}/./clips//")[1] == clips
    for inside in ("nowhere", "nowhere/1.wav", "README.md/1.wav"):
        with pytest.raises(DatasetError, match=f"has no {inside}; give"):
            machine.run(read_from_hub, f"hf://datasets/ada/voices/{inside}")
    with pytest.raises(HubError, match="There is no repository 'ada/nothing'"):
        machine.run(read_from_hub, "ada/nothing")
    hub.go_away()
    with pytest.raises(HubError, match="The Hub cannot be reached"):
        machine.run(read_from_hub, "ada/voices")


def test_a_row_on_the_hub_cannot_name_a_file_of_this_machine(hub, machine, tmp_path):
    secret = write_folder(tmp_path / "private") / "ada" / "000.wav"
    file = tmp_path / "train.parquet"
    rows = [
        {"audio": {"bytes": b"x", "path": "a"}},
        {"audio": {"bytes": None, "path": str(secret)}},
    ]
    pq.write_table(pa.Table.from_pylist(rows), file)
    hub.add("ada/trap", {"train.parquet": file.read_bytes()}, kind="dataset")
    assert machine.run(read_from_hub, "ada/trap")[1][1][1] == b""
    assert items(file)[1].clip == secret  # a table of one's own can
    pq.write_table(pa.table({"audio": [{"bytes": str(secret), "path": "a"}]}), file)
    hub.add("ada/text", {"train.parquet": file.read_bytes()}, kind="dataset")
    with pytest.raises(DatasetError, match="no recordings in its column audio"):
        machine.run(read_from_hub, "ada/text")
