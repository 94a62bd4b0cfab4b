"""Servers on this machine."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 300.0  # s


@dataclass
class Server:
    """A running app: its address, its process, and the file of what it prints."""

    url: str
    pid: int
    log: Path


@contextmanager
def serving(*command, **environment):
    """Run a gradio app with Python; give it as a `Server` once its page is up.

    Parameters
    ----------
    command : str
        What follows ``python``.
    environment : str
        Variables in addition.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        ours = {
            "GRADIO_SERVER_PORT": str(port),
            "GRADIO_TEMP_DIR": folder,
            "GRADIO_ANALYTICS_ENABLED": "False",
            "HF_ENDPOINT": "http://127.0.0.1:9",  # nowhere
        }
        log = Path(folder, "log")
        with log.open("w") as file:
            app = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=os.environ | ours | environment,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        try:
            deadline = time.monotonic() + PATIENCE
            while not _is_up(url):
                if app.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"no page came up:\n{log.read_text()}")
                time.sleep(0.02)
            yield Server(url, app.pid, log)
        finally:
            app.terminate()
            app.wait()


def _is_up(url):
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE):
            return True
    except (urllib.error.URLError, ConnectionError):
        return False
