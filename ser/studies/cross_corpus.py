"""A model on another corpus, without a reference and relative to other clips of each speaker.

Clips are named as in a corpus of `ser.corpora.catalog.CORPORA`. Only emotions that model and
corpus share are compared: calm counts as neutral, as most corpora have no calm, and the model's
other emotions are removed before the most probable one is chosen. A voice profile is made
from the first neutral clips of a speaker, by name, and these are not tested with it; other clips
are drawn for each clip.
"""

import os
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from ser.corpora.catalog import CORPORA, names_and_examples
from ser.corpora.emotions import canonical, in_order
from ser.corpora.loading import recognise_corpus
from ser.corpora.sources import Source, find_audio
from ser.errors import AudioError, DatasetError, VoiceProfileError
from ser.model.analysis import Analysis
from ser.model.prediction import Prediction
from ser.model.voice_profile import OwnSpeech, VoiceProfile
from ser.recognizer import EmotionRecognizer
from ser.studies.common import Figures, Tables, paired_recall, points
from ser.studies.trust import (
    WARNING_COLUMNS,
    WARNINGS,
    trust_figures,
    warning_figures,
    warning_row,
)
from ser.training.by_corpus import merge_classes
from ser.training.metrics import evaluate, percent
from ser.training.report import to_text

TITLE = "Other corpora"
ABOUT = (
    "A model recognises clips of a corpus, most often one that it was not trained on, as they are "
    "and relative to other clips of their speaker: a profile of the first four neutral ones, or "
    "sixteen of any emotion, drawn for each clip. Both ways are compared over the same clips. Only "
    "emotions that model and corpus know are compared: calm counts as neutral, and other emotions "
    "of the model are removed before the most probable one is chosen. Gains of unweighted recall "
    "are ± their standard error over speakers. AUC is the probability that the confidence is "
    "higher for a right answer than for a wrong one."
)
MERGED = {"calm": "neutral"}
N_PROFILE_CLIPS, N_OTHER_CLIPS = 4, 16
REFERENCES = {
    "profile": f"{N_PROFILE_CLIPS} neutral clips",
    "others": f"{N_OTHER_CLIPS} other clips",
}
"""Key and title of what clips are judged relative to."""

RECALL = "unweighted_average_recall"
COLUMNS = {
    RECALL: "unweighted recall %",
    "accuracy": "accuracy %",
    "expected_calibration_error": "calibration error, points",
    "auc": "AUC %",
}
"""Key and heading of the figures of each way."""


@dataclass(frozen=True)
class CorpusClip:
    """A clip of another corpus: its file and corpus, who speaks, and which emotion is acted."""

    file: Path
    corpus: str
    actor: str
    emotion: str


@dataclass(frozen=True)
class Answered:
    """A clip, probabilities of the shared emotions without and with each reference, warnings."""

    clip: CorpusClip
    plain: NDArray[np.float64]
    relative: dict[str, NDArray[np.float64]]
    warnings: list[str]


@dataclass
class Answers:
    """What a recogniser says of a corpus, and why some clips or speakers are left out."""

    answered: list[Answered] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    profiles: dict[str, list[str]] = field(default_factory=dict)
    no_profile: dict[str, str] = field(default_factory=dict)


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
    folder = Path(os.path.expanduser(folder))  # noqa: PTH111 - leaves the ~ of nobody as it is
    if not folder.is_dir():
        raise DatasetError(f"There is no folder {folder}; give the one that holds the recordings.")
    files = find_audio(folder)
    if not files:
        raise DatasetError(
            f"{folder} has no audio files that can be read one by one; unpack ZIP or Parquet files."
        )
    corpus = recognise_corpus(Source(folder, folder))
    if corpus is None:
        raise DatasetError(
            f"Fewer than half of the {len(files)} audio files in {folder} are named as in one of "
            f"{names_and_examples()}; rename them, or give another folder."
        )
    clips, about = [], CORPORA[corpus].about
    for file in files:
        with suppress(DatasetError):
            clip = CORPORA[corpus].read(str(file.relative_to(folder)))
            if clip and clip.speaker:
                emotion = MERGED.get(clip.emotion, clip.emotion)
                clips.append(CorpusClip(file, about.name, clip.speaker, emotion))
    if not clips:
        raise DatasetError(
            f"None of the {len(files)} audio files in {folder} is speech of a known speaker of "
            f"{about.name}; give another folder."
        )
    return sorted(clips, key=lambda clip: clip.file.name)


