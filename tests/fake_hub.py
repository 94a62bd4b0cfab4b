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
from http.server import ThreadingHTTPServer
from pathlib import PurePosixPath
from urllib.parse import unquote

from fake_repo import Repo, git_oid
from fake_server import ROUTES, Handler, RefusedError, as_json
from fake_xet import XetStorage

LARGE = (".skops", ".png", ".flac", ".parquet", ".bin")
KINDS = {"models": "model", "datasets": "dataset", "spaces": "space"}


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
        handler = type("Handler", (Handler,), {"hub": self})
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
        return as_json({"type": "user", "name": user, "orgs": [], "auth": auth})

    def create(self, user, body):
        if user is None:
            raise RefusedError(401, "Invalid username or password.")
        owner, kind = body.get("organization") or user, body.get("type") or "model"
        repo_id = f"{owner}/{body['name']}"
        prefix = "" if kind == "model" else f"{kind}s/"
        url = {"url": f"{self.url}/{prefix}{repo_id}"}
        if (kind, repo_id) in self.repos:
            return as_json({"error": "You already created this repo", **url}, 409)
        if owner != user:
            raise RefusedError(403, f"You don't have the rights to create a {kind} under {owner!r}")
        repo = Repo(private=body.get("visibility") == "private", sdk=body.get("sdk"))
        repo.commit("initial commit", {".gitattributes": b"*.skops filter=lfs\n"})
        self.repos[kind, repo_id] = repo
        return as_json(url)

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
        return as_json(answer, 400 if errors else 200)

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
        return as_json({"files": files})

    def lfs_batch(self, user, body, kinds, repo_id):
        self._repo(kinds, repo_id, user, write=True)
        objects = []
        for item in body["objects"]:
            answer = dict(item)
            if item["oid"] not in self.large:
                href = f"{self.url}/lfs/{item['oid']}"
                answer["actions"] = {"upload": {"href": href}, "verify": {"href": f"{href}/verify"}}
            objects.append(answer)
        return as_json({"transfer": "basic", "objects": objects})

    def lfs_put(self, user, body, oid):
        if hashlib.sha256(body).hexdigest() != oid:
            raise RefusedError(400, "the content does not have this SHA-256")
        self.large[oid] = body
        return 200, {}, b""

    def lfs_verify(self, user, body, oid):
        if len(self.large.get(oid, b"")) != body["size"]:
            raise RefusedError(404, "no such object")
        return as_json({})

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
        return as_json(answer | {"commitUrl": f"{page}/commit/{sha}"})

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
            "siblings": [
                {"rfilename": name, "size": len(content)} for name, content in commit.files.items()
            ],
            "sdk": repo.sdk,
        }
        return as_json(answer)

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
        return as_json([entry for entry in entries if entry["path"] not in (".", folder)])

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
        return as_json(entries + folders)

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
        return as_json(self.storage.plan(name, f"{self.url}/xorbs/{name}"))

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
        return as_json({"branches": [main, *branches], "tags": tags, "converts": []})

    def tag(self, user, body, kinds, repo_id, revision):
        repo = self._repo(kinds, repo_id, user, write=True)
        if body["tag"] in repo.tags:
            raise RefusedError(409, f"Tag reference exists already: {body['tag']}")
        repo.tags[body["tag"]] = self._commit(repo, revision).sha
        return 200, {}, b""

    def variable(self, user, body, repo_id):
        repo = self._repo("spaces", repo_id, user, write=True)
        repo.variables[body["key"]] = body["value"]
        return as_json(self._variables(repo))

    def variables(self, user, body, repo_id):
        return as_json(self._variables(self._repo("spaces", repo_id, user, write=True)))

    def secret_names(self, user, body, repo_id):
        repo = self._repo("spaces", repo_id, user, write=True)
        return as_json({key: {"key": key} for key in repo.secrets})

    def auth_check(self, user, body, kinds, repo_id):
        self._repo(kinds, repo_id, user, write=True)
        return as_json({})

    def _variables(self, repo):
        return {key: {"key": key, "value": value} for key, value in repo.variables.items()}


def _folder_entry(path):
    return {"type": "directory", "path": path, "size": 0, "oid": "0" * 40}
