"""A model to publish on the test Hub, and what machines there do with it."""

import io
import logging
from contextlib import contextmanager

import pytest
from hub_machine import Machine
from model_files import small_pipelines, write_model_folder

from ser.errors import (
    HubError,
)
from ser.model.config import ModelConfig
from ser.storage.folder import read_model_folder

REPO = "ada/voices"
CARD = """---
license: cc-by-nc-sa-4.0
---
# A model

    EmotionRecognizer.from_pretrained("model")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "model"
    write_model_folder(
        folder,
        model=small_pipelines(),
        config={
            "model": ModelConfig(("calm", "angry"), speeds=(1.0,)).to_dict(),
            "features": {},
            "feature_hash": "0" * 16,
        },
        metrics={"protocols": {}},
        readme=CARD,
        files={
            "confusion.png": b"\x89PNG",
            "examples/metadata.csv": b"file_name\nvoice.flac\n",
            "examples/voice.flac": b"fLaC",
        },
    )
    return folder


@pytest.fixture(scope="module")
def xet_machine(session_hub, tmp_path_factory):
    """Return a machine as people have them: with Xet."""
    home = tmp_path_factory.mktemp("xet")
    machine = Machine(session_hub, home, HF_HUB_DISABLE_XET="0", HF_XET_CACHE=str(home / "chunks"))
    yield machine
    machine.stop()


@pytest.fixture
def xet_hub(hub, xet_machine):
    """Return the fake Hub, storing large files in Xet."""
    xet_machine.forget()
    hub.xet = True
    return hub


@pytest.fixture
def files(folder):
    return dict(read_model_folder(folder).files)


def push(files, repo_id=REPO, **options):
    from ser.hub.repository import push_model

    return push_model(files, repo_id, **options)


def pull(repo_id=REPO, **options):
    from ser.hub.repository import pull_model

    folder, commit = pull_model(repo_id, **options)
    return folder.files, commit


@contextmanager
def logged():
    """Collect the lines in the log."""
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logging.getLogger().addHandler(handler)
    try:
        yield lines
    finally:
        logging.getLogger().removeHandler(handler)


def pull_logged(**options):
    """Pull, and return the lines in the log as well."""
    with logged() as lines:
        return *pull(**options), lines


def run_command(*argv):
    from contextlib import redirect_stderr, redirect_stdout

    from ser.cli.main import main

    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        status = main([str(arg) for arg in argv])
    return status, out.getvalue(), err.getvalue()


def refused(machine, function, *args, kind=HubError, match, **options):
    with pytest.raises(kind, match=match) as caught:
        machine.run(function, *args, **options)
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def downloaded(machine):
    """Return name and content of every file in the machine's cache of the Hub."""
    found = [path for path in machine.home.rglob("*") if path.is_file() and "hub" in path.parts]
    return {path.name: path.read_bytes() for path in found}


def writes(hub):
    return [request for request in hub.requests if "/commit/" in request or "/repos/" in request]
