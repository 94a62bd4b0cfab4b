"""Example clips that are published with a model."""

import csv
import io

import numpy as np
import soundfile

from ser.corpora.recordings import RAVDESS, licence_name


def make_examples(dataset, predicted, *, seed, recordings=RAVDESS):
    """Choose a clip of each emotion, from women and men in turn, each by a different actor.

    The choice depends on `seed` alone, so that it shows the model as it is, mistakes included.

    Parameters
    ----------
    dataset : datasets.Dataset
        Clips as `ser.corpora.ravdess.load_ravdess` returns them.
    predicted : array_like of int, shape (n_clips,)
        Index of the emotion that a model which was not trained on its actor recognised in each
        clip.
    seed : int
    recordings : ser.corpora.recordings.Recordings
        What they are, for the table.

    Returns
    -------
    dict of str to bytes
        FLAC files and ``metadata.csv`` by name, all in ``examples/``, for a model folder.
    """
    labels = dataset.features["emotion"].names
    files, rows = {}, []
    for index in _choose(np.array(dataset["emotion"]), np.array(dataset["actor"]), seed):
        clip = dataset[int(index)]
        name = f"{clip['file']}.flac"
        files[f"examples/{name}"] = _to_flac(clip["audio"]["path"])
        rows.append(
            {
                "file_name": name,
                "emotion": labels[clip["emotion"]],
                "predicted": labels[predicted[index]],
                "actor": clip["actor"],
                "sex": "man" if clip["actor"] % 2 else "woman",
                "intensity": clip["intensity"],
                "statement": (recordings.statements or {}).get(clip["statement"], ""),
                "source": ", ".join(filter(None, (recordings.name, recordings.link))),
                "license": licence_name(recordings.licence),
                "attribution": recordings.attribution or "",
            }
        )
    table = io.StringIO()
    writer = csv.DictWriter(table, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return {"examples/metadata.csv": table.getvalue().encode(), **files}


def widget(files, answers):
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


def _choose(emotions, actors, seed):
    rng = np.random.default_rng(seed)
    parity = rng.integers(2)
    chosen = []
    for emotion in np.unique(emotions):
        clips = np.flatnonzero(emotions == emotion)
        parity = 1 - parity
        # A selection of the recordings may lack one sex, or have fewer actors than emotions.
        merit = 2 * (actors[clips] % 2 == parity) + ~np.isin(actors[clips], actors[chosen])
        chosen.append(rng.choice(clips[merit == merit.max()]))
    return chosen


def _to_flac(path):
    # As floats, since libsndfile does not scale float files to integers.
    samples, sample_rate = soundfile.read(path, dtype="float64")
    samples = np.clip(np.rint(samples * 2**15), -(2**15), 2**15 - 1).astype(np.int16)
    file = io.BytesIO()
    soundfile.write(file, samples, sample_rate, format="FLAC")
    return file.getvalue()
