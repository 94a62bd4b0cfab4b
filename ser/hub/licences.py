"""Licences: the names that people know, and where they can be read, by identifier of the Hub."""

import re

_OTHERS = {
    "cc0-1.0": ("CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
    "odbl": ("ODbL 1.0", "https://opendatacommons.org/licenses/odbl/1-0/"),
}
_CREATIVE_COMMONS = re.compile(r"cc-(by[a-z-]*)-(\d\.\d)")


def licence_name(licence: str) -> str:
    """Return the usual name of a licence: "CC BY 4.0" for "cc-by-4.0"."""
    if licence in _OTHERS:
        return _OTHERS[licence][0]
    match = _CREATIVE_COMMONS.fullmatch(licence)
    return f"CC {match[1].upper()} {match[2]}" if match else licence


def licence_link(licence: str) -> str | None:
    """Return the address of a licence's text, or None for one that is not known here."""
    if licence in _OTHERS:
        return _OTHERS[licence][1]
    match = _CREATIVE_COMMONS.fullmatch(licence)
    return f"https://creativecommons.org/licenses/{match[1]}/{match[2]}/" if match else None
