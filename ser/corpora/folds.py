"""Evaluation protocols: which clips are for training and which for testing.

Conventions: a fold is a pair of index arrays into the clips; no clip is on both
sides of a fold, and every clip is tested in exactly one fold of a protocol.
Actors are RAVDESS actor numbers: odd ones are men, even ones women.

Only `random` allows an actor on both sides. Its figures measure recognition of
speakers heard in training; those of all others, recognition of unseen speakers.

References
----------
Luna-Jiménez et al., "A Proposal for Multimodal Emotion Recognition Using Aural
Transformers and Action Units on RAVDESS Dataset", Applied Sciences 12(1), 2022
(the `published` folds).
"""

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedKFold

from ser.corpora.recordings import in_words, people
from ser.errors import DatasetError

#: What each protocol does with all of RAVDESS, in the order in which figures are shown.
PROTOCOLS = {
    "actors": "six folds of four actors, two men and two women, none of them in training",
    "published": "the five published folds, the tested actors never in training",
    "leave-one-actor-out": "each actor tested by a model that never heard them",
    "sentence": "tested on the other sentence and on other actors than those in training",
    "random": "five stratified folds, same actors on both sides",
}

N_ACTOR_FOLDS = 6
N_RANDOM_FOLDS = 5
PUBLISHED_TEST_ACTORS = (
    (2, 5, 14, 15, 16),
    (3, 6, 7, 13, 18),
    (10, 11, 12, 19, 20),
    (8, 17, 21, 23, 24),
    (1, 4, 9, 22),
)


@dataclass(frozen=True, eq=False)
class Fold:
    """One split of the clips.

    Attributes
    ----------
    name : str
        What is tested, such as ``"actors 1, 2, 13, 14"``.
    train, test : ndarray of int
        Ascending indices of the clips on either side.
    """

    name: str
    train: np.ndarray
    test: np.ndarray


def is_speaker_independent(protocol):
    """Tell whether no actor is on both sides of any fold of `protocol`."""
    return protocol != "random"


def make_folds(protocol, *, emotions, actors, statements, seed):
    """Split clips into the folds of a protocol.

    A dataset without some of the actors has fewer or smaller folds; folds that
    would have nothing to train on or nothing to test are left out.

    Parameters
    ----------
    protocol : str
        A key of `PROTOCOLS`.
    emotions, actors, statements : array_like of int, shape (n_clips,)
        Class index, actor number and sentence (1 or 2) of each clip.
    seed : int
        Shuffles the clips of `random`; the other protocols do not depend on it.

    Returns
    -------
    list of Fold

    Raises
    ------
    DatasetError
        If the protocol is unknown, or the clips cannot be split under it.
    """
    emotions, actors, statements = map(np.asarray, (emotions, actors, statements))
    if protocol == "actors":
        folds = _actor_folds(actors, _balanced_actors())
    elif protocol == "published":
        folds = _actor_folds(actors, PUBLISHED_TEST_ACTORS)
    elif protocol == "leave-one-actor-out":
        folds = _actor_folds(actors, [[actor] for actor in np.unique(actors)])
    elif protocol == "sentence":
        folds = _sentence_folds(actors, statements)
    elif protocol == "random":
        folds = _random_folds(emotions, seed)
    else:
        raise DatasetError(f"Protocol {protocol!r} is unknown; choose from {', '.join(PROTOCOLS)}.")
    tested = sum(len(fold.test) for fold in folds)
    if tested != len(actors):
        raise DatasetError(
            f"Protocol {protocol!r} cannot split {len(actors)} clips of {_list(np.unique(actors))} "
            "so that each is tested by a model trained on others; add clips or choose another "
            "protocol."
        )
    for fold in folds:
        if len(np.unique(emotions[fold.train])) < 2:
            raise DatasetError(
                f"Protocol {protocol!r} would train on clips of a single emotion when it tests "
                f"{fold.name}; add clips or choose another protocol."
            )
    return folds


def describe_folds(protocol, folds, actors):
    """Say in part of a sentence which folds were made, which with fewer actors are others.

    Parameters
    ----------
    protocol : str
        A key of `PROTOCOLS`.
    folds, actors : array_like, shape (n_clips,)
        In which fold each clip was tested, and the number of its actor.

    Returns
    -------
    str
        As in `PROTOCOLS` if all of RAVDESS's actors are there.
    """
    folds, actors = np.asarray(folds), np.asarray(actors)
    if protocol not in ("actors", "published") or len(np.unique(actors)) == 24:
        return PROTOCOLS[protocol]
    tested = [np.unique(actors[folds == fold]) for fold in np.unique(folds)]
    sizes = sorted({len(group) for group in tested})
    size = " to ".join(in_words(each) for each in dict.fromkeys((sizes[0], sizes[-1])))
    text = f"{in_words(len(tested))} fold{'s' * (len(tested) != 1)} of {size} "
    text += f"actor{'s' * (sizes[-1] != 1)}"
    sexes = {(int(sum(group % 2)), int(sum(group % 2 == 0))) for group in tested}
    if len(sexes) == 1 and sizes != [1]:
        text += f", {people(*sexes.pop())}"
    if protocol == "published":
        text += ", grouped as published"
    return f"{text}, none of them in training"


def _balanced_actors():
    """Return six groups of four actors: two men and two women of RAVDESS's 24 in each."""
    return [
        [actor for actor in range(1, 25) if (actor - 1) // 2 % N_ACTOR_FOLDS == fold]
        for fold in range(N_ACTOR_FOLDS)
    ]


def _actor_folds(actors, groups):
    """Test one group of actors at a time and train on all others."""
    return _usable(
        (_list(group), ~np.isin(actors, group), np.isin(actors, group)) for group in groups
    )


def _sentence_folds(actors, statements):
    """Test the actors of each balanced group on the sentence that training did not have."""
    return _usable(
        (
            f"{_list(group)}, sentence {statement}",
            ~np.isin(actors, group) & (statements != statement),
            np.isin(actors, group) & (statements == statement),
        )
        for group in _balanced_actors()
        for statement in (1, 2)
    )


def _list(actors):
    return f"actor{'s' if len(actors) > 1 else ''} {', '.join(map(str, actors))}"


def _usable(sides):
    """Turn (name, training mask, test mask) into folds, without those that lack a side."""
    return [
        Fold(name, np.flatnonzero(train), np.flatnonzero(test))
        for name, train, test in sides
        if train.any() and test.any()
    ]


def _random_folds(emotions, seed):
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