def evaluate_corpus(recognizer: EmotionRecognizer, clips: Sequence[CorpusClip]) -> Figures:
    """Recognise the clips of a corpus, without a reference and with each of `REFERENCES`.

    Returns
    -------
    dict
        Ready for JSON. ``all`` has the figures of all clips without a reference, as
        `ser.training.metrics.evaluate` makes them, with ``auc``; ``references`` has for each of
        `REFERENCES` that is possible the same ``with`` it and ``without``, over the same clips,
        and the ``gain`` of recall. ``warnings`` has for each of `ser.studies.trust.WARNINGS` what
        `ser.studies.trust.warning_figures` returns. ``emotions`` are those that are shared.
        ``failed`` lists clips that the recogniser refuses, which no figure counts; ``unshared``
        counts clips of other emotions; ``heard`` tells whether the model learned from the same
        corpus, of which the speakers may be others; ``profiles`` has the clips of each speaker's
        profile, and ``no_profile`` says why a speaker has none.

    Raises
    ------
    DatasetError
        If model and corpus share fewer than two emotions, or no clip can be recognised.
    """
    known = {_merged(label) for label in recognizer.labels}
    shared = in_order(known & {clip.emotion for clip in clips})
    if len(shared) < 2:
        raise DatasetError(
            f"The model and the corpus share {', '.join(shared) or 'no emotion'}; give a model and "
            "recordings with two emotions in common."
        )
    by_speaker: dict[str, list[CorpusClip]] = defaultdict(list)
    tested = [clip for clip in clips if clip.emotion in shared]
    for clip in tested:
        by_speaker[clip.actor].append(clip)
    answers, rng = Answers(), np.random.default_rng(0)
    with tqdm(total=len(tested), desc="Recognising", unit="clip", file=sys.stderr) as bar:
        for own in by_speaker.values():
            _recognise_speaker(recognizer, own, shared, answers, rng)
            bar.update(len(own))
    answered = answers.answered
    if not answered:
        raise DatasetError(f"None of the clips can be recognised; the first: {answers.failed[0]}")
    pairs = {
        name: [(each, each.relative[name]) for each in answered if name in each.relative]
        for name in REFERENCES
    }
    wrong = np.array([each.plain.argmax() != shared.index(each.clip.emotion) for each in answered])
    return {
        "model": recognizer.source,
        "heard": clips[0].corpus
        in {each.get("name") for each in recognizer.config.get("datasets", [])},
        "emotions": shared,
        "speakers": len(by_speaker),
        "failed": answers.failed,
        "unshared": len(clips) - len(tested),
        "profiles": answers.profiles,
        "no_profile": answers.no_profile,
        "all": _figures([(each.clip, each.plain) for each in answered], shared),
        "references": {name: _compare(each, shared) for name, each in pairs.items() if each},
        "warnings": {
            name: warning_figures(
                np.array([any(w.startswith(begin) for w in each.warnings) for each in answered]),
                wrong,
            )
            for name, begin in WARNINGS.items()
        },
    }


def _recognise_speaker(
    recognizer: EmotionRecognizer,
    clips: Sequence[CorpusClip],
    shared: Sequence[str],
    answers: Answers,
    rng: np.random.Generator,
) -> None:
    """Add what a recogniser says of the clips of one speaker."""
    analyses: dict[CorpusClip, Analysis] = {}
    for clip in clips:
        try:
            analyses[clip] = recognizer.analyse(clip.file)
        except AudioError as error:
            answers.failed.append({"file": clip.file.name, "error": str(error)})
    profile, in_profile = None, [clip for clip in clips if clip.emotion == "neutral"]
    in_profile = in_profile[:N_PROFILE_CLIPS]
    try:
        profile = _make_profile(recognizer, in_profile)
        answers.profiles[clips[0].actor] = [clip.file.name for clip in in_profile]
    except (AudioError, VoiceProfileError) as error:
        answers.no_profile[clips[0].actor] = str(error)
    for clip, analysis in analyses.items():
        references: dict[str, VoiceProfile | None] = {}
        if profile is not None and clip not in in_profile:
            references["profile"] = profile
        others = [other for other in analyses if other != clip]
        if recognizer.knows_voices and len(others) >= N_OTHER_CLIPS:
            drawn = rng.choice(len(others), N_OTHER_CLIPS, replace=False)
            references["others"] = OwnSpeech([analyses[others[i]] for i in drawn]).others()
        plain = recognizer.assess(analysis)
        relative = {
            name: _share(recognizer.assess(analysis, reference), shared)
            for name, reference in references.items()
        }
        answers.answered.append(Answered(clip, _share(plain, shared), relative, plain.warnings))


