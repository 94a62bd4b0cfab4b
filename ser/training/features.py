"""The features of a corpus and of altered copies of its clips."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import datasets
import numpy as np
from numpy.typing import NDArray

from ser.audio.activity import cut_speech, find_speech
from ser.audio.augmentation import RECORDINGS, in_eight_bits
from ser.audio.loading import load_audio
from ser.audio.speed import change_speed
from ser.corpora.corpus import Corpus, warn_of_skipped
from ser.corpora.folds import Fold, make_folds
from ser.errors import AudioError, AudioNotFoundError, DatasetError, NoSpeechError
from ser.features import (
    FeatureConfig,
    FeatureExtractor,
    code_fingerprint,
    feature_fingerprint,
)
from ser.threads import one_thread
from ser.training.config import CLEAN, EIGHT_BIT, Copy, TrainingConfig
from ser.training.jobs import map_clips

LIBRARIES = ("av", "librosa", "numpy", "scipy", "soundfile", "soxr")
"""Libraries whose versions affect the features of a clip."""

OF_THE_MACHINE = (AudioError, AudioNotFoundError)
"""Errors that are not those of a recording, and not kept with what is known of it: that it cannot
be opened, or no process be started, may be mended by the next time."""

MARGIN = 0.5  # s of background on either side of the speech, degraded with it


@dataclass(frozen=True, eq=False)
class CorpusFeatures:
    """Clips as training sees them.

    Attributes
    ----------
    X : ndarray of float16, shape (n_clips, n_versions, n_features)
        Features of all versions of the clips, see `TrainingConfig.versions`; half precision, since
        they are many.
    y : ndarray of int, shape (n_clips,)
        Index of the label of each clip.
    labels : tuple of str
    candidates : ndarray of bool, shape (n_clips, n_labels)
        The labels that each clip may have: several where its corpus does not tell them apart.
    corpora : ndarray of str, shape (n_clips,)
        Name of the corpus of each clip.
    speakers : ndarray of int, shape (n_clips,), or None
        Index of the speaker of each clip; None if not all are known.
    parts : dict of str to ndarray of int
        Indices of features by kind, see `ser.features.FeatureExtractor.parts`.
    groups : dict of str to ndarray of str, shape (n_clips,)
        To slice figures by: ``sex``, ``intensity``; ``""`` where it is not known.
    corpus : Corpus
        The clips whose features these are.
    """

    X: NDArray[np.float16]
    y: NDArray[np.integer]
    labels: tuple[str, ...]
    candidates: NDArray[np.bool_]
    corpora: NDArray[np.str_]
    speakers: NDArray[np.integer] | None
    parts: Mapping[str, NDArray[np.integer]]
    groups: dict[str, NDArray[np.str_]]
    corpus: Corpus

    def folds(self, protocol: str, seed: int) -> list[Fold]:
        """Return the folds of a protocol, as `ser.corpora.folds.make_folds`."""
        return corpus_folds(self.corpus, protocol, seed)


def corpus_folds(corpus: Corpus, protocol: str, seed: int) -> list[Fold]:
    """Return the folds of a protocol over the clips of a corpus."""
    emotions = corpus.clips["emotion"][:]
    return make_folds(protocol, emotions=emotions, seed=seed, **known_of_clips(corpus))


def known_of_clips(corpus: Corpus) -> dict[str, Any]:
    """Return by what the folds of a corpus are made and described."""
    return {
        "speakers": corpus.clips["speaker"][:],
        "sexes": corpus.clips["sex"][:],
        "sentences": corpus.clips["sentence"][:],
        "corpora": corpus.clips["corpus"][:],
        # Folds are published of a corpus by itself.
        "published": corpus.origins[0].folds if len(corpus.origins) == 1 else {},
    }


def extract_features(corpus: Corpus, config: TrainingConfig, *, jobs: int = 1) -> CorpusFeatures:
    """Extract the features of all clips and copies, or take them from the cache.

    Parameters
    ----------
    corpus : Corpus
    config : TrainingConfig
    jobs : int
        Processes.

    Returns
    -------
    CorpusFeatures
        Clips that cannot be used are left out, with a warning that names them.

    Raises
    ------
    DatasetError
        If no clip can be used.
    """
    clips, versions = corpus.clips, config.versions
    extracted = map_clips(
        clips,
        _extract_clip,
        jobs=jobs,
        fn_kwargs={
            "config": config.features.to_dict(),
            "versions": [(each.speed, each.recording) for each in versions],
            "seed": config.seed,
            "code": training_fingerprint(),
        },
        remove_columns=clips.column_names,
        writer_batch_size=100,
        desc="Extracting features",
    )
    named = zip(clips["file"], extracted["error"], strict=True)
    warn_of_skipped([f"{file}: {error}" for file, error in named if error])
    usable = [index for index, error in enumerate(extracted["error"]) if not error]
    if not usable:
        raise DatasetError(
            "None of the clips holds speech that can be recognised; check the recordings."
        )
    if len(usable) < len(clips):
        corpus = replace(corpus, clips=clips.select(usable))
        extracted = extracted.select(usable)
    clips = corpus.clips
    known = {"sex": {"female": "women", "male": "men"}, "intensity": {}}
    corpora = np.array(clips["corpus"][:])
    return CorpusFeatures(
        X=_stack(extracted, len(versions)),
        y=np.array(clips["emotion"]),
        labels=corpus.labels,
        candidates=_candidates(corpus, corpora),
        corpora=corpora,
        speakers=_speaker_indices(clips["speaker"][:]),
        parts=FeatureExtractor(config.features).parts,
        groups={
            name: np.array([of.get(value, value or "") for value in clips[name]])
            for name, of in known.items()
        },
        corpus=corpus,
    )


def _candidates(corpus: Corpus, corpora: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Return the labels that each clip may have, shape (n_clips, n_labels)."""
    labels, targets = corpus.labels, np.array(corpus.clips["emotion"])
    candidates = np.eye(len(labels), dtype=bool)[targets]
    for origin in corpus.origins:
        for label, alike in origin.partial.items():
            if label in labels:
                stands = (corpora == origin.about.name) & (targets == labels.index(label))
                candidates[np.ix_(stands, np.isin(labels, alike))] = True
    return candidates


