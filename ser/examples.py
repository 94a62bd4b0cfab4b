"""Example clips that are published with a model."""

import csv
import io

import numpy as np
import soundfile

STATEMENTS = {1: "Kids are talking by the door", 2: "Dogs are sitting by the door"}
LICENCE = "CC BY-NC-SA 4.0"
SOURCE = "RAVDESS, https://doi.org/10.5281/zenodo.1188976"
ATTRIBUTION = "S. R. Livingstone and F. A. Russo, PLoS ONE 13(5): e0196391, 2018"


def make_examples(dataset, predicted, *, seed):
    """Choose a clip of each emotion, from women and men in turn, each by a different actor.

    The choice depends on `seed` alone, so that it shows the model as it is, mistakes included.

    Parameters
    ----------
    dataset : datasets.Dataset
        Clips as `ser.ravdess.load_ravdess` returns them.
    predicted : array_like of int, shape (n_clips,)
        Index of the emotion that a model which was not trained on its actor recognised in each
        clip.
    seed : int

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
                "statement": STATEMENTS[clip["statement"]],
                "source": SOURCE,
                "license": LICENCE,
                "attribution": ATTRIBUTION,
            }
        )
    table = io.StringIO()
    writer = csv.DictWriter(table, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return {"examples/metadata.csv": table.getvalue().encode(), **files}


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
