"""The table that a benchmark makes."""

from dataclasses import dataclass


@dataclass
class Table:
    """What was measured.

    Attributes
    ----------
    title : str
    about : str
        What was done, in a sentence or two.
    rows : list of list of str
        The heading first.
    """

    title: str
    about: str
    rows: list[list[str]]
