"""Degraded recordings of unseen speakers: each fold's model tested on worse copies."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from ser.audio import loading, quality
from ser.audio.activity import cut_speech
from ser.audio.augmentation import add_noise, add_room, in_eight_bits, limit_band
from ser.audio.loading import load_audio
from ser.audio.speed import SPEEDS
from ser.errors import NoSpeechError
from ser.features import FeatureConfig, FeatureExtractor, code_fingerprint
from ser.model import analysis
from ser.studies.common import (
    OURS,
    Figures,
    StudyOptions,
    Tables,
    actors_of,
    extract,
    load_ravdess,
    paired_difference,
    points,
)
from ser.studies.folds import NOT_RECOGNISED, collect, fit_ours, run_folds
from ser.studies.seeds import with_spread
from ser.training.features import CorpusFeatures, name_seed, training_fingerprint
from ser.training.metrics import headline_figures, percent

TITLE = "Robustness"
ABOUT = (
    "Each fold's model recognises the clips that it was not trained on, as they are and degraded; "
    "differences are paired over the same clips, ± standard error over actors. 'Changed' is the "
    "share of clips whose result differs from that of the clean clip; 'refused' counts clips in "
    "which no speech is found, which count as errors. 'Warned' is the share of clips for which the "
    "recogniser names a reason to doubt; beside their errors stand those of the same clips as "
    "recorded, of which there are to be at least 1.3 times as many. The training set contains "
    "8-bit copies made in the same way (of other actors); its other degraded copies are randomised "
    "and do not match these conditions exactly."
)
PINK = 0.5  # slope of noise whose octaves are equally strong, as in rooms and streets
TELEPHONE = (300.0, 6800)  # Hz: lower edge, and twice the upper one of 3400
SMALL_ROOM = (0.3, 5.0)  # s of reverberation, and dB of direct over reverberant sound
MP3_RATE = 48_000  # Hz
MP3_BIT_RATES = (32, 320)  # kbit/s, lowest and highest at this sample rate

Waveform = NDArray[np.float32]


@dataclass(frozen=True)
class Recording:
    """A clip to degrade.

    Attributes
    ----------
    source : str, bytes or (ndarray, int)
        The recording itself, as `ser.audio.loading.load_audio` takes it.
    waveform : ndarray of float32, shape (n_samples,)
        The same at the sample rate of the features.
    sample_rate : int
        In Hz.
    """

    source: object
    waveform: Waveform
    sample_rate: int


def _unchanged(clip: Recording, rng: np.random.Generator) -> Waveform:
    return clip.waveform


def _noise(
    clip: Recording, rng: np.random.Generator, *, snr: float, slope: float = 0.0
) -> Waveform:
    return add_noise(clip.waveform, clip.sample_rate, snr, rng, slope=slope)


def _telephone(clip: Recording, rng: np.random.Generator) -> Waveform:
    # Once limited to 3.4 kHz, sound passes a line sampled at 8 kHz unchanged.
    return limit_band(clip.waveform, clip.sample_rate, *TELEPHONE)


def _small_room(clip: Recording, rng: np.random.Generator) -> Waveform:
    return add_room(clip.waveform, clip.sample_rate, *SMALL_ROOM, rng)


def _mp3(clip: Recording, rng: np.random.Generator, *, bit_rate: float) -> Waveform:
    lowest, highest = MP3_BIT_RATES
    file = io.BytesIO()
    soundfile.write(
        file,
        np.clip(soxr.resample(clip.waveform, clip.sample_rate, MP3_RATE), -1, 1),
        MP3_RATE,
        format="MP3",
        bitrate_mode="CONSTANT",
        compression_level=(highest - bit_rate) / (highest - lowest),
    )
    return load_audio(file.getvalue(), clip.sample_rate)


def _eight_bits(clip: Recording, rng: np.random.Generator) -> Waveform:
    return in_eight_bits(clip.source, clip.sample_rate)


def _clipped(clip: Recording, rng: np.random.Generator, *, share: float) -> Waveform:
    speech = np.abs(cut_speech(clip.waveform, clip.sample_rate))
    loudest = np.quantile(speech, 1 - share)
    return np.clip(clip.waveform / loudest, -1, 1).astype(np.float32)


def _gain(clip: Recording, rng: np.random.Generator, *, decibels: float) -> Waveform:
    return (clip.waveform * 10 ** (decibels / 20)).astype(np.float32)


CLEAN = "clean"
CONDITIONS: dict[str, tuple[str, Callable[..., Waveform]]] = {
    CLEAN: ("as recorded", _unchanged),
    "noise20": ("white noise, 20 dB below the speech", partial(_noise, snr=20)),
    "noise15": ("white noise, 15 dB", partial(_noise, snr=15)),
    "noise10": ("white noise, 10 dB", partial(_noise, snr=10)),
    "noise5": ("white noise, 5 dB", partial(_noise, snr=5)),
    "noise0": ("white noise, as strong as the speech", partial(_noise, snr=0)),
    "pink15": ("pink noise, 15 dB", partial(_noise, snr=15, slope=PINK)),
    "telephone": ("telephone band, 300 to 3400 Hz at 8 kHz", _telephone),
    "room": ("small room, 0.3 s of reverberation", _small_room),
    "mp3": ("MP3 at 64 kbit/s", partial(_mp3, bit_rate=64)),
    "8bit": ("8 bits without dither, at the recorded level", _eight_bits),
    "clipped": ("louder, with 30 % of the speech clipped", partial(_clipped, share=0.3)),
    "quiet": ("18 dB quieter", partial(_gain, decibels=-18)),
    "loud": ("6 dB louder, unclipped", partial(_gain, decibels=6)),
}
"""Description of each condition, and a function that returns the degraded waveform."""
ROWS = {name: description for name, (description, _) in CONDITIONS.items()}


def uses(row: str) -> tuple[str, ...]:
    """Return the code that decides a row."""
    return ("studies.robustness", *OURS)


def run(options: StudyOptions) -> Iterator[tuple[str, Figures]]:
    """Yield name and figures of each condition."""
    corpus = load_ravdess(options)
    conditions = [CLEAN, *(name for name in options.rows if name != CLEAN)]
    recognised, warned = _recognise(corpus, conditions, options)
    clean = recognised[:, 0]
    for name, classes, doubted in zip(conditions, recognised.T, warned.T, strict=True):
        told = {
            key: float(np.mean((found != corpus.y)[doubted])) if doubted.any() else None
            for key, found in (("wrong", classes), ("wrong_clean", clean))
        }
        yield (
            name,
            {
                **headline_figures(corpus.y, classes),
                "to_clean": paired_difference(corpus.y, classes, clean, actors_of(corpus)),
                "changed": float(np.mean(classes != clean)),
                "refused": int(np.sum(classes == NOT_RECOGNISED)),
                "warned": float(np.mean(doubted)),
                **told,
            },
        )


def _recognise(
    corpus: CorpusFeatures, conditions: Sequence[str], options: StudyOptions
) -> tuple[NDArray[np.integer], NDArray[np.bool_]]:
    """Return the class of each clip under each condition, and whether there is a warning.

    Returns
    -------
    recognised, warned : ndarray, shape (n_clips, n_conditions)
    """
    versions, warned, refused = degraded_features(corpus, conditions, options)
    folds = corpus.folds(options.protocol, options.seed)
    tested = run_folds(
        corpus.X,
        corpus.y,
        folds,
        partial(fit_ours, parts=corpus.parts, config=options.config),
        jobs=options.jobs,
        description="Training without each fold",
        tests=versions,
    )
    recognised = collect(tested, folds, len(corpus.y))
    recognised[refused] = NOT_RECOGNISED
    return recognised, warned


def tables(results: Mapping[str, Figures]) -> Tables:
    """Lay the figures out."""
    rows = [
        [
            ROWS[name],
            with_spread(result, "accuracy"),
            with_spread(result, "unweighted_average_recall"),
            points(result["to_clean"]) if name != CLEAN else "",
            percent(result["changed"]) if name != CLEAN else "",
            f"{result['refused']:.3g}",
            percent(result["warned"]),
            *_of_warned(result),
        ]
        for name in ROWS
        if (result := results.get(name))
    ]
    heading = [
        "recording",
        "accuracy %",
        "unweighted recall %",
        "vs. clean",
        "changed %",
        "refused",
        "warned %",
        "errors % of these",
        "as recorded",
        "ratio",
    ]
    clips = results[CLEAN]["clips"]
    return {f"Degraded recordings of {clips} clips": [heading, *rows]}


def _of_warned(result: Figures) -> list[str]:
    if result["wrong"] is None:
        return [""] * 3
    ratio = f"{result['wrong'] / result['wrong_clean']:.2f}" if result["wrong_clean"] else ""
    return [percent(result["wrong"]), percent(result["wrong_clean"]), ratio]


def degraded_features(
    corpus: CorpusFeatures, conditions: Sequence[str], options: StudyOptions
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the features of all clips under several conditions, from the cache if they are there.

    Parameters
    ----------
    corpus : CorpusFeatures
    conditions : sequence of str
        Of `CONDITIONS`.
    options : StudyOptions

    Returns
    -------
    versions : ndarray of float32, shape (n_clips, n_conditions, n_speeds, n_features)
    warned : ndarray of bool, shape (n_clips, n_conditions)
        Where the recogniser names a reason to doubt.
    refused : ndarray of bool, shape (n_clips, n_conditions)
        Where a recogniser finds no speech; the features are 0.
    """
    versions = extract(
        corpus.corpus.clips,
        extract_degraded,
        config=options.training.features.to_dict(),
        conditions=list(conditions),
        seed=options.seed,
        code=training_fingerprint()
        + code_fingerprint(__file__, analysis.__file__, Path(quality.__file__).parent),
        jobs=options.jobs,
        description="Degrading clips",
    )
    versions = versions.reshape(len(versions), len(conditions), len(SPEEDS), -1)
    refused = np.asarray(np.isnan(versions).all(axis=(2, 3)))
    versions[refused] = 0
    return versions[..., :-1], versions[:, :, 0, -1] == 1, refused


