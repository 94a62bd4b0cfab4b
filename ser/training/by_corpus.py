"""Figures of each corpus by itself, over the emotions that it tells apart.

Corpora name different emotions: a neutral clip of one may be neutral or calm, and another has
nobody surprised. A clip is therefore described by its candidates, the labels that it may have. A
corpus is judged on what it tells apart: labels that are candidates of the same clip count as one
class, and labels that none of its clips may have are removed before the most probable class is
chosen.

``metrics.json`` holds, for each protocol of `ser.corpora.folds`, the figures of each corpus as
`ser.training.metrics.evaluate` makes them, and none over several corpora::

    {"protocols": {"actors": {"description": "six folds ...", "speaker_independent": true,
                              "corpora": {"RAVDESS": {"accuracy": 0.61, ...}, "CREMA-D": {...}}},
                   "random": {...}}}
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ser.training.metrics import evaluate

MAX_GROUPS = 20
"""Values that tell groups apart; a column with more is a measurement."""


class Result(NamedTuple):
    """The figures of a corpus under a protocol.

    Attributes
    ----------
    protocol, description : str
        The protocol's name, and what its folds are.
    speaker_independent : bool
    corpus : str
    figures : dict
        As `ser.training.metrics.evaluate` makes them.
    """

    protocol: str
    description: str
    speaker_independent: bool
    corpus: str
    figures: Mapping[str, Any]


def results_in(metrics: Mapping[str, Any]) -> list[Result]:
    """Return all figures in ``metrics.json``, those of speaker-independent protocols first."""
    results = [
        Result(protocol, each["description"], each["speaker_independent"], corpus, figures)
        for protocol, each in metrics.get("protocols", {}).items()
        for corpus, figures in each["corpora"].items()
    ]
    return sorted(results, key=lambda result: not result.speaker_independent)


def same_protocol(results: Sequence[Result]) -> list[Result]:
    """Return the results of the first one's protocol: one for each corpus."""
    return [each for each in results if each.protocol == results[0].protocol]


def slug(corpus: str) -> str:
    """Return the name of a corpus as a part of file names and tags: small, without spaces."""
    return re.sub(r"[^\w.-]+", "-", corpus.lower())  # small letters can have marks apart


def classes_of(candidates: NDArray[np.bool_], labels: Sequence[str]) -> list[str | None]:
    """Return as which class each label counts where these clips are judged.

    Parameters
    ----------
    candidates : ndarray of bool, shape (n_clips, n_labels)
        The labels that each clip may have.
    labels : sequence of str

    Returns
    -------
    list of str or None
        For each label the first one of those that the clips do not tell it apart from; None for a
        label that no clip may have.
    """
    together: NDArray[np.bool_] = candidates.T.astype(int) @ candidates > 0
    for _ in labels:  # a label joined with another is joined with all that this one is joined with
        together = together @ together
    return [labels[int(row.argmax())] if row.any() else None for row in together]


def merge_classes(
    probabilities: NDArray[np.floating],
    counted_as: Sequence[str | None],
    classes: Sequence[str],
) -> NDArray[np.float64]:
    """Add the probabilities of labels that count as one class, and remove all others.

    Parameters
    ----------
    probabilities : ndarray, shape (n_clips, n_labels)
    counted_as : sequence of str or None
        The class as which each label counts.
    classes : sequence of str
        Those to keep, in the order of the result.

    Returns
    -------
    ndarray, shape (n_clips, n_classes)
        Rows sum to 1.
    """
    membership = np.array([[name == each for each in classes] for name in counted_as], dtype=float)
    kept = np.asarray(probabilities, dtype=float) @ membership + np.finfo(float).tiny
    return kept / kept.sum(axis=1, keepdims=True)


def balanced_weights(corpora: NDArray[np.str_]) -> NDArray[np.float64]:
    """Return weights of clips, shape (n_clips,), by which each corpus counts the same."""
    _, corpus, counts = np.unique(corpora, return_inverse=True, return_counts=True)
    return 1 / counts[corpus]


