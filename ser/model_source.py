"""Find a model: that which ships, one in a folder, or one on the Hub."""

import re
from pathlib import Path
from typing import Any, NamedTuple

from ser.errors import HubError, ModelError
from ser.paths import expanded
from ser.storage.audit import ModelFolder
from ser.storage.folder import read_model_folder

SHIPPED_MODEL = Path(__file__).parent / "pretrained"

_REPOSITORY = re.compile(r"(?P<repo_id>[a-zA-Z0-9][\w.-]*/[a-zA-Z0-9][\w.-]*)(@(?P<revision>.+))?")


class FoundModel(NamedTuple):
    """An audited model, where it is from, and of a repository which state was found and named."""

    folder: ModelFolder
    source: str
    revision: str | None = None
    requested_revision: str | None = None


def find_model(
    source: str | Path | None, revision: str | None = None, **options: Any
) -> FoundModel:
    """Find a model.

    Parameters
    ----------
    source : str or Path or None
        A folder, or ``OWNER/NAME`` or ``OWNER/NAME@REVISION``; None for the model that ships.
    revision : str, optional
        Of a repository.
    **options
        As for `ser.hub.repository.pull_model`.

    Raises
    ------
    ModelError
        If there is no such folder, the audit refuses the model, or revisions are given that
        there cannot be.
    HubError
        If the repository or revision cannot be fetched.
    """
    source, revision = SHIPPED_MODEL if source is None else source, revision or None
    repository, folder = _REPOSITORY.fullmatch(str(source)), expanded(source)
    if repository is None or folder.exists():
        if revision is not None:
            raise ModelError(
                f"'{source}' stands for a folder, which has no revision '{revision}': leave out "
                "the revision, or name a repository on the Hub."
            )
        return FoundModel(read_model_folder(folder), str(source))
    from ser.hub.repository import pull_model

    repo_id, named = repository["repo_id"], repository["revision"]
    if None not in (revision, named) and revision != named:
        raise ModelError(f"'{source}' is not at the revision '{revision}': give one of the two.")
    revision = revision or named
    try:
        model, commit = pull_model(repo_id, revision=revision, **options)
    except HubError as error:
        if not folder.parent.is_dir():
            raise
        raise type(error)(f"There is no folder '{source}', and on the Hub: {error}") from error
    return FoundModel(model, repo_id, commit, revision)
