"""A table of answers as a dataset on the Hub."""

import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet
from huggingface_hub import CommitOperationAdd, HfApi, HfFileSystem

from ser.collection.tables import METADATA
from ser.errors import HubError
from ser.hub.errors import plain_words
from ser.hub.targets import check_target

FILE = "data/train-00000-of-00001.parquet"
"""Where `datasets` looks for the only split of a dataset."""

CARD = "README.md"
README = """---
tags:
- speech-emotion-recognition
---

# Emotions in the recordings of {source}

A row for each clip, or part of one, by hf-ser; `docs/collections.md` of that package describes the
columns. Whoever publishes recordings of people, or what was heard in them, needs their consent.

```json
{metadata}
```
"""


def check_dataset(repo_id: str, *, private: bool) -> None:
    """Check that a table can be published as a dataset, before it is made.

    Raises
    ------
    HubError
        If there is no token, it may not write there, the dataset is public and should not be, or it
        holds something else than such a table.
    """
    names = check_target(repo_id, private=private, repo_type="dataset")
    foreign = [name for name in names if name not in (FILE, CARD, ".gitattributes")]
    if not foreign and FILE in names:
        with plain_words(repo_id):
            foreign = [] if _is_ours(repo_id) else [FILE]
    if foreign:
        raise HubError(
            f"The dataset '{repo_id}' holds {foreign[0]}, which is no table of answers: give the "
            "name of a new one."
        )


def _is_ours(repo_id: str) -> bool:
    """Tell whether the table of a dataset is one of answers."""
    with _open(repo_id, FILE) as file:
        try:
            return METADATA in (pyarrow.parquet.read_schema(file).metadata or {})
        except (pyarrow.ArrowException, OSError) as error:
            if getattr(error, "errno", None) is None:  # no Parquet file
                return False
            raise


def _has_other_card(api: HfApi, repo_id: str) -> bool:
    """Tell whether somebody has written a card of their own."""
    if not api.file_exists(repo_id, CARD, repo_type="dataset"):
        return False
    with _open(repo_id, CARD) as file:
        card = file.read().decode(errors="replace")
    ours = re.escape(README).replace(r"\{source\}", ".*").replace(r"\{metadata\}", ".*")
    return not re.fullmatch(ours, card, re.DOTALL)


def _open(repo_id: str, name: str) -> Any:
    # A shared one remembers how large the files of earlier commits were.
    return HfFileSystem(skip_instance_cache=True).open(f"datasets/{repo_id}/{name}", "rb")


def publish_table(table: Path, repo_id: str, metadata: dict[str, Any], *, private: bool) -> str:
    """Make a Parquet file the content of a dataset, in one commit.

    Parameters
    ----------
    table : Path
    repo_id : str
        ``OWNER/NAME``; created if there is no such dataset.
    metadata : dict
        What made the table, for the dataset's card.
    private : bool
        Whether to create it private.

    Returns
    -------
    str
        Its address.

    Raises
    ------
    HubError
        If the Hub does not accept it.
    """
    api = HfApi()
    card = README.format(
        source=metadata["collection"]["source"], metadata=json.dumps(metadata, indent=1)
    )
    operations = [CommitOperationAdd(FILE, table)]
    with plain_words(repo_id):
        url = api.create_repo(repo_id, repo_type="dataset", private=private or None, exist_ok=True)
        if not _has_other_card(api, repo_id):
            operations.append(CommitOperationAdd(CARD, card.encode()))
        api.create_commit(
            repo_id,
            repo_type="dataset",
            operations=operations,
            commit_message=f"Add {metadata['collection']['clips']} clips",
        )
    return str(url)
