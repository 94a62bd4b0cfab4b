"""A model on another corpus, with and without a voice profile.

Clips are named as in a corpus of `ser.corpora.catalog.CORPORA`. Only emotions that model and
corpus share are compared: calm counts as neutral, as most corpora have no calm, and the model's
other emotions are removed before the most probable one is chosen. A voice profile is made
from the first neutral clips of a speaker, by name; the remaining clips are tested both with and
without it.
"""

import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from ser.corpora.catalog import CORPORA, names_and_examples
from ser.corpora.emotions import canonical, in_order
from ser.corpora.loading import recognise_corpus
from ser.corpora.sources import Source, find_audio
from ser.errors import AudioError, DatasetError, VoiceProfileError
from ser.model.prediction import Prediction
from ser.model.voice_profile import VoiceProfile
from ser.recognizer import EmotionRecognizer
from ser.studies.common import Figures, Paired, Tables, paired_difference, points
from ser.training.by_corpus import merge_classes
from ser.training.metrics import evaluate, percent
from ser.training.report import to_text

TITLE = "Other corpora"
ABOUT = (
    "A model recognises clips of a corpus that it was not trained on; a profile is made from the "
    "first four neutral clips of a speaker. Only emotions that both know are compared: calm counts "
    "as neutral, and other emotions of the model are removed before the most probable one is "
    "chosen. The difference of accuracy is ± its standard error over speakers."
)
MERGED = {"calm": "neutral"}
N_PROFILE_CLIPS = 4


@dataclass(frozen=True)
class CorpusClip:
    """A clip of another corpus: its file, who speaks, and which emotion is acted."""

    file: Path
    actor: str
    emotion: str


Recognised = Mapping[CorpusClip, NDArray[np.float64]]
"""Probabilities of the shared emotions, by clip."""


def find_clips(folder: str | Path) -> list[CorpusClip]:
    """Return the clips of a corpus, by name.

    Parameters
    ----------
    folder : str or Path
        Searched with its subfolders for audio files; those with other names are ignored.

    Raises
    ------
    DatasetError
        If there is no such folder, or it holds no clip.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise DatasetError(f"There is no folder {folder}; give the one that holds the recordings.")
    corpus = recognise_corpus(Source(folder, folder))
    files = find_audio(folder)
    if corpus is None:
        raise DatasetError(
            f"Fewer than half of the {len(files)} audio files in {folder} are named as in one of "
            f"{names_and_examples()}; rename them, or give another folder."
        )
    clips = []
    for file in files:
        with suppress(DatasetError):
            clip = CORPORA[corpus].read(str(file.relative_to(folder)))
            if clip and clip.speaker:
                emotion = MERGED.get(clip.emotion, clip.emotion)
                clips.append(CorpusClip(file, clip.speaker, emotion))
    return sorted(clips, key=lambda clip: clip.file.name)


def evaluate_corpus(recognizer: EmotionRecognizer, clips: Sequence[CorpusClip]) -> Figures:
    """Recognise the clips of a corpus with and without a voice profile.

    Returns
    -------
    dict
        Ready for JSON. ``all`` has the figures of all clips without a profile; ``without`` and
        ``with`` those of the clips that are not in a profile, of speakers who have one, and
        ``profile_difference`` compares these two; each as `ser.training.metrics.evaluate` makes
        them, or None if there are no such clips. ``emotions`` are those that are shared. ``failed``
        lists clips that the recogniser refuses, which no figure counts; ``unshared`` counts
        clips of other emotions; ``profiles`` has the clips of each speaker's profile, and
        ``no_profile`` says why a speaker has none.

    Raises
    ------
    DatasetError
        If model and corpus share fewer than two emotions, or no clip can be recognised.
    """
    known = {_merged(label) for label in recognizer.labels}
    present = {clip.emotion for clip in clips}
    shared = in_order(known & present)
    if len(shared) < 2:
        raise DatasetError(
            f"The model and the corpus share {', '.join(shared) or 'no emotion'}; give a model and "
            "recordings with two emotions in common."
        )
    tested = [clip for clip in clips if clip.emotion in shared]
    profiles, files, no_profile = _make_profiles(recognizer, tested)

    plain, profiled, failed = {}, {}, []
    for clip in tqdm(tested, desc="Recognising", unit="clip", file=sys.stderr):
        try:
            plain[clip] = _share(recognizer.predict(clip.file), shared)
            if clip.actor in profiles and clip.file not in files[clip.actor]:
                prediction = recognizer.predict(clip.file, voice=profiles[clip.actor])
                profiled[clip] = _share(prediction, shared)
        except AudioError as error:
            plain.pop(clip, None)
            failed.append({"file": clip.file.name, "error": str(error)})
    if not plain:
        raise DatasetError(f"None of the clips can be recognised; the first one: {failed[0]}")
    return {
        "model": recognizer.source,
        "emotions": shared,
        "speakers": len({clip.actor for clip in tested}),
        "failed": failed,
        "unshared": len(clips) - len(tested),
        "profiles": {actor: [file.name for file in each] for actor, each in files.items()},
        "no_profile": no_profile,
        "all": _figures(plain, shared),
        "without": _figures({clip: plain[clip] for clip in profiled}, shared),
        "with": _figures(profiled, shared),
        "profile_difference": _difference(plain, profiled, shared),
    }


def _make_profiles(
    recognizer: EmotionRecognizer, clips: Sequence[CorpusClip]
) -> tuple[dict[str, VoiceProfile], dict[str, list[Path]], dict[str, str]]:
    """Return each speaker's profile, the files it is made from, and why some have none."""
    neutral: dict[str, list[Path]] = defaultdict(list)
    for clip in clips:
        neutral[clip.actor] += [clip.file] * (clip.emotion == "neutral")
    profiles, files, no_profile = {}, {}, {}
    for actor, found in tqdm(neutral.items(), desc="Voice profiles", unit="speaker"):
        if len(found) < N_PROFILE_CLIPS:
            no_profile[actor] = f"{len(found)} neutral clips, {N_PROFILE_CLIPS} are needed"
            continue
        try:
            profiles[actor] = recognizer.voice_profile(found[:N_PROFILE_CLIPS])
            files[actor] = found[:N_PROFILE_CLIPS]
        except (AudioError, VoiceProfileError) as error:
            no_profile[actor] = str(error)
    return profiles, files, no_profile


