"""Firefox, driven by WebDriver BiDi, which it speaks itself: Playwright cannot drive Debian's.

References
----------
W3C, "WebDriver BiDi", https://www.w3.org/TR/webdriver-bidi/
"""

import json
import os
import re
import shutil
import subprocess
import time
from contextlib import contextmanager

import pytest
from websockets.sync.client import connect

PREFERENCES = {
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.disabledForTesting": True,
}


def require_firefox():
    """Skip where there is no Firefox, and fail on a machine that must have one."""
    if shutil.which("firefox-esr") is None:
        reason = "There is no Firefox: apt-get install firefox-esr"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


@contextmanager
def firefox(folder):
    """Start a Firefox with a profile in a folder, and return its one page."""
    lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in PREFERENCES.items()]
    (folder / "user.js").write_text("".join(lines))
    command = ["firefox-esr", "--headless", "--no-remote", "--remote-debugging-port", "0"]
    log = folder / "firefox.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "--profile", folder, "about:blank"], stdout=output, stderr=output
        )
    try:
        found = _until(lambda: re.search(r"BiDi listening on (ws://\S+)", log.read_text()))
        with connect(f"{found[1]}/session", max_size=None) as socket:
            yield Page(socket)
    finally:
        process.terminate()
        process.wait(20)


class Page:
    """A page that is used by scripts in it, and the errors that its console shows."""

    def __init__(self, socket):
        self._socket = socket
        self._count = 0
        self.errors = []
        self._call("session.new", capabilities={})
        self._call("session.subscribe", events=["log.entryAdded"])
        self._context = self._call("browsingContext.getTree")["contexts"][0]["context"]

    def open(self, url):
        """Load an address to the end."""
        self._call("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def run(self, expression):
        """Return the value of an expression in the page: text, a number, true, false or null."""
        target = {"context": self._context}
        answer = self._call(
            "script.evaluate",
            expression=expression,
            target=target,
            awaitPromise=True,
            userActivation=True,
        )
        assert answer["type"] == "success", answer
        return answer["result"].get("value")

    def wait(self, expression, seconds=30):
        """Wait until an expression is true, and return its value."""
        return _until(lambda: self.run(expression), seconds)

    def click(self, selector):
        """Click the first element that matches, once there is one."""
        found = f"document.querySelector({json.dumps(selector)})"
        self.wait(f"{found} !== null")
        self.run(f"{found}.click()")

    def choose_file(self, selector, path):
        """Choose a file in an input."""
        target = {"context": self._context}
        expression = f"document.querySelector({json.dumps(selector)})"
        self.wait(f"{expression} !== null")
        found = self._call(
            "script.evaluate", expression=expression, target=target, awaitPromise=False
        )
        element = {"sharedId": found["result"]["sharedId"]}
        self._call("input.setFiles", context=self._context, element=element, files=[str(path)])

    def _call(self, method, **parameters):
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        self._socket.send(json.dumps(message))
        while (answer := json.loads(self._socket.recv(60))).get("id") != self._count:
            if answer.get("method") == "log.entryAdded" and answer["params"]["level"] == "error":
                self.errors.append(answer["params"]["text"])
        assert answer["type"] == "success", answer
        return answer["result"]


def _until(look, seconds=30):
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.1)
    return found