def _speaker_indices(speakers: Sequence[str | None]) -> NDArray[np.integer] | None:
    if None in speakers:
        return None
    order = {speaker: index for index, speaker in enumerate(dict.fromkeys(speakers))}
    return np.array([order[speaker] for speaker in speakers])


def training_fingerprint() -> str:
    """Return a hash of all code that decides what features a clip and its copies have."""
    versions = " ".join(map(version, LIBRARIES))
    return f"{feature_fingerprint()} {code_fingerprint(__file__)} {versions}"


def name_seed(file: str) -> int:
    """Return a number from a clip's name, to seed its random numbers.

    So a clip has the same copies whatever else is in the dataset.
    """
    return int.from_bytes(hashlib.sha256(file.encode()).digest()[:8])


def _extract_clip(
    clip: dict[str, Any],
    *,
    config: dict[str, Any],
    versions: list[tuple[float, str]],
    seed: int,
    code: str,
) -> dict[str, Any]:
    del code  # only part of the key under which the result is cached
    extractor = FeatureExtractor(FeatureConfig.from_dict(config))
    source, copies = clip["audio"]["path"], [Copy(*each) for each in versions]
    with one_thread():  # processes share the cores, threads would only contend
        try:
            spoken = list(
                make_copies(source, extractor.config.sample_rate, clip["file"], copies, seed)
            )
        except AudioError as error:
            if type(error) in OF_THE_MACHINE:
                raise
            return {"features": b"", "error": str(error)}
        rows = np.stack([extractor.extract(speech) for speech in spoken])
    return {"features": rows.tobytes(), "error": ""}


def make_copies(
    source: Any, sample_rate: int, file: str, versions: Sequence[Copy], seed: int
) -> Iterator[NDArray[np.float32]]:
    """Make versions of a clip.

    Parameters
    ----------
    source : clip
        As `ser.audio.loading.load_audio` takes it.
    sample_rate : int
        In Hz.
    file : str
        The clip's name, which with `seed` seeds the random numbers.
    versions : sequence of Copy
    seed : int

    Yields
    ------
    ndarray of float32
        The speech in each.

    Raises
    ------
    AudioError
        If the clip cannot be read or has no speech in it.
    """
    waveform = load_audio(source, sample_rate)
    speech, margin = find_speech(waveform, sample_rate), int(MARGIN * sample_rate)
    clean = cut_speech(waveform, sample_rate)
    near = waveform[max(0, speech.start - margin) : speech.stop + margin]
    for index, copy in enumerate(versions):
        if copy.recording == CLEAN:  # cut exactly as in recognition
            yield change_speed(clean, sample_rate, copy.speed)
            continue
        if copy.recording == EIGHT_BIT:
            eight_bit = in_eight_bits(source, sample_rate)
            recorded = change_speed(eight_bit, sample_rate, copy.speed)
        else:
            rng = np.random.default_rng([seed, name_seed(file), index])
            faster = change_speed(near, sample_rate, copy.speed)
            recorded = RECORDINGS[copy.recording](faster, sample_rate, rng)
        try:
            yield cut_speech(recorded, sample_rate)
        except NoSpeechError:  # too little is left of it to learn from
            yield change_speed(clean, sample_rate, copy.speed)


def _stack(extracted: datasets.Dataset, n_versions: int) -> NDArray[np.float16]:
    """Return features as one array, without a second copy of them all in memory."""
    n_features = len(extracted[0]["features"]) // 4 // n_versions
    stacked = np.empty((len(extracted), n_versions, n_features), dtype=np.float16)
    for index, clip in enumerate(extracted):
        stacked[index] = np.frombuffer(clip["features"], np.float32).reshape(n_versions, -1)
    return stacked