def _share(prediction: Prediction, shared: Sequence[str]) -> NDArray[np.float64]:
    """Return the probabilities of the shared emotions, which sum to 1, in their order."""
    counted_as = [_merged(label) for label in prediction.probabilities]
    probabilities = np.array([[*prediction.probabilities.values()]])
    return merge_classes(probabilities, counted_as, shared)[0]


def _merged(label: str) -> str:
    return MERGED.get(canonical(label), canonical(label))


def _figures(recognised: Recognised, shared: Sequence[str]) -> Figures | None:
    if not recognised:
        return None
    return evaluate(
        [shared.index(clip.emotion) for clip in recognised],
        np.array(list(recognised.values())),
        labels=shared,
        folds=[clip.actor for clip in recognised],
        groups={},
    )


def _difference(plain: Recognised, profiled: Recognised, shared: Sequence[str]) -> Paired | None:
    """Compare the accuracies with and without a profile over the same clips."""
    if not profiled:
        return None
    return paired_difference(
        np.array([shared.index(clip.emotion) for clip in profiled]),
        np.array([each.argmax() for each in profiled.values()]),
        np.array([plain[clip].argmax() for clip in profiled]),
        np.array([clip.actor for clip in profiled]),
    )


def uses(row: str) -> tuple[str, ...]:
    """Return the code that decides a row."""
    rooms = ("audio", "corpora", "features", "model", "training")
    return ("studies.cross_corpus", "studies.common", "recognizer", *rooms)


def tables(results: Mapping[str, Figures]) -> Tables:
    """Lay the figures of several corpora out, by the names of their folders."""
    return {
        f"{corpus}: {title}": rows
        for corpus, result in results.items()
        for title, rows in _tables(result).items()
    }


def format_result(result: Figures) -> str:
    """Write what `evaluate_corpus` returns for a terminal."""
    notes = [
        _about_clips(result),
        *(f"failed: {each['file']}: {each['error']}" for each in result["failed"]),
        *(f"no profile for {actor}: {why}" for actor, why in result["no_profile"].items()),
    ]
    return "\n\n".join([*map(to_text, _tables(result).values()), "\n".join(notes)])


def _about_clips(result: Figures) -> str:
    return (
        f"{result['all']['clips']} clips of {result['speakers']} speakers; "
        f"{len(result['failed'])} failed, {result['unshared']} of emotions that are not shared"
    )


def _tables(result: Figures) -> Tables:
    """Lay figures and recalls of what `evaluate_corpus` returns out."""
    ways = {
        "without a profile, all clips": result["all"],
        "without a profile, clips outside profiles": result["without"],
        "with a profile, the same clips": result["with"],
    }
    ways = {title: figures for title, figures in ways.items() if figures}
    rows = [["", "unweighted recall %", "accuracy %", "clips"]]
    for title, figures in ways.items():
        shares = [percent(figures["unweighted_average_recall"]), percent(figures["accuracy"])]
        rows.append([title, *shares, str(figures["clips"])])
    if result["with"]:
        key = "unweighted_average_recall"
        gain = 100 * (result["with"][key] - result["without"][key])
        rows.append(
            ["gain from the profile", f"{gain:+.1f}", points(result["profile_difference"]), ""]
        )
    classes = [["recall %", *("without, all", "without", "with")[: len(ways)], "clips"]]
    for label in result["emotions"]:
        recalls = [percent(figures["classes"][label]["recall"]) for figures in ways.values()]
        classes.append([label, *recalls, str(result["all"]["classes"][label]["support"])])
    return {_about_clips(result): rows, "recall by emotion": classes}
