"""Example clips that are published with a model."""

import csv
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import soundfile
from datasets import Dataset
from numpy.typing import ArrayLike

from ser.audio.loading import load_audio
from ser.corpora.corpus import Corpus
from ser.hub.licences import licence_name

SAMPLE_RATE = 24_000  # Hz, of examples from formats that libsndfile cannot read


def make_examples(corpus: Corpus, predicted: ArrayLike, *, seed: int) -> dict[str, bytes]:
    """Choose a clip of each emotion, from women and men in turn, each by a different speaker.

    The choice depends on `seed` alone, so that it shows the model as it is, mistakes included.

    Parameters
    ----------
    corpus : Corpus
    predicted : array_like of int, shape (n_clips,)
        Index of the emotion that a model which was not trained on its speaker recognised in each
        clip.
    seed : int

    Returns
    -------
    dict of str to bytes
        FLAC files and ``metadata.csv`` by name, all in ``examples/``, for a model folder.
        The table has the source and licence of each, and no columns of what is not known.
    """
    clips, labels, classes = corpus.clips, corpus.labels, np.asarray(predicted)
    sources = {origin.about.name: origin.about for origin in corpus.origins}
    files, rows = {}, []
    for index in _choose(clips, seed):
        clip = clips[int(index)]
        about = sources[clip["corpus"]]
        name = f"{clip['file']}.flac"
        files[f"examples/{name}"] = _to_flac(clip["audio"]["path"])
        rows.append(
            {
                "file_name": name,
                "emotion": labels[clip["emotion"]],
                "predicted": labels[classes[index]],
                **{column: clip[column] for column in ("speaker", "sex", "intensity", "sentence")},
                "source": ", ".join(filter(None, (about.name, about.link))),
                "license": about.licence and licence_name(about.licence),
                "attribution": about.attribution,
            }
        )
    known = [column for column in rows[0] if any(row[column] for row in rows)]
    table = io.StringIO()
    writer = csv.DictWriter(table, known, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return {"examples/metadata.csv": table.getvalue().encode(), **files}


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
                for label, score in sorted(answers[name].items(), key=lambda item: -item[1])
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
    samples = np.clip(np.rint(samples * 2**15), -(2**15), 2**15 - 1).astype(np.int16)
    file = io.BytesIO()
    soundfile.write(file, samples, sample_rate, format="FLAC")
    return file.getvalue()
