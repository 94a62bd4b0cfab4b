"""Errors of the Hub, each explained in one plain sentence that says what to do."""

import errno
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import constants
from huggingface_hub.errors import (
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from ser.errors import HubError, SerError

BACKEND_ERRORS = (HTTPError, ImportError, OSError, RuntimeError, ValueError)
"""What huggingface_hub raises when something other than the caller is at fault."""

_DISK_FAULTS = {
    getattr(errno, name)
    for name in ("EACCES", "EPERM", "ENOSPC", "EDQUOT", "EFBIG", "EROFS", "ENOTDIR", "EEXIST")
}


class HubAwayError(ConnectionError):
    """The Hub cannot serve; the message is the beginning of a sentence for users."""


@contextmanager
def plain_words(
    repo_id: str, revision: str | None = None, cache_dir: str | Path | None = None
) -> Iterator[None]:
    """Turn what huggingface_hub raises into a `HubError` that says what to do."""
    try:
        yield
    except SerError:
        raise
    except BACKEND_ERRORS as error:
        raise HubError(_explain(_cause(error), repo_id, revision, cache_dir)) from error


def check_name(repo_id: str) -> None:
    """Refuse the name of a repository without its owner, which huggingface_hub lets through."""
    if repo_id.count("/") != 1:
        raise HubError(_not_a_name(repo_id))


def _not_a_name(repo_id: str) -> str:
    return f"'{repo_id}' is not the name of a repository: give OWNER/NAME."


def _cause(error: BaseException) -> BaseException:
    """Return what went wrong at first: errors in an upload or a download arrive wrapped."""
    wraps = isinstance(error, LocalEntryNotFoundError) or type(error) in (RuntimeError, ValueError)
    return _cause(error.__cause__) if wraps and error.__cause__ else error


def _explain(
    error: BaseException, repo_id: str, revision: str | None, cache_dir: str | Path | None
) -> str:
    if problem := diagnose(error, cache_dir):
        return ": ".join(problem) + "."
    if isinstance(error, GatedRepoError):
        return f"'{repo_id}' is gated: accept its terms on its page on the Hub, and log in."
    if isinstance(error, RepositoryNotFoundError):
        return (
            f"There is no repository '{repo_id}' on the Hub, or it is private and not yours: "
            "check the name, or log in with `hf auth login`."
        )
    if isinstance(error, RevisionNotFoundError):
        return f"'{repo_id}' has no revision '{revision}': give a branch, a tag or a commit."
    if isinstance(error, HFValidationError):
        return _not_a_name(repo_id)

    assert isinstance(error, HfHubHTTPError)  # `diagnose` explains whatever else there is
    status = error.response.status_code
    said = one_line(error.server_message or f"status {status}").rstrip(".")
    if status == 401:
        return (
            "The Hub did not accept the token: log in again with `hf auth login`, or set HF_TOKEN "
            "to a valid one."
        )
    if status == 403:
        return f"Your token is not allowed to do this with '{repo_id}': the Hub says “{said}”."
    if status in (409, 412):
        return (
            f"'{repo_id}' was made or changed by someone else (“{said}”): check it and try again."
        )
    return f"The Hub refused this for '{repo_id}': “{said}”."


def diagnose(error: BaseException, cache_dir: str | Path | None = None) -> tuple[str, str] | None:
    """Tell what keeps the Hub from serving anyone, as opposed to refusing this one request.

    Parameters
    ----------
    error : Exception
        One of `BACKEND_ERRORS`.
    cache_dir : str or Path, optional
        The cache in use, if it is not huggingface_hub's own.

    Returns
    -------
    (str, str) or None
        The beginning of a sentence that says what is wrong, and its end that says what to do.
    """
    error, again = _cause(error), "check the connection and try again"
    if isinstance(error, SerError | HFValidationError):
        return None
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set, so the Hub is not asked", "unset it to use the Hub"
    if isinstance(error, HfHubHTTPError):
        away = status_error(error.response.status_code)
        return (str(away), again) if away else None
    if isinstance(error, json.JSONDecodeError | FileMetadataError):
        return (
            f"What answers at {constants.ENDPOINT} is not the Hub",
            "open a web page to see whether the network wants a login first, and check HF_ENDPOINT "
            "if you set it",
        )
    if isinstance(error, HubAwayError):
        return str(error), again
    if isinstance(error, ImportError) and "SOCKS" in str(error):
        said = one_line(error).rstrip(".")
        return f"The connection to the Hub lacks a package ({said})", "install it"
    is_ascii = isinstance(error, UnicodeEncodeError) and error.encoding == "ascii"  # as headers are
    if is_ascii or type(error).__name__ == "LocalProtocolError":
        return (  # of the caller's own, headers have the token alone
            "The token for the Hub has characters that no token has",
            "log in again with `hf auth login`, or set HF_TOKEN to a valid one",
        )
    if isinstance(error, HTTPError):
        return f"The Hub cannot be reached at {constants.ENDPOINT} ({type(error).__name__})", again
    # hf-xet gives the number of a fault in its text.
    in_text = re.search(r"os error (\d+)", str(error))
    number = int(in_text[1]) if in_text else getattr(error, "errno", None)
    if number is not None and number in _DISK_FAULTS:
        return (
            f"The cache in '{cache_dir or constants.HF_HUB_CACHE}' cannot be written "
            f"({os.strerror(number)})",
            "make room or grant access there, or set HF_HOME to a folder that can be written",
        )
    return f"The exchange with the Hub at {constants.ENDPOINT} broke off ({one_line(error)})", again


def status_error(status: int) -> HubAwayError | None:
    """Return an error for a status that means that the Hub cannot serve now; otherwise None."""
    if status == 429:
        return HubAwayError(f"The Hub at {constants.ENDPOINT} limits requests (status 429)")
    if status == 408 or status >= 500:
        return HubAwayError(f"The Hub at {constants.ENDPOINT} fails with status {status}")
    return None


def one_line(text: object) -> str:
    """Return a third-party message without its line breaks."""
    return re.sub(r"\s+", " ", str(text)).strip()
