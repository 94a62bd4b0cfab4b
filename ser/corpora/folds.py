"""Evaluation protocols: which clips are for training and which for testing.

Conventions: a fold is a pair of index arrays into the clips; no clip is on both
sides of a fold, and every clip is tested in exactly one fold of a protocol.

Only `random` allows a speaker on both sides. Its figures measure recognition of
speakers heard in training; those of all others, recognition of unseen speakers.
Without knowing who speaks, only `random` and `leave-one-corpus-out` are possible.

References
----------
Luna-Jiménez et al., "A Proposal for Multimodal Emotion Recognition Using Aural Transformers and
Action Units on RAVDESS Dataset", Applied Sciences 12(1), 2022 (``published``).
Ma et al., "EmoBox: Multilingual Multi-corpus Speech Emotion Recognition Toolkit and Benchmark",
Interspeech 2024 (``emobox``).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import StratifiedKFold

from ser.corpora.corpus import natural
from ser.errors import DatasetError

#: What each protocol does with all of RAVDESS, in the order in which figures are shown.
PROTOCOLS = {
    "actors": "six folds of four actors, two men and two women, none of them in training",
    "published": "the five published folds, the tested actors never in training",
    "emobox": "EmoBox's six folds of four actors, none of them in training",
    "leave-one-actor-out": "each actor tested by a model that never heard them",
    "sentence": "tested on the other sentence and on other actors than those in training",
    "leave-one-corpus-out": "each corpus tested by a model trained on the others",
    "random": "five stratified folds, same actors on both sides",
}

PUBLISHED = ("published", "emobox")
"""Protocols whose folds a corpus names."""

N_SPEAKER_FOLDS = 6
N_RANDOM_FOLDS = 5


@dataclass(frozen=True, eq=False)
class Fold:
    """One split of the clips; it unpacks as scikit-learn's ``cv`` wants it.

    Attributes
    ----------
    name : str
        What is tested, such as ``"speakers 1, 2, 13, 14"``.
    train, test : ndarray of int
        Ascending indices of the clips on either side.
    """

    name: str
    train: NDArray[np.intp]
    test: NDArray[np.intp]

    def __iter__(self) -> Iterator[NDArray[np.intp]]:
        yield self.train
        yield self.test


def is_speaker_independent(protocol: str) -> bool:
    """Tell whether no speaker is on both sides of any fold of `protocol`."""
    return protocol != "random"


def make_folds(
    protocol: str,
    *,
    emotions: ArrayLike,
    speakers: Sequence[Any],
    sexes: Sequence[str | None] | None = None,
    sentences: Sequence[Any] | None = None,
    corpora: Sequence[str] | None = None,
    published: Mapping[str, Iterable[Iterable[str]]] | None = None,
    seed: int,
) -> list[Fold]:
    """Split clips into the folds of a protocol.

    A corpus with few speakers has fewer folds; folds that would have nothing to train on or
    nothing to test are left out.

    Parameters
    ----------
    protocol : str
        A key of `PROTOCOLS`. ``actors`` makes up to six groups of the speakers of each corpus,
        balanced by sex where it is known; ``sentence`` tests these on half of the sentences and
        trains on the other.
    emotions : array_like of int, shape (n_clips,)
        Class index of each clip.
    speakers, sexes, sentences : sequence, shape (n_clips,)
        Of each clip; None for one that is not known.
    corpora : sequence of str, shape (n_clips,), optional
        Which corpus each clip is of; all of one by default.
    published : mapping of str to iterable of iterable of str, optional
        Test speakers of each published fold of the corpus, by protocol.
    seed : int
        Shuffles the clips of `random`; the other protocols do not depend on it.

    Raises
    ------
    DatasetError
        If the protocol is unknown, or the clips cannot be split under it.
    """
    if protocol not in PROTOCOLS:
        raise DatasetError(f"Protocol {protocol!r} is unknown; choose from {', '.join(PROTOCOLS)}.")
    emotions = np.asarray(emotions)
    of = as_names([""] * len(speakers) if corpora is None else corpora)
    if protocol == "random":
        folds = _random_folds(emotions, seed)
    elif protocol == "leave-one-corpus-out":
        folds = _corpus_folds(of)
    else:
        folds = _speaker_folds(protocol, speakers, sexes, sentences, of, published or {})
    if sum(len(fold.test) for fold in folds) != len(emotions):
        raise DatasetError(
            f"Protocol {protocol!r} cannot split {len(emotions)} clips of "
            f"{_list(_in_natural_order(speakers))} so that each is tested by a model trained on "
            "others; add clips or choose another protocol."
        )
    for fold in folds:
        if len(np.unique(emotions[fold.train])) < 2:
            raise DatasetError(
                f"Protocol {protocol!r} would train on clips of a single emotion when it tests "
                f"{fold.name}; add clips or choose another protocol."
            )
    return folds


def _speaker_folds(
    protocol: str,
    speakers: Sequence[Any],
    sexes: Sequence[str | None] | None,
    sentences: Sequence[Any] | None,
    corpora: NDArray[np.object_],
    published: Mapping[str, Iterable[Iterable[str]]],
) -> list[Fold]:
    """Test one group of speakers at a time and train on all others."""
    unknown = sum(speaker is None for speaker in speakers)
    if unknown:
        raise DatasetError(
            f"Protocol {protocol!r} keeps speakers apart, but who speaks is not known of {unknown} "
            f"of {len(speakers)} clips; name the speakers, or choose the protocol 'random'."
        )
    names = as_names(speakers)
    if protocol == "leave-one-actor-out":
        groups = [[speaker] for speaker in _in_natural_order(names)]
    elif protocol in PUBLISHED:
        groups = [list(group) for group in published.get(protocol, ())]
        if not groups:
            raise DatasetError(
                f"Protocol {protocol!r} needs folds that were published, of which none are known "
                "for these recordings; choose another protocol, such as 'actors'."
            )
    else:
        groups = _balanced(names, sexes, corpora)
    if protocol == "sentence":
        return _sentence_folds(names, groups, sentences, corpora)
    return _usable(
        (_list(group), ~np.isin(names, group), np.isin(names, group)) for group in groups
    )


def _corpus_folds(corpora: NDArray[np.object_]) -> list[Fold]:
    """Test one corpus at a time and train on all others."""
    names = list(dict.fromkeys(corpora))
    if len(names) < 2:
        raise DatasetError(
            "Protocol 'leave-one-corpus-out' needs two corpora or more; join another one, or "
            "choose another protocol, such as 'actors'."
        )
    return _usable((name, corpora != name, corpora == name) for name in names)


def _balanced(
    speakers: NDArray[np.object_], sexes: Sequence[str | None] | None, corpora: NDArray[np.object_]
) -> list[list[str]]:
    """Return up to six groups of speakers: of each corpus and sex, every sixth in natural order."""
    sex_of = sex_by_speaker(speakers, sexes)
    corpus_of = dict(zip(speakers, corpora, strict=True))
    ordered = _in_natural_order(speakers)
    ranks: dict[str, int] = {}
    for kind in {(corpus_of[speaker], sex_of[speaker]) for speaker in ordered}:
        alike = [speaker for speaker in ordered if (corpus_of[speaker], sex_of[speaker]) == kind]
        ranks |= {speaker: rank for rank, speaker in enumerate(alike)}
    groups = [
        [speaker for speaker in ordered if ranks[speaker] % N_SPEAKER_FOLDS == fold]
        for fold in range(N_SPEAKER_FOLDS)
    ]
    groups = [group for group in groups if group]
    return groups if len(groups) > 1 else [[speaker] for speaker in ordered]


def sex_by_speaker(
    speakers: Sequence[str] | NDArray[np.object_], sexes: Sequence[str | None] | None
) -> dict[str, str | None]:
    """Return the sex of each speaker; None where it is not known."""
    known = [None] * len(speakers) if sexes is None else sexes
    return dict(zip(speakers, known, strict=True))


def _sentence_folds(
    speakers: NDArray[np.object_],
    groups: list[list[str]],
    sentences: Sequence[Any] | None,
    corpora: NDArray[np.object_],
) -> list[Fold]:
    """Test each group of speakers on the half of each corpus's sentences that is not trained."""
    if sentences is None or any(sentence is None for sentence in sentences):
        raise DatasetError(
            "Protocol 'sentence' needs to know what is said in each clip; choose another protocol, "
            "such as 'actors'."
        )
    said = as_names(sentences)
    is_first = np.zeros(len(said), dtype=bool)
    for corpus in set(corpora):
        ordered = _in_natural_order(said[corpora == corpus])
        is_first |= (corpora == corpus) & np.isin(said, ordered[: (len(ordered) + 1) // 2])
    return _usable(
        (
            f"{_list(group)}, sentences {number} of 2",
            ~np.isin(speakers, group) & ~half,
            np.isin(speakers, group) & half,
        )
        for group in groups
        for number, half in enumerate((is_first, ~is_first), start=1)
    )


def _random_folds(emotions: NDArray[np.integer], seed: int) -> list[Fold]:
    """Return stratified folds that ignore who speaks."""
    counts = np.bincount(emotions)
    if counts[counts > 0].min() < N_RANDOM_FOLDS:
        raise DatasetError(
            f"Protocol 'random' needs at least {N_RANDOM_FOLDS} clips of every emotion, but one "
            f"has only {counts[counts > 0].min()}; add clips or choose another protocol."
        )
    splitter = StratifiedKFold(N_RANDOM_FOLDS, shuffle=True, random_state=seed)
    return [
        Fold(f"part {number} of {N_RANDOM_FOLDS}", train, test)
        for number, (train, test) in enumerate(splitter.split(emotions, emotions), start=1)
    ]


def _usable(sides: Iterable[tuple[str, NDArray[np.bool_], NDArray[np.bool_]]]) -> list[Fold]:
    """Turn (name, training mask, test mask) into folds, without those that lack a side."""
    return [
        Fold(name, np.flatnonzero(train), np.flatnonzero(test))
        for name, train, test in sides
        if train.any() and test.any()
    ]


def as_names(values: Iterable[Any]) -> NDArray[np.object_]:
    """Return values as an array of texts."""
    return np.array([str(value) for value in values], dtype=object)


def _in_natural_order(names: Iterable[Any]) -> list[str]:
    return sorted({str(name) for name in names if name is not None}, key=natural)


def _list(speakers: Sequence[str]) -> str:
    """Name speakers; of many, the number and two by which they are told from others."""
    if not speakers:
        return "unknown speakers"
    if len(speakers) > 24:
        return f"{len(speakers)} speakers, such as {speakers[0]} and {speakers[-1]}"
    return f"speaker{'s' * (len(speakers) > 1)} {', '.join(speakers)}"
