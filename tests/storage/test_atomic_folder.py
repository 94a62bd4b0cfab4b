"""A folder is whole at every moment, whatever ends the one that writes it."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ser.errors import SerError
from ser.storage import atomic_folder
from ser.storage.atomic_folder import replace_folder

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("model", "config", "card")
WRITER = """
import sys
from ser.storage.atomic_folder import replace_folder
while True:
    for letter in b"ab":
        files = {name: bytes([letter]) * 200_000 for name in ("model", "config", "card")}
        replace_folder(sys.argv[1], files, is_ours=lambda name: True, mark="model")
        print("written", flush=True)
"""


def write(folder, letter):
    files = dict.fromkeys(NAMES, letter * 1000)
    replace_folder(folder, files, is_ours=lambda name: True, mark="model")


def letters(folder):
    """Return which letters the files of a folder have, once each if it is whole."""
    return {letter for name in NAMES for letter in (folder / name).read_bytes()}


def start_writer(folder):
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", WRITER, folder]
    writer = subprocess.Popen(command, env=env, stdout=subprocess.PIPE)
    writer.stdout.readline()
    return writer


def end(writer):
    writer.send_signal(signal.SIGKILL)
    writer.communicate()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere two renames take the place of one")
def test_a_killed_writer_leaves_the_folder_whole(tmp_path):
    rng, folder = random.Random(0), tmp_path / "model"
    for _ in range(6):
        writer = start_writer(folder)
        time.sleep(rng.uniform(0, 0.02))
        end(writer)
        assert len(letters(folder)) == 1
    write(folder, b"c")
    assert letters(folder) == {ord("c")}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere two renames take the place of one")
def test_two_writers_of_one_folder_leave_it_whole_at_every_moment(tmp_path):
    folder = tmp_path / "model"
    writers = [start_writer(folder) for _ in range(2)]
    try:
        for _ in range(200):
            assert (folder / "model").is_file()
    finally:
        for writer in writers:
            end(writer)
    assert len(letters(folder)) == 1


@pytest.mark.parametrize("at", ["write", "swap"])
def test_a_full_disk_is_one_sentence_and_leaves_the_folder_as_it_was(tmp_path, monkeypatch, at):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    write(tmp_path / "model", b"a")
    if at == "write":
        monkeypatch.setattr("os.fsync", full)
    else:
        monkeypatch.setattr(atomic_folder, "_exchange", full)
    with pytest.raises(SerError, match=r"No space left on device\): nothing was changed") as caught:
        write(tmp_path / "model", b"b")
    assert "\n" not in str(caught.value)
    assert letters(tmp_path / "model") == {ord("a")}
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_where_folders_cannot_be_exchanged_they_are_renamed(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic_folder, "_exchange", lambda one, other: False)
    write(tmp_path / "model", b"a")
    write(tmp_path / "model", b"b")
    assert letters(tmp_path / "model") == {ord("b")}
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_somebody_who_writes_there_first_is_followed(tmp_path, monkeypatch):
    rename = Path.rename

    def later(new, folder):
        monkeypatch.undo()
        write(folder, b"b")
        rename(new, folder)

    monkeypatch.setattr(Path, "rename", later)
    write(tmp_path / "model", b"a")
    assert letters(tmp_path / "model") == {ord("a")}
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_what_somebody_else_writes_there_meanwhile_is_kept(tmp_path, monkeypatch):
    rename = Path.rename

    def later(new, folder):
        monkeypatch.undo()
        folder.mkdir()
        (folder / "thesis").write_text("mine")
        rename(new, folder)

    monkeypatch.setattr(Path, "rename", later)
    with pytest.raises(SerError, match="is not empty and has no 'model'"):
        write(tmp_path / "model", b"a")
    assert (tmp_path / "model" / "thesis").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_the_tilde_is_the_home_and_no_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    write("~/model", b"a")
    atomic_folder.replace_file("~/card", b"b")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["card", "model"]


def test_a_file_is_written_under_the_longest_name_and_through_a_link(tmp_path):
    long = tmp_path / ("x" * 255)
    link = tmp_path / "link"
    link.symlink_to(long)
    atomic_folder.replace_file(long, b"a")
    long.chmod(0o600)
    atomic_folder.replace_file(link, b"b")
    assert long.read_bytes() == b"b" and link.is_symlink()
    assert long.stat().st_mode & 0o777 == 0o600


def test_what_killed_writers_left_is_removed_later_and_what_others_write_is_not(tmp_path):
    for name, age in (("old", 2 * atomic_folder.LEFT_AFTER), ("young", 10)):
        left = tmp_path / f".model.{name}.new"
        left.mkdir()
        os.utime(left, (time.time() - age,) * 2)
    write(tmp_path / "model", b"a")
    assert {path.name for path in tmp_path.iterdir()} == {"model", ".model.young.new"}