@dataclass(frozen=True, eq=False)
class Judged:
    """How the clips of a corpus are judged.

    Attributes
    ----------
    clips : ndarray of int, shape (n,)
        Indices of those that count.
    classes : list of str
        Which are told apart.
    targets : ndarray of int, shape (n,)
        Indices into `classes`.
    counted_as : list of str or None
        The class as which each label counts.
    """

    clips: NDArray[np.integer]
    classes: list[str]
    targets: NDArray[np.integer]
    counted_as: list[str | None]

    def merge(self, probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the probabilities of the classes, of those of the labels of all corpora's clips.

        Parameters
        ----------
        probabilities : ndarray, shape (n_clips, n_labels)

        Returns
        -------
        ndarray, shape (n, n_classes)
        """
        return merge_classes(probabilities[self.clips], self.counted_as, self.classes)


def judge_by_corpus(
    targets: NDArray[np.integer],
    *,
    labels: Sequence[str],
    candidates: NDArray[np.bool_],
    corpora: NDArray[np.str_],
    across: bool = False,
) -> dict[str, Judged]:
    """Return by corpus how its clips are judged; the parameters are those of `evaluate_by_corpus`.

    Returns
    -------
    dict of str to Judged
        In the order in which corpora occur; without those that share fewer than two classes with
        the others.
    """
    judged = {}
    for corpus in dict.fromkeys(corpora.tolist()):
        own = corpora == corpus
        counted_as = classes_of(candidates if across else candidates[own], labels)
        targeted = np.array([str(name) for name in counted_as])[targets]
        known = set(targeted[own])
        if across:
            known &= set(targeted[~own])
        classes = [label for label in labels if label in known]
        if len(classes) > 1:
            clips = np.flatnonzero(own & np.isin(targeted, classes))
            found = np.array([classes.index(name) for name in targeted[clips]])
            judged[corpus] = Judged(clips, classes, found, counted_as)
    return judged


def evaluate_by_corpus(
    targets: NDArray[np.integer],
    probabilities: NDArray[np.floating],
    *,
    labels: Sequence[str],
    candidates: NDArray[np.bool_],
    corpora: NDArray[np.str_],
    folds: NDArray[np.object_],
    groups: Mapping[str, NDArray[np.str_]],
    across: bool = False,
) -> dict[str, dict[str, Any]]:
    """Return the figures of each corpus under one protocol.

    Parameters
    ----------
    targets, probabilities, labels, folds, groups
        As `ser.training.metrics.evaluate` takes them, of the clips of all corpora. By a group
        that is not known (``""``) of some clips, their corpus is not sliced.
    candidates : ndarray of bool, shape (n_clips, n_labels)
        The labels that each clip may have, its target among them.
    corpora : ndarray of str, shape (n_clips,)
        Which corpus each clip is of.
    across : bool
        Whether each corpus was tested by models trained on the others alone. Then only classes
        that these have as well are compared, and other clips are not counted.

    Returns
    -------
    dict of str to dict
        By corpus, as `judge_by_corpus`.
    """
    judged = judge_by_corpus(
        targets, labels=labels, candidates=candidates, corpora=corpora, across=across
    )
    return {
        corpus: evaluate(
            each.targets,
            each.merge(probabilities),
            labels=each.classes,
            folds=folds[each.clips],
            groups=_known_groups(groups, each.clips),
        )
        for corpus, each in judged.items()
    }


def _known_groups(
    groups: Mapping[str, NDArray[np.str_]], own: NDArray[np.integer]
) -> dict[str, NDArray[np.str_]]:
    """Return the groups, if few, that are known of all clips of a corpus, for these alone."""
    within = {name: np.asarray(values)[own] for name, values in groups.items()}
    few = {name: values for name, values in within.items() if len(set(values)) <= MAX_GROUPS}
    return {name: values for name, values in few.items() if "" not in values}
