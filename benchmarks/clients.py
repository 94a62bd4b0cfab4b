"""Programs that ask a server over HTTP, with as little work of their own as can be."""

import http.client
import json
from contextlib import closing
from urllib.parse import urlsplit

PATIENCE = 300.0  # s


def ask_plainly(url, clip):
    """Return the answer of ``POST /v1/predict`` for the content of a clip: one request."""
    with closing(connect(url)) as server:
        return json.loads(send(server, "/v1/predict", *form("clip", clip)))


def ask_gradio(url, clip):
    """Return the answer of gradio's ``/predict``: upload, call, and wait for the result."""
    with closing(connect(url)) as server:
        (path,) = json.loads(send(server, "/gradio_api/upload", *form("files", clip)))
        call = json.dumps({"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}]})
        endpoint = "/gradio_api/call/predict"
        called = json.loads(send(server, endpoint, call.encode(), "application/json"))
        events = send(server, f"{endpoint}/{called['event_id']}").decode()
    name, _, data = events.rpartition("event: ")[2].partition("\ndata: ")
    if name != "complete":
        raise RuntimeError(f"gradio answered {events!r}")
    (answer,) = json.loads(data)
    return answer


def connect(url):
    """Return a connection to a server, which stays open for several requests."""
    return http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)


def send(server, path, body=None, kind=""):
    """Return what a server answers to a GET, or to a POST if there is a body."""
    headers = {"Content-Type": kind} if kind else {}
    server.request("POST" if body else "GET", path, body, headers)
    response = server.getresponse()
    content = response.read()
    if response.status != 200:
        raise RuntimeError(f"{path} answered {response.status} {content[:200]!r}")
    return content


def form(field, clip):
    """Return the body and the media type of a form with a file in it."""
    edge = "edge-of-a-benchmark"
    place = f'Content-Disposition: form-data; name="{field}"; filename="clip.flac"'
    head, end = f"--{edge}\r\n{place}\r\n\r\n", f"\r\n--{edge}--\r\n"
    return head.encode() + clip + end.encode(), f"multipart/form-data; boundary={edge}"
