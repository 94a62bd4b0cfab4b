"""Sounds beside the voice, such as hum and clicks, added to recordings of any corpus.

Unlike the other studies, this one asks nothing about right and wrong: the shipped model recognises
each clip as it is and disturbed, and should say the same.
"""

import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt
from tqdm.auto import tqdm

from ser.audio.augmentation import speech_power
from ser.audio.loading import load_audio
from ser.corpora.files import find_audio
from ser.errors import AudioError, DatasetError
from ser.recognizer import EmotionRecognizer
from ser.studies.common import Figures, StudyOptions, Tables
from ser.studies.seeds import with_spread
from ser.threads import one_thread
from ser.training.features import name_seed

TITLE = "Disturbances"
ABOUT = (
    "The shipped model recognises up to 100 clips of a folder, drawn by the seed, as they are and "
    "with a disturbance. 'Same emotion' is the share of clips whose emotion stays; 'same speech' "
    "that of clips whose speech is found to begin and end within 0.1 s of where it was; 'noisy' "
    "that of clips which get a warning of noise."
)

N_CLIPS = 100
SAME_SPEECH = 0.1  # s
BELOW_SPEECH = -10.0  # dB, of hum and rumble
RUMBLE_EDGE = 40.0  # Hz
OFFSET, OFFSET_TIME = 0.05, 0.2  # full scale, and the seconds in which it falls by a factor of e
CONSTANT = 0.01  # full scale
CLICK, CLICK_LENGTH = 0.1, 0.005  # full scale, s
THUMP = 0.3  # full scale

Sound = NDArray[np.floating]


def _nothing(waveform: Sound, sample_rate: int, rng: np.random.Generator) -> Sound:
    return np.zeros_like(waveform)


def _hum(waveform: Sound, sample_rate: int, rng: np.random.Generator, *, frequency: float) -> Sound:
    times = np.arange(waveform.size) / sample_rate
    sine = np.sin(2 * np.pi * (frequency * times + rng.random()))
    return _below_speech(sine, waveform, sample_rate)


def _rumble(waveform: Sound, sample_rate: int, rng: np.random.Generator) -> Sound:
    low = butter(4, RUMBLE_EDGE, fs=sample_rate, output="sos")
    noise = rng.standard_normal(waveform.size + sample_rate)
    return _below_speech(sosfilt(low, noise)[sample_rate:], waveform, sample_rate)


def _below_speech(sound: Sound, waveform: Sound, sample_rate: int) -> Sound:
    power = speech_power(waveform, sample_rate) * 10 ** (BELOW_SPEECH / 10)
    return sound * np.sqrt(power / np.mean(sound**2))


def _dying_offset(waveform: Sound, sample_rate: int, rng: np.random.Generator) -> Sound:
    return OFFSET * np.exp(-np.arange(waveform.size) / sample_rate / OFFSET_TIME)


def _constant_offset(waveform: Sound, sample_rate: int, rng: np.random.Generator) -> Sound:
    return np.full_like(waveform, CONSTANT)


def _click(
    waveform: Sound, sample_rate: int, rng: np.random.Generator, *, at_end: bool = False
) -> Sound:
    length = int(CLICK_LENGTH * sample_rate)
    sound = np.pad(rng.uniform(-CLICK, CLICK, length), (0, waveform.size - length))
    return sound[::-1] if at_end else sound


def _thump(waveform: Sound, sample_rate: int, rng: np.random.Generator) -> Sound:
    length = int(CLICK_LENGTH * sample_rate)
    sound = THUMP * np.sin(np.pi * np.arange(length) / length)
    return np.pad(sound, (0, waveform.size - length))


CLEAN = "clean"
DISTURBANCES: dict[str, tuple[str, Callable[..., Sound]]] = {
    CLEAN: ("as recorded", _nothing),
    "hum50": ("hum of 50 Hz, 10 dB below the speech", partial(_hum, frequency=50)),
    "hum60": ("hum of 60 Hz, 10 dB below", partial(_hum, frequency=60)),
    "rumble": ("rumble under 40 Hz, 10 dB below", _rumble),
    "dying": ("an offset of 0.05 that dies down in 0.2 s", _dying_offset),
    "constant": ("a constant offset of 0.01", _constant_offset),
    "start": ("a click of 5 ms at the start", _click),
    "end": ("a click of 5 ms at the end", partial(_click, at_end=True)),
    "thump": ("a thump of 5 ms at the start", _thump),
}
"""Description of each disturbance, and a function that returns the sound to add."""
ROWS = {name: description for name, (description, _) in DISTURBANCES.items()}


