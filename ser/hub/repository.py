"""The Hugging Face Hub: publish a folder in one commit, fetch a model, say plainly what failed.

Only huggingface_hub's public functions are used, so that any server that speaks the Hub's
protocol works; `HF_ENDPOINT`, `HF_TOKEN` and `HF_HOME` have the same meaning as in that library.
"""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    scan_cache_dir,
)
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.hf_api import RepoFile

from ser.errors import HubError, ModelIntegrityError, UntrustedModelError
from ser.hub.cache import TIMEOUT, fetch_model
from ser.hub.card import check_card, name_in_card
from ser.hub.errors import check_name, plain_words
from ser.hub.targets import (
    check_mark,
    check_privacy,
    check_tag_name,
    check_token,
)
from ser.storage.audit import ModelFolder
from ser.storage.folder import MARK, is_model_file, read_model_folder


@dataclass(frozen=True)
class Published:
    """The result of a publication.

    Attributes
    ----------
    url : str
        Address of the repository, or of the pull request.
    revision : str
        The commit that holds the files.
    changed : bool
        Whether there was anything to commit.
    tagged : bool
        Whether a tag was set.
    """

    url: str
    revision: str
    changed: bool
    tagged: bool = False


def push_model(
    files: Mapping[str, bytes],
    repo_id: str,
    *,
    private: bool = False,
    token: str | None = None,
    commit_message: str | None = None,
    tag: str | None = None,
    branch: str | None = None,
    create_pr: bool = False,
) -> Published:
    """Publish a model in one commit, or in none if the repository already holds it.

    Parameters
    ----------
    files : dict of str to bytes
        All files of an audited model folder.
    repo_id : str
        ``OWNER/NAME``; created if there is no such repository.
    private : bool
        Whether a new repository is private. If True, an existing one must be private, too.
    token : str, optional
        By default the one that ``hf auth login`` stored.
    commit_message : str, optional
    tag : str, optional
        Name for the published revision.
    branch : str, optional
        Where to commit; created from the main branch if there is none. By default the main branch.
    create_pr : bool
        Whether to propose the commit in a pull request instead.

    Raises
    ------
    HubError
        If anything fails; the repository is then unchanged, unless only the tag failed.
    """
    card = name_in_card(files["README.md"].decode(), repo_id)
    return commit_files(
        {**files, "README.md": card.encode()},
        repo_id,
        repo_type="model",
        is_ours=is_model_file,
        mark=MARK,
        private=private,
        token=token,
        commit_message=commit_message or "Publish the model",
        tag=tag,
        branch=branch,
        create_pr=create_pr,
    )


def pull_model(
    repo_id: str,
    *,
    revision: str | None = None,
    token: str | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
    force_download: bool = False,
) -> tuple[ModelFolder, str]:
    """Fetch a model into huggingface_hub's cache, or use the copy there if the Hub cannot serve.

    Only files that a model folder has are downloaded, and a dangerous or damaged copy is removed.

    Parameters
    ----------
    repo_id : str
        ``OWNER/NAME``.
    revision : str, optional
        Branch, tag or commit; by default the latest commit.
    token : str, optional
        By default the one that ``hf auth login`` stored.
    cache_dir : str or Path, optional
        By default huggingface_hub's, below ``HF_HOME``.
    local_files_only : bool
        Whether to use the cache without asking the Hub.
    force_download : bool
        Whether to fetch every file again, even those in the cache.

    Returns
    -------
    folder : ser.storage.folder.ModelFolder
    commit : str
        The commit that `revision` stands for.

    Raises
    ------
    HubError
        If the repository or revision cannot be fetched.
    ModelError
        If the audit refuses its files.
    """
    check_name(repo_id)
    with plain_words(repo_id, revision, cache_dir):
        path = fetch_model(
            repo_id,
            revision=revision,
            token=token,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            force_download=force_download,
        )
    try:
        return read_model_folder(path, source=repo_id), path.name
    except (UntrustedModelError, ModelIntegrityError):
        scan_cache_dir(cache_dir).delete_revisions(path.name).execute()
        raise


