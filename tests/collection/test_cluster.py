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
def folder(tiny, tmp_path):
    """Return a folder with clips, and the table that one process makes."""
    write_folder(tmp_path / "my-recordings", 24)
    recognise_collection(tmp_path / "my-recordings", tmp_path / "alone.parquet", tiny)
    return tmp_path


def start(folder, model, options):
    """Start the script in the docs, for a small model and with options of the executor."""
    (script,) = code(ROOT / "docs" / "cluster.md", "python cluster_job.py")
    assert len(script.splitlines()) <= 20
    script = script.replace("TABLE)", f"TABLE, {model!r})").replace("{}", str(options), 1)
    (folder / "cluster_job.py").write_text(script)
    return subprocess.Popen(
        [sys.executable, "cluster_job.py"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=(folder / "stderr").open("w"),
        start_new_session=True,
    )


def test_killed_and_started_again_four_tasks_make_the_table_that_one_process_makes(tiny, folder):
    table, parts = folder / "answers.parquet", folder / "answers.parquet.parts"
    process = start(folder, tiny.source, {"start_method": "fork"})
    while process.poll() is None and len(list(parts.glob("0*"))) < 3:
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = {path: path.stat().st_mtime_ns for path in parts.glob("0*")}
    assert 3 <= len(done) < 25 and not table.exists()
    process = start(folder, tiny.source, {"start_method": "fork"})
    assert process.wait() == 0, (folder / "stderr").read_text()
    assert table.read_bytes() == (folder / "alone.parquet").read_bytes()
    assert not parts.exists()
