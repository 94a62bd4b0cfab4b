"""What an epoch of training draws: clips and versions of them, and what these are changed by."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ser.model.learning import Floats

ROWS_PER_CLIP = 4  # that are drawn in an epoch, on average

EVERYDAY_CLIPS, ANY_CLIPS = (1, 4), (4, 16)
"""Fewest and most clips of everyday speech, and of any, that a row is relative to in training."""


class Clips:
    """Draws clips and versions of them by their weights."""

    def __init__(
        self,
        n_clips: int,
        n_versions: int,
        candidates: NDArray[np.bool_],
        version_weights: Sequence[float] | None,
        clip_weights: NDArray[np.floating] | None,
    ) -> None:
        self.candidates = candidates.astype(np.float32)
        self.versions = _shares(version_weights, n_versions)
        self.clips = _shares(clip_weights, n_clips)

    def draw(self, rng: np.random.Generator) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
        """Return the indices of clips and of versions, shape (n_rows,) each."""
        n_rows = ROWS_PER_CLIP * len(self.clips)
        clips = rng.choice(len(self.clips), n_rows, p=self.clips)
        return clips, rng.choice(len(self.versions), n_rows, p=self.versions)


def _shares(weights: Sequence[float] | NDArray[np.floating] | None, number: int) -> Any:
    weights = np.ones(number) if weights is None else np.asarray(weights, dtype=float)
    return weights / weights.sum()


class Voices:
    """Gives clips the voices of other speakers, of those who spoke the same emotions.

    Clips are taken for the sum of what their emotion and their speaker add, by least squares, as
    speakers need not have spoken each emotion equally often. A single clip of a speaker does not
    tell these apart, and keeps its voice.

    Parameters
    ----------
    rows : ndarray, shape (n_clips, n_versions, n_components)
    candidates : ndarray of bool, shape (n_clips, n_classes)
    speakers : ndarray, shape (n_clips,)
    share : float
        Of the rows that are given another voice.
    """

    def __init__(
        self, rows: Floats, candidates: NDArray[Any], speakers: NDArray[Any], share: float
    ) -> None:
        emotions = np.unique(candidates, axis=0, return_inverse=True)[1]
        self.of_clip = np.unique(speakers, return_inverse=True)[1]
        spoke, counts = _effects_of_speakers(
            rows.reshape(len(rows), -1), _indicators(emotions), _indicators(self.of_clip)
        )
        self.voices = spoke.reshape(-1, *rows.shape[1:])
        alone = np.where(counts.sum(axis=1) > 1, 0, np.arange(1, len(counts) + 1))
        groups = np.unique(np.column_stack([counts > 0, alone]), axis=0, return_inverse=True)[1]
        self.alike = np.argsort(groups, kind="stable")
        size = np.bincount(groups)
        self.n_alike, self.first = size[groups], (np.cumsum(size) - size)[groups]
        self.share = share

    def exchange(
        self,
        rows: Floats,
        clips: NDArray[np.integer],
        versions: NDArray[np.integer],
        rng: np.random.Generator,
    ) -> None:
        """Give some rows, in place, the voice of any speaker instead of their own.

        Parameters
        ----------
        rows : ndarray, shape (n_rows, n_components)
        clips, versions : ndarray of int, shape (n_rows,)
            Of which each is.
        rng : numpy.random.Generator
        """
        changed = np.flatnonzero(rng.random(len(rows)) < self.share)
        versions, own = versions[changed], self.of_clip[clips[changed]]
        others = self.alike[self.first[own] + rng.integers(self.n_alike[own])]
        rows[changed] += self.voices[others, versions] - self.voices[own, versions]


def comparable(
    speakers: NDArray[Any], candidates: NDArray[np.bool_], weights: NDArray[np.floating]
) -> NDArray[np.bool_]:
    """Return which clips are of a speaker of several, shape (n_clips,).

    None is if these have less than half of the weight of all clips, or do not show all classes:
    too little to learn from.
    """
    _, of_clip, counts = np.unique(speakers, return_inverse=True, return_counts=True)
    several: NDArray[np.bool_] = (counts[of_clip] > 1) & (weights > 0)
    shown = candidates[several].any(axis=0) >= candidates[weights > 0].any(axis=0)
    return several & (shown.all() and weights[several].sum() >= weights.sum() / 2)


def _indicators(of_clip: NDArray[np.integer]) -> csr_array:
    """Return 1 for each clip in the column that it names."""
    indices = (np.ones(len(of_clip), np.float32), of_clip, np.arange(len(of_clip) + 1))
    return csr_array(indices)


def _effects_of_speakers(
    values: Floats, emotion: csr_array, speaker: csr_array
) -> tuple[Floats, Floats]:
    """Return what speakers add, and how many clips of each emotion they spoke.

    Speakers are eliminated from the normal equations: emotions are few, they can be thousands.
    """
    counts = (speaker.T @ emotion).toarray().astype(float)
    n_clips = counts.sum(axis=1, keepdims=True)
    means = (speaker.T @ values) / n_clips
    matrix = np.diag(counts.sum(axis=0)) - counts.T @ (counts / n_clips)
    totals = emotion.T @ values - counts.T @ means
    of_emotions = np.linalg.lstsq(matrix, totals, rcond=1e-9)[0]
    return (means - counts / n_clips @ of_emotions).astype(np.float32), counts


class References:
    """Draws other clips of the speakers of clips.

    Parameters
    ----------
    speakers : ndarray, shape (n_clips,)
    everyday : ndarray of bool, shape (n_clips,)
    """

    def __init__(self, speakers: NDArray[Any], everyday: NDArray[np.bool_]) -> None:
        _, of_clip = np.unique(speakers, return_inverse=True)
        self.everyday = _Pool(of_clip, everyday)
        self.any = _Pool(of_clip, np.ones(len(of_clip), bool))

    def draw(
        self,
        rows: Floats,
        clips: NDArray[np.integer],
        versions: NDArray[np.integer],
        rng: np.random.Generator,
    ) -> Floats:
        """Return the mean of other clips of the speaker of each clip.

        Parameters
        ----------
        rows : ndarray, shape (n_clips, n_versions, n_components)
        clips, versions : ndarray of int, shape (n_rows,)
        rng : numpy.random.Generator

        Returns
        -------
        ndarray, shape (n_rows, n_components)
            In the same version as each clip.
        """
        everyday = (rng.random(len(clips)) < 0.5) & (self.everyday.n_others[clips] > 0)
        number = np.where(
            everyday,
            rng.integers(*EVERYDAY_CLIPS, len(clips), endpoint=True),
            rng.integers(*ANY_CLIPS, len(clips), endpoint=True),
        )
        total = np.zeros((len(clips), rows.shape[2]), np.float32)
        for turn in range(number.max()):
            for pool, of_kind in ((self.everyday, everyday), (self.any, ~everyday)):
                active = np.flatnonzero(of_kind & (number > turn))
                others = pool.draw(clips[active], rng)
                total[active] += rows[others, versions[active]]
        total /= number[:, None]
        return total


class _Pool:
    """Clips that can be drawn, by speaker."""

    def __init__(self, of_clip: NDArray[np.integer], members: NDArray[np.bool_]) -> None:
        self.members = np.flatnonzero(members)
        self.members = self.members[np.argsort(of_clip[self.members], kind="stable")]
        counts = np.bincount(of_clip[self.members], minlength=of_clip.max() + 1)
        self.first = (np.cumsum(counts) - counts)[of_clip]
        self.n_others = counts[of_clip] - members
        self.rank = np.full(len(of_clip), len(of_clip))
        self.rank[self.members] = np.arange(len(self.members)) - self.first[self.members]

    def draw(self, clips: NDArray[np.integer], rng: np.random.Generator) -> NDArray[np.integer]:
        """Return another clip of the speaker of each clip."""
        drawn = rng.integers(self.n_others[clips])
        return self.members[self.first[clips] + drawn + (drawn >= self.rank[clips])]
