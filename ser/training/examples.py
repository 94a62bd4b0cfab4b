"""Example clips that are published with a model, by speakers whom it never heard."""

import csv
import io
import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from heapq import nlargest
from typing import Any

import numpy as np
import soundfile
from datasets import Dataset
from numpy.typing import NDArray

from ser.audio.loading import load_audio
from ser.corpora.corpus import Corpus
from ser.errors import DatasetError
from ser.hub.licences import licence_name

logger = logging.getLogger(__name__)

SAMPLE_RATE = 24_000  # Hz, of examples from formats that libsndfile cannot read
MAX_CHANNELS = 8  # of FLAC
SHOWN = 10  # labels of each example in a card, whose metadata has room for so many of 50
MAX_BYTES = 32 * 2**20  # of all examples, beside which a model folder has room for the rest


def keep_apart(corpus: Corpus, name: str, *, seed: int) -> tuple[Corpus, Corpus]:
    """Draw a woman and a man of a corpus, to be heard in examples only.

    Parameters
    ----------
    corpus : Corpus
    name : str
        Of one of its origins.
    seed : int
        Decides who is drawn, one speaker of each sex that the corpus tells.

    Returns
    -------
    others, drawn : Corpus
        The clips of all others, and those of whom are drawn.

    Raises
    ------
    DatasetError
        If there is no such corpus, it does not say who speaks, or nobody else speaks in it.
    """
    names = [origin.about.name for origin in corpus.origins]
    if name not in names:
        raise DatasetError(
            f"There is no corpus {name!r} to take examples of; there are {', '.join(names)}."
        )
    rng, clips = np.random.default_rng(seed), corpus.clips
    columns = (clips[column] for column in ("corpus", "speaker", "sex"))
    told = [row[1:] for row in zip(*columns, strict=True) if row[0] == name]
    if None in (speaker for speaker, _ in told):
        raise DatasetError(
            f"{name} does not say of every clip who speaks, so that nobody can be kept apart for "
            "examples; leave out --examples-of."
        )
    by_sex = {
        sex: sorted({each for each, own in told if own == sex}) for sex in {s for _, s in told}
    }
    drawn = {str(rng.choice(by_sex[sex])) for sex in sorted(by_sex, key=str)}
    if len({speaker for speaker, _ in told}) <= len(drawn):
        raise DatasetError(
            f"{name} has too few speakers to keep some apart for examples; leave out --examples-of."
        )
    apart = np.array([speaker in drawn for speaker in clips["speaker"]])
    parts = (np.flatnonzero(~apart), np.flatnonzero(apart))
    others, kept = (replace(corpus, clips=clips.select(part)) for part in parts)
    return others, kept


def make_examples(
    corpus: Corpus, told: NDArray[np.floating], *, seed: int
) -> tuple[dict[str, bytes], dict[str, dict[str, float]]]:
    """Choose a clip of each emotion, from women and men in turn, each by a different speaker.

    The choice depends on `seed` alone, so that it shows the model as it is, mistakes included.

    Parameters
    ----------
    corpus : Corpus
    told : ndarray, shape (n_clips, n_labels)
        Probabilities by a model that was not trained on the clip's speaker.
    seed : int

    Returns
    -------
    files : dict of str to bytes
        FLAC files and ``metadata.csv`` by name, all in ``examples/``, for a model folder.
        The table has the source and licence of each, and no columns of what is not known.
    answers : dict of str to (dict of str to float)
        `told` of each FLAC file.
    """
    clips, labels = corpus.clips, corpus.labels
    sources = {origin.about.name: origin.about for origin in corpus.origins}
    files: dict[str, bytes] = {}
    rows, answers = [], {}
    for number, index in enumerate(_choose(clips, seed), 1):
        clip = clips[int(index)]
        about, emotion = sources[clip["corpus"]], labels[clip["emotion"]]
        name = "-".join(re.findall(r"\w+", f"{number} {emotion} {clip['sex'] or ''}")) + ".flac"
        content = _to_flac(clip["audio"]["path"])
        if sum(map(len, files.values())) + len(content) > MAX_BYTES:
            logger.warning("Left out the example of %s, %s: it is too long", emotion, clip["file"])
            continue
        files[f"examples/{name}"] = content
        answers[f"examples/{name}"] = dict(zip(labels, told[index].tolist(), strict=True))
        licence = about.clip_licence or about.licence
        rows.append(
            {
                "file_name": name,
                "emotion": emotion,
                "predicted": labels[told[index].argmax()],
                **{column: clip[column] for column in ("speaker", "sex", "intensity", "sentence")},
                "recording": clip["file"],
                "source": ", ".join(filter(None, (about.name, about.link))),
                "license": licence and licence_name(licence),
                "attribution": about.attribution,
            }
        )
    if not rows:
        return {}, {}
    known = [column for column in rows[0] if any(row[column] for row in rows)]
    table = io.StringIO()
    writer = csv.DictWriter(table, known, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return {"examples/metadata.csv": table.getvalue().encode(), **files}, answers


def widget(
    files: Mapping[str, bytes], answers: Mapping[str, Mapping[str, float]]
) -> list[dict[str, Any]]:
    """Return the examples as the page of a model on the Hub shows them, with our answers.

    Parameters
    ----------
    files : dict of str to bytes
        Of a model folder.
    answers : dict of str to (dict of str to float)
        Probability of each emotion, by the name of the clip's file.

    Returns
    -------
    list of dict
        ``widget`` in the metadata of a card; ``src`` is a path in the repository.
    """
    table = csv.DictReader(io.StringIO(files.get("examples/metadata.csv", b"").decode()))
    return [
        {
            "src": name,
            "example_title": row.get("emotion") or row.get("description") or row["file_name"],
            "output": [
                {"label": label, "score": round(score, 4)}
                for label, score in nlargest(SHOWN, answers[name].items(), key=lambda item: item[1])
            ],
        }
        for row in table
        if (name := f"examples/{row['file_name']}") in answers
    ]


def _choose(clips: Dataset, seed: int) -> list[int]:
    rng = np.random.default_rng(seed)
    emotions, speakers, sexes = (
        np.array(clips[column], dtype=object) for column in ("emotion", "speaker", "sex")
    )
    parity = rng.integers(2)
    chosen: list[int] = []
    for emotion in np.unique(emotions):
        found = np.flatnonzero(emotions == emotion)
        parity = 1 - parity
        # Some recordings lack one sex, have fewer speakers than emotions, or tell neither.
        is_new = np.array([each not in speakers[chosen] for each in speakers[found]])
        merit = 2 * (sexes[found] == ("female", "male")[parity]) + is_new
        chosen.append(rng.choice(found[merit == merit.max()]))
    return chosen


def _to_flac(path: str) -> bytes:
    # As floats, since libsndfile does not scale float files to integers.
    try:
        samples, sample_rate = soundfile.read(path, dtype="float64")
    except soundfile.LibsndfileError:
        samples, sample_rate = load_audio(path, SAMPLE_RATE), SAMPLE_RATE
    if samples.ndim > 1 and samples.shape[1] > MAX_CHANNELS:
        samples, sample_rate = load_audio(path, SAMPLE_RATE), SAMPLE_RATE
    samples = np.clip(np.rint(samples * 2**15), -(2**15), 2**15 - 1).astype(np.int16)
    file = io.BytesIO()
    soundfile.write(file, samples, sample_rate, format="FLAC")
    return file.getvalue()
