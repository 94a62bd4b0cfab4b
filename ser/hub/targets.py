"""What can be found out on the Hub before anything is made or uploaded for it."""

import re
from collections.abc import Callable, Iterable
from typing import Literal

from huggingface_hub import DatasetInfo, HfApi, KernelInfo, ModelInfo, SpaceInfo, get_token
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

from ser.errors import HubError, ModelNotFoundError
from ser.hub.errors import check_name, plain_words
from ser.storage.audit import REQUIRED_FILES
from ser.storage.folder import MARK, check_size, is_model_file

ANYWHERE = re.compile(
    r"\..*|(LICEN[CS]E|NOTICE|COPYING).*|CITATION\.cff|.*\.(md|ya?ml|png|jpe?g|gif|svg|webp)",
    re.IGNORECASE,
)
"""Files of any repository, which do not say what it is for."""


def check_target(
    repo_id: str,
    *,
    private: bool = False,
    tag: str | None = None,
    repo_type: Literal["model", "dataset"] = "model",
) -> list[str]:
    """Check that something new can be published, so that nobody works for nothing.

    Parameters
    ----------
    repo_id, private, tag
        As for `ser.hub.repository.push_model`.
    repo_type : "model" or "dataset"

    Returns
    -------
    list of str
        The names of the files that are in the repository.

    Raises
    ------
    HubError
        If there is no token or it may not write, the name or the tag cannot be used, the tag is
        taken, there is something else in the repository than a model, or a private repository was
        asked for and there is a public one.
    """
    check_name(repo_id)
    check_token()
    check_tag_name(tag)
    api = HfApi()
    with plain_words(repo_id):
        try:
            info = api.repo_info(repo_id, repo_type=repo_type)
        except RepositoryNotFoundError:
            info = None
        _check_right(api, repo_id, repo_type, exists=info is not None)
        if info is None:
            return []
        check_privacy(info, private=private)
        assert isinstance(info, ModelInfo | DatasetInfo)
        names = [each.rfilename for each in info.siblings or ()]
        if repo_type == "model":
            check_mark(repo_id, names, MARK, is_model_file)
        refs = api.list_repo_refs(repo_id, repo_type=repo_type) if tag else None
        if refs and tag in {ref.name for ref in (*refs.branches, *refs.tags)}:
            raise HubError(
                f"The tag '{tag}' of '{repo_id}' is taken: choose another tag for the new one."
            )
    return names


def _check_right(api: HfApi, repo_id: str, repo_type: str, *, exists: bool) -> None:
    """Refuse a token that may not write to the repository, or create it."""
    user = api.whoami()
    if user.get("auth", {}).get("accessToken", {}).get("role") == "read":
        raise HubError(
            "Your token may only read: log in with `hf auth login`, or set HF_TOKEN to one with "
            "write access."
        )
    if exists:
        try:
            api.auth_check(repo_id, repo_type=repo_type, write=True)
        except HfHubHTTPError as error:
            if error.response.status_code in (401, 403):
                raise HubError(f"Your token is not allowed to write to '{repo_id}'.") from error
        return
    owners = [user["name"], *(each["name"] for each in user.get("orgs", []))]
    owner = repo_id.split("/")[0]
    if owner not in owners:
        raise HubError(
            f"Your token is not allowed to create '{repo_id}': its owner must be "
            f"{' or '.join(owners)}."
        )


def check_privacy(info: ModelInfo | DatasetInfo | SpaceInfo | KernelInfo, *, private: bool) -> None:
    """Raise a `HubError` if a private repository was asked for and this one is public."""
    if private and not info.private:
        raise HubError(
            f"'{info.id}' exists and is public: make it private in its settings first, or leave "
            "out --private."
        )


def check_mark(
    repo_id: str, names: Iterable[str], mark: str, is_ours: Callable[[str], bool]
) -> None:
    """Raise a `HubError` if a repository has files, but not the one that marks it as ours.

    Parameters
    ----------
    repo_id : str
    names : iterable of str
        Its files.
    mark : str
    is_ours : callable
        Tells by name whether a file may be replaced or deleted.
    """
    others = [name for name in names if is_ours(name) or not ANYWHERE.fullmatch(name)]
    others = sorted({*others} - {"README.md"})
    if others and mark not in others:
        raise HubError(
            f"'{repo_id}' holds '{others[0]}' and has no '{mark}', so it may be for something "
            "else: nothing was published; choose another repository, or delete it there first."
        )


def check_token(token: str | None = None) -> None:
    """Raise a `HubError` unless there is a token."""
    if not (token or get_token()):
        raise HubError(
            "There is no token for the Hub: log in with `hf auth login`, or set HF_TOKEN to a "
            "token with write access."
        )


def check_tag_name(tag: str | None) -> None:
    """Raise a `HubError` if a tag, unless it is None, cannot be one."""
    if tag is not None and not re.fullmatch(r"\w[\w-]*(\.[\w-]+)*(?<!\.lock)", tag):
        raise HubError(f"'{tag}' cannot be a tag: use letters, digits, dots and dashes, as in v1.")
    if tag == "main":
        raise HubError("'main' cannot be a tag: it is the branch; choose another, such as v1.")


def check_served(model: str) -> bool:
    """Check that there is a model for a Space to serve.

    Parameters
    ----------
    model : str
        ``OWNER/NAME`` or ``OWNER/NAME@REVISION``.

    Returns
    -------
    bool
        Whether anyone can read it; if not, a Space needs a token for it.

    Raises
    ------
    HubError
        If there is no such repository or revision.
    ModelNotFoundError
        If it is not a model of ser.
    """
    repo_id, _, revision = model.partition("@")
    check_name(repo_id)
    with plain_words(repo_id, revision):
        info = HfApi().model_info(repo_id, revision=revision or None)
    check_model(info)
    return not (info.private or info.gated)


def check_model(info: ModelInfo) -> list[str]:
    """Return the names of a repository's files, if they are those of a model.

    Raises
    ------
    ModelNotFoundError
        If one is missing.
    ModelFormatError
        If they are known to be larger than a model may be, so that they are not downloaded.
    """
    names = [sibling.rfilename for sibling in info.siblings or []]
    if missing := [name for name in REQUIRED_FILES if name not in names]:
        raise ModelNotFoundError(
            f"The repository '{info.id}' is not a model of ser: it has no {', no '.join(missing)}; "
            "give one that `python -m ser push` published."
        )
    files = [each for each in info.siblings or [] if is_model_file(each.rfilename)]
    check_size(sum(each.size or 0 for each in files), f"repository '{info.id}'")
    return names
