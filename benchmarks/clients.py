"""Programs that ask a server over HTTP, each on one connection, with the least work of their own."""

import http.client
import json
from urllib.parse import urlsplit

PATIENCE = 300.0  # s


class Client:
    """A connection to a server.

    Parameters
    ----------
    url : str
    """

    def __init__(self, url):
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)

    def plain(self, clip):
        """Return the answer of `POST /v1/predict` for the content of a clip: one request."""
        return json.loads(self._send("/v1/predict", *_form("clip", clip)))

    def gradio(self, clip):
        """Return the answer of gradio's `/predict`: upload, call, and listen for the result."""
        (path,) = json.loads(self._send("/gradio_api/upload", *_form("files", clip)))
        call = {"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}]}
        body, kind = json.dumps(call).encode(), "application/json"
        event = json.loads(self._send("/gradio_api/call/predict", body, kind))["event_id"]
        events = self._send(f"/gradio_api/call/predict/{event}").decode()
        _, _, last = events.rpartition("event: ")
        name, _, data = last.partition("\ndata: ")
        if name != "complete":
            raise RuntimeError(f"gradio answered {last!r}")
        (answer,) = json.loads(data)
        return answer

    def _send(self, path, body=None, kind=""):
        """Return what the server answers to a GET, or to a POST if there is a body."""
        headers = {"Content-Type": kind} if kind else {}
        self._connection.request("POST" if body else "GET", path, body, headers)
        response = self._connection.getresponse()
        content = response.read()
        if response.status != 200:
            raise RuntimeError(f"{path} answered {response.status} {content[:200]!r}")
        return content


def _form(field, clip):
    """Return the body and media type of a form with a file in it."""
    edge = "fJ8x2p-benchmark-Qm4v7z"
    head = f'--{edge}\r\nContent-Disposition: form-data; name="{field}"; filename="clip.flac"\r\n\r\n'
    return head.encode() + clip + f"\r\n--{edge}--\r\n".encode(), f"multipart/form-data; boundary={edge}"
