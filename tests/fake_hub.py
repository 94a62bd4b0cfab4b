"""A small Hugging Face Hub on loopback, for the real client to talk to.

It holds accounts, repositories of all three kinds with their commits and tags, and large files,
and answers what huggingface_hub asks. With `FakeHub.xet`, downloads of large files go by Xet, as on
the real Hub; uploads do not. It can go away and come back, and refuse.
"""

import base64
import hashlib
import json
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from urllib.parse import parse_qsl, unquote, urlsplit

from fake_xet import XetStorage

LARGE = (".skops", ".png", ".flac", ".parquet", ".bin")
KINDS = {"models": "model", "datasets": "dataset", "spaces": "space"}


@dataclass
class Commit:
    sha: str
    title: str
    files: dict[str, bytes]


@dataclass
class Repo:
    private: bool = False
    sdk: str | None = None
    commits: list[Commit] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    branches: dict[str, list[Commit]] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    def commit(self, title, files, branch="main"):
        commits = self.branch(branch)
        parent = commits[-1].sha if commits else ""
        text = json.dumps([parent, title, {n: git_oid(c) for n, c in sorted(files.items())}])
        commits.append(Commit(hashlib.sha1(text.encode()).hexdigest(), title, files))

    def branch(self, name):
        return self.commits if name == "main" else self.branches[name]

    def find(self, revision):
        """Return the commit that a branch, tag or commit hash names, or None."""
        if revision == "main" or revision in self.branches:
            return self.branch(revision)[-1]
        sha = self.tags.get(revision, revision)
        commits = [commit for commits in self.branches.values() for commit in commits]
        return next((commit for commit in self.commits + commits if commit.sha == sha), None)

    @property
    def files(self):
        return self.commits[-1].files


class RefusedError(Exception):
    def __init__(self, status, message, code=None):
        self.status, self.message, self.code = status, message, code


