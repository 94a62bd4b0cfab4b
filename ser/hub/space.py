"""The demo as a Space on the Hugging Face Hub: its settings checked, its files put together.

A Space reads its settings only from the YAML at the top of its README.md, and replaces what it
does not understand by a default. So ``space.yaml`` is checked before anything is uploaded.
"""

import logging
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import HfApi

from ser.errors import HubError, SpaceError
from ser.hub.errors import plain_words
from ser.hub.repository import Published, commit_files
from ser.hub.targets import check_served

logger = logging.getLogger(__name__)

ROOT = Path(__file__).parents[2]
PARTS = ("app.py", "requirements.txt", "ser")
MARK = "ser/__init__.py"
"""A folder without this file is not a Space of ours and is not replaced."""
COLOURS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")

README = """---
{settings}---

# {title}

Recognises the emotion in the sound of a voice, with the model
[{model}](https://huggingface.co/{model}).

Do not use it to infer emotions at work or in education, to make decisions about people, to judge
their health, or on recordings of people who have not consented.
Code: Apache-2.0. Model: as its card says. Examples: as their metadata.csv says.
"""


def read_settings(root: Path = ROOT) -> dict[str, Any]:
    """Read ``space.yaml`` and check every setting.

    Parameters
    ----------
    root : Path
        The folder of the project.

    Raises
    ------
    SpaceError
        If a setting is missing, unknown or wrong; the message names it and what is allowed.
    """
    try:
        settings = yaml.safe_load((root / "space.yaml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SpaceError(
            f"There is no space.yaml in '{root}': deploy from a clone of the project."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = " ".join(str(error).split())
        raise SpaceError(f"space.yaml is not YAML: {problem}.") from error
    if not isinstance(settings, dict):
        raise SpaceError("space.yaml must hold one setting per line, such as `sdk: gradio`.")
    rules = _rules(root)
    for key in settings:
        if key not in rules:
            raise SpaceError(
                f"space.yaml has an unknown key '{key}': known keys are {', '.join(rules)}."
            )
    for key, (is_right, allowed) in rules.items():
        if key not in settings:
            raise SpaceError(f"space.yaml has no '{key}': give {allowed}.")
        if not is_right(settings[key]):
            raise SpaceError(f"space.yaml has {key}: {settings[key]!r}; give {allowed}.")
    return settings


def _rules(root: Path) -> dict[str, tuple[Callable[[Any], object], str]]:
    """Return a check for each setting, and a description of what it allows."""
    gradio = _pinned_gradio(root)
    colour = (COLOURS.__contains__, f"one of {', '.join(COLOURS)}")
    text = (_is_text, "some text")
    repositories = (_is_list(r"[\w.-]+/[\w.-]+"), "a list of OWNER/NAME")
    return {
        "title": text,
        "emoji": (lambda value: _is_text(value) and not value.isascii(), "one emoji"),
        "colorFrom": colour,
        "colorTo": colour,
        "sdk": (lambda value: value == "gradio", "gradio"),
        "sdk_version": (
            lambda value: value == gradio,
            f'"{gradio}" in quotes, the gradio that requirements.txt pins',
        ),
        "python_version": (
            lambda value: _is_text(value) and re.fullmatch(r"3\.1[1-9](\.\d+)?", value),
            '"3.11" or later, in quotes',
        ),
        "app_file": (
            lambda value: value == "app.py" and (root / value).is_file(),
            "app.py, which must be there",
        ),
        "license": text,
        "models": repositories,
        "datasets": repositories,
        "tags": (_is_list(r"\S+"), "a list of words"),
        "short_description": (
            lambda value: _is_text(value) and len(value) <= 60,
            "text of at most 60 characters",
        ),
    }


def _pinned_gradio(root: Path) -> str:
    path = root / "requirements.txt"
    requirements = path.read_text(encoding="utf-8") if path.is_file() else ""
    pin = re.search(r"^gradio(?:\[[\w,-]+\])?==([\w.]+)", requirements, re.MULTILINE)
    if pin is None:
        raise SpaceError("requirements.txt does not pin gradio: add gradio==VERSION.")
    return pin[1]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _is_list(pattern: str) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, list)
        and all(isinstance(item, str) and re.fullmatch(pattern, item) for item in value)
    )


def render_space(model: str, root: Path = ROOT) -> dict[str, bytes]:
    """Collect the files of the project that a Space needs, and no others.

    Parameters
    ----------
    model : str
        ``OWNER/NAME`` or ``OWNER/NAME@REVISION`` of the model to serve.
    root : Path
        The folder of the project.

    Returns
    -------
    dict of str to bytes
        Contents by name.

    Raises
    ------
    SpaceError
        As for `read_settings`, or if `model` is not a model name.
    """
    settings = read_settings(root)
    if not re.fullmatch(r"[\w.-]+/[\w.-]+(@\S+)?", model):
        raise SpaceError(f"'{model}' is not a model name: give OWNER/NAME or OWNER/NAME@REVISION.")
    repo_id = model.partition("@")[0]
    settings["models"] = sorted({*settings["models"], repo_id})
    readme = README.format(
        settings=yaml.safe_dump(settings, sort_keys=False, allow_unicode=True),
        title=settings["title"],
        model=repo_id,
    )
    paths = [path for part in PARTS for path in [root / part, *(root / part).rglob("*")]]
    names = {path.relative_to(root).as_posix(): path for path in paths if path.is_file()}
    code = {
        name: path.read_bytes()
        for name, path in names.items()
        if not any(part.startswith((".", "__pycache__")) for part in name.split("/"))
    }
    return {"README.md": readme.encode(), **code}


def is_space_file(name: str) -> bool:
    """Tell whether a file of this name belongs to a Space as `render_space` makes it."""
    return name.split("/")[0] in ("README.md", *PARTS)


def deploy_space(
    repo_id: str, *, model: str, private: bool = False, root: Path = ROOT
) -> Published:
    """Deploy the demo as a Space.

    Parameters
    ----------
    repo_id : str
        ``OWNER/SPACE``; created if there is none.
    model : str
        ``OWNER/NAME`` or ``OWNER/NAME@REVISION`` of the model to serve, which becomes the
        Space's variable ``SER_MODEL``.
    private : bool
    root : Path
        The folder of the project.

    Raises
    ------
    SpaceError
        As for `read_settings`.
    HubError, ModelNotFoundError
        If there is no such model, or the Hub refuses; the Space is then unchanged, unless only
        the variable failed.
    """
    files = render_space(model, root)
    is_public = check_served(model)
    published = commit_files(
        files,
        repo_id,
        repo_type="space",
        space_sdk="gradio",
        is_ours=is_space_file,
        mark=MARK,
        private=private,
        commit_message="Deploy the demo",
    )
    api = HfApi()
    settings = f"{published.url}/settings"
    try:
        with plain_words(repo_id):
            api.add_space_variable(repo_id, "SER_MODEL", model)
    except HubError as error:
        raise HubError(
            f"The files are up at {published.url}, but the variable SER_MODEL is not set: deploy "
            f"again, or set it to {model} at {settings}. {error}"
        ) from error
    if not is_public and not _has_token(api, repo_id):
        logger.warning(
            "'%s' is private or gated, so the Space cannot load it yet: at %s, add a secret named "
            "HF_TOKEN with a token that may read it.",
            model,
            settings,
        )
    return published


def _has_token(api: HfApi, repo_id: str) -> bool:
    """Tell whether the Space is known to have a token of its own."""
    with suppress(HubError), plain_words(repo_id):
        return "HF_TOKEN" in api.get_space_secrets(repo_id)
    return False
