"""A collection in many tasks of DataTrove becomes the table that one process makes."""

import os
import signal
import subprocess
import sys
import time

import pytest
from documents import ROOT, code
from made_collections import write_folder

from ser.collection.running import recognise_collection

pytest.importorskip("datatrove", reason="DataTrove is missing: pip install 'hf-ser[cluster]'")


@pytest.fixture
def job(tiny, tmp_path):
    """Return a folder with the documented script for the small model, and 24 clips."""
    (script,) = code(ROOT / "docs" / "cluster.md", "python cluster_job.py")
    assert len(script.splitlines()) <= 20
    script = script.replace("TABLE)", f"TABLE, {tiny.source!r})")
    (tmp_path / "cluster_job.py").write_text(script)
    write_folder(tmp_path / "my-recordings", 24)
    recognise_collection(tmp_path / "my-recordings", tmp_path / "alone.parquet", tiny)
    return tmp_path


def start(folder):
    return subprocess.Popen(
        [sys.executable, "cluster_job.py"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=(folder / "stderr").open("w"),
        start_new_session=True,
    )


def test_killed_and_started_again_four_tasks_make_the_table_that_one_process_makes(job):
    table, parts = job / "answers.parquet", job / "answers.parquet.parts"
    process = start(job)
    while process.poll() is None and len(list(parts.glob("0*"))) < 3:
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = {path: path.stat().st_mtime_ns for path in parts.glob("0*")}
    assert 3 <= len(done) < 25 and not table.exists()
    process = start(job)
    assert process.wait() == 0, (job / "stderr").read_text()
    assert table.read_bytes() == (job / "alone.parquet").read_bytes()
    assert not parts.exists()
