"""Licences: the names that people know, and where they can be read, by identifier of the Hub."""

import re
from collections.abc import Sequence

_OTHERS = {
    "cc0-1.0": ("CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
    "dbcl": ("DbCL 1.0", "https://opendatacommons.org/licenses/dbcl/1-0/"),
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


def model_licence(licences: Sequence[str | None]) -> str | None:
    """Return the licence of a model by those of the recordings that it learned from.

    Parameters
    ----------
    licences : sequence of str or None
        Of each corpus; None where it is not known.

    Returns
    -------
    str or None
        The first that asks to share alike without commercial use, else the first that forbids
        something, else the first that asks to share alike, else the first one known; all but the
        last are of Creative Commons.
    """
    known = [licence for licence in licences if licence]
    strictest_first = (r"cc-by-nc-sa-.*", r"cc-by-n[cd].*", r"cc-by-sa-.*", r".*")
    return next(
        (each for kind in strictest_first for each in known if re.fullmatch(kind, each)), None
    )
