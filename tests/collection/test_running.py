"""Collections become tables: every clip once, whatever happens on the way."""

import csv
import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from made_collections import KILLED, write_embedded, write_folder
from tiny_model import FEATURES, LABELS, voice

from ser.cli.main import main
from ser.collection.publishing import check_dataset, publish_table
from ser.collection.rows import NO_VOICES, Item, Settings, answer_clips
from ser.collection.running import plan, recognise_collection
from ser.collection.shards import Shards
from ser.errors import DatasetError, HubError, SerError, VoiceProfileError
from ser.storage import atomic_folder

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("collection") / "clips")


def rows(table):
    return pq.read_table(table).to_pylist()


def test_a_row_a_clip_with_what_the_library_answers(tiny, folder, tmp_path, capsys):
    table = tmp_path / "answers.parquet"
    assert recognise_collection(folder, table, tiny) == str(table)
    assert "5/5" in capsys.readouterr().err.split("\r")[-1]
    *good, bad = sorted(rows(table), key=lambda row: row["path"] == "bad.wav")
    assert [row["path"] for row in good] == [
        *("ada/000.wav", "ada/002.wav"),
        *("bob/001.wav", "bob/003.wav"),
    ]
    for row in good:
        result = tiny.predict(folder / row["path"])
        assert row["emotion"] == result.emotion
        shares = {label: row[f"probability_{label}"] for label in LABELS}
        assert shares == pytest.approx(result.probabilities, abs=1e-6)
        assert (row["speech_start"], row["speech_end"]) == (result.speech_start, result.speech_end)
        assert (row["duration"], row["error"]) == (result.duration, None)
        assert row["doubts"] == (" ".join(result.warnings) or None)
    assert bad["path"] == "bad.wav" and "'bad.wav' is not audio" in bad["error"]
    assert {value for name, value in bad.items() if name not in ("path", "error")} == {None}
    assert list(tmp_path.iterdir()) == [table]


def test_the_formats_hold_the_same_and_say_what_made_them(tiny, folder, tmp_path):
    tables = {suffix: tmp_path / f"answers{suffix}" for suffix in (".parquet", ".csv", ".jsonl")}
    for table in tables.values():
        recognise_collection(folder, table, tiny)
    expected = rows(tables[".parquet"])
    lines = tables[".jsonl"].read_text().splitlines()
    assert [json.loads(line) for line in lines] == expected
    with tables[".csv"].open(newline="") as file:
        read = list(csv.DictReader(file))
    as_text = [{k: "" if v is None else v for k, v in row.items()} for row in expected]
    for row, wanted in zip(read, as_text, strict=True):
        same = {k: type(v)(row[k]) if k in row else None for k, v in wanted.items()}
        assert same == wanted
    made = json.loads(pq.read_schema(tables[".parquet"]).metadata[b"ser"])
    assert made["model_sha256"] == tiny.config["sha256"]
    assert made["features"] == tiny.config["feature_hash"]
    assert made["versions"]["numpy"] == np.__version__ and "ser" in made["versions"]
    assert made["collection"]["clips"] == 5
    assert str(folder.parent) not in json.dumps(made)  # its place is private
    for suffix in (".csv", ".jsonl"):
        assert json.loads((tmp_path / f"answers{suffix}.json").read_text()) == made


def test_killed_and_started_again_the_table_is_as_if_nothing_had_happened(tiny, tmp_path):
    folder, table = write_folder(tmp_path / "clips", 40), tmp_path / "answers.parquet"
    whole = tmp_path / "undisturbed.parquet"
    recognise_collection(folder, whole, tiny)
    command = ("predict", str(folder), "--to", str(table), "--model", tiny.source, "--jobs", "2")
    parts = tmp_path / "answers.parquet.parts"
    program = f"from ser.cli.main import main; main({command!r})"
    # The run ends with the last process that holds its output: all do.
    killed = subprocess.run(
        [sys.executable, "-c", KILLED.format(kill="kill(os.getpid()") + program],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    done = {path: path.stat().st_mtime_ns for path in parts.glob("0*")}
    assert 3 <= len(done) < 41 and not table.exists()
    kept = next(iter(done))
    begun = time.time_ns()
    assert main([*command]) == 0
    assert done[kept] < begun
    assert table.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("answers.parquet", "clips", "undisturbed.parquet")
    ]