class FakeHub:
    """The Hub and its state, which tests may read and change.

    Attributes
    ----------
    accounts : dict of str to str
        Account name by token.
    roles : dict of str to str
        What the token of an account may do, if not "write".
    repos : dict of (str, str) to Repo
        By kind ("model", "dataset", "space") and "owner/name".
    requests : list of str
        "METHOD /path" of every request so far.
    refuse : callable
        ``refuse(method, path)`` returns None, or (status, message) to answer with, or raises
        ConnectionAbortedError to hang up.
    portal : bool
        Whether a network's login page answers every request, as before a visitor has paid.
    xet : bool
        Whether large files are stored in Xet.
    """

    def __init__(self):
        self._lock = threading.RLock()
        self._server = None
        self._port = 0
        self.storage = XetStorage()
        self.clear()
        self.come_back()

    def clear(self):
        self.accounts = {"hf_ada": "ada", "hf_bob": "bob"}
        self.roles = {}
        self.repos = {}
        self.large = {}
        self.requests = []
        self.refuse = lambda method, path: None
        self.portal = self.xet = False
        self.blob_id = git_oid

    @property
    def url(self):
        return f"http://127.0.0.1:{self._port}"

    def come_back(self):
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), handler)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def go_away(self):
        """Stop listening: connections are refused until `come_back`."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def add(self, repo_id, files, *, kind="model", private=False):
        """Put files into a repository as its next commit, whoever it belongs to."""
        repo = self.repos.setdefault((kind, repo_id), Repo(private=private))
        repo.commit("added", dict(files))
        return repo

    def answer(self, method, path, token, body):
        """Return (status, headers, body) for a request; the body of a GET is its query."""
        with self._lock:
            self.requests.append(f"{method} {path}")
            if self.portal:
                return 200, {"Content-Type": "text/html"}, b"<html>Welcome! Log in to our Wi-Fi."
            if refusal := self.refuse(method, path):
                raise RefusedError(*refusal)
            is_storage = path.startswith(("/lfs/", "/v1/", "/v2/", "/xorbs/"))
            if token is not None and token not in self.accounts and not is_storage:
                raise RefusedError(401, "Invalid credentials in Authorization header")
            user = self.accounts.get(token)
            for pattern, name in ROUTES:
                if match := re.fullmatch(pattern, f"{method} {path}"):
                    values = {k: v and unquote(v) for k, v in match.groupdict().items()}
                    return getattr(self, name)(user, body, **values)
            raise RefusedError(404, f"the fake Hub has no {method} {path}")

    def _repo(self, kinds, repo_id, user, *, write=False):
        repo = self.repos.get((KINDS[kinds or "models"], repo_id))
        owner = repo_id.split("/")[0]
        if repo is None or (repo.private and user != owner):
            raise RefusedError(404, "Repository not found", "RepoNotFound")
        if write and user is None:
            raise RefusedError(401, "Invalid username or password.")
        if write and user != owner:
            raise RefusedError(403, "You don't have the rights to write to this repository")
        return repo

    def _commit(self, repo, revision):
        if not repo.commits or (commit := repo.find(revision or "main")) is None:
            raise RefusedError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return commit

    def whoami(self, user, body):
        if user is None:
            raise RefusedError(401, "Invalid username or password.")
        auth = {"accessToken": {"displayName": "test", "role": self.roles.get(user, "write")}}
        return _json({"type": "user", "name": user, "orgs": [], "auth": auth})

    def create(self, user, body):
        if user is None:
            raise RefusedError(401, "Invalid username or password.")
        owner, kind = body.get("organization") or user, body.get("type") or "model"
        repo_id = f"{owner}/{body['name']}"
        prefix = "" if kind == "model" else f"{kind}s/"
        url = {"url": f"{self.url}/{prefix}{repo_id}"}
        if (kind, repo_id) in self.repos:
            return _json({"error": "You already created this repo", **url}, 409)
        if owner != user:
            raise RefusedError(403, f"You don't have the rights to create a {kind} under {owner!r}")
        repo = Repo(private=body.get("visibility") == "private", sdk=body.get("sdk"))
        repo.commit("initial commit", {".gitattributes": b"*.skops filter=lfs\n"})
        self.repos[kind, repo_id] = repo
        return _json(url)

    def delete(self, user, body):
        owner, kind = body.get("organization") or user, body.get("type") or "model"
        repo_id = f"{owner}/{body['name']}"
        self._repo(f"{kind}s", repo_id, user, write=True)
        del self.repos[kind, repo_id]
        return 200, {}, b""

    def validate_yaml(self, user, body):
        import yaml

        match = re.match(r"---\n(.*?)\n---", body["content"], re.DOTALL)
        try:
            metadata = yaml.safe_load(match[1]) if match else {}
            errors = [] if isinstance(metadata, dict) else ["metadata is not a mapping"]
        except yaml.YAMLError as error:
            metadata, errors = {}, [str(error)]
        for key, kind in {"license": str, "tags": list, "model-index": list}.items():
            if key in metadata and not isinstance(metadata[key], kind):
                errors.append(f'"{key}" must be a {kind.__name__}')
        answer = {"errors": [{"message": error} for error in errors], "warnings": []}
        return _json(answer, 400 if errors else 200)

    def preupload(self, user, body, kinds, repo_id, revision):
        self._repo(kinds, repo_id, user, write=True)
        mode = {True: "lfs", False: "regular"}
        files = [
            {
                "path": file["path"],
                "uploadMode": mode[file["path"].endswith(LARGE)],
                "shouldIgnore": False,
            }
            for file in body["files"]
        ]
        return _json({"files": files})

    def lfs_batch(self, user, body, kinds, repo_id):
        self._repo(kinds, repo_id, user, write=True)
        objects = []
        for item in body["objects"]:
            answer = dict(item)
            if item["oid"] not in self.large:
                href = f"{self.url}/lfs/{item['oid']}"
                answer["actions"] = {"upload": {"href": href}, "verify": {"href": f"{href}/verify"}}
            objects.append(answer)
        return _json({"transfer": "basic", "objects": objects})

    def lfs_put(self, user, body, oid):
        if hashlib.sha256(body).hexdigest() != oid:
            raise RefusedError(400, "the content does not have this SHA-256")
        self.large[oid] = body
        return 200, {}, b""

    def lfs_verify(self, user, body, oid):
        if len(self.large.get(oid, b"")) != body["size"]:
            raise RefusedError(404, "no such object")
        return _json({})

    def commit(self, user, body, kinds, repo_id, revision, create_pr=None):
        repo = self._repo(kinds, repo_id, user, write=True)
        files, title = dict(self._commit(repo, revision).files), ""
        page = f"{self.url}/{repo_id}"
        for line in body.decode().splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "header":
                title = value["summary"]
                head = repo.branch(revision)[-1].sha
                if value.get("parentCommit", head) != head:
                    raise RefusedError(
                        412, "A commit has happened since. Please refresh and try again."
                    )
            elif entry["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "lfsFile":
                files[value["path"]] = self.large[value["oid"]]
            elif entry["key"] == "deletedFile":
                del files[value["path"]]
        pull_request = None
        if create_pr:
            number = 1 + sum(name.startswith("refs/pr/") for name in repo.branches)
            pull_request = f"{page}/discussions/{number}"
            repo.branches[f"refs/pr/{number}"] = list(repo.branch(revision))
            revision = f"refs/pr/{number}"
        repo.commit(title, files, revision)
        sha = repo.branch(revision)[-1].sha
        answer = {"commitOid": sha, "pullRequestUrl": pull_request, "success": True}
        return _json(answer | {"commitUrl": f"{page}/commit/{sha}"})

    def add_branch(self, user, body, kinds, repo_id, branch):
        repo = self._repo(kinds, repo_id, user, write=True)
        start = self._commit(repo, body.get("startingPoint"))
        repo.branches[branch] = [start]
        return 200, {}, b""

    def delete_branch(self, user, body, kinds, repo_id, branch):
        del self._repo(kinds, repo_id, user, write=True).branches[branch]
        return 200, {}, b""

    def info(self, user, body, kinds, repo_id, revision=None):
        repo = self._repo(kinds, repo_id, user)
        commit = self._commit(repo, revision)
        answer = {
            "id": repo_id,
            "sha": commit.sha,
            "private": repo.private,
            "tags": [],
            "siblings": [{"rfilename": name} for name in commit.files],
            "sdk": repo.sdk,
        }
        return _json(answer)

    def tree(self, user, body, kinds, repo_id, revision, folder=None):
        commit = self._commit(self._repo(kinds, repo_id, user), revision)
        inside = f"{folder}/" if folder else ""
        names = [name for name in commit.files if name.startswith(inside)]
        if folder and not names:
            raise RefusedError(404, f"{folder} does not exist", "EntryNotFound")
        parents = {str(parent) for name in names for parent in PurePosixPath(name).parents}
        entries = [self._entry(name, commit.files[name]) for name in names]
        entries += [_folder_entry(path) for path in sorted(parents) if path.startswith(inside)]
        if body.get("recursive", "").lower() != "true":
            entries = [entry for entry in entries if "/" not in entry["path"][len(inside) :]]
        return _json([entry for entry in entries if entry["path"] not in (".", folder)])

    def paths_info(self, user, body, kinds, repo_id, revision):
        commit = self._commit(self._repo(kinds, repo_id, user), revision)
        if isinstance(body, bytes):
            pairs = [pair.split("=", 1) for pair in body.decode().split("&")]
            body = {"paths": [unquote(v.replace("+", " ")) for k, v in pairs if k == "paths"]}
        wanted = body["paths"]
        entries = [self._entry(name, commit.files[name]) for name in wanted if name in commit.files]
        folders = [
            _folder_entry(path)
            for path in wanted
            if any(name.startswith(f"{path}/") for name in commit.files)
        ]
        return _json(entries + folders)

    def _entry(self, name, content):
        entry = {"type": "file", "path": name, "size": len(content), "oid": self.blob_id(content)}
        if name.endswith(LARGE):
            digest = hashlib.sha256(content).hexdigest()
            entry["lfs"] = {"oid": digest, "size": len(content), "pointerSize": 134}
            entry["oid"] = hashlib.sha1(digest.encode()).hexdigest()  # of the pointer, in effect
            if self.xet:
                entry["xetHash"] = self.storage.add(content)
        return entry

    def resolve(self, user, body, kinds, repo_id, revision, name):
        commit = self._commit(self._repo(kinds, repo_id, user), revision)
        if name not in commit.files:
            raise RefusedError(404, f"{name} is not in this revision", "EntryNotFound")
        content = commit.files[name]
        headers = {"X-Repo-Commit": commit.sha, "ETag": f'"{git_oid(content)}"'}
        if name.endswith(LARGE):
            digest = hashlib.sha256(content).hexdigest()
            headers |= {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(content))}
            if self.xet:
                route = f"{self.url}/api/models/{repo_id}/xet-read-token/{commit.sha}"
                headers |= {"X-Xet-Hash": self.storage.add(content), "X-Xet-Refresh-Route": route}
        return 200, headers, content

    def xet_token(self, user, body, kinds, repo_id, revision):
        self._repo(kinds, repo_id, user)
        expires = str(int(time.time()) + 3600)
        headers = {"X-Xet-Cas-Url": self.url, "X-Xet-Access-Token": "storage"}
        return 200, headers | {"X-Xet-Token-Expiration": expires}, b""

    def xet_reconstruction(self, user, body, name):
        return _json(self.storage.plan(name, f"{self.url}/xorbs/{name}"))

    def xet_xorb(self, user, body, name):
        return 206, {}, self.storage.xorb(name)

    def refs(self, user, body, kinds, repo_id):
        repo = self._repo(kinds, repo_id, user)
        main = {"name": "main", "ref": "refs/heads/main", "targetCommit": repo.commits[-1].sha}
        tags = [
            {"name": name, "ref": f"refs/tags/{name}", "targetCommit": sha}
            for name, sha in repo.tags.items()
        ]
        branches = [
            {"name": name, "ref": f"refs/heads/{name}", "targetCommit": commits[-1].sha}
            for name, commits in repo.branches.items()
            if not name.startswith("refs/")
        ]
        return _json({"branches": [main, *branches], "tags": tags, "converts": []})

    def tag(self, user, body, kinds, repo_id, revision):
        repo = self._repo(kinds, repo_id, user, write=True)
        if body["tag"] in repo.tags:
            raise RefusedError(409, f"Tag reference exists already: {body['tag']}")
        repo.tags[body["tag"]] = self._commit(repo, revision).sha
        return 200, {}, b""

    def variable(self, user, body, repo_id):
        repo = self._repo("spaces", repo_id, user, write=True)
        repo.variables[body["key"]] = body["value"]
        return _json(self._variables(repo))

    def variables(self, user, body, repo_id):
        return _json(self._variables(self._repo("spaces", repo_id, user, write=True)))

    def secret_names(self, user, body, repo_id):
        repo = self._repo("spaces", repo_id, user, write=True)
        return _json({key: {"key": key} for key in repo.secrets})

    def auth_check(self, user, body, kinds, repo_id):
        self._repo(kinds, repo_id, user, write=True)
        return _json({})

    def _variables(self, repo):
        return {key: {"key": key, "value": value} for key, value in repo.variables.items()}


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


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub

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
            status, more, content = _json({"error": refusal.message}, refusal.status)
            answer = status, headers | more, content
        except ConnectionAbortedError:
            return
        status, headers, content = answer
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


def git_oid(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _folder_entry(path):
    return {"type": "directory", "path": path, "size": 0, "oid": "0" * 40}


def _json(value, status=200):
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()