def extract_degraded(
    clip: Mapping[str, Any], *, config: dict[str, Any], conditions: Sequence[str], seed: int
) -> NDArray[np.float32]:
    """Compute the features of a clip under several conditions.

    Parameters
    ----------
    clip : dict
        Row of `ser.corpora.corpus.Corpus.clips`.
    config : dict
        Of a `FeatureConfig`.
    conditions : sequence of str
        Of `CONDITIONS`.
    seed : int
        For the randomness in them.

    Returns
    -------
    ndarray of float32, shape (n_conditions * n_speeds, n_features + 1)
        One condition after the other, each at the speeds at which a recogniser processes it, and 1
        where it names a reason to doubt, else 0; NaN where it would find no speech.
    """
    extractor = FeatureExtractor(FeatureConfig.from_dict(config))
    sample_rate = extractor.config.sample_rate
    source = clip["audio"]["path"]
    recording = Recording(source, load_audio(source, sample_rate), sample_rate)
    shape = (len(conditions), len(SPEEDS), len(extractor.names) + 1)
    rows = np.full(shape, np.nan, dtype=np.float32)
    for row, condition in zip(rows, conditions, strict=True):
        index = list(CONDITIONS).index(condition)  # so that a subset draws the same
        degrade = CONDITIONS[condition][1]
        degraded = degrade(recording, np.random.default_rng([seed, name_seed(clip["file"]), index]))
        with suppress(NoSpeechError):
            heard = analysis.analyse(loading.Recording(degraded, sample_rate), extractor, SPEEDS)
            row[:, :-1], row[:, -1] = heard.features, bool(heard.warnings)
    return rows.reshape(-1, shape[-1])