def test_what_is_complete_is_not_done_again_and_nothing_else_goes_into_it(
    tiny, folder, tmp_path, monkeypatch
):
    table = tmp_path / "answers.csv"
    recognise_collection(folder, table, tiny)
    before = table.stat().st_mtime_ns
    assert recognise_collection(folder, table, tiny) == str(table)
    assert table.stat().st_mtime_ns == before
    with pytest.raises(SerError, match=r"made with channels = mix, and this is each: start with"):
        recognise_collection(folder, table, tiny, channels="each")
    (tmp_path / "mine.jsonl").write_text("{}\n")
    with pytest.raises(SerError, match=r"mine.jsonl' was made with model = None"):
        recognise_collection(folder, tmp_path / "mine.jsonl", tiny)

    def stop(*_):
        raise KeyboardInterrupt

    # Half done, it takes neither another model nor other clips.
    other = tmp_path / "other.parquet"
    with monkeypatch.context() as patch:
        patch.setattr("ser.collection.shards.write_table", stop)
        with pytest.raises(KeyboardInterrupt):
            recognise_collection(folder, other, tiny)
    with pytest.raises(SerError, match="made with model = model, and this is pretrained"):
        recognise_collection(folder, other)
    with pytest.raises(SerError, match=r"collection.source = clips, and this is ada"):
        recognise_collection(folder / "ada", other, tiny)
    monday, tuesday = (write_folder(tmp_path / day / "clips") for day in ("monday", "tuesday"))
    (tuesday / "ada" / "000.wav").write_bytes((folder / "bob" / "001.wav").read_bytes()[:-2])
    week = tmp_path / "week.csv"
    recognise_collection(monday, week, tiny)
    with pytest.raises(SerError, match=r"week.csv' was made of other recordings, or some were"):
        recognise_collection(tuesday, week, tiny)
    with monkeypatch.context() as patch:
        patch.setattr("ser.collection.workers.answer_clips", stop)  # nothing is left to answer
        recognise_collection(folder, other, tiny)
    assert len(rows(other)) == 5


def test_a_table_may_lie_beside_the_parquet_files_that_it_is_of(tiny, tmp_path, monkeypatch):
    table = write_embedded(tmp_path / "train.parquet").with_name("answers.parquet")
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr("ser.collection.shards.write_table", lambda *_: 1 / 0)
        recognise_collection(tmp_path, table, tiny)
    for _ in range(2):
        recognise_collection(tmp_path, table, tiny)
        assert len(rows(table)) == 4


def test_windows_segments_and_both_sides_of_a_call(tiny, tmp_path):
    sides = [voice(label, seed=7, seconds=5.0) for label in LABELS]
    call, rate = tmp_path / "calls" / "call.wav", FEATURES.sample_rate
    call.parent.mkdir()
    soundfile.write(call, np.stack(sides, axis=1), rate)
    options = {"timeline": "windows", "channels": "each"}
    recognise_collection(call.parent, tmp_path / "windows.parquet", tiny, **options)
    found = rows(tmp_path / "windows.parquet")
    for channel, side in enumerate(sides, start=1):
        expected = tiny.timeline((side, rate)).windows
        mine = [row for row in found if row["channel"] == channel]
        assert [row["start"] for row in mine] == [window.start for window in expected]
        assert [row["emotion"] for row in mine] == [window.emotion for window in expected]
    options["timeline"] = "segments"
    recognise_collection(call.parent, tmp_path / "segments.parquet", tiny, **options)
    found = rows(tmp_path / "segments.parquet")
    assert {(row["channel"], row["emotion"]) for row in found} == set(enumerate(LABELS, start=1))
    assert found[0]["start"] == 0.0 and found[-1]["end"] == found[-1]["duration"]


def test_clips_are_judged_relative_to_the_voice_of_their_speaker(tiny, tmp_path):
    source = write_embedded(tmp_path / "clips.parquet", 3)
    everyday = tmp_path / "everyday.wav"
    soundfile.write(everyday, voice("angry", seed=9, seconds=5.0), FEATURES.sample_rate)
    (tmp_path / "voices.csv").write_text("speaker,path\n11,everyday.wav\n")
    table = tmp_path / "answers.parquet"
    recognise_collection(source, table, tiny, voices=tmp_path / "voices.csv")
    found = rows(table)
    assert [(row["speaker"], row["reference"]) for row in found] == [
        *(("10", None), ("11", "voice"), ("10", None))
    ]
    clip = pq.read_table(source)["audio"][1].as_py()
    expected = tiny.predict(clip, voice=everyday).probabilities["calm"]
    assert found[1]["probability_calm"] == pytest.approx(expected, abs=1e-6)
    with pytest.raises(SerError, match=r"made with voices = .*: start with the same"):
        recognise_collection(source, table, tiny, voice=everyday)
    (tmp_path / "others.csv").write_text("speaker,path\neve,everyday.wav\n")
    write_folder(tmp_path / "clips")
    with pytest.raises(DatasetError, match=r"of a speaker in '.*others.csv': name .* such as eve"):
        voices = tmp_path / "others.csv"
        recognise_collection(tmp_path / "clips", tmp_path / "c.csv", tiny, voices=voices)
    (tmp_path / "short.csv").write_text("speaker,path\n11,clips.parquet\n")
    with pytest.raises(VoiceProfileError, match=r"The voice of 11 in '.*short.csv': 'clips"):
        recognise_collection(source, tmp_path / "b.csv", tiny, voices=tmp_path / "short.csv")


