"""From recordings to a trained classifier: features with their copies, folds, calibration."""

import hashlib
import logging
from dataclasses import asdict, dataclass
from importlib.metadata import version

import numpy as np
from threadpoolctl import threadpool_limits

from ser.audio.activity import cut_speech, find_speech
from ser.audio.augmentation import RECORDINGS, in_eight_bits
from ser.audio.loading import load_audio
from ser.audio.speed import SPEEDS, change_speed
from ser.corpora.folds import describe_folds, is_speaker_independent, make_folds
from ser.corpora.ravdess import ClipName
from ser.errors import AudioError, DatasetError, NoSpeechError
from ser.features import FeatureConfig, FeatureExtractor, code_fingerprint, feature_fingerprint
from ser.model import voice_profile
from ser.model.classifier import EmotionClassifier
from ser.model.perceptrons import PROSODY, SUMMARY_SHARE, fit_pipelines
from ser.training.metrics import apply_temperature, evaluate, fit_temperature

logger = logging.getLogger(__name__)

LIBRARIES = ("av", "librosa", "numpy", "scipy", "soundfile", "soxr")
"""Libraries whose versions affect the features of a clip."""

MARGIN = 0.5  # s of background on either side of the speech, degraded with it

CLEAN, EIGHT_BIT = "clean", "8 bit"
COPIES = (
    *((speed, CLEAN) for speed in SPEEDS),
    (1.0, CLEAN),
    (0.95, "telephone"),
    (0.86, "noise"),
    (1.17, "room"),
    (1.06, "all ways"),
    (1.0, EIGHT_BIT),
)
"""Speed and recording condition of each copy of a training clip, the latter a key of
`ser.audio.augmentation.RECORDINGS` or one of the above. The first copies are as a clip is
recognised, and the only ones that a protocol tests."""

WEIGHTS = tuple(1.0 if kind == CLEAN else 0.35 for _, kind in COPIES)
"""Weight of each copy in training: clean copies count more than degraded ones. The 0.35 was
chosen from 0.2 to 1 on held-out RAVDESS and CREMA-D."""


@dataclass(frozen=True, eq=False)
class Corpus:
    """Clips as training sees them.

    Attributes
    ----------
    features : ndarray of float16, shape (n_clips, n_copies, n_features)
        Of all copies of the clips; half precision, since they are many.
    levels : ndarray of float32, shape (n_clips,)
        Power of the speech in dBFS.
    targets, actors, statements : ndarray of int, shape (n_clips,)
    parts : dict of str to ndarray of int
        Indices of features by kind, see `ser.features.FeatureExtractor.parts`.
    groups : dict of str to ndarray of str, shape (n_clips,)
        ``sex`` and ``intensity`` of each clip.
    labels : tuple of str
    dataset : datasets.Dataset
        The clips whose features these are.
    """

    features: np.ndarray
    levels: np.ndarray
    targets: np.ndarray
    actors: np.ndarray
    statements: np.ndarray
    parts: dict
    groups: dict
    labels: tuple
    dataset: object

    @property
    def heard(self):
        """Features of the clips as they are recognised, shape (n_clips, n_speeds, n_features)."""
        return self.features[:, : len(SPEEDS)]


def extract_corpus(dataset, config, *, seed=0, jobs=1):
    """Extract the features of all clips and copies, or take them from the cache.

    Parameters
    ----------
    dataset : datasets.Dataset
        As `ser.corpora.ravdess.load_ravdess` returns it.
    config : FeatureConfig
    seed : int
        For the randomness in the copies.
    jobs : int
        Processes.

    Returns
    -------
    Corpus
        Clips that cannot be used are left out, with a warning that names them.

    Raises
    ------
    DatasetError
        If no clip can be used.
    """
    extracted = dataset.map(
        _extract_clip,
        fn_kwargs={
            "config": config.to_dict(),
            "seed": seed,
            "code": training_fingerprint(),
        },
        remove_columns=dataset.column_names,
        num_proc=jobs if jobs > 1 else None,
        writer_batch_size=100,
        desc="Extracting features",
    )
    for file, error in zip(dataset["file"], extracted["error"], strict=True):
        if error:
            logger.warning("Skipped %s: %s", file, error)
    usable = [index for index, error in enumerate(extracted["error"]) if not error]
    if not usable:
        raise DatasetError(
            "None of the clips holds speech that can be recognised; check the recordings."
        )
    if len(usable) < len(dataset):
        dataset, extracted = dataset.select(usable), extracted.select(usable)
    names = [ClipName.parse(file) for file in dataset["file"]]
    return Corpus(
        features=_stack(extracted),
        levels=np.array(extracted["level"], dtype=np.float32),
        targets=np.array(dataset["emotion"]),
        actors=np.array(dataset["actor"]),
        statements=np.array(dataset["statement"]),
        parts=FeatureExtractor(config).parts,
        groups={
            "sex": np.array([name.sex for name in names]),
            "intensity": np.array(dataset["intensity"]),
        },
        labels=tuple(dataset.features["emotion"].names),
        dataset=dataset,
    )


def training_fingerprint():
    """Return a hash of all code that decides what features a clip and its copies have."""
    libraries = hashlib.sha256(" ".join(map(version, LIBRARIES)).encode()).hexdigest()
    return feature_fingerprint() + code_fingerprint(__file__, voice_profile.__file__) + libraries


def name_seed(file):
    """Return a number from a clip's name, to seed its random numbers.

    So a clip has the same copies whatever else is in the dataset.
    """
    return int.from_bytes(hashlib.sha256(file.encode()).digest()[:8])


