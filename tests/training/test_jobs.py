"""Ctrl-C ends a training in several processes, and none of them says where it was."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEARS_CTRL_C = partial(signal.signal, signal.SIGINT, signal.default_int_handler)
"""What a shell starts in the background does not, and hands that on."""
WORK = """
import os, sys, time
from datasets import Dataset
from ser.cli.main import main
from ser.training.jobs import map_clips

def wait(clip):
    os.write(1, b"started\\n")  # at once, whatever the other one does
    time.sleep(60)

def run(args):
    map_clips(Dataset.from_dict({"clip": [0, 1, 2]}), wait, jobs=2)

import ser.cli.model
ser.cli.model.add_pull = lambda parser: parser.set_defaults(run=run)
sys.exit(main(["pull"]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="processes are not forked there")
def test_an_interrupt_is_one_sentence_however_many_processes_work(tmp_path):
    work = subprocess.Popen(
        [sys.executable, "-c", WORK],
        env=os.environ | {"PYTHONPATH": str(ROOT), "HF_DATASETS_CACHE": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=HEARS_CTRL_C,
        text=True,
    )
    for _ in range(2):
        assert "started" in work.stdout.readline()
    os.killpg(work.pid, signal.SIGINT)
    _, said = work.communicate(timeout=30)
    assert work.returncode == 130
    assert "Traceback" not in said
    assert said.splitlines()[-1] == "Interrupted: what was not finished has not been written."


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_what_does_not_end_by_itself_is_ended():
    code = (
        "import sys, time; from ser.cli import interrupts; interrupts.PATIENCE = 0.5\n"
        "with interrupts.ends_when_interrupted():\n"
        "    try:\n        print('started', flush=True); time.sleep(60)\n"
        "    except KeyboardInterrupt:\n        time.sleep(60)  # as a pool may\n"
    )
    work = subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=HEARS_CTRL_C,
        text=True,
    )
    assert "started" in work.stdout.readline()
    work.send_signal(signal.SIGINT)
    _, said = work.communicate(timeout=30)
    assert work.returncode == 130
    assert said.splitlines()[-1] == "Interrupted: what was not finished has not been written."