@pytest.mark.parametrize(
    "to", ["answers.txt", "answers", "no/such/folder.csv", "a/b/c", "results/answers.tsv", ""]
)
def test_a_table_that_cannot_be_is_refused_at_once(to, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    with pytest.raises(DatasetError, match=r"give (a|the) name"):
        recognise_collection(folder, to, "no such model")


def test_what_a_call_asks_for_wrongly_is_refused_in_one_sentence(tiny, folder, tmp_path):
    for options in ({"timeline": "window"}, {"channels": "both"}):
        with pytest.raises(SerError, match=r"(timeline|channels) is '\w+'; give "):
            recognise_collection(folder, tmp_path / "a.csv", tiny, **options)
    with pytest.raises(DatasetError, match="There is no folder or table ''"):
        recognise_collection("", tmp_path / "a.csv", tiny)
    for jobs in (0, 1.5, "2", None):
        with pytest.raises(DatasetError, match=f"jobs is {jobs!r}; give a number"):
            recognise_collection(folder, tmp_path / "a.csv", tiny, jobs=jobs)
    with pytest.raises(DatasetError, match=r"a.csv' is a file, and only a dataset can be private"):
        recognise_collection(folder, tmp_path / "a.csv", tiny, private=True)


def test_a_file_of_the_name_of_the_one_beside_the_table_is_not_written_over(tiny, folder, tmp_path):
    table, beside = tmp_path / "answers.csv", tmp_path / "answers.csv.json"
    beside.write_text('{"my": "notes"}')
    with pytest.raises(SerError, match=r"answers.csv.json' would say .* and is something else"):
        recognise_collection(folder, table, tiny)
    assert list(tmp_path.iterdir()) == [beside] and beside.read_text() == '{"my": "notes"}'
    beside.unlink()
    recognise_collection(folder, table, tiny)
    table.unlink()  # but not what was written beside it
    recognise_collection(folder, table, tiny)
    assert table.exists()


def test_without_its_extra_it_says_what_to_install(folder, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert main(["predict", str(folder), "--to", "a.csv"]) == 1
    said = "`python -m ser predict --to` needs the collections extra"
    assert capsys.readouterr().err == f"error: {said}: pip install 'hf-ser[collections]'\n"


def publish(table, to):
    metadata = json.loads(pq.read_schema(table).metadata[b"ser"])
    check_dataset(to, private=False)
    return publish_table(table, to, metadata, private=False)


def test_a_table_becomes_a_dataset_on_the_hub(hub, machine, tiny, folder, tmp_path):
    table = tmp_path / "answers.parquet"
    recognise_collection(folder, table, tiny)
    with pytest.raises(HubError, match="not allowed to create 'bob/answers'"):
        machine.run(publish, table, "bob/answers")
    for _ in range(2):
        assert machine.run(publish, table, "ada/answers") == f"{hub.url}/datasets/ada/answers"
    files = hub.repos["dataset", "ada/answers"].files
    assert files["data/train-00000-of-00001.parquet"] == table.read_bytes()
    assert tiny.config["sha256"] in files["README.md"].decode()
    files["README.md"] = b"my own words"
    machine.run(publish, table, "ada/answers")
    assert hub.repos["dataset", "ada/answers"].files["README.md"] == b"my own words"


def test_a_dataset_of_something_else_is_left_alone_and_a_card_of_ours_is_not(
    hub, machine, tiny, folder, tmp_path
):
    table, other = tmp_path / "answers.parquet", tmp_path / "other.parquet"
    recognise_collection(folder, table, tiny)
    machine.run(publish, table, "ada/again")
    files = hub.repos["dataset", "ada/again"].files
    name, card = "data/train-00000-of-00001.parquet", files["README.md"]
    other_card = card.replace(tiny.config["sha256"].encode(), b"of another model")
    files["README.md"] = other_card + b"More of my own."
    machine.run(publish, table, "ada/again")
    files = hub.repos["dataset", "ada/again"].files
    assert files["README.md"].endswith(b"More of my own.")
    files["README.md"] = other_card
    machine.run(publish, table, "ada/again")
    files = hub.repos["dataset", "ada/again"].files
    assert files["README.md"] == card
    pq.write_table(pa.table({"audio": [b"a recording"]}), other)
    for changed in ({name: other.read_bytes()}, {"clips/a.wav": b"a recording"}):
        before = dict(files)
        files |= changed
        with pytest.raises(HubError, match=r"holds .*, which is no table of answers"):
            machine.run(publish, table, "ada/again")
        assert files[next(iter(changed))] == changed[next(iter(changed))]
        files.clear()
        files |= before


def test_what_was_started_twice_says_so_and_leaves_the_table(tiny, folder, tmp_path):
    table = tmp_path / "answers.parquet"
    shards = Shards(table, pa.schema([("path", pa.string())]), {})
    assert shards.begin()
    table.write_bytes(b"of the other")
    with pytest.raises(SerError, match="started twice"):
        shards.join(1)
    assert table.read_bytes() == b"of the other"


def test_a_full_disk_leaves_no_half_table_and_the_next_call_makes_it(
    tiny, folder, tmp_path, monkeypatch
):
    table = tmp_path / "answers.CSV"

    def fill(path, *_):
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("ser.collection.shards.write_table", fill)
        with pytest.raises(SerError, match=r"written \(No space left on device\).* done and kept"):
            recognise_collection(folder, table, tiny)
    parts = tmp_path / "answers.CSV.parts"
    assert not list(parts.glob("table-*"))
    (parts / "table-of-one-that-was-killed").touch()
    recognise_collection(folder, table, tiny)
    assert not parts.exists() and len(table.read_text().splitlines()) == 6


def test_two_that_begin_in_the_same_moment_share_the_work(tiny, folder, tmp_path, monkeypatch):
    table, write = tmp_path / "answers.parquet", atomic_folder._write

    def write_while_another_begins(path, content):
        write(path, content)
        monkeypatch.undo()
        assert plan(folder, table, tiny).shards.begin()

    monkeypatch.setattr(atomic_folder, "_write", write_while_another_begins)
    recognise_collection(folder, table, tiny)
    assert len(rows(table)) == 5


def test_a_program_without_a_console_can_make_a_table(tiny, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    recognise_collection(folder, tmp_path / "answers.parquet", tiny)
    assert len(rows(tmp_path / "answers.parquet")) == 5


def test_what_the_hub_refuses_is_kept_until_it_takes_it(tiny, folder, tmp_path, monkeypatch):
    sent = []

    def refuse(table, repo_id, metadata, *, private):
        sent.append((len(rows(table)), repo_id, private))
        if len(sent) == 1:
            raise HubError("The Hub cannot be reached.")
        return "address"

    running = "ser.collection.running"
    monkeypatch.setattr(f"{running}.constants.HF_HOME", str(tmp_path))
    monkeypatch.setattr(f"{running}.check_dataset", lambda repo_id, private: None)
    monkeypatch.setattr(f"{running}.publish_table", refuse)
    with pytest.raises(HubError):
        recognise_collection(folder, "ada/answers", tiny, private=True)
    monkeypatch.setattr(f"{running}.do_all", None)  # nothing is done again
    assert recognise_collection(folder, "ada/answers", tiny, private=True) == "address"
    assert sent == [(5, "ada/answers", True)] * 2
    assert not list(tmp_path.rglob("*.parquet*"))


@pytest.mark.parametrize("channels", ["mix", "each"])
def test_a_fault_of_ours_in_one_clip_is_a_row(tiny, monkeypatch, channels):
    monkeypatch.setattr(type(tiny), "predict", lambda *_, **__: 1 / 0)
    monkeypatch.setattr("ser.collection.rows.split_channels", lambda *_: 1 / 0)
    clips = [Item("caf\udce9.wav", b"")]
    (answer,) = answer_clips(tiny, clips, Settings(channels=channels), NO_VOICES)
    assert answer == [{"path": r"caf\udce9.wav", "error": "ZeroDivisionError: division by zero"}]
