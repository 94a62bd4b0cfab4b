"""Kill train.py at random moments: the model before is whole each time.

``python -m tests.fuzz.killed_training --times 20``
"""

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))  # where the tests' own modules are

import soundfile  # noqa: E402
from signals import speech_like  # noqa: E402

from ser import EmotionRecognizer  # noqa: E402

RATE = 16_000  # Hz
PITCH = {1: 110, 5: 260}  # Hz, by RAVDESS's number of an emotion
WRITING = 0.06  # s that a folder takes to be written


def main(arguments=None):
    """Train once, then kill trainings of the same model; return 1 if any left another folder."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.killed_training")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args(arguments)
    rng, failed = random.Random(options.seed), 0
    with tempfile.TemporaryDirectory() as place:
        corpus, output = Path(place, "corpus"), Path(place, "model")
        write_corpus(corpus)
        start = time.monotonic()
        seed = 0
        training(corpus, output, seed).wait()
        duration = time.monotonic() - start
        before = digests(output)
        for number in range(options.times):
            seed += 1
            process = training(corpus, output, seed)
            if number % 2:
                wait_for_writing(process, output)
                time.sleep(rng.uniform(0, WRITING))
            else:
                time.sleep(rng.uniform(0, duration))
            os.killpg(process.pid, signal.SIGKILL)
            finished = process.wait() == 0
            after = digests(output)
            EmotionRecognizer.from_pretrained(output)  # an error if it is not whole
            is_new = len({name for name in after if before.get(name) != after[name]}) > 1
            if after != before and not is_new:
                failed += 1
            what = "new" if after != before else "as before"
            print(f"{number + 1}: {'finished' if finished else 'killed'}, {what}", flush=True)
            before = after
    print(f"{options.times} kills, {failed} folders that were not whole")
    return int(failed > 0)


def wait_for_writing(process, output):
    """Wait until a training writes its folder, which is the shortest part of it."""
    while process.poll() is None and not list(output.parent.glob(f".{output.name}.*.new")):
        time.sleep(0.001)


def write_corpus(folder):
    """Write two emotions of four actors."""
    folder.mkdir()
    for emotion, pitch in PITCH.items():
        for seed, (actor, repetition) in enumerate(product((1, 2, 3, 4), (1, 2))):
            name = f"03-01-{emotion:02d}-01-01-{repetition:02d}-{actor:02d}.wav"
            voice = speech_like(1.0, RATE, pitch=pitch + 5 * actor, seed=seed)
            soundfile.write(folder / name, voice, RATE)


def training(corpus, output, seed):
    """Start train.py."""
    command = [sys.executable, ROOT / "train.py", "--jobs", "1", "--dataset", corpus]
    command += ["--protocol", "random", "--output", output, "--seed", str(seed)]
    cache = {"HF_DATASETS_CACHE": str(output.with_name("cache"))}
    return subprocess.Popen(
        command,
        env=os.environ | cache,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def digests(folder):
    """Return a hash of each file of a folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


if __name__ == "__main__":
    sys.exit(main())
