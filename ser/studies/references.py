"""Clips of unseen speakers, judged as they are and relative to other clips of their speaker."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from tqdm.auto import tqdm

from ser.corpora.emotions import EVERYDAY, canonical
from ser.corpora.folds import Fold
from ser.studies.common import actors_of
from ser.threads import one_thread
from ser.training.config import TrainingConfig
from ser.training.features import CorpusFeatures
from ser.training.fitting import fit_classifier

WITHOUT = "without"
"""Name of the answers without a reference."""


@dataclass(frozen=True, eq=False)
class References:
    """Which clips each clip is judged relative to.

    Attributes
    ----------
    clips : ndarray of int, shape (n_clips, n_references)
        Indices of other clips of the same speaker; without meaning for a clip that is not tested.
    tested : ndarray of bool, shape (n_clips,)
        Clips whose speaker has enough others, and that are in no reference that all share.
    """

    clips: NDArray[np.integer]
    tested: NDArray[np.bool_]


def draw_references(
    corpus: CorpusFeatures, n_references: int, seed: int, *, everyday: bool
) -> References:
    """Draw the clips that each clip is judged relative to.

    Parameters
    ----------
    corpus : CorpusFeatures
    n_references : int
        How many for each clip.
    seed : int
    everyday : bool
        Whether they are everyday speech, the same for all clips of a speaker as in a voice profile;
        else they are any other clips of the speaker, drawn anew for each.
    """
    speakers, rng = actors_of(corpus), np.random.default_rng([seed, n_references, everyday])
    neutral = np.array([canonical(label) == EVERYDAY for label in corpus.labels])[corpus.y]
    clips = np.zeros((len(speakers), n_references), dtype=int)
    tested = np.zeros(len(speakers), dtype=bool)
    for speaker in np.unique(speakers):
        own = np.flatnonzero(speakers == speaker)
        if everyday:
            drawn = rng.permutation(own[neutral[own]])[:n_references]
            if len(drawn) == n_references:
                clips[own], tested[own] = drawn, ~np.isin(own, drawn)
        elif len(own) > n_references:
            clips[own] = [rng.permutation(own[own != clip])[:n_references] for clip in own]
            tested[own] = True
    return References(clips, tested)


def answer(
    corpus: CorpusFeatures,
    protocol: str,
    config: TrainingConfig,
    references: Mapping[str, References],
    *,
    jobs: int,
    description: str,
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.object_]]:
    """Recognise each clip with a model that was trained without its fold.

    Parameters
    ----------
    corpus : CorpusFeatures
    protocol : str
        One that keeps all clips of a speaker in one fold.
    config : TrainingConfig
    references : dict of str to References
        By name.
    jobs : int
        Processes, each on one core.
    description : str
        Of the progress bar.

    Returns
    -------
    probabilities : dict of str to ndarray, shape (n_clips, n_labels)
        Not calibrated; `WITHOUT` a reference and with each, where 0 for clips that are not tested;
        the same as without where no perceptron is relative.
    folds : ndarray of str, shape (n_clips,)
        Name of the fold in which each clip was tested.
    """
    folds = corpus.folds(protocol, config.seed)
    found = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(_answer_fold)(corpus, fold, config, references) for fold in folds
    )
    shape = (len(corpus.y), len(corpus.labels))
    probabilities = {name: np.zeros(shape) for name in (WITHOUT, *references)}
    names = np.empty(len(corpus.y), dtype=object)
    for fold, answers in zip(
        folds, tqdm(found, total=len(folds), desc=description, unit="fold"), strict=True
    ):
        names[fold.test] = fold.name
        for name, known in answers.items():
            probabilities[name][fold.test] = known
    return probabilities, names


def _answer_fold(
    corpus: CorpusFeatures,
    fold: Fold,
    config: TrainingConfig,
    references: Mapping[str, References],
) -> dict[str, NDArray[np.float64]]:
    """Train without a fold and return the probabilities of all labels for its clips."""
    with one_thread():  # processes share the cores, threads would only contend
        classifier = fit_classifier(corpus, fold.train, config)
        shown = np.asarray(corpus.X[fold.test, : len(config.speeds)])
        usual = shown.mean(axis=1, dtype=np.float32)  # as a profile is in recognition
        everyone = np.ones(len(shown), dtype=bool)
        answers = {WITHOUT: (everyone, classifier.predict_proba(shown))}
        for name, each in references.items():
            tested = each.tested[fold.test]
            if not classifier.knows_voices:
                answers[name] = answers[WITHOUT]
            elif tested.any():
                relative_to = np.searchsorted(fold.test, each.clips[fold.test[tested]])
                answers[name] = (
                    tested,
                    classifier.predict_proba(
                        shown[tested],
                        references=usual[relative_to].mean(axis=1),
                    ),
                )
    wide = {}
    for name, (tested, known) in answers.items():
        wide[name] = np.zeros((len(shown), len(corpus.labels)))
        wide[name][np.ix_(np.flatnonzero(tested), classifier.classes_)] = known
    return wide
