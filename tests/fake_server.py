"""The HTTP of the test Hub: its addresses, and how requests and answers are put."""

import json
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit

_API = r"/api/(?P<kinds>models|datasets|spaces)/(?P<repo_id>[^/]+/[^/]+)"
_PAGE = r"/(?:(?P<kinds>datasets|spaces)/)?(?P<repo_id>[^/]+/[^/]+)"
ROUTES = [
    (r"GET /api/whoami-v2", "whoami"),
    (r"POST /api/repos/create", "create"),
    (r"DELETE /api/repos/delete", "delete"),
    (r"POST /api/validate-yaml", "validate_yaml"),
    (r"PUT /lfs/(?P<oid>\w+)", "lfs_put"),
    (r"POST /lfs/(?P<oid>\w+)/verify", "lfs_verify"),
    (rf"POST {_PAGE}\.git/info/lfs/objects/batch", "lfs_batch"),
    (r"POST /api/spaces/(?P<repo_id>[^/]+/[^/]+)/variables", "variable"),
    (r"GET /api/spaces/(?P<repo_id>[^/]+/[^/]+)/variables", "variables"),
    (rf"POST {_API}/preupload/(?P<revision>[^/?]+)(?:\?create_pr=1)?", "preupload"),
    (rf"POST {_API}/commit/(?P<revision>[^/?]+)(?:\?create_pr=(?P<create_pr>1))?", "commit"),
    (rf"POST {_API}/branch/(?P<branch>[^/]+)", "add_branch"),
    (rf"DELETE {_API}/branch/(?P<branch>[^/]+)", "delete_branch"),
    (rf"GET {_API}/xet-read-token/(?P<revision>[^/]+)", "xet_token"),
    (r"GET /v1/reconstructions/(?P<name>\w+)", "xet_reconstruction"),
    (r"GET /xorbs/(?P<name>\w+)", "xet_xorb"),
    (r"GET /api/spaces/(?P<repo_id>[^/]+/[^/]+)/secrets", "secret_names"),
    (rf"GET {_API}/auth-check/write", "auth_check"),
    (rf"POST {_API}/tag/(?P<revision>[^/]+)", "tag"),
    (rf"POST {_API}/paths-info/(?P<revision>[^/]+)", "paths_info"),
    (rf"GET {_API}(?:/revision/(?P<revision>[^/]+))?", "info"),
    (rf"GET {_API}/tree/(?P<revision>[^/]+)(?:/(?P<folder>.+))?", "tree"),
    (rf"GET {_API}/refs", "refs"),
    (rf"(?:GET|HEAD) {_PAGE}/resolve/(?P<revision>[^/]+)/(?P<name>.+)", "resolve"),
]
"""Method and path, and the method of `fake_hub.FakeHub` that answers."""


class RefusedError(Exception):
    def __init__(self, status, message, code=None):
        self.status, self.message, self.code = status, message, code


class Handler(BaseHTTPRequestHandler):
    hub: object  # the `fake_hub.FakeHub` that answers

    def _handle(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Type", "").startswith("application/json") or (
            self.headers.get("Content-Type", "").startswith("application/vnd.git-lfs+json")
        ):
            body = json.loads(body)
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        path, query = urlsplit(self.path).path, urlsplit(self.path).query
        if query == "create_pr=1":
            path = f"{path}?{query}"
        if self.command == "GET":
            body = dict(parse_qsl(query))
        try:
            answer = self.hub.answer(self.command, path, token if scheme else None, body)
        except RefusedError as refusal:
            headers = {"X-Error-Message": refusal.message}
            if refusal.code:
                headers["X-Error-Code"] = refusal.code
            status, more, content = as_json({"error": refusal.message}, refusal.status)
            answer = status, headers | more, content
        except ConnectionAbortedError:
            return
        status, headers, content = answer
        is_file = self.command == "GET" and status == 200 and "/resolve/" in self.path
        if is_file and "Range" in self.headers:
            first, last = self.headers["Range"].removeprefix("bytes=").split("-")
            status, content = 206, content[int(first) : int(last) + 1 if last else None]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815

    def log_message(self, *args):
        pass


def as_json(value, status=200):
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()
