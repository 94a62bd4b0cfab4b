"""Checks of plain data that strangers wrote: what JSON or YAML may hold, and of which shape.

A shape is a type, a tuple of shapes of which one has to fit, ``[shape]`` for a list, or a dict of
shapes by key. In a dict a key that ends in ``?`` may be missing, and `OTHERS` stands for all keys
that are not named; without it these hold any plain data. `NUMBER`, `LINE` and `TEXT` are shapes,
too.
"""

import math
from reprlib import Repr
from typing import Any

OTHERS = "*"
"""In a shape: the keys that it does not name."""
NUMBER = (int, float)

MAX_DEPTH = 12  # of lists and dicts in each other
MAX_ITEMS = 1000  # of a list or dict
MAX_LINE = 200  # characters
MAX_TEXT = 5000
MAX_INT = 2**53  # up to which JSON means the same everywhere


class Text:
    """A shape: text of at most so many characters."""

    def __init__(self, longest: int) -> None:
        self.longest = longest


LINE, TEXT = Text(MAX_LINE), Text(MAX_TEXT)

_short = Repr()
_short.maxlevel, _short.maxlist, _short.maxdict, _short.maxstring, _short.maxother = 2, 3, 2, 80, 80


def shorten(value: object) -> str:
    """Return a value as it stands in a message: on one line, and never long."""
    return _short.repr(value)[:120]


def check_plain(value: object, place: str = "", depth: int = MAX_DEPTH) -> None:
    """Check that a value is plain data: text in Unicode, finite numbers, lists and dicts of them.

    Parameters
    ----------
    value : object
    place : str
        Where it is, for messages, as `check_shape` has it.
    depth : int
        How deep it may be.

    Raises
    ------
    ValueError
        If it is not; the message names the place and what is there.
    """
    if isinstance(value, list | dict) and not depth:
        raise ValueError(f"{place} is nested in more than {MAX_DEPTH} others")
    if isinstance(value, list):
        for number, each in enumerate(value):
            check_plain(each, f"{place}[{number}]", depth - 1)
    elif isinstance(value, dict):
        for key, each in value.items():
            if not isinstance(key, str):
                raise ValueError(f"{_inside(place, shorten(key))} is named by no text")
            if not _is_text(key, MAX_LINE):
                raise ValueError(f"{shorten(key)} in {place or 'it'} is no name in valid Unicode")
            check_plain(each, _inside(place, key), depth - 1)
    elif isinstance(value, str):
        if not _is_text(value, len(value)):
            raise ValueError(f"{place} is not valid Unicode")
    elif isinstance(value, bool) or value is None:
        return
    elif not isinstance(value, int | float):
        raise ValueError(f"{place} is a {type(value).__name__}, which JSON does not have")
    elif not (math.isfinite(value) if isinstance(value, float) else abs(value) <= MAX_INT):
        raise ValueError(f"{place} is {shorten(value)}, which is not finite or too large")


def check_shape(value: Any, shape: Any, place: str = "") -> None:
    """Check that plain data has a shape.

    Parameters
    ----------
    value : object
    shape : type, tuple, list, dict or Text
        See the module.
    place : str
        Where it is, for messages, such as ``datasets[0].name``.

    Raises
    ------
    ValueError
        If it has another; the message names the place, what is there, and what should be.
    """
    if isinstance(shape, dict) and type(value) is dict:
        _check_size(value, place)
        named = {key.removesuffix("?"): key for key in shape if key != OTHERS}
        for key, each in value.items():
            known = named.get(key, OTHERS)
            if known in shape:
                check_shape(each, shape[known], _inside(place, key))
        for key, known in named.items():
            if key == known and key not in value:
                raise ValueError(f"{_inside(place, key)} is missing")
    elif isinstance(shape, list) and type(value) is list:
        _check_size(value, place)
        for number, each in enumerate(value):
            check_shape(each, shape[0], f"{place}[{number}]")
    elif not _is_of(value, shape):
        raise ValueError(f"{place} is {shorten(value)}, not {_words(shape)}")


def _is_of(value: object, shape: Any) -> bool:
    """Tell whether a value that is not looked into has a shape."""
    if isinstance(shape, tuple):
        return any(_is_of(value, each) for each in shape)
    if isinstance(shape, Text):
        return type(value) is str and len(value) <= shape.longest
    return isinstance(shape, type) and type(value) is shape


def _words(shape: Any) -> str:
    if isinstance(shape, tuple):
        return " or ".join(dict.fromkeys(map(_words, shape)))
    if isinstance(shape, type):
        names = {int: "a number", float: "a number", bool: "true or false", type(None): "null"}
        return names.get(shape, f"a {shape.__name__}")
    if isinstance(shape, Text):
        return f"text of at most {shape.longest} characters"
    return "a list" if isinstance(shape, list) else "a dict"


def _check_size(value: Any, place: str) -> None:
    if len(value) > MAX_ITEMS:
        raise ValueError(f"{place} has {len(value)} entries; at most {MAX_ITEMS} are read")


def _inside(place: str, key: str) -> str:
    """Return the place of a key, the end of it where it is long."""
    whole = f"{place}.{key}" if place else key
    return whole if len(whole) <= MAX_LINE // 2 else f"…{shorten(key)}"


def _is_text(value: str, longest: int) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which no answer could hold
        return False
    return len(value) <= longest
