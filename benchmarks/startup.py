"""Start the app ten times beside four busy processes, and say whether it always came up.

For each start, prints when the page and the first answer came, in seconds. Run it with
``python -m benchmarks.startup``, from the root of the repository; it takes some minutes.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from gradio_client import Client

STARTS = 10
BUSY = 4
PATIENCE = 300.0  # s


def main():
    """Print the time of each start, or how it failed, and how many succeeded."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BUSY)]
    try:
        succeeded = sum(start() for _ in range(STARTS))
    finally:
        for process in busy:
            process.kill()
    print(f"{succeeded} of {STARTS} starts succeeded.")


def start():
    """Return whether the app came up and answered."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    begin = time.monotonic()
    environment = os.environ | {"GRADIO_SERVER_PORT": str(port)}
    app = subprocess.Popen([sys.executable, "app.py"], env=environment, stdout=subprocess.DEVNULL)
    try:
        while not is_up(url):
            if app.poll() is not None or time.monotonic() - begin > PATIENCE:
                print(f"no page after {time.monotonic() - begin:.1f} s")
                return False
            time.sleep(0.1)
        page = time.monotonic() - begin
        Client(url, verbose=False).predict(api_name="/model_info")
        print(f"page after {page:.1f} s, answer after {time.monotonic() - begin:.1f} s", flush=True)
        return app.poll() is None
    finally:
        app.terminate()
        app.wait()


def is_up(url):
    """Return whether a server answers."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE):
            return True
    except (urllib.error.URLError, ConnectionError):
        return False


if __name__ == "__main__":
    main()
