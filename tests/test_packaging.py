"""What `pip install .` gives works away from the project's folder, model and look included."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import soundfile
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from signals import speech_like

import ser
from ser.cli.extras import EXTRAS
from ser.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NOT_IN_BASE = ("datasets", "fastapi", "gradio", "matplotlib", "pyarrow")


def pip(*arguments, python=sys.executable):
    run = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    return subprocess.run(run, capture_output=True, text=True)


def run(*command, folder, **environment):
    return subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Return the wheel, built from the project's folder."""
    folder = tmp_path_factory.mktemp("wheel")
    done = pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("hf_ser-*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Return a folder with nothing but the package in it."""
    site = tmp_path_factory.mktemp("site")
    done = pip("install", "--no-deps", "--no-index", "--target", site, wheel)
    assert done.returncode == 0, done.stderr
    return site


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """Return the commands of an environment as `pip install hf-ser` makes it."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    commands = folder / ("Scripts" if os.name == "nt" else "bin")
    provide(PROJECT["dependencies"], commands)
    done = pip("--python", commands / "python", "install", "--no-deps", "--no-index", wheel)
    assert done.returncode == 0, done.stderr
    return commands


def provide(requirements, commands):
    """Link what pip would install for requirements, which is here already, into an environment."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(run(commands / "python", "-c", code, folder=commands).stdout.strip())
    wanted, known = [Requirement(each) for each in requirements], set()
    while wanted:
        requirement = wanted.pop()
        name, *extras = canonicalize_name(requirement.name), *sorted(requirement.extras)
        if (name, *extras) in known:
            continue
        known.add((name, *extras))
        distribution = importlib.metadata.distribution(name)
        assert requirement.specifier.contains(distribution.version, prereleases=True)
        for top in {file.parts[0] for file in distribution.files} - {"..", "__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(distribution.locate_file(top))
        for each in map(Requirement, distribution.requires or ()):
            if not each.marker or any(each.marker.evaluate({"extra": e}) for e in ("", *extras)):
                wanted.append(each)


@pytest.fixture
def clip(tmp_path):
    soundfile.write(tmp_path / "clip.wav", speech_like(), 24000)
    return tmp_path / "clip.wav"


def test_every_file_of_the_package_is_installed(installed):
    def files(folder):
        found = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
        return {name for name in found if "." in name and "__pycache__" not in name}

    assert files(installed / "ser") == files(ROOT / "ser") | {"training/model_card.md"}
    assert (installed / "ser" / "py.typed").is_file()


def test_the_installed_package_recognises_a_clip_and_has_the_template_of_cards(installed, clip):
    code = (
        "import json, ser, ser.demo.page, ser.training.card\n"
        "prediction = ser.EmotionRecognizer.from_pretrained().predict('clip.wav')\n"
        "template = ser.training.card.TEMPLATE\n"
        "print(json.dumps([prediction.emotion, str(template), template.read_text()]))"
    )
    done = run(sys.executable, "-c", code, folder=clip.parent, PYTHONPATH=str(installed))
    assert done.returncode == 0, done.stderr
    emotion, template, text = json.loads(done.stdout)
    assert emotion and Path(template).is_relative_to(installed)
    assert text == (ROOT / "model_card.md").read_text()


def test_the_version_of_the_distribution_is_that_of_the_package(wheel):
    assert wheel.name.split("-")[1] == ser.__version__
    assert f"## {ser.__version__}" in (ROOT / "CHANGELOG.md").read_text().replace("[", "")
    assert f"version: {ser.__version__}" in (ROOT / "CITATION.cff").read_text()


@pytest.mark.slow
def test_the_base_alone_predicts_and_nothing_of_the_extras_is_there(environment, clip):
    code = f"import importlib.util as u; print([x for x in {NOT_IN_BASE} if u.find_spec(x)])"
    assert run(environment / "python", "-c", code, folder=clip.parent).stdout == "[]\n"
    done = run(environment / "ser", "predict", "clip.wav", folder=clip.parent)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"clip\.wav: \w+ \d+%.*\n", done.stdout)


@pytest.mark.slow
def test_a_command_whose_extra_is_missing_says_so_in_one_sentence(environment, tmp_path):
    for name in [name for name, command in COMMANDS.items() if command.extra]:
        done = run(environment / "ser", name, "--help", folder=tmp_path)
        assert done.returncode == 1 and not done.stdout
        assert done.stderr == (
            f"error: `ser {name}` needs the training extra: pip install 'hf-ser[train]'\n"
        )


@pytest.mark.slow
def test_the_command_line_of_the_hub_finds_it_as_an_extension(environment, clip):
    """With the manifest that `hf extensions install OWNER/hf-ser` writes, without its download."""
    extension = clip.parent / ".local" / "share" / "hf" / "extensions" / "hf-ser"
    extension.mkdir(parents=True)
    manifest = {
        "owner": "owner",
        "repo": "hf-ser",
        "repo_id": "owner/hf-ser",
        "short_name": "ser",
        "executable_path": str(environment / "hf-ser"),
        "type": "python",
        "installed_at": "2026-01-01T00:00:00+00:00",
    }
    (extension / "manifest.json").write_text(json.dumps(manifest))
    done = run(
        *(environment / "python", "-m", "huggingface_hub.cli.hf", "ser", "predict", "clip.wav"),
        folder=clip.parent,
        HOME=str(clip.parent),
        HF_HUB_DISABLE_UPDATE_CHECK="1",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("clip.wav: ")


@pytest.mark.slow
def test_with_its_extra_an_installed_command_trains_on_a_folder_of_emotions(environment, clip):
    # Last of those in this environment, which is no longer the base alone.
    provide(PROJECT["optional-dependencies"]["train"], environment)
    for seed, (label, pitch) in enumerate([("joy", 260), ("none", 110)] * 4):
        file = clip.parent / "mine" / label / f"{seed}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(file, speech_like(1.0, 16000, pitch=pitch, seed=seed), 16000)
    options = ("--dataset", "mine", "--output", "model", "--skip-evaluation", "--jobs", "1")
    cache = {"HF_DATASETS_CACHE": str(clip.parent / "cache")}
    done = run(environment / "ser", "train", *options, folder=clip.parent, **cache)
    assert done.returncode == 0, done.stderr
    command = ("predict", "--model", "model", "mine/joy/0.wav")
    assert run(environment / "ser", *command, folder=clip.parent).stdout.startswith("mine/joy/0")


def test_the_packages_that_commands_ask_for_are_those_of_the_extra():
    for extra, (_, packages) in EXTRAS.items():
        wanted = {Requirement(line).name for line in PROJECT["optional-dependencies"][extra]}
        assert set(packages) == wanted


def test_every_package_is_pinned_within_the_range_of_the_library():
    names = ("requirements.txt", "requirements-dev.txt")
    lines = "".join((ROOT / name).read_text() for name in names).splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith(("#", "-r"))]
    versions = {}
    for pin in pins:
        assert re.fullmatch(r"==[\w.]+", str(pin.specifier)), f"{pin} is not one version"
        versions[canonicalize_name(pin.name)] = str(pin.specifier).removeprefix("==")
    assert len(versions) == len(pins)
    extras = PROJECT["optional-dependencies"].values()
    for wanted in map(Requirement, sum(extras, start=PROJECT["dependencies"])):
        assert wanted.specifier.contains(versions[canonicalize_name(wanted.name)]), wanted
