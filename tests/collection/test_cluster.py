"""A collection in many tasks of DataTrove becomes the table that one process makes."""

import os
import re
import shutil
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import dill
import fsspec
import pyarrow.parquet as pq
import pytest
from documents import ROOT, code
from fsspec.implementations.memory import MemoryFileSystem
from made_collections import KILLED, write_folder

from ser.collection.remote import RemoteTable
from ser.collection.running import recognise_collection
from ser.collection.tables import side_file
from ser.collection.workers import Work
from ser.errors import DatasetError, SerError

pytest.importorskip("datatrove", reason="DataTrove is missing: pip install 'hf-ser[cluster]'")
from ser.collection.cluster import JoinTable, RecogniseCollection


@pytest.fixture(scope="module")
def made(tiny, tmp_path_factory):
    """Make clips, and the table that one process makes of them."""
    folder = tmp_path_factory.mktemp("cluster")
    write_folder(folder / "my-recordings", 24)
    recognise_collection(folder / "my-recordings", folder / "alone.parquet", tiny)
    return folder


@pytest.fixture
def folder(made, tmp_path, monkeypatch):
    """Return the working folder, with clips and the table that one process makes of them."""
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(made, tmp_path, dirs_exist_ok=True)


def script(model, executor="Local", table="answers.parquet", **options):
    """Return the script in the docs, for a small model and with options of an executor."""
    (text,) = code(ROOT / "docs" / "cluster.md", "python cluster_job.py")
    assert len(text.splitlines()) <= 20
    for old, new in {
        "import LocalPipeline": f"import {executor}Pipeline",
        '"answers.parquet"': repr(table),
        "TABLE)": f"TABLE, {model!r})",
        "{}": repr(options),
    }.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


def start(folder, text):
    """Start a script in a folder, with all its processes in a group of their own."""
    (folder / "cluster_job.py").write_text(text)
    return subprocess.Popen(
        [sys.executable, "cluster_job.py"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "RAY_AUTH_MODE": "disabled"},
        stdout=subprocess.DEVNULL,
        stderr=(folder / "stderr").open("w"),
        start_new_session=True,
    )


def test_killed_and_started_again_four_tasks_make_the_table_that_one_process_makes(tiny, folder):
    text = script(tiny.source, start_method="fork")  # so that the tasks can be killed from within
    killed = start(folder, KILLED.format(kill="killpg(0") + text)
    assert killed.wait() == -signal.SIGKILL, (folder / "stderr").read_text()
    table, parts = folder / "answers.parquet", folder / "answers.parquet.parts"
    assert 3 <= len(list(parts.glob("0*"))) < 25 and not table.exists()
    assert start(folder, text).wait() == 0, (folder / "stderr").read_text()
    assert table.read_bytes() == (folder / "alone.parquet").read_bytes()
    assert not parts.exists()


def test_ray_makes_the_same_table(tiny, folder):
    pytest.importorskip("ray", reason="Ray is missing: pip install ray")
    process = start(folder, script(tiny.source, "Ray", mem_per_cpu_gb=0.5))
    assert process.wait() == 0, (folder / "stderr").read_text()
    assert (folder / "answers.parquet").read_bytes() == (folder / "alone.parquet").read_bytes()


def test_slurm_makes_the_same_table(tiny, folder, monkeypatch):
    def launch(contents, *_):
        """Do in this process what Slurm does with a script."""
        last = int(re.search(r"--array=0-(\d+)", contents)[1])
        for number in range(last + 1) if "launch_pickled_pipeline" in contents else []:
            with monkeypatch.context() as patch:
                patch.setenv("SLURM_ARRAY_TASK_ID", str(number))
                patch.setenv("SLURM_NODELIST", "node")
                dill.loads(Path(re.search(r"\S+executor\.pik", contents)[0]).read_bytes()).run()
        return "7"

    monkeypatch.setattr("datatrove.executor.slurm.launch_slurm_job", launch)
    monkeypatch.setattr("datatrove.executor.slurm.expand_slurm_nodelist", lambda nodes: [nodes])
    options = {"partition": "cpu", "time": "04:00:00", "requeue_signals": None}
    exec(script(tiny.source, "Slurm", **options), {"__name__": "__main__"})
    assert (folder / "answers.parquet").read_bytes() == (folder / "alone.parquet").read_bytes()


