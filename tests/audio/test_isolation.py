"""The processes that decode: they come and go unnoticed."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from encoders import EXACT, LOSSY, encode
from fuzz.costs import children

from ser.audio import isolation
from ser.audio.clips import open_clip
from ser.audio.loading import load_audio
from ser.errors import AudioError, AudioTooComplexError

RATE = 24000
LONG = encode("FLAC", "PCM_16", np.zeros((1 << 21, 1)))  # in several blocks
CLIPS = [*LOSSY.values(), *(content for content, _ in EXACT.values())]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")


def lengths(clips):
    return [len(load_audio(clip, RATE)) for clip in clips]


def lengths_to(pipe):
    pipe.send(lengths(CLIPS))


def kill_workers():
    for process in children(os.getpid()):
        if b"ser.audio.worker" in Path(f"/proc/{process}/cmdline").read_bytes():
            os.kill(process, signal.SIGKILL)


def test_threads_read_at_the_same_time():
    before = len(children(os.getpid()))  # servers of other tests, perhaps
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda clip: load_audio(clip, RATE), CLIPS * 2))
    for waveform, clip in zip(found, CLIPS * 2, strict=True):
        np.testing.assert_array_equal(waveform, load_audio(clip, RATE))
    most = isolation.MOST + 1  # with one of multiprocessing
    assert len(children(os.getpid())) - before <= most


def test_a_process_that_died_is_replaced():
    load_audio(LOSSY["m4a"], RATE)
    kill_workers()
    assert load_audio(LOSSY["m4a"], RATE).any()


def test_a_process_that_dies_at_work_is_a_sentence():
    with open_clip(LONG) as source, closing(source.blocks()) as blocks:
        next(blocks)
        kill_workers()
        with pytest.raises(AudioTooComplexError, match="The clip breaks the decoder, or"):
            list(blocks)
    assert load_audio(LOSSY["m4a"], RATE).any()


def test_a_clip_that_is_left_in_the_middle_does_not_disturb_the_next():
    for _ in range(isolation.MOST + 1):  # so that a place that was not left would be missed
        with open_clip(LONG) as source, closing(source.blocks()) as blocks:
            next(blocks)
    assert lengths(CLIPS[:2]) == lengths(CLIPS[:2])


def test_processes_that_are_forked_have_their_own():
    expected = lengths(CLIPS)
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    fork = context.Process(target=lengths_to, args=(theirs,), daemon=True)
    fork.start()
    assert lengths(CLIPS) == expected
    assert ours.poll(30)
    assert ours.recv() == expected
    fork.join(30)
    assert fork.exitcode == 0


@pytest.mark.parametrize("end", ["", "os.kill(os.getpid(), 9)"])
def test_nothing_is_left_when_the_program_ends(tmp_path, end):
    path = tmp_path / "clip.m4a"
    path.write_bytes(LOSSY["m4a"])
    program = f"""
import os, sys
from ser.audio.loading import load_audio
from fuzz.costs import children
load_audio({str(path)!r}, 24000)
print(*children(os.getpid()), flush=True)
{end}
"""
    python = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", program],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    if not end:
        assert python.stderr == ""
    (process,) = python.stdout.split()
    deadline = time.monotonic() + 10
    while Path("/proc", process).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path("/proc", process).exists()


def test_without_a_python_to_start_there_is_a_sentence(monkeypatch):
    isolation._workers.end()
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(AudioError, match="No process that decodes files can be started with"):
        load_audio(LOSSY["m4a"], RATE)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(AudioError, match=r"\(it ended at once\); free memory, or give"):
        load_audio(LOSSY["m4a"], RATE)
    np.testing.assert_array_equal(load_audio((np.ones(9), RATE), RATE), np.ones(9))
