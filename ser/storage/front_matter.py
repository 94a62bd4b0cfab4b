"""The metadata at the top of a model card: YAML between two lines of dashes."""

import re
from typing import Any

import yaml

from ser.storage.schema import MAX_DEPTH, check_plain

MAX_LENGTH = 2**17  # characters of metadata

_BLOCK = re.compile(r"\s*---\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|$)", re.DOTALL)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Loads what JSON has: a date stays the text that it is written as."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as PyYAML has it
        first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def split_card(card: str) -> tuple[dict[str, Any], str]:
    """Return the metadata of a card, and its text without them.

    Parameters
    ----------
    card : str
        Markdown; without metadata on top the dict is empty.

    Raises
    ------
    ValueError
        If they are not YAML, or more than plain data: aliases, tags, too much of it.
    """
    found = _BLOCK.match(card)
    if found is None:
        return {}, card
    block = found[1]
    if len(block) > MAX_LENGTH:
        raise ValueError(
            f"its metadata have {len(block)} characters; at most {MAX_LENGTH} are read"
        )
    try:
        _check_events(block)
        metadata = yaml.load(block, _Loader)  # noqa: S506 - it is a SafeLoader
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError("its metadata are not YAML") from error
    if metadata is None:
        metadata = {}
    if not isinstance(metadata, dict):
        raise ValueError(f"its metadata are a {type(metadata).__name__}, not keys with values")
    check_plain(metadata)
    return metadata, card[found.end() :]


def _check_events(block: str) -> None:
    """Refuse what grows in loading: aliases, each of which repeats a part, and deep nesting."""
    depth = 0
    for event in yaml.parse(block, _Loader):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("its metadata have an alias, which repeats a part: write it out")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise ValueError(f"its metadata are nested in more than {MAX_DEPTH} levels")
