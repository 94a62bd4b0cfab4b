"""Models in huggingface_hub's cache: fetched from the Hub, or served as they are if it cannot."""

import logging
import os
import threading
from collections.abc import Container, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from huggingface_hub import (
    HfApi,
    constants,
    get_cached_repo_tree,
    get_session,
    scan_cache_dir,
    snapshot_download,
)
from huggingface_hub import logging as hub_logging
from huggingface_hub.errors import (
    CachedRepoTreeNotFoundError,
    CacheNotFound,
    HTTPError,
    LocalEntryNotFoundError,
    RevisionResolutionError,
)

from ser.errors import HubError
from ser.hub.errors import BACKEND_ERRORS, HubAwayError, diagnose, status_error
from ser.hub.targets import check_model
from ser.storage.audit import REQUIRED_FILES
from ser.storage.folder import is_model_file

logger = logging.getLogger(__name__)

TIMEOUT = 3.0
"""Seconds to wait for the Hub's first answer, after which it counts as unreachable."""
XET_ATTEMPTS = "HF_XET_CLIENT_RETRY_MAX_ATTEMPTS"
"""A setting of hf-xet, which reads it at its first download."""
_LOCK = threading.Lock()
"""For one download at a time: they all share a session, whose hooks `_without_retries` changes."""


def fetch_model(
    repo_id: str,
    *,
    revision: str | None,
    token: str | None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
    force_download: bool = False,
) -> Path:
    """Bring a model into the cache, or find it there.

    A complete copy serves at once, with one line in the log, if the Hub cannot.

    Parameters
    ----------
    repo_id, revision, token, cache_dir, local_files_only, force_download
        As for `ser.hub.repository.pull_model`.

    Returns
    -------
    Path
        A folder whose name is the commit.

    Raises
    ------
    HubError
        If the Hub cannot serve and the cache has no complete copy.
    ModelNotFoundError
        If the repository does not hold a model.
    """
    if local_files_only and force_download:
        raise HubError(
            "local_files_only and force_download exclude each other: choose one of the two."
        )
    wanted = f"'{repo_id}'" + (f" at '{revision}'" if revision else "")
    place: dict[str, Any] = {"repo_id": repo_id, "cache_dir": cache_dir}
    copy = None if force_download else find_copy(**place, revision=revision)
    if local_files_only:
        if copy is None:
            raise HubError(
                f"The cache in '{cache_dir or constants.HF_HUB_CACHE}' does not have all of "
                f"{wanted}: fetch it once without local_files_only."
            )
        return copy
    try:
        with _LOCK:
            return _download(
                **place, revision=revision, token=token, force=force_download, copy=copy
            )
    except BACKEND_ERRORS as error:
        problem = diagnose(error, cache_dir)
        if problem is None or force_download:
            raise
        reason, advice = problem
        if copy is None:
            raise HubError(
                f"{reason}, and the cache does not have all of {wanted}: {advice}."
            ) from error
    logger.warning("%s: '%s' is taken from the cache, at revision %s.", reason, repo_id, copy.name)
    return copy


def find_copy(
    repo_id: str, revision: str | None, cache_dir: str | Path | None = None
) -> Path | None:
    """Find a complete copy of a model in the cache.

    An update that broke off leaves an incomplete copy of the newest commit. Older complete ones
    stand in for the default branch, but not for a commit or a tag, which means one commit only.

    Returns
    -------
    Path or None
        A folder whose name is the commit.
    """
    place: dict[str, Any] = {"repo_id": repo_id, "cache_dir": cache_dir}
    with suppress(LocalEntryNotFoundError):
        named = snapshot_download(
            **place, revision=revision, allow_patterns=list(REQUIRED_FILES), local_files_only=True
        )
        if not _damaged(Path(named), REQUIRED_FILES, **place):
            return Path(named)
    if revision not in (None, constants.DEFAULT_REVISION):
        return None
    try:
        repositories = scan_cache_dir(cache_dir).repos
    except (CacheNotFound, ValueError):  # there is no cache, or it is a file
        return None
    commits = [
        commit
        for repository in repositories
        if (repository.repo_type, repository.repo_id) == ("model", repo_id)
        for commit in repository.revisions
        if not _damaged(commit.snapshot_path, REQUIRED_FILES, **place)
    ]
    # Another branch or a tag may refer to what never was on the default branch.
    newest = max(commits, key=lambda each: (not each.refs, each.last_modified), default=None)
    return newest.snapshot_path if newest else None


