"""Repositories of the test Hub: their commits, branches and tags."""

import hashlib
import json
from dataclasses import dataclass, field


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


def git_oid(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
