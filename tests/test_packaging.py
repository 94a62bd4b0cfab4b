"""What `pip install .` gives works away from the project's folder, model and look included."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import soundfile
from signals import speech_like

ROOT = Path(__file__).resolve().parents[1]


def pip(*arguments):
    run = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    subprocess.run(run, check=True)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Return a folder with nothing but the package in it, installed from a wheel."""
    folder = tmp_path_factory.mktemp("package")
    source = folder / "source"  # setuptools leaves traces where it builds
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "ser", source / "ser", ignore=shutil.ignore_patterns("__pycache__"))
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, source)
    (wheel,) = folder.glob("ser-*.whl")
    pip("install", "--no-deps", "--no-index", "--target", folder / "site", wheel)
    return folder / "site"


def test_every_file_of_the_package_is_installed(installed):
    def files(folder):
        found = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
        return {name for name in found if "." in name and "__pycache__" not in name}

    assert files(installed / "ser") == files(ROOT / "ser")


def test_the_installed_package_recognises_a_clip(installed, tmp_path):
    soundfile.write(tmp_path / "clip.wav", speech_like(), 24000)
    code = (
        "import json, ser, ser.demo.page\n"
        "prediction = ser.EmotionRecognizer.from_pretrained().predict('clip.wav')\n"
        "print(json.dumps([ser.__file__, prediction.emotion]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    file, emotion = json.loads(done.stdout)
    assert Path(file).is_relative_to(installed) and emotion


def test_every_package_is_pinned_within_the_range_of_the_library():
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    versions = {}
    for pin in pins:
        assert re.fullmatch(r"==[\w.]+", str(pin.specifier)), f"{pin} is not one version"
        versions[canonicalize_name(pin.name)] = str(pin.specifier).removeprefix("==")
    assert len(versions) == len(pins)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for wanted in map(Requirement, project["dependencies"]):
        assert wanted.specifier.contains(versions[canonicalize_name(wanted.name)]), wanted
