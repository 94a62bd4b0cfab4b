"""README tells the truth: its figures are the model's, its snippets run, its links lead somewhere.

Snippets run exactly as printed, but for the address of the app, which listens on a port of its
own here. What installs, trains for minutes or serves until it is stopped is not run; its options
are checked.
"""

import io
import os
import re
import shlex
import subprocess
import sys
from argparse import ArgumentParser
from contextlib import chdir, redirect_stdout
from importlib import import_module
from pathlib import Path

import pytest
import readme
import soundfile
from signals import speech_like

from ser.cli.main import COMMANDS

ROOT = readme.ROOT
ADDRESS = "http://127.0.0.1:7860"
SET_UP = "python -m pip install -r requirements.txt && python app.py"
TEST = "python -m pip install -r requirements-dev.txt && python -m pytest"
NOT_RUN = re.compile(
    r"(SER_\w+=\S+ )*python (-m pip|app\.py|train\.py|tests/|-m ser (study|evaluate))"
)


@pytest.fixture
def folder(tmp_path, recognizer, monkeypatch):
    """Return the folder in which a reader tries the snippets: with recordings and a model."""
    for name, seconds in {"clip.wav": 2, "another.flac": 1, "everyday.wav": 6}.items():
        soundfile.write(tmp_path / name, speech_like(seconds), 24000)
    recognizer.save_pretrained(tmp_path / "model")
    monkeypatch.syspath_prepend(ROOT)
    return tmp_path


def blocks(language, app):
    return [block.replace(ADDRESS, app.url) for block in readme.code(language)]


def test_the_figures_are_those_of_the_model_that_ships():
    text = readme.README.read_text(encoding="utf-8")
    assert text == readme.with_figures(text), "run python tools/readme.py"


def test_it_is_short_and_its_links_lead_somewhere():
    assert len(readme.README.read_text(encoding="utf-8").splitlines()) <= 260
    assert readme.local_links()
    for link in readme.local_links():
        assert (ROOT / link).exists(), link


def test_the_two_commands_are_there_and_ci_runs_the_second():
    assert [line for line in readme.commands() if "requirements" in line] == [SET_UP, TEST]
    assert TEST in (ROOT / ".ci" / "run").read_text()


def test_every_command_and_endpoint_is_shown(app):
    text = "".join(readme.code("bash") + readme.code("python"))
    for command in COMMANDS:
        assert f"python -m ser {command} " in text
    for endpoint in ("/predict", "/timeline", "/predict_batch", "/model_info"):
        assert f'api_name="{endpoint}"' in text


def test_python_snippets_run(app, folder):
    names = {}  # what one snippet defines the next may use, as a reader would
    for block in blocks("python", app):
        with redirect_stdout(io.StringIO()) as out, chdir(folder):
            exec(block, names)
        assert out.getvalue().strip(), block


def test_commands_run(app, folder, hub):
    hub.accounts["hf_you"] = "you"
    environment = os.environ | {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(folder / "hf"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_TOKEN": "hf_you",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    for block in blocks("bash", app):
        if any(NOT_RUN.match(line) for line in block.splitlines()):
            continue
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{block}\n{done.stderr}"
        assert done.stdout.strip()
        assert "event: complete" in done.stdout or "curl" not in block
    assert {name for _, name in hub.repos} == {"you/voices", "you/demo"}


def test_commands_that_take_long_have_the_options_that_are_shown():
    from train import parse_arguments

    checked = [line for line in readme.commands() if NOT_RUN.match(line)]
    trainings = [shlex.split(line)[2:] for line in checked if "train.py" in line]
    assert len(trainings) > 1
    for arguments in trainings:
        parse_arguments(arguments)
    for line in checked:
        if match := re.match(r"python -m ser (\w+) ", line):
            parser = ArgumentParser()
            getattr(import_module(COMMANDS[match[1]][0]), f"add_{match[1]}")(parser)
            parser.parse_intermixed_args(shlex.split(line)[4:])
    for line in checked:
        for script in re.findall(r"python (\S+\.py)", line):
            assert (ROOT / script).is_file(), line
    text = (ROOT / "app.py").read_text()
    for name in re.findall(r"SER_\w+", readme.README.read_text(encoding="utf-8")):
        assert name in text


def test_ci_is_a_script_that_bash_understands():
    subprocess.run(["bash", "-n", ROOT / ".ci" / "run"], check=True)
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
