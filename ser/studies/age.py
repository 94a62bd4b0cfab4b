"""How old figures are: what made them, and whether that code has moved since."""

import ast
import hashlib
import platform
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path

from ser.features import code_fingerprint
from ser.model_source import SHIPPED_MODEL

PACKAGE = Path(__file__).parents[1]
LIBRARIES = {"NumPy": "numpy", "scikit-learn": "scikit-learn", "librosa": "librosa"}
RECOGNISER = "recognizer"  # the module that loads a model
CHANGED = " + changes"
"""After a commit, if the code differed from it."""


@dataclass(frozen=True)
class Stamp:
    """What made some figures; None where it is not known or plays no part.

    Attributes
    ----------
    date : str or None
        Year, month and day.
    commit : str or None
        Short hash, followed by `CHANGED` if the code differed from the commit.
    versions : dict of str to str
        Of Python and of libraries, by name.
    seeds : list of int
        Figures are means over them.
    protocol : str or None
        Of `ser.corpora.folds.PROTOCOLS`.
    code : str or None
        Fingerprint of the code.
    model : str or None
        Fingerprint of the model, if it was not trained by the study itself.
    """

    date: str | None
    commit: str | None
    versions: dict[str, str]
    seeds: list[int]
    protocol: str | None
    code: str | None
    model: str | None = None


def make_stamp(
    uses: Sequence[str],
    *,
    seeds: Sequence[int] = (),
    protocol: str | None = None,
    model: str | None = None,
) -> Stamp:
    """Return the stamp of figures that the code as it is now makes.

    Parameters
    ----------
    uses : sequence of str
        As `code_files` takes it.
    seeds, protocol, model
        As in `Stamp`; by default the model is the one that ships, if the recogniser is used.
    """
    versions = {name: version(package) for name, package in LIBRARIES.items()}
    return Stamp(
        date=datetime.now(UTC).date().isoformat(),
        commit=commit(),
        versions={"Python": platform.python_version(), **versions},
        seeds=list(seeds),
        protocol=protocol,
        code=current_code(uses),
        model=model or (_shipped_model() if RECOGNISER in uses else None),
    )


def current_code(uses: Sequence[str]) -> str:
    """Return the fingerprint of the code as it is now; `uses` as `code_files` takes it."""
    found = [_read(file, file.read_text(encoding="utf-8"))[1] for file in code_files(uses)]
    return hashlib.sha256("".join(found).encode()).hexdigest()


def why_stale(stamp: Stamp, code: str) -> str | None:
    """Say why figures may no longer hold; None if nothing that decides them has changed.

    Parameters
    ----------
    stamp : Stamp
        Of the figures.
    code : str
        What `current_code` returns for them.
    """
    if stamp.code is None:
        return "with which code exactly is not known"
    if stamp.code != code:
        return "the code has changed since"
    if stamp.model not in (None, _shipped_model()):
        return "with another model than the one that ships"
    return None


def code_files(uses: Sequence[str]) -> list[Path]:
    """Return the files of the code that decides figures.

    Parameters
    ----------
    uses : sequence of str
        The module that makes the figures, and the rooms and modules into which its imports are
        followed, all without ``ser.``; what lies in no room named here does not count.
    """
    followed = [f"{PACKAGE.name}.{name}" for name in uses]
    found, waiting = set(), followed[:1]
    while waiting:
        file = _file(waiting.pop())
        if file and file not in found:
            found.add(file)
            waiting += [
                name
                for name in _read(file, file.read_text(encoding="utf-8"))[0]
                if any(name == room or name.startswith(f"{room}.") for room in followed)
            ]
    return sorted(found)


def _file(module: str) -> Path | None:
    path = PACKAGE.parent.joinpath(*module.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


@cache  # since files are written after every row of a study
def _read(file: Path, text: str) -> tuple[list[str], str]:
    """Return what a file imports, and its fingerprint; `text`, its content, tells of changes."""
    return list(_imports(text)), code_fingerprint(file)


def _imports(text: str) -> Iterator[str]:
    """Yield what code imports; names that are no modules are among it."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def model_fingerprint(config: bytes) -> str:
    """Return a hash of a model's ``config.json``, which holds that of the perceptrons."""
    return hashlib.sha256(config).hexdigest()


def _shipped_model() -> str:
    return model_fingerprint((SHIPPED_MODEL / "config.json").read_bytes())


def commit() -> str | None:
    """Return the commit of the code, see `Stamp`; None if git does not know the code."""
    try:
        _git("ls-files", "--error-unmatch", "__init__.py")  # else another project's repository
        changed = _git("status", "--porcelain", "--", ".")
        return _git("rev-parse", "--short", "HEAD") + (CHANGED if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments: str) -> str:
    run = subprocess.run(  # noqa: S603 - all arguments are in this module
        ["git", *arguments],  # noqa: S607 - git is where the person has it
        cwd=PACKAGE,
        check=True,
        capture_output=True,
        text=True,
    )
    return run.stdout.strip()
