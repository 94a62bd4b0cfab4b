"""A corpus: clips in one schema, and what there is to say of them."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ser.errors import DatasetError

if TYPE_CHECKING:  # it takes long to import
    from datasets import Dataset

logger = logging.getLogger(__name__)

MAX_PROBLEMS = 100  # that are named; a table may be full of them


@dataclass(frozen=True)
class About:
    """What there is to say of recordings; None is what is not known, and is not said.

    Attributes
    ----------
    name : str
    licence : str or None
        Of the recordings, and so of the model and its examples: an identifier of the Hub.
    clip_licence : str or None
        Of a single recording, if it is another.
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
    clip_licence: str | None = None
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
    folds : mapping of str to tuple of tuple of str
        Test speakers of each fold, by protocol: those that others have published.
    partial : mapping of str to tuple of str
        Emotions that the corpus does not tell apart, by the label that stands for them.
    """

    about: About
    emotions: tuple[str, ...]
    example: str
    read: Callable[[str], Clip | None]
    read_columns: Callable[[Mapping[str, Any]], str | None] | None = None
    folds: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    partial: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def name_of(self, path: str, columns: Mapping[str, Any]) -> str | None:
        """Return a recording's file name from its path, another column, or all of its columns."""
        for text in (path, *(value for value in columns.values() if isinstance(value, str))):
            try:
                clip = self.read(text)
            except DatasetError:
                continue
            return clip.file if clip else stem(text)
        return self.read_columns(columns) if self.read_columns else None


@dataclass(frozen=True)
class Origin:
    """Where clips are from.

    Attributes
    ----------
    about : About
    source : str
        Name of the folder, file or dataset on the Hub, without a location on this machine.
    folds, partial
        As those of `KnownCorpus`.
    """

    about: About
    source: str
    folds: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    partial: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def renamed(self, mapping: Mapping[str, str]) -> "Origin":
        """Return the same with other labels for emotions."""
        renamed = {
            mapping.get(label, label): tuple(
                dict.fromkeys(mapping.get(each, each) for each in may_be)
            )
            for label, may_be in self.partial.items()
        }
        partial = {label: may_be for label, may_be in renamed.items() if len(may_be) > 1}
        return replace(self, partial=partial)


@dataclass(frozen=True, eq=False)
class Corpus:
    """Clips that a model can be trained on: of one corpus, or of several that were joined.

    Attributes
    ----------
    clips : datasets.Dataset
        A row per clip, ordered by corpus, speaker and file. Columns: ``audio`` (undecoded: a dict
        of ``path`` and ``bytes``, which are None), the attributes of `Clip`, ``emotion`` as a
        ClassLabel, and ``corpus``, the name of the clip's recordings.
    origins : tuple of Origin
        One for each corpus, in their order.
    """

    clips: "Dataset"
    origins: tuple[Origin, ...]

    @property
    def about(self) -> About:
        """What there is to say of the first corpus."""
        return self.origins[0].about

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


def warn_of_skipped(problems: Sequence[str], where: str = "") -> None:
    """Tell which clips are left out and why, a sentence each, of many the first."""
    for problem in problems[:MAX_PROBLEMS]:
        logger.warning("Skipped%s: %s", where, problem)
    if len(problems) > MAX_PROBLEMS:
        logger.warning("Skipped%s: %d more.", where, len(problems) - MAX_PROBLEMS)


def describe_corpora(corpus: Corpus) -> list[dict[str, Any]]:
    """Return what ``config.json`` keeps of each corpus as ``datasets``.

    Returns
    -------
    list of dict
        ``source``; numbers of ``clips``, ``speakers``, ``men``, ``women`` and ``sentences``, None
        where one is unknown; ``partial``, and the attributes of `About`.
    """
    columns = ("corpus", "speaker", "sex", "sentence")
    rows = list(zip(*(corpus.clips[name] for name in columns), strict=True))
    described = []
    for origin in corpus.origins:
        own = [row[1:] for row in rows if row[0] == origin.about.name]
        sexes = {speaker: sex for speaker, sex, _ in own}
        sentences = {sentence for *_, sentence in own}
        are_known = None not in sexes
        have_sex = are_known and None not in sexes.values()
        described.append(
            {
                "source": origin.source,
                "clips": len(own),
                "speakers": len(sexes) if are_known else None,
                "men": list(sexes.values()).count("male") if have_sex else None,
                "women": list(sexes.values()).count("female") if have_sex else None,
                "sentences": None if None in sentences else len(sentences),
                "partial": {label: list(each) for label, each in origin.partial.items()},
                **asdict(origin.about),
            }
        )
    return described