def uses(row: str) -> tuple[str, ...]:
    """Return the code that decides a row."""
    rooms = ("audio", "corpora", "features", "model")
    return ("studies.disturbance", "recognizer", "training.features", *rooms)


@dataclass(frozen=True)
class Answer:
    """What is said of a clip: emotion (None if refused), begin and end of speech in s, noisy."""

    emotion: str | None
    speech: tuple[float, float]
    noisy: bool


def run(options: StudyOptions) -> Iterator[tuple[str, Figures]]:
    """Yield name and figures of each disturbance.

    Parameters
    ----------
    options : StudyOptions
        The dataset is any folder of recordings.

    Yields
    ------
    tuple of (str, dict)

    Raises
    ------
    DatasetError
        If there is no such folder, or it holds no recording.
    """
    folder = Path(os.path.expanduser(options.source))  # noqa: PTH111 - leaves the ~ of nobody as it is
    files = sorted(find_audio(folder)) if folder.is_dir() else []
    if not files:
        raise DatasetError(f"There are no recordings in '{folder}'; give a folder that has some.")
    rng = random.Random(options.seed)  # noqa: S311 - chooses clips, and no secrets
    files = rng.sample(files, min(N_CLIPS, len(files)))
    names = [CLEAN, *(name for name in options.rows if name != CLEAN)]
    answers = Parallel(n_jobs=options.jobs, return_as="generator")(
        delayed(_recognise)(file, names, options.seed) for file in files
    )
    answers = list(tqdm(answers, total=len(files), desc="Disturbing clips", unit="clip"))
    answers = [clip for clip in answers if clip]
    if not answers:
        raise DatasetError(f"No recording in '{folder}' has speech as it is; give others.")
    for name, column in zip(names, zip(*answers, strict=True), strict=True):
        pairs = list(zip(column, (clip[0] for clip in answers), strict=True))
        shares = {
            "same_emotion": [one.emotion == clean.emotion for one, clean in pairs],
            "same_speech": [
                np.allclose(one.speech, clean.speech, rtol=0, atol=SAME_SPEECH)
                for one, clean in pairs
            ],
            "noisy": [one.noisy for one, _ in pairs],
        }
        figures = {key: float(np.mean(each)) for key, each in shares.items()}
        yield (
            f"{folder.resolve().name}: {name}",
            {"corpus": folder.resolve().name, "clips": len(answers), **figures},
        )


def tables(results: Mapping[str, Figures]) -> Tables:
    """Lay the figures out, a table a folder."""
    heading = ["disturbance", "same emotion %", "same speech %", "noisy %"]
    corpora = {figures["corpus"]: figures["clips"] for figures in results.values()}
    return {
        f"{clips} clips of {corpus}": [
            heading,
            *(
                [ROWS[name], *(with_spread(figures, key) for key in _SHARES)]
                for name in ROWS
                if (figures := results.get(f"{corpus}: {name}"))
            ),
        ]
        for corpus, clips in corpora.items()
    }


_SHARES = ("same_emotion", "same_speech", "noisy")


@lru_cache
def _recognizer() -> EmotionRecognizer:
    return EmotionRecognizer.from_pretrained()


def _recognise(file: Path, names: Sequence[str], seed: int) -> list[Answer]:
    """Return the answer to a clip with each disturbance; of none, if there is none as it is."""
    recognizer = _recognizer()
    sample_rate = recognizer.sample_rate
    with one_thread():  # processes share the cores, threads would only contend
        try:
            waveform = load_audio(file, sample_rate)
        except AudioError:
            return []
        answers = []
        for name in names:
            index = list(DISTURBANCES).index(name)  # so that a subset draws the same
            rng = np.random.default_rng([seed, name_seed(Path(file).name), index])
            sound = DISTURBANCES[name][1](waveform, sample_rate, rng)
            answers.append(_answer(recognizer, (waveform + sound).astype(np.float32), sample_rate))
            if answers[0].emotion is None:
                return []
    return answers


def _answer(recognizer: EmotionRecognizer, waveform: Sound, sample_rate: int) -> Answer:
    try:
        prediction = recognizer.predict((waveform, sample_rate))
    except AudioError:
        return Answer(None, (np.inf, np.inf), noisy=False)
    speech = prediction.speech_start, prediction.speech_end
    is_noisy = any("noisy" in sentence for sentence in prediction.warnings)
    return Answer(prediction.emotion, speech, is_noisy)
