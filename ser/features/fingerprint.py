"""Fingerprints of code, which tell whether what it once computed is still what it computes."""

import ast
import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

WORDS = {"annotation", "returns", "type_comment", "type_ignores", "kind", "ctx"}
"""Fields of a syntax tree that do not affect what code does."""


@lru_cache
def feature_fingerprint() -> str:
    """Return the fingerprint of all code that turns a file into features, for the key of a cache.

    Returns
    -------
    str
        As `code_fingerprint` returns it.
    """
    package = Path(__file__).parent
    return code_fingerprint(package.parent / "audio", package)


def code_fingerprint(*paths: str | Path) -> str:
    """Return a hash of what Python code does, the same on all versions of Python.

    It does not change with comments, docstrings, annotations, formatting or imports that only
    these need.

    Parameters
    ----------
    paths : str or Path
        Modules, and folders of which all modules count.

    Returns
    -------
    str
        SHA-256, hexadecimal.
    """
    digest = hashlib.sha256()
    for path in map(Path, paths):
        for module in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            tree = ast.parse(module.read_bytes())
            used: set[str] = set()
            _content(tree, used)
            digest.update(json.dumps(_content(tree, used)).encode())
    return digest.hexdigest()


def _content(node: Any, used: set[str]) -> Any:
    """Return a syntax tree as nested lists without words, and add the names that it uses.

    Of imports, those are left out whose names are not used.
    """
    if isinstance(node, ast.Name):
        used.add(node.id)
    if isinstance(node, list):
        return [_content(each, used) for each in node if not _is_idle(each, used)]
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [
        [name, _content(value, used)]
        for name, value in ast.iter_fields(node)
        if name not in WORDS and value not in (None, [])
    ]
    return [type(node).__name__, fields]


def _is_idle(node: Any, used: set[str]) -> bool:
    """Whether a part of a list does nothing: a string, an import that is not used, or for types."""
    if isinstance(node, ast.alias):
        return (node.asname or node.name.split(".")[0]) not in used
    if isinstance(node, ast.Import | ast.ImportFrom):
        return all(_is_idle(name, used) for name in node.names)
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
