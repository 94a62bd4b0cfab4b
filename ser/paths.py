"""Paths as people write them."""

import os
from pathlib import Path


def expanded(path: str | Path) -> Path:
    """Return a path without its ``~``; that of nobody is left as it is."""
    return Path(os.path.expanduser(path))  # noqa: PTH111