def _damaged(
    folder: Path, measured: Container[str], repo_id: str, cache_dir: str | Path | None
) -> list[str]:
    """Return the files of a copy that are missing, or measured and not as long as they should be.

    Parameters
    ----------
    folder : Path
    measured : container of str
        Names of files. A copy whose picture is cut short still serves.
    """
    sizes: dict[str, int | None] = dict.fromkeys(REQUIRED_FILES)
    with suppress(CachedRepoTreeNotFoundError):  # written by earlier versions of huggingface_hub
        tree = get_cached_repo_tree(repo_id, revision=folder.name, cache_dir=cache_dir)
        sizes.update({each.path: each.size for each in tree if is_model_file(each.path)})

    def is_cut(name: str) -> bool:
        return name in measured and sizes[name] not in (None, (folder / name).stat().st_size)

    return [name for name in sizes if not (folder / name).is_file() or is_cut(name)]


def _download(
    repo_id: str,
    cache_dir: str | Path | None,
    revision: str | None,
    token: str | None,
    force: bool,
    copy: Path | None,
) -> Path:
    api = HfApi(token=token)
    info = api.model_info(repo_id, revision=revision, timeout=TIMEOUT, files_metadata=True)
    names = check_model(info)
    if strange := sorted({name for name in names if not is_model_file(name)} - {".gitattributes"}):
        logger.warning(
            "The repository '%s' also holds %s: not part of a model, not downloaded.",
            repo_id,
            ", ".join(strange),
        )
    place: dict[str, Any] = {"repo_id": repo_id, "cache_dir": cache_dir}
    wanted = [name for name in names if is_model_file(name)]
    quickly = nullcontext if copy is None else _without_retries
    with quickly():
        path = _fetch(info.sha, wanted, token, force=force, **place)
    if damaged := _damaged(path, wanted, **place):  # by a crash: not fetched by itself
        for name in damaged:  # nor written over, where a cache has no links
            (path / name).unlink(missing_ok=True)
        with quickly():  # anew, as it asks the same again
            path = _fetch(info.sha, damaged, token, force=True, **place)
    if _damaged(path, (), **place):  # what has just been fetched was measured by huggingface_hub
        raise HubAwayError(f"The download of '{repo_id}' broke off")
    # Only now, so that a branch in the cache does not refer to a commit that is not all there.
    with suppress(RevisionResolutionError, HTTPError):
        api.resolve_revision(repo_id, revision=revision, cache_dir=cache_dir)
    return path


def _fetch(
    commit: str | None, names: list[str], token: str | None, *, force: bool, **place: Any
) -> Path:
    return Path(
        snapshot_download(
            **place,
            revision=commit,
            allow_patterns=names,
            token=token,
            etag_timeout=TIMEOUT,
            force_download=force,
        )
    )


@contextmanager
def _without_retries() -> Iterator[None]:
    """Let the first failed request end a download, which huggingface_hub repeats for a long time.

    Nobody should wait for the Hub to recover while there is a copy that can serve.
    """
    asked = set()

    def ask_once(request: Any) -> None:
        key = (request.method, str(request.url))
        if key in asked:
            raise HubAwayError(f"The connection to the Hub at {constants.ENDPOINT} broke off")
        asked.add(key)

    def fail(response: Any) -> None:
        if error := status_error(response.status_code):
            raise error

    session, verbosity = get_session(), hub_logging.get_verbosity()
    hooks = session.event_hooks
    session.event_hooks = {
        "request": [*hooks["request"], ask_once],
        "response": [*hooks["response"], fail],
    }
    hub_logging.set_verbosity_error()
    attempts = os.environ.get(XET_ATTEMPTS)
    os.environ[XET_ATTEMPTS] = "0"
    try:
        yield
    finally:
        if attempts is None:
            del os.environ[XET_ATTEMPTS]
        else:
            os.environ[XET_ATTEMPTS] = attempts
        session.event_hooks = hooks
        hub_logging.set_verbosity(verbosity)