def _make_profile(recognizer: EmotionRecognizer, clips: Sequence[CorpusClip]) -> VoiceProfile:
    if len(clips) < N_PROFILE_CLIPS:
        raise VoiceProfileError(f"{len(clips)} neutral clips, {N_PROFILE_CLIPS} are needed")
    return recognizer.voice_profile([clip.file for clip in clips])


def _share(prediction: Prediction, shared: Sequence[str]) -> NDArray[np.float64]:
    """Return the probabilities of the shared emotions, which sum to 1, in their order."""
    counted_as = [_merged(label) for label in prediction.probabilities]
    probabilities = np.array([[*prediction.probabilities.values()]])
    return merge_classes(probabilities, counted_as, shared)[0]


def _merged(label: str) -> str:
    return MERGED.get(canonical(label), canonical(label))


def _figures(
    recognised: Sequence[tuple[CorpusClip, NDArray[np.float64]]], shared: Sequence[str]
) -> Figures:
    targets = np.array([shared.index(clip.emotion) for clip, _ in recognised])
    told = np.array([probabilities for _, probabilities in recognised])
    actors = [clip.actor for clip, _ in recognised]
    trust = trust_figures(told.max(axis=1), told.argmax(axis=1) != targets)
    figures = evaluate(targets, told, labels=shared, folds=actors, groups={})
    return {**figures, "auc": trust["auc"]}


def _compare(
    pairs: Sequence[tuple[Answered, NDArray[np.float64]]], shared: Sequence[str]
) -> Figures:
    """Compare the answers with a reference and without, over the same clips."""
    clips = [each.clip for each, _ in pairs]
    gain = paired_recall(
        np.array([shared.index(clip.emotion) for clip in clips]),
        np.array([relative.argmax() for _, relative in pairs]),
        np.array([each.plain.argmax() for each, _ in pairs]),
        np.array([clip.actor for clip in clips]),
    )
    return {
        "with": _figures([(each.clip, relative) for each, relative in pairs], shared),
        "without": _figures([(each.clip, each.plain) for each, _ in pairs], shared),
        "gain": gain,
    }


def uses(row: str) -> tuple[str, ...]:
    """Return the code that decides a row."""
    rooms = ("audio", "corpora", "features", "model", "training")
    return ("studies.cross_corpus", "studies.common", "studies.trust", "recognizer", *rooms)


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
    laid_out = [f"{title}\n\n{to_text(rows)}" for title, rows in _tables(result).items()]
    return "\n\n".join([*laid_out, "\n".join(notes)])


def _about_clips(result: Figures) -> str:
    text = (
        f"{result['all']['clips']} clips of {result['speakers']} speakers; "
        f"{len(result['failed'])} failed, {result['unshared']} of emotions that are not shared"
    )
    heard = "; the model learned from this corpus, and is wrong more often on others"
    return text + heard * result["heard"]


def _tables(result: Figures) -> Tables:
    """Lay figures, recalls and warnings of what `evaluate_corpus` returns out."""
    everyone = result["all"]
    rows = [["reference", "clips", "gain of recall"]]
    rows[0] += [text for title in COLUMNS.values() for text in (title, "without")]
    alone = [text for key in COLUMNS for text in (percent(everyone[key]), "")]
    rows.append(["none", str(everyone["clips"]), "", *alone])
    classes = [["recall %", "none", *(REFERENCES[name] for name in result["references"])]]
    for name, each in result["references"].items():
        shares = [percent(each[way][key]) for key in COLUMNS for way in ("with", "without")]
        rows.append([REFERENCES[name], str(each["with"]["clips"]), points(each["gain"]), *shares])
    for label in result["emotions"]:
        ways = [everyone, *(each["with"] for each in result["references"].values())]
        classes.append([label, *(percent(way["classes"][label]["recall"]) for way in ways)])
    warned = [["warning", *WARNING_COLUMNS]]
    warned += [[name, *warning_row(each)] for name, each in result["warnings"].items()]
    return {_about_clips(result): rows, "recall by emotion": classes, "warnings": warned}