def commit_files(
    files: Mapping[str, bytes],
    repo_id: str,
    *,
    repo_type: str,
    is_ours: Callable[[str], bool],
    mark: str,
    private: bool,
    commit_message: str,
    token: str | None = None,
    tag: str | None = None,
    branch: str | None = None,
    create_pr: bool = False,
    space_sdk: str | None = None,
) -> Published:
    """Make a repository hold these files, in at most one commit.

    Parameters
    ----------
    files : dict of str to bytes
        Contents by name; ``README.md`` among them.
    repo_id, repo_type : str
        As huggingface_hub takes them; the repository is created if there is none.
    is_ours : callable
        Tells by name whether a file in the repository is deleted if it is not in `files`.
    mark : str
        Name of a file; a repository of something without it is taken for somebody else's.
    private, token, commit_message, tag, branch, create_pr
        As for `push_model`.
    space_sdk : str, optional
        For a Space.

    Raises
    ------
    HubError
        If anything fails; the repository is then unchanged, unless only the tag failed.
    """
    check_name(repo_id)
    if tag and create_pr:
        raise HubError("A pull request cannot have a tag: set the tag when it has been merged.")
    if tag and tag == branch:
        raise HubError(f"'{tag}' cannot be both branch and tag: choose another tag, such as v1.")
    check_token(token)
    check_tag_name(tag)
    api = HfApi(token=token)
    repo: dict[str, Any] = {"repo_id": repo_id, "repo_type": repo_type}
    with plain_words(repo_id):
        check_card(files["README.md"].decode(), repo_type)
        try:
            info = api.repo_info(**repo, timeout=TIMEOUT)
        except RepositoryNotFoundError:
            info = None
        if info is None:
            api.create_repo(**repo, private=private or None, space_sdk=space_sdk)
        else:
            check_privacy(info, private=private)
        head, new_branch = info.sha if info else None, None
        try:
            if branch:
                try:
                    head = api.repo_info(**repo, revision=branch, timeout=TIMEOUT).sha
                except RevisionNotFoundError:
                    new_branch = branch  # starts from the head of the main one
            operations = _changes(api, repo, head, files, is_ours, mark)
            tagged = tag and head and _is_tagged(api, repo, head, tag, changing=bool(operations))
            # Where there is no head yet, there is something to commit, which gives a revision.
            revision, pull_request = head or "", None
            if new_branch:
                api.create_branch(**repo, branch=new_branch, revision=head)
            if operations:
                commit = api.create_commit(
                    **repo,
                    operations=operations,
                    commit_message=commit_message,
                    parent_commit=head,
                    revision=branch,
                    create_pr=create_pr,
                )
                revision, pull_request = commit.oid, commit.pr_url
        except BaseException:
            if info is None:
                with suppress(Exception):
                    api.delete_repo(**repo)
            elif new_branch:
                with suppress(Exception):
                    api.delete_branch(**repo, branch=new_branch)
            raise
    if tag and not tagged:
        _create_tag(api, repo, tag, revision)
    prefix = "" if repo_type == "model" else f"{repo_type}s/"
    url = pull_request or f"{api.endpoint}/{prefix}{repo_id}"
    return Published(url, revision, bool(operations), tagged=bool(tag and not tagged))


def _create_tag(api: HfApi, repo: dict[str, Any], tag: str, revision: str) -> None:
    try:
        with plain_words(repo["repo_id"]):
            api.create_tag(**repo, tag=tag, revision=revision)
    except HubError as error:
        raise HubError(
            f"'{repo['repo_id']}' has the files, at revision {revision}, but not the tag '{tag}': "
            f"publish again to set it. {error}"
        ) from error


def _changes(
    api: HfApi,
    repo: dict[str, Any],
    head: str | None,
    files: Mapping[str, bytes],
    is_ours: Callable[[str], bool],
    mark: str,
) -> list[CommitOperationAdd | CommitOperationDelete]:
    """Return the operations that turn the repository's files at a commit into these."""
    remote = {}
    if head:
        entries = api.list_repo_tree(**repo, revision=head, recursive=True)
        remote = {entry.path: entry for entry in entries if isinstance(entry, RepoFile)}
        check_mark(repo["repo_id"], remote, mark, is_ours)
    additions = [
        CommitOperationAdd(name, content)
        for name, content in files.items()
        if not (head and name in remote and _is_same(api, repo, head, remote[name], content))
    ]
    gone = [name for name in remote if is_ours(name) and name not in files]
    return additions + [CommitOperationDelete(name) for name in gone]


def _is_same(api: HfApi, repo: dict[str, Any], head: str, entry: RepoFile, content: bytes) -> bool:
    """Compare a file with what the Hub lists: large files by SHA-256, others by git's blob id."""
    if entry.size != len(content):
        return False
    if entry.lfs:
        return entry.lfs.sha256 == hashlib.sha256(content).hexdigest()
    # git names contents by SHA-1; who publishes wrote both sides of what is compared.
    name = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    if entry.blob_id == name:
        return True
    # Not every server identifies contents by git's blob ids.
    path = api.hf_hub_download(**repo, filename=entry.path, revision=head)
    return Path(path).read_bytes() == content


def _is_tagged(api: HfApi, repo: dict[str, Any], head: str, tag: str, *, changing: bool) -> bool:
    """Tell whether the tag already marks what is published; refuse it if it marks anything else."""
    refs = api.list_repo_refs(**repo)
    if tag in {ref.name for ref in refs.branches}:
        raise HubError(
            f"'{tag}' cannot be a tag: it is a branch of '{repo['repo_id']}'; choose another, such "
            "as v1."
        )
    tags = {ref.name: ref.target_commit for ref in refs.tags}
    if tag not in tags:
        return False
    if changing or tags[tag] != head:
        raise HubError(
            f"The tag '{tag}' of '{repo['repo_id']}' marks another revision: nothing was "
            "published; choose another tag."
        )
    return True
