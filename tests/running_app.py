"""`python app.py` as a process of its own, the way that people run it."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class RunningApp:
    """A server on a port of its own, with no way out to any hub."""

    def __init__(self, folder, root=ROOT, code=None, **environment):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "app.log"
        self.told = 0
        self.temp = folder / "uploads"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, *(("-c", code) if code else ("app.py",))],
                cwd=root,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ
                | {
                    "GRADIO_SERVER_PORT": str(self.port),
                    "GRADIO_TEMP_DIR": str(self.temp),
                    "HF_ENDPOINT": "http://127.0.0.1:9",
                    "PYTHONUNBUFFERED": "1",
                }
                | environment,
            )

    def logged(self):
        """Return what was logged since this was last asked."""
        text = self.log.read_text()
        news, self.told = text[self.told :], len(text)
        return news

    def wait(self, seconds=60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urllib.request.urlopen(self.url, timeout=5):
                    return self
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"the app did not come up:\n{self.log.read_text()}")

    def stop(self):
        """End it as its users do; `kill` takes no time to answer what is open."""
        self.process.terminate()
        self.process.wait(10)

    def kill(self):
        self.process.kill()
        self.process.wait(10)


@pytest.fixture(scope="session")
def app(tmp_path_factory):
    """Return the app, running on the model that ships."""
    running = RunningApp(tmp_path_factory.mktemp("app")).wait()
    yield running
    running.kill()


@pytest.fixture(scope="session")
def recognizer():
    """Return the recogniser that the app runs on."""
    from ser import EmotionRecognizer

    return EmotionRecognizer.from_pretrained(os.environ.get("SER_MODEL"))
