"""A table of answers as a dataset on the Hub."""

import json
from pathlib import Path
from typing import Any

from huggingface_hub import CommitOperationAdd, HfApi

from ser.hub.errors import plain_words
from ser.hub.targets import check_target

FILE = "data/train-00000-of-00001.parquet"
"""Where `datasets` looks for the only split of a dataset."""

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
        If there is no token, it may not write there, or the dataset is public and should not be.
    """
    check_target(repo_id, private=private, repo_type="dataset")


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
        if not api.file_exists(repo_id, "README.md", repo_type="dataset"):
            operations.append(CommitOperationAdd("README.md", card.encode()))
        api.create_commit(
            repo_id,
            repo_type="dataset",
            operations=operations,
            commit_message=f"Add {metadata['collection']['clips']} clips",
        )
    return str(url)
