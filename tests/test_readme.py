"""The documents tell the truth: figures are the model's, snippets run, links lead somewhere.

Snippets run exactly as printed, but for the address of the app, which listens on a port of its
own here. What installs, tests, trains for minutes or serves until it is stopped is not run; its
options are checked.
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
from documents import DOCUMENTS, README, ROOT, code, commands, local_links
from signals import speech_like

from ser.cli.main import COMMANDS

ADDRESS = "http://127.0.0.1:7860"
SET_UP = "python -m pip install -r requirements.txt && python app.py"
TEST = "python -m pip install -r requirements-dev.txt && python -m pytest -n 2 --dist loadfile"
NOT_RUN = re.compile(
    r"(SER_\w+=\S+ )*(python (-m (pip|pytest|ser (train|study|evaluate))|-m ser\.|app\.py|"
    r"train\.py|tools/)|ruff|mypy|\.ci/run)"
)
MAX_LINES = 175
"""Of README, which is for newcomers."""


@pytest.fixture
def folder(tmp_path, recognizer, monkeypatch):
    """Return the folder in which a reader tries the snippets: with recordings and a model."""
    for name, seconds in {"clip.wav": 2, "another.flac": 1, "everyday.wav": 6}.items():
        soundfile.write(tmp_path / name, speech_like(seconds), 24000)
    for emotion, pitch in {"calm": 100, "angry": 250}.items():
        for seed, speaker in enumerate(("ada", "bob", "eve")):
            place = tmp_path / "my-recordings" / emotion / speaker
            place.mkdir(parents=True)
            for index in range(2):
                voice = speech_like(1, pitch=pitch + 10 * seed, seed=10 * seed + index)
                soundfile.write(place / f"{index}.wav", voice, 24000)
    recognizer.save_pretrained(tmp_path / "model")
    monkeypatch.syspath_prepend(ROOT)
    return tmp_path


def blocks(path, language, app):
    return [block.replace(ADDRESS, app.url) for block in code(path, language)]


def each_document(language):
    """Parametrize a test by the documents that have code in a language."""
    chosen = [path for path in DOCUMENTS if code(path, language)]
    return pytest.mark.parametrize("path", chosen, ids=lambda path: path.name)


@pytest.mark.parametrize("path", readme.DOCUMENTS, ids=lambda path: path.name)
def test_the_figures_are_those_of_the_model_that_ships(path):
    assert path.read_text(encoding="utf-8") == readme.with_figures(path), "run tools/readme.py"


def test_readme_is_short():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    for link in local_links(path):
        assert link.exists(), link


def test_readme_leads_to_every_document():
    reached = {link.resolve() for path in DOCUMENTS for link in local_links(path)}
    assert {*DOCUMENTS, ROOT / "docs" / "studies.md"} <= reached | {README}


def test_the_two_commands_are_there_and_ci_runs_the_second():
    assert [line for line in commands(README) if "requirements" in line] == [SET_UP, TEST]
    assert TEST in (ROOT / ".ci" / "run").read_text()


def test_every_command_and_endpoint_is_shown():
    text = "".join(
        block for path in DOCUMENTS for block in code(path, "bash") + code(path, "python")
    )
    for command in COMMANDS:
        assert f"python -m ser {command}" in text
    for endpoint in ("/predict", "/timeline", "/predict_batch", "/model_info"):
        assert f'api_name="{endpoint}"' in text
    api = (ROOT / "docs" / "api.md").read_text()
    for path in ("predict", "timeline", "batch", "model", "stream", "openapi.json"):
        assert f"/v1/{path}" in api


@each_document("python")
def test_python_snippets_run(path, app, folder):
    names = {}  # what one snippet defines the next may use, as a reader would
    for block in blocks(path, "python", app):
        with redirect_stdout(io.StringIO()) as out, chdir(folder):
            exec(block, names)
        assert out.getvalue().strip(), block


def to_run(path):
    """Return the blocks of a document's commands that do not take long, nor stand in a longer one.

    What README shows of a document need not be run twice.
    """
    every = [block for each in DOCUMENTS for block in code(each, "bash")]
    return [
        block
        for block in code(path, "bash")
        if not any(NOT_RUN.match(line) for line in block.splitlines())
        and not any(block in other and block != other for other in every)
    ]


@pytest.mark.parametrize("path", filter(to_run, DOCUMENTS), ids=lambda path: path.name)
def test_commands_run(path, app, folder, hub):
    hub.accounts["hf_you"] = "you"
    environment = os.environ | {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(folder / "hf"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_TOKEN": "hf_you",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    for block in to_run(path):
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block.replace(ADDRESS, app.url)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{block}\n{done.stderr}"
        assert done.stdout.strip()
        assert '"confidence"' in done.stdout or "curl" not in block
    published = {"you/voices", "you/demo"} if "push model" in "".join(to_run(path)) else set()
    assert {name for _, name in hub.repos} == published


@each_document("bash")
def test_commands_that_take_long_have_the_options_that_are_shown(path):
    for line in filter(NOT_RUN.match, commands(path)):
        line = line.replace("python train.py", "python -m ser train")
        if match := re.match(r"python -m ser (\w+)(.*)", line):
            parser = ArgumentParser()
            getattr(import_module(COMMANDS[match[1]].module), f"add_{match[1]}")(parser)
            parser.parse_intermixed_args(shlex.split(match[2]))
        for name in re.findall(r"(?:pytest |python |check )(\S+[/.]\S+)", line):
            assert (ROOT / name).exists(), line
        for module in re.findall(r"python -m (ser\.[\w.]+)", line):
            import_module(module)
    text = (ROOT / "app.py").read_text()
    for name in re.findall(r"SER_\w+", path.read_text(encoding="utf-8")):
        assert name in text


def test_ci_is_a_script_that_bash_understands():
    subprocess.run(["bash", "-n", ROOT / ".ci" / "run"], check=True)
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