def _extract_clip(clip, *, config, seed, code):
    del code  # only part of the key under which the result is cached
    extractor = FeatureExtractor(FeatureConfig.from_dict(config))
    source = clip["audio"]["path"]
    with threadpool_limits(1):  # processes share the cores, threads would only contend
        try:
            spoken = list(_copies(source, extractor.config.sample_rate, clip["file"], seed))
        except AudioError as error:
            return {"features": b"", "level": 0.0, "error": str(error)}
        rows = np.stack([extractor.extract(speech) for speech in spoken])
    return {"features": rows.tobytes(), "level": voice_profile.speech_level(spoken[0]), "error": ""}


def _copies(source, sample_rate, file, seed):
    """Yield the speech of the clip and of each copy."""
    waveform = load_audio(source, sample_rate)
    speech, margin = find_speech(waveform, sample_rate), int(MARGIN * sample_rate)
    heard = cut_speech(waveform, sample_rate)
    near = waveform[max(0, speech.start - margin) : speech.stop + margin]
    for index, (speed, kind) in enumerate(COPIES):
        if kind == CLEAN:  # cut exactly as in recognition
            yield change_speed(heard, sample_rate, speed)
            continue
        if kind == EIGHT_BIT:
            recorded = change_speed(in_eight_bits(source, sample_rate), sample_rate, speed)
        else:
            rng = np.random.default_rng([seed, name_seed(file), index])
            recorded = RECORDINGS[kind](change_speed(near, sample_rate, speed), sample_rate, rng)
        try:
            yield cut_speech(recorded, sample_rate)
        except NoSpeechError:  # too little is left of it to learn from
            yield change_speed(heard, sample_rate, speed)


def _stack(extracted):
    """Return features as one array, without a second copy of them all in memory."""
    n_copies = len(COPIES)
    n_features = len(extracted[0]["features"]) // 4 // n_copies
    stacked = np.empty((len(extracted), n_copies, n_features), dtype=np.float16)
    for index, clip in enumerate(extracted):
        stacked[index] = np.frombuffer(clip["features"], np.float32).reshape(n_copies, -1)
    return stacked


def corpus_folds(corpus, protocol, seed):
    """Return the folds of a protocol over a corpus, as `ser.corpora.folds.make_folds`."""
    return make_folds(
        protocol,
        emotions=corpus.targets,
        actors=corpus.actors,
        statements=corpus.statements,
        seed=seed,
    )


def cross_validate(corpus, protocol, *, seed, settings=None, progress=iter):
    """Recognise each clip with a model that was trained without its fold.

    Parameters
    ----------
    corpus : Corpus
    protocol : str
        Of `ser.corpora.folds.PROTOCOLS`.
    seed : int
    settings : MLPSettings, optional
    progress : callable
        Wraps the list of folds, to show progress.

    Returns
    -------
    probabilities : ndarray, shape (n_clips, n_labels)
        Not calibrated.
    folds : ndarray of str, shape (n_clips,)
        Name of the fold in which each clip was tested.
    novelties : ndarray, shape (n_clips,)
        How unlike its fold's training clips each clip is.
    """
    folds = corpus_folds(corpus, protocol, seed)
    probabilities = np.zeros((len(corpus.targets), len(corpus.labels)))
    names = np.empty(len(corpus.targets), dtype=object)
    novelties = np.zeros(len(corpus.targets))
    for fold in progress(folds):
        pipelines = fit_pipelines(
            corpus.features,
            corpus.targets,
            seed=seed,
            parts=corpus.parts,
            settings=settings,
            clips=fold.train,
            weights=WEIGHTS,
        )
        classifier = EmotionClassifier(corpus.labels, pipelines)
        tested = corpus.heard[fold.test].astype(np.float32)
        probabilities[fold.test] = classifier.predict_proba(tested)
        novelties[fold.test] = classifier.novelty(tested)
        names[fold.test] = fold.name
    return probabilities, names, novelties


def calibrate(probabilities, targets, folds):
    """Calibrate each fold's predictions with the temperature that fits all the other folds.

    Parameters
    ----------
    probabilities : ndarray, shape (n_clips, n_labels)
    targets : ndarray of int, shape (n_clips,)
    folds : ndarray, shape (n_clips,)

    Returns
    -------
    ndarray, shape (n_clips, n_labels)
        No fold affects its own temperature.
    """
    calibrated = probabilities.copy()
    for fold in np.unique(folds):
        tested = folds == fold
        temperature = fit_temperature(probabilities[~tested], targets[~tested])
        calibrated[tested] = apply_temperature(probabilities[tested], temperature)
    return calibrated


def evaluate_protocol(corpus, protocol, probabilities, folds):
    """Return the entry of a protocol in ``metrics.json``.

    Parameters
    ----------
    corpus : Corpus
    protocol : str
    probabilities, folds
        As `cross_validate` returns them.

    Returns
    -------
    dict
        As `ser.training.metrics.evaluate` makes it, with a description of the protocol.
    """
    return {
        "description": describe_folds(protocol, folds, corpus.actors),
        "speaker_independent": is_speaker_independent(protocol),
        **evaluate(
            corpus.targets,
            calibrate(probabilities, corpus.targets, folds),
            labels=corpus.labels,
            folds=folds,
            groups=corpus.groups,
        ),
    }


def describe_training(settings):
    """Return the settings of a training by name, for ``config.json``."""
    copies = [[*copy, weight] for copy, weight in zip(COPIES, WEIGHTS, strict=True)]
    return {
        "general": asdict(settings),
        "summary_share": SUMMARY_SHARE,
        "prosody": asdict(PROSODY),
        "copies": copies,
    }
