"""What there is to say of the recordings that a model learned from, and what its licence is.

It goes into ``config.json`` as ``dataset``, from where the model card and the demo have it, and
into the table of the example clips.
"""

import re
from dataclasses import dataclass

_WORDS = (
    *("no", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)


@dataclass(frozen=True)
class Recordings:
    """A set of recordings.

    Attributes
    ----------
    name : str
    licence : str
        Of the model and its examples, which come from the recordings: an identifier of the Hub.
    repo_id, revision : str or None
        The dataset on the Hub, and the commit of it that was used.
    link : str or None
        Address of the recordings' own page.
    language : str or None
        ISO 639-1 code.
    kind, manner : str or None
        What the clips are, as in "clips of acted English speech"; how the speakers were recorded.
    statements : dict of int to str
        What is said in the clips with each number of a statement.
    attribution, citation : str or None
        Authors and publication in a line, and in BibTeX.
    """

    name: str
    licence: str
    repo_id: str | None = None
    revision: str | None = None
    link: str | None = None
    language: str | None = None
    kind: str | None = None
    manner: str | None = None
    statements: dict | None = None
    attribution: str | None = None
    citation: str | None = None


RAVDESS = Recordings(
    name="RAVDESS",
    licence="cc-by-nc-sa-4.0",
    repo_id="xbgoose/ravdess",
    link="https://doi.org/10.5281/zenodo.1188976",
    language="en",
    kind="acted English",
    manner="who performed emotions in one studio",
    statements={1: "Kids are talking by the door", 2: "Dogs are sitting by the door"},
    attribution="S. R. Livingstone and F. A. Russo, PLoS ONE 13(5): e0196391, 2018",
    citation="""\
@article{livingstone2018ravdess,
  title = {The {Ryerson} Audio-Visual Database of Emotional Speech and Song ({RAVDESS}): A dynamic,
           multimodal set of facial and vocal expressions in {North} {American} {English}},
  author = {Livingstone, Steven R. and Russo, Frank A.},
  journal = {PLoS ONE},
  volume = {13},
  number = {5},
  pages = {e0196391},
  year = {2018},
  doi = {10.1371/journal.pone.0196391}
}""",
)
"""Its ``repo_id`` is a copy on the Hub."""


def licence_name(licence):
    """Return the usual name of a licence: "CC BY 4.0" for "cc-by-4.0"."""
    match = re.fullmatch(r"cc-(by[a-z-]*)-(\d\.\d)", licence)
    return f"CC {match[1].upper()} {match[2]}" if match else licence


def licence_link(licence):
    """Return the address of a Creative Commons licence, or None for another."""
    match = re.fullmatch(r"cc-(by[a-z-]*)-(\d\.\d)", licence)
    return match and f"https://creativecommons.org/licenses/{match[1]}/{match[2]}/"


def people(men, women):
    """Return such as "two men and one woman", without a sex that is not there."""
    named = [(men, "man", "men"), (women, "woman", "women")]
    return " and ".join(
        f"{in_words(number)} {one if number == 1 else many}"
        for number, one, many in named
        if number
    )


def in_words(number):
    """Return a small number as a word, any other as digits."""
    return _WORDS[number] if number < len(_WORDS) else str(number)
