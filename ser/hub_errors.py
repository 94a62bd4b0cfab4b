"""Errors of the Hub, each explained in one plain sentence that says what to do."""

import re
from contextlib import contextmanager

from huggingface_hub import HfApi
from huggingface_hub.errors import (
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


@contextmanager
def plain_words(repo_id, revision=None):
    """Turn what huggingface_hub raises into a `HubError` that says what to do."""
    try:
        yield
    except SerError:
        raise
    except (HTTPError, OSError, RuntimeError, ValueError) as error:
        # Errors in an upload arrive wrapped.
        cause = (type(error) is RuntimeError and error.__cause__) or error
        raise HubError(_explain(cause, repo_id, revision)) from error


def _explain(error, repo_id, revision):
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
        return f"'{repo_id}' is not the name of a repository: give OWNER/NAME."
    if is_away(error):
        return f"{describe_absence(error)}: check the connection and try again."
    if not isinstance(error, HfHubHTTPError):
        return f"The exchange with the Hub about '{repo_id}' failed: {one_line(error)}."

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


def is_away(error):
    """Tell whether the Hub is unreachable or failing, rather than refusing a request."""
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code >= 500
    return isinstance(error, HTTPError | OfflineModeIsEnabled | LocalEntryNotFoundError)


def describe_absence(error):
    """Return the beginning of a sentence that says how the Hub `is_away`."""
    if isinstance(error, HfHubHTTPError):
        return f"The Hub at {HfApi().endpoint} fails with status {error.response.status_code}"
    return f"The Hub cannot be reached at {HfApi().endpoint} ({type(error).__name__})"


def one_line(text):
    """Return a third-party message without its line breaks."""
    return re.sub(r"\s+", " ", str(text)).strip()
