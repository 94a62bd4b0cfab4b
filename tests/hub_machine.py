"""Machines that use the test Hub, each in a process of its own."""

import multiprocessing
import os
import shutil
from concurrent.futures import ProcessPoolExecutor

import pytest
from fake_hub import FakeHub


class Machine:
    """A computer of its own that uses the Hub: huggingface_hub reads its settings at import."""

    def __init__(self, hub, folder, **environment):
        self.home = folder / "hf_home"
        self._environment = {
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(self.home),
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_XET": "1",
            **environment,
        }
        self._pool = None
        self.restart()

    def restart(self):
        """Start Python anew, or for the first time."""
        if self._pool:
            self.stop()
        self._pool = ProcessPoolExecutor(
            1, multiprocessing.get_context("spawn"), _prepare, (self._environment,)
        )

    @property
    def environment(self):
        """What a process of its own on this machine has in its environment."""
        return os.environ | self._environment

    def run(self, function, *args, token="hf_ada", **kwargs):
        """Call a function of a test module there, with its result or its error."""
        return self._pool.submit(_call, token, function, args, kwargs).result(timeout=120)

    def forget(self):
        """Empty the cache of downloads."""
        shutil.rmtree(self.home, ignore_errors=True)

    def stop(self):
        self._pool.shutdown()


def _prepare(environment):
    os.environ.update(environment)
    os.environ.pop("HF_TOKEN", None)


def _call(token, function, args, kwargs):
    if token is None:
        os.environ.pop("HF_TOKEN", None)
    else:
        os.environ["HF_TOKEN"] = token
    return function(*args, **kwargs)


@pytest.fixture(scope="session")
def session_hub():
    hub = FakeHub()
    yield hub
    hub.go_away()


@pytest.fixture(scope="session")
def machine(session_hub, tmp_path_factory):
    """Return a machine whose Hub is the fake one."""
    machine = Machine(session_hub, tmp_path_factory.mktemp("machine"))
    yield machine
    machine.stop()


@pytest.fixture
def hub(session_hub, machine):
    """Return the fake Hub, up and empty, with nothing of it in the machine's cache."""
    session_hub.go_away()
    session_hub.come_back()
    session_hub.clear()
    machine.forget()
    return session_hub
