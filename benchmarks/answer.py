"""A whole answer and its stages against the usual features, on one core, warm.

Every line is timed in every round, so that whatever else the machine does affects all alike.

The usual recipe of 193 values is the mean over time of 40 MFCCs, 12 chroma and 128 mel bands,
7 bands of spectral contrast, and the tonnetz of the harmonic part, each by its own call of
librosa. Recipes for emotions take the file at its own rate, as soundfile reads it; those that they
were taken from, at librosa's default of 22050 Hz, which costs half as much. The sets of openSMILE
are timed if it is installed (``pip install opensmile``). All of them take the file, as we do.
"""

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))

import tempfile
from functools import partial
from pathlib import Path

import librosa
import numpy as np

from benchmarks.processes import own_seconds
from benchmarks.sounds import RATE, USUAL, encoded, speech
from benchmarks.tables import Table
from ser import EmotionRecognizer
from ser.audio.activity import find_activity
from ser.audio.loading import read_recording
from ser.audio.quality import recording_warnings
from ser.audio.rumble import remove_rumble
from ser.audio.speech_check import check_speech, clarity
from ser.features import FeatureExtractor

USUAL_RATES = {"at the file's rate": None, "at 22 kHz": 22_050}  # Hz
ROUNDS = 20  # timed, after one that is not


def run(quick):
    """Return the time of an answer, of its stages and of other features."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    recognizer = EmotionRecognizer.from_pretrained()
    rounds = 2 if quick else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder, "clip.flac")
        clip.write_bytes(encoded(speech(recognizer, USUAL)))
        ours = {"whole answer": partial(recognizer.predict, clip)} | stages(recognizer, clip)
        theirs = others(clip)
        times = measure(ours | theirs, rounds)
    rows = [["", "ms", "an answer takes of it"]]
    for name, milliseconds in times.items():
        share = f"{times['whole answer'] / milliseconds:.2f}" if name in theirs else ""
        rows.append([name, f"{milliseconds:.1f}", share])
    return Table(
        "An answer",
        f"Processor time on one core for a file of {USUAL} s at {RATE // 1000} kHz; median of "
        f"{rounds} rounds. A dash marks a stage of the answer. The usual 193 values and the sets "
        "of openSMILE are features alone.",
        rows,
    )


def stages(recognizer, clip):
    """Return the stages of an answer to a clip by name, in their order."""
    extractor = FeatureExtractor()
    rate = recognizer.sample_rate
    waveform = read_recording(clip, rate).waveform
    activity, filtered = find_activity(waveform, rate), remove_rumble(waveform, rate)
    speech = filtered[activity.kept]
    tracks = extractor.tracks(speech)
    analysis = recognizer.analyse(clip)

    def check():
        check_speech(tracks)
        clear = clarity(tracks)
        recording_warnings(waveform, rate, activity.span, clarity=clear, filtered=filtered)

    return {
        "– read": lambda: read_recording(clip, rate),
        "– find speech": lambda: find_activity(waveform, rate),
        "– remove rumble": lambda: remove_rumble(waveform, rate),
        "– descriptors": lambda: extractor.tracks(speech),
        "– checks": check,
        "– statistics": lambda: extractor.summarise(tracks),
        "– perceptrons": lambda: recognizer.assess(analysis),
    }


def others(clip):
    """Return what else gives features of a clip, by name."""
    found = {
        f"usual 193 values, {name}": partial(usual_recipe, clip, rate)
        for name, rate in USUAL_RATES.items()
    }
    try:
        import opensmile
    except ImportError:
        return found
    for name in ("eGeMAPSv02", "ComParE_2016"):
        smile = opensmile.Smile(
            feature_set=opensmile.FeatureSet[name],
            feature_level=opensmile.FeatureLevel.Functionals,
        )
        found[f"openSMILE {name}"] = partial(smile.process_file, clip)
    return found


def usual_recipe(clip, rate):
    """Return the 193 values of a file, resampled to a rate in Hz unless that is None."""
    waveform, rate = librosa.load(clip, sr=rate)
    spectrum = np.abs(librosa.stft(waveform))
    harmonic = librosa.effects.harmonic(waveform)
    descriptors = (
        librosa.feature.mfcc(y=waveform, sr=rate, n_mfcc=40),
        librosa.feature.chroma_stft(S=spectrum, sr=rate),
        librosa.feature.melspectrogram(y=waveform, sr=rate),
        librosa.feature.spectral_contrast(S=spectrum, sr=rate),
        librosa.feature.tonnetz(y=harmonic, sr=rate),
    )
    return np.concatenate([descriptor.mean(axis=1) for descriptor in descriptors])


def measure(lines, rounds):
    """Return the median time of each function in milliseconds, by its name."""
    times = {name: [] for name in lines}
    for _ in range(1 + rounds):
        for name, function in lines.items():
            start = own_seconds()
            function()
            times[name].append(own_seconds() - start)
    return {name: 1000 * float(np.median(each[1:])) for name, each in times.items()}
