"""A corpus: clips in one schema, and what there is to say of them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ser.errors import DatasetError

if TYPE_CHECKING:  # it takes long to import
    from datasets import Dataset


@dataclass(frozen=True)
class About:
    """What there is to say of recordings; None is what is not known, and is not said.

    Attributes
    ----------
    name : str
    licence : str or None
        Of the recordings, and so of the model and its examples: an identifier of the Hub.
    repo_id, revision : str or None
        The dataset on the Hub, and the commit of it that was used.
    link : str or None
        Address of the recordings' own page.
    language : str or None
        ISO 639-1 code.
    kind, manner : str or None
        What the clips are, as in "clips of acted English speech"; how the speakers were recorded.
    attribution, citation : str or None
        Authors and publication in a line, and in BibTeX.
    """

    name: str
    licence: str | None = None
    repo_id: str | None = None
    revision: str | None = None
    link: str | None = None
    language: str | None = None
    kind: str | None = None
    manner: str | None = None
    attribution: str | None = None
    citation: str | None = None

    @property
    def speaker(self) -> str:
        """What a speaker is called."""
        return "actor" if (self.kind or "").startswith("acted") else "speaker"


@dataclass(frozen=True)
class Clip:
    """What is known of one clip; None is what is not known.

    Attributes
    ----------
    file : str
        Identifies the clip in its corpus; can be a file name without a suffix.
    emotion : str
    speaker : str or None
    sex : {"female", "male"} or None
    sentence : str or None
        What is said, or a name of it.
    intensity : str or None
    language : str or None
        ISO 639-1 code.
    """

    file: str
    emotion: str
    speaker: str | None = None
    sex: str | None = None
    sentence: str | None = None
    intensity: str | None = None
    language: str | None = None


@dataclass(frozen=True)
class KnownCorpus:
    """A row of `ser.corpora.catalog.CORPORA`.

    Attributes
    ----------
    about : About
    emotions : tuple of str
        In canonical order.
    example : str
        A good file name.
    read : callable
        From the path of a file, as text, to its `Clip`; None for one that is named well and not
        meant. A `DatasetError` says what is wrong with the name.
    read_columns : callable, optional
        From the other columns of a table to a clip's file name without suffix, for copies that
        keep no names; None if they do not tell.
    published_folds : tuple of tuple of str
        Test speakers of each published fold.
    """

    about: About
    emotions: tuple[str, ...]
    example: str
    read: Callable[[str], Clip | None]
    read_columns: Callable[[Mapping[str, Any]], str | None] | None = None
    published_folds: tuple[tuple[str, ...], ...] = ()

    def name_of(self, path: str, columns: Mapping[str, Any]) -> str | None:
        """Return a recording's file name from its path, another column, or all of its columns."""
        for text in (path, *(value for value in columns.values() if isinstance(value, str))):
            try:
                clip = self.read(text)
            except DatasetError:
                continue
            return clip.file if clip else stem(text)
        return self.read_columns(columns) if self.read_columns else None


@dataclass(frozen=True, eq=False)
class Corpus:
    """Clips that a model can be trained on.

    Attributes
    ----------
    clips : datasets.Dataset
        A row per clip, ordered by speaker and file. Columns: ``audio`` (undecoded: a dict of
        ``path`` and ``bytes``, which are None), and the attributes of `Clip`, ``emotion`` as a
        ClassLabel.
    about : About
    source : str
        Name of the folder, file or dataset on the Hub, without a location on this machine.
    published_folds : tuple of tuple of str
        Test speakers of each published fold; empty without any.
    """

    clips: "Dataset"
    about: About
    source: str
    published_folds: tuple[tuple[str, ...], ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the emotions, in the order of their numbers."""
        return tuple(self.clips.features["emotion"].names)


def stem(path: str) -> str:
    """Return the name of a file, without its folders, of any system, and suffixes."""
    return re.split(r"[\\/]", path)[-1].split(".")[0]


def natural(text: str) -> list[str | int]:
    """Return the key by which texts are sorted as people do: "2" before "10"."""
    parts = re.split(r"(\d+)", text)
    return [int(part) if index % 2 else part for index, part in enumerate(parts)]


def describe_corpus(corpus: Corpus, clips: "Dataset") -> dict[str, Any]:
    """Return what ``config.json`` keeps of a corpus as ``dataset``.

    Parameters
    ----------
    corpus : Corpus
    clips : datasets.Dataset
        Those of its clips that were used.

    Returns
    -------
    dict
        ``source``; numbers of ``clips``, ``speakers``, ``men``, ``women`` and ``sentences``, None
        where one is unknown; and the attributes of `About`.
    """
    sexes = dict(zip(clips["speaker"], clips["sex"], strict=True))
    speakers, sentences = set(clips["speaker"]), set(clips["sentence"])
    are_known = None not in speakers
    have_sex = are_known and None not in sexes.values()
    return {
        "source": corpus.source,
        "clips": len(clips),
        "speakers": len(speakers) if are_known else None,
        "men": list(sexes.values()).count("male") if have_sex else None,
        "women": list(sexes.values()).count("female") if have_sex else None,
        "sentences": None if None in sentences else len(sentences),
        **asdict(corpus.about),
    }
