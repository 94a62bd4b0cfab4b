"""What all studies share: corpora, cached extraction, paired differences."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypedDict

import datasets
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ser.corpora import loading
from ser.corpora.clips import join_corpora
from ser.corpora.corpus import Corpus
from ser.corpora.ravdess import CHANNELS
from ser.errors import AudioError, DatasetError
from ser.threads import one_thread
from ser.training.by_corpus import Judged, judge_by_corpus
from ser.training.config import TrainingConfig
from ser.training.features import OF_THE_MACHINE, CorpusFeatures, extract_features
from ser.training.jobs import map_clips

logger = logging.getLogger(__name__)

READING = (
    *("corpora.ravdess", "corpora.loading", "corpora.clips", "corpora.corpus", "corpora.folds"),
)
"""What decides which clips of RAVDESS are in which fold: no other corpus, no emotion, and not how
recordings are packed, since all packings give the same."""

OURS = ("studies.common", "studies.folds", "audio", *READING, "features", "model", "training")
"""What decides the figures of our recogniser, besides a study itself; see `ser.studies.age`."""

Figures = dict[str, Any]
"""The figures of a row by name, ready for JSON."""

Tables = dict[str, list[list[str]]]
"""Maps a title to the rows of a table, the heading first."""


class Paired(TypedDict):
    """The difference of two accuracies or recalls over the same clips.

    Attributes
    ----------
    difference : float
    standard_error : float or None
        From the spread over actors, whose clips are alike; None for a single actor.
    """

    difference: float
    standard_error: float | None


@dataclass(frozen=True)
class StudyOptions:
    """What a study is to do.

    Attributes
    ----------
    sources : sequence of (str or None, str)
        Corpora, each by its key in `ser.corpora.catalog.CORPORA`, or None to find out which it is,
        and its source as `ser.corpora.loading.load_corpus` takes it.
    protocol : str
        Of `ser.corpora.folds.PROTOCOLS`.
    seed : int
    jobs : int
        Processes.
    rows, sets : sequence of str
        The rows, and for the comparison the sets of clips, that are asked for.
    training : TrainingConfig
        How our recogniser is trained; its seed is `seed`.
    """

    sources: Sequence[tuple[str | None, str]]
    protocol: str = "published"
    seed: int = 0
    jobs: int = 1
    rows: Sequence[str] = ()
    sets: Sequence[str] = ()
    training: TrainingConfig = field(default_factory=TrainingConfig)

    @property
    def config(self) -> TrainingConfig:
        """The settings of a training with the seed."""
        return replace(self.training, seed=self.seed)

    @property
    def source(self) -> str:
        """The only source.

        Raises
        ------
        DatasetError
            If there are several.
        """
        if len(self.sources) > 1:
            raise DatasetError(
                f"The study is of one dataset, and {len(self.sources)} are given; give one."
            )
        return self.sources[0][1]


def load_corpus(options: StudyOptions) -> CorpusFeatures:
    """Return the clips of all corpora with their features and copies, from the cache of training.

    Raises
    ------
    DatasetError
        If a corpus cannot be read or does not say who speaks, or they cannot be joined.
    """
    corpora = [loading.load_corpus(source, corpus=corpus) for corpus, source in options.sources]
    features = extract_features(join_corpora(corpora), options.config, jobs=options.jobs)
    if features.speakers is None:
        raise DatasetError("It is not known who speaks in each clip, which studies need.")
    return features


def load_ravdess(options: StudyOptions, channel: str = "speech") -> CorpusFeatures:
    """Return the clips of RAVDESS that are spoken or sung, as `load_corpus`."""
    return extract_features(find_ravdess(options, channel), options.config, jobs=options.jobs)


def find_ravdess(options: StudyOptions, channel: str = "speech") -> Corpus:
    """Return the clips of RAVDESS that are spoken or sung, without features."""
    return loading.load_corpus(options.source, corpus=CHANNELS[channel])


def extract(
    dataset: datasets.Dataset,
    function: Callable[..., ArrayLike],
    *,
    code: str,
    jobs: int,
    description: str,
    **settings: Any,
) -> NDArray[np.float32]:
    """Compute some rows of numbers for each clip, or take them from the cache.

    Parameters
    ----------
    dataset : datasets.Dataset
        As `ser.corpora.corpus.Corpus.clips`.
    function : callable
        ``function(clip, **settings)`` returns an array of shape (n_rows, n_values) for a row
        of the dataset.
    code : str
        Fingerprint of the code that `function` runs.
    jobs : int
        Processes.
    description : str
        Of the progress bar.

    Returns
    -------
    ndarray of float32, shape (n_clips, n_rows, n_values)

    Raises
    ------
    DatasetError
        If a clip cannot be read; the message names it.
    """
    extracted = map_clips(
        dataset,
        _extract_clip,
        jobs=jobs,
        fn_kwargs={"function": function, "settings": settings, "code": code},
        remove_columns=dataset.column_names,
        writer_batch_size=100,
        desc=description,
    )
    for file, error in zip(dataset["file"], extracted["error"], strict=True):
        if error:
            raise DatasetError(f"{file} cannot be used; remove it from the dataset: {error}")
    n_rows = extracted[0]["rows"]
    return np.stack(
        [np.frombuffer(clip["values"], np.float32).reshape(n_rows, -1) for clip in extracted]
    )


def _extract_clip(
    clip: dict[str, Any],
    *,
    function: Callable[..., ArrayLike],
    settings: dict[str, Any],
    code: str,
) -> dict[str, Any]:
    del code  # only part of the key under which the result is cached
    with one_thread():  # processes share the cores, threads would only contend
        try:
            rows = np.asarray(function(clip, **settings), dtype=np.float32)
        except AudioError as error:
            if type(error) in OF_THE_MACHINE:
                raise
            return {"values": b"", "rows": 0, "error": str(error)}
    return {"values": rows.tobytes(), "rows": len(rows), "error": ""}


def actors_of(corpus: CorpusFeatures) -> NDArray[np.integer]:
    """Return who speaks in each clip, shape (n_clips,): `load_corpus` checks that it is known."""
    assert corpus.speakers is not None
    return corpus.speakers


def possible(protocols: Iterable[str], corpus: CorpusFeatures, seed: int) -> list[str]:
    """Return the protocols that the corpora allow; a warning names the others.

    Raises
    ------
    DatasetError
        If they allow none.
    """
    allowed, refused = [], None
    for protocol in protocols:
        try:
            corpus.folds(protocol, seed)
            allowed.append(protocol)
        except DatasetError as error:
            logger.warning("Left out %s: %s", protocol, error)
            refused = error
    if refused and not allowed:
        raise refused
    return allowed


def judge(corpus: CorpusFeatures, protocol: str) -> dict[str, Judged]:
    """Return by corpus how its clips are judged under a protocol."""
    return judge_by_corpus(
        corpus.y,
        labels=corpus.labels,
        candidates=corpus.candidates,
        corpora=corpus.corpora,
        across=protocol == "leave-one-corpus-out",
    )


def paired_difference(
    targets: NDArray[np.integer],
    recognised: NDArray[np.integer],
    baseline: NDArray[np.integer],
    actors: NDArray[Any],
) -> Paired:
    """Compare two ways of recognising the same clips.

    Parameters
    ----------
    targets, recognised, baseline, actors : ndarray of int, shape (n_clips,)
    """
    gains = (recognised == targets).astype(float) - (baseline == targets)
    by_actor = [gains[actors == actor].mean() for actor in np.unique(actors)]
    error = float(np.std(by_actor, ddof=1) / np.sqrt(len(by_actor))) if len(by_actor) > 1 else None
    return {"difference": float(gains.mean()), "standard_error": error}


def paired_recall(
    targets: NDArray[np.integer],
    recognised: NDArray[np.integer],
    baseline: NDArray[np.integer],
    actors: NDArray[Any],
) -> Paired:
    """Compare unweighted recalls, as `paired_difference` does accuracies."""
    _, classes, counts = np.unique(targets, return_inverse=True, return_counts=True)
    gains = ((recognised == targets).astype(float) - (baseline == targets)) / counts[classes]
    by_actor = [gains[actors == actor].sum() / len(counts) for actor in np.unique(actors)]
    error = float(np.std(by_actor, ddof=1) * np.sqrt(len(by_actor))) if len(by_actor) > 1 else None
    return {"difference": float(np.sum(by_actor)), "standard_error": error}


def points(paired: Paired) -> str:
    """Write a paired difference in percentage points, with its standard error."""
    error = paired["standard_error"]
    spread = "" if error is None else f" ± {100 * error:.1f}"
    return f"{100 * paired['difference']:+.1f}{spread}"
