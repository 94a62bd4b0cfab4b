"""Recordings that are named like RAVDESS's, in every packaging."""

import io
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import soundfile
from signals import noise

from ser.corpora.ravdess import read_name

CLIPS = (
    "03-01-01-01-02-01-01",
    "03-01-05-02-01-01-02",
    "03-01-08-01-01-02-02",
    "03-02-04-01-01-01-02",
    "03-01-03-01-02-01-07",
    "03-01-03-01-02-02-07",
)
SPEECH = [name for name in CLIPS if name != "03-02-04-01-01-01-02"]


def recording(name, suffix=".wav"):
    """A recording of its own for every name, except that actor 7 has one under two names."""
    seed = int(name.replace("-", "").replace("020107", "020207"))
    buffer = io.BytesIO()
    soundfile.write(buffer, noise(0.05, 8000, seed=seed), 8000, format=suffix[1:].upper())
    return buffer.getvalue()


def write_tree(folder, names=CLIPS, suffix=".wav", flat=False):
    for name in names:
        file = folder / ("." if flat else f"Actor_{name[-2:]}") / f"{name}{suffix}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(recording(name, suffix))
    return folder


def write_zip(file, members):
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file


def write_parquet(file, rows):
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), file)
    return file


def named_rows(names=CLIPS):
    return [{"audio": {"bytes": recording(n), "path": None}, "file": f"x/{n}.wav"} for n in names]


def described_rows(names=CLIPS):
    """Rows in the columns of xbgoose/ravdess, without a file name anywhere."""
    rows = []
    for name in names:
        clip = read_name(name)
        rows.append(
            {
                "audio": {"bytes": recording(name), "path": None},
                "modality": "audio-only",
                "vocal_channel": "song" if name[3:5] == "02" else "speech",
                "emotion": clip.emotion,
                "emotional_intensity": clip.intensity,
                "statement": clip.sentence,
                "repetition": {"01": "1st repetition", "02": "2nd repetition"}[name[15:17]],
                "actor": int(clip.speaker),
                "gender": clip.sex,
            }
        )
    return rows


def samples(row):
    audio = row["audio"]
    return soundfile.read(audio["path"] or io.BytesIO(audio["bytes"]))[0]
