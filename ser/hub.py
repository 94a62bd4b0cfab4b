"""The Hugging Face Hub: publish a folder in one commit, fetch a model, say plainly what failed.

Only huggingface_hub's public functions are used, so that any server that speaks the Hub's
protocol works; `HF_ENDPOINT`, `HF_TOKEN` and `HF_HOME` have the same meaning as in that library.
"""

import hashlib
import json
import logging
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import yaml
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    scan_cache_dir,
    snapshot_download,
)
from huggingface_hub.errors import (
    HTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.repocard import RepoCard

from ser.card import name_in_card
from ser.errors import HubError, ModelIntegrityError, ModelNotFoundError, UntrustedModelError
from ser.hub_errors import describe_absence, is_away, one_line, plain_words
from ser.model_folder import REQUIRED_FILES, is_model_file, read_model_folder
from ser.targets import check_tag_name, check_token

logger = logging.getLogger(__name__)

TIMEOUT = 3.0
"""Seconds to wait for the Hub's first answer, after which it counts as unreachable."""


@dataclass(frozen=True)
class Published:
    """The result of a publication.

    Attributes
    ----------
    url : str
        Address of the repository.
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


def push_model(files, repo_id, *, private=False, token=None, commit_message=None, tag=None):
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

    Returns
    -------
    Published

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
        private=private,
        token=token,
        commit_message=commit_message or "Publish the model",
        tag=tag,
    )


def pull_model(repo_id, *, revision=None, token=None):
    """Fetch a model into huggingface_hub's cache, or use the copy there if the Hub is unreachable.

    Only files that a model folder has are downloaded, and a dangerous or damaged copy is removed.

    Parameters
    ----------
    repo_id : str
        ``OWNER/NAME``.
    revision : str, optional
        Branch, tag or commit; by default the latest commit.
    token : str, optional
        By default the one that ``hf auth login`` stored.

    Returns
    -------
    folder : ser.model_folder.ModelFolder
    commit : str
        The commit that `revision` stands for.

    Raises
    ------
    HubError
        If the repository or revision cannot be fetched.
    ModelError
        If the audit refuses its files.
    """
    with plain_words(repo_id, revision):
        path = Path(_download(repo_id, revision, token))
    try:
        return read_model_folder(path, source=repo_id), path.name
    except (UntrustedModelError, ModelIntegrityError):
        scan_cache_dir().delete_revisions(path.name).execute()
        raise


def _download(repo_id, revision, token):
    try:
        info = HfApi(token=token).model_info(repo_id, revision=revision, timeout=TIMEOUT)
    except (HTTPError, OfflineModeIsEnabled) as error:
        if not is_away(error):
            raise
        try:
            # Without a listing, the required files show whether the copy is complete.
            path = snapshot_download(
                repo_id, revision=revision, allow_patterns=REQUIRED_FILES, local_files_only=True
            )
            is_whole = all(Path(path, name).is_file() for name in REQUIRED_FILES)
        except LocalEntryNotFoundError:
            is_whole = False
        if not is_whole:
            raise HubError(
                f"{describe_absence(error)}, and the cache does not have all of '{repo_id}': check "
                "the connection and try again."
            ) from error
        logger.warning("%s: '%s' is taken from the cache.", describe_absence(error), repo_id)
        return path
    names = [sibling.rfilename for sibling in info.siblings or []]
    for name in REQUIRED_FILES:
        if name not in names:
            raise ModelNotFoundError(
                f"The repository '{repo_id}' is not a model of ser: it has no {name}."
            )
    if strange := sorted({name for name in names if not is_model_file(name)} - {".gitattributes"}):
        logger.warning(
            "The repository '%s' also holds %s: not part of a model, not downloaded.",
            repo_id,
            ", ".join(strange),
        )
    wanted = [name for name in names if is_model_file(name)]
    return snapshot_download(repo_id, revision=revision, allow_patterns=wanted, token=token)


def commit_files(
    files, repo_id, *, repo_type, is_ours, private, token, commit_message, tag=None, space_sdk=None
):
    """Make a repository hold these files, in at most one commit.

    Parameters
    ----------
    files : dict of str to bytes
        Contents by name; ``README.md`` among them.
    repo_id, repo_type : str
        As huggingface_hub takes them; the repository is created if there is none.
    is_ours : callable
        Tells by name whether a file in the repository is deleted if it is not in `files`.
    private, token, commit_message, tag
        As for `push_model`.
    space_sdk : str, optional
        For a Space.

    Returns
    -------
    Published

    Raises
    ------
    HubError
        If anything fails; the repository is then unchanged, unless only the tag failed.
    """
    check_token(token)
    check_tag_name(tag)
    api = HfApi(token=token)
    repo = {"repo_id": repo_id, "repo_type": repo_type}
    with plain_words(repo_id):
        _check_card(files["README.md"].decode(), repo_type)
        try:
            info = api.repo_info(**repo, timeout=TIMEOUT)
        except RepositoryNotFoundError:
            info = None
        if info is None:
            api.create_repo(**repo, private=private or None, space_sdk=space_sdk)
        elif private and not info.private:
            raise HubError(
                f"'{repo_id}' exists and is public: make it private in its settings first, or "
                "leave out --private."
            )
        head = info.sha if info else None
        try:
            operations = _changes(api, repo, head, files, is_ours)
            tagged = tag and head and _is_tagged(api, repo, head, tag, changing=bool(operations))
            revision = head
            if operations:
                revision = api.create_commit(
                    **repo,
                    operations=operations,
                    commit_message=commit_message,
                    parent_commit=head,
                ).oid
        except BaseException:
            if info is None:
                with suppress(Exception):
                    api.delete_repo(**repo)
            raise
    is_new_tag = bool(tag) and not tagged
    if is_new_tag:
        _create_tag(api, repo, tag, revision)
    prefix = "" if repo_type == "model" else f"{repo_type}s/"
    return Published(f"{api.endpoint}/{prefix}{repo_id}", revision, bool(operations), is_new_tag)


def _create_tag(api, repo, tag, revision):
    try:
        with plain_words(repo["repo_id"]):
            api.create_tag(**repo, tag=tag, revision=revision)
    except HubError as error:
        raise HubError(
            f"'{repo['repo_id']}' has the files, at revision {revision}, but not the tag '{tag}': "
            f"publish again to set it. {error}"
        ) from error


def _changes(api, repo, head, files, is_ours):
    """Return the operations that turn the repository's files at a commit into these."""
    remote = {}
    if head:
        entries = api.list_repo_tree(**repo, revision=head, recursive=True)
        remote = {entry.path: entry for entry in entries if isinstance(entry, RepoFile)}
    additions = [
        CommitOperationAdd(name, content)
        for name, content in files.items()
        if not (name in remote and _is_same(api, repo, head, remote[name], content))
    ]
    gone = [name for name in remote if is_ours(name) and name not in files]
    return additions + [CommitOperationDelete(name) for name in gone]


def _is_same(api, repo, head, entry, content):
    """Compare a file with what the Hub lists: large files by SHA-256, others by git's blob id."""
    if entry.size != len(content):
        return False
    if entry.lfs:
        return entry.lfs.sha256 == hashlib.sha256(content).hexdigest()
    if entry.blob_id == hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest():
        return True
    # Not every server identifies contents by git's blob ids.
    path = api.hf_hub_download(**repo, filename=entry.path, revision=head)
    return Path(path).read_bytes() == content


def _is_tagged(api, repo, head, tag, *, changing):
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


def _check_card(card, repo_type):
    """Have the Hub check the metadata of a README.md before anything is created or uploaded."""
    try:
        RepoCard(card).validate(repo_type=repo_type)
    except (ValueError, yaml.YAMLError) as error:
        faults = str(error)
        with suppress(ValueError, KeyError, TypeError):
            faults = "; ".join(fault["message"] for fault in json.loads(faults)["errors"])
        raise HubError(f"The Hub refuses the card: {one_line(faults)}.") from error