def test_jobs_that_share_no_folder_make_the_same_table_in_a_store(tiny, folder, monkeypatch):
    store = MemoryFileSystem()
    monkeypatch.setattr(store, "store", {})
    jobs, pieces, do = [], [], Work.do

    def run_job(_, *, script_args, env, **__):
        """Do in this process what a job does."""
        with monkeypatch.context() as patch, fsspec.open(script_args[0], "rb") as file:
            for name, value in env.items():
                patch.setenv(name, value)
            dill.load(file).run()
        jobs.append(env)
        return SimpleNamespace(id=str(len(jobs)), url="")

    def inspect(*, job_id, **_):
        # One is lost when it has done its work but not said so, and is run again.
        return SimpleNamespace(
            status=SimpleNamespace(stage="ERROR" if job_id == "2" else "COMPLETED")
        )

    def count(work, recognizer, number, piece):
        pieces.append(number)
        return do(work, recognizer, number, piece)

    monkeypatch.setattr("huggingface_hub.run_uv_job", run_job)
    monkeypatch.setattr("huggingface_hub.inspect_job", inspect)
    monkeypatch.setattr(Work, "do", count)
    options = {"token": "hf_you", "poll_interval": 0, "skip_completed": False}
    text = script(tiny.source, "Jobs", "memory://box/answers.parquet", **options)
    exec(text, {"__name__": "__main__"})
    assert len(jobs) == 4 + 1 + 1 and sorted(pieces) == list(range(25))
    assert pieces[:7] == list(range(0, 25, 4))  # the share of the first
    assert store.cat_file("/box/answers.parquet") == (folder / "alone.parquet").read_bytes()
    assert not store.exists("/box/answers.parquet.parts")


def test_an_address_that_cannot_be_a_tables_is_refused_at_once(folder):
    for to in ("memory://box/answers", "nowhere://box/answers.csv", "answers.txt"):
        with pytest.raises(DatasetError, match=to):
            RecogniseCollection(folder / "my-recordings", to)


@pytest.mark.parametrize("to", ["answers.parquet", "memory://box/answers.parquet"])
def test_a_file_that_should_be_private_is_refused_before_the_work(folder, to):
    with pytest.raises(DatasetError, match=f"'{to}' is a file, and only a dataset can be private"):
        RecogniseCollection(folder / "my-recordings", to, private=True)


def test_options_are_no_paths_whatever_lies_in_the_working_folder(folder):
    for name in ("windows", "each", "everyday.wav"):
        (folder / name).touch()
    options = {"timeline": "windows", "channels": "each", "voice": ["everyday.wav"]}
    step = RecogniseCollection(folder / "my-recordings", "answers.parquet", **options)
    voice = [str(folder / "everyday.wav")]
    assert step.options == options | {"voice": voice, "voices": None}
    with pytest.raises(SerError, match="timeline is 'days'"):
        RecogniseCollection(folder / "my-recordings", "answers.parquet", timeline="days")


def test_a_store_has_what_made_a_table_before_it_has_the_table(tmp_path, monkeypatch):
    store, put = MemoryFileSystem(), MemoryFileSystem.put_file
    monkeypatch.setattr(store, "store", {})
    table = RemoteTable("memory://box/answers.csv", tmp_path)
    for path in (table.copy, side_file(table.copy)):
        path.write_text("x")

    def refuse(self, path, address, **options):
        if path.endswith(".json"):
            raise OSError("no room")
        put(self, path, address, **options)

    monkeypatch.setattr(MemoryFileSystem, "put_file", refuse)
    with pytest.raises(SerError, match="cannot be read or written: no room"):
        table.finish()
    assert not store.exists("/box/answers.csv")


def test_a_store_that_fails_is_not_taken_for_an_empty_one(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise ConnectionError("busy")

    table = RemoteTable("memory://box/table.parquet", tmp_path)
    monkeypatch.setattr(MemoryFileSystem, "info", fail)
    with pytest.raises(SerError, match="cannot be read or written: busy"):
        table.pull(whole=False)


def test_what_another_version_made_is_not_joined(tiny, folder):
    recognise = RecogniseCollection(folder / "my-recordings", folder / "a.parquet", tiny.source)
    list(recognise.run())
    shard = folder / "a.parquet.parts" / "00000003.parquet"
    schema = pq.read_schema(shard)
    other = schema.with_metadata({b"ser": schema.metadata[b"ser"].replace(b"numpy", b"numpi")})
    pq.write_table(pq.read_table(shard).cast(other), shard)
    with pytest.raises(SerError, match=r"'00000003.parquet' of the shards was made with another"):
        list(JoinTable(recognise).run())


def test_without_its_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "ser.collection.cluster")
    for name in ("datatrove.data", "datatrove.pipeline.base"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SerError, match=r"pip install 'hf-ser\[cluster\]'"):
        import_module("ser.collection.cluster")
