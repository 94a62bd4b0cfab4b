"""Small files that would take much memory or time, and mutants: what each costs is measured."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from fuzz import recordings
from fuzz.hostile import FILES

TESTS = Path(__file__).parents[1]
LIMIT = 500_000_000  # bytes, with the process that decodes
SECONDS = 5.0  # of one core

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems set no limits")


@pytest.fixture(scope="module")
def costs():
    """Return what came of each file in a process of its own, and the peak of those that decoded."""
    path = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    output = subprocess.run(
        [sys.executable, "-m", "fuzz.hostile"],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert output.stderr == ""
    return json.loads(output.stdout)


@pytest.mark.parametrize("name", FILES)
def test_what_a_hostile_file_costs(costs, name):
    outcome, seconds, size = costs[0][name]
    assert seconds < SECONDS
    assert size < LIMIT
    if "cover" in name:
        assert outcome.startswith("read 96")  # the sound, and not the picture
    else:
        kind, sentence = outcome.split(": ", 1)
        assert kind in ("AudioTooComplexError", "TruncatedAudioError")
        assert re.fullmatch(r"The clip [^\n]+; [^\n;]+\.", sentence)


def test_none_of_the_processes_that_decoded_them_was_large(costs):
    assert costs[0]["good"][0].startswith("read")
    assert costs[1] < 300_000_000


def test_mutants_are_read_or_refused(tmp_path, capfd):
    (tmp_path / "seeds").mkdir()
    seeds = recordings.seeds(tmp_path / "seeds")
    assert Counter(map(recordings.check, seeds))["read"] > 25
    outcomes = Counter()
    for index in range(200):
        rng = np.random.default_rng([0, index])
        recordings.mutate(rng, seeds[index % len(seeds)], tmp_path / "mutant")
        outcomes[recordings.check(tmp_path / "mutant")] += 1
    assert outcomes["read"] > 50 < outcomes.total() - outcomes["read"]
    assert capfd.readouterr().err == ""
