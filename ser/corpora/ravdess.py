"""RAVDESS as a `datasets.Dataset`, from any source.

A clip's file name describes it completely in seven two-digit fields:
modality-channel-emotion-intensity-statement-repetition-actor. It therefore
identifies the clip: files of the same name are one clip, and rows are ordered by
actor and name, so that every source gives the same dataset. (Two names of actor
7, 03-01-03-01-02-01-07 and 03-01-03-01-02-02-07, hold the same recording; both
are kept, as in every published count.)

Audio stays undecoded: columns are only cast to the `Audio` feature, with
``decode=False``, since anything else it does needs torch.

References
----------
Livingstone & Russo, "The Ryerson Audio-Visual Database of Emotional Speech and
Song (RAVDESS)", PLoS ONE 13(5): e0196391, 2018. https://zenodo.org/record/1188976
"""

import logging
import re
from dataclasses import dataclass

import datasets
import soundfile

from ser.corpora.recordings import RAVDESS
from ser.corpora.sources import find_audio, open_source
from ser.errors import DatasetError

logger = logging.getLogger(__name__)

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
SONG_EMOTIONS = EMOTIONS[:6]
CHANNELS = ("speech", "song", "both")

GOOD_NAME = "03-01-06-01-02-01-12.wav"

#: The codes that each field of a name may hold, and their meanings.
_CODES = {
    "modality": {"03": "audio-only"},
    "channel": {"01": "speech", "02": "song"},
    "emotion": {f"{code:02}": emotion for code, emotion in enumerate(EMOTIONS, start=1)},
    "intensity": {"01": "normal", "02": "strong"},
    "statement": {"01": 1, "02": 2},
    "repetition": {"01": 1, "02": 2},
    "actor": {f"{actor:02}": actor for actor in range(1, 25)},
}


@dataclass(frozen=True)
class ClipName:
    """The parts of the name of a RAVDESS recording.

    Attributes
    ----------
    channel : str
        "speech" or "song".
    emotion : str
        One of `EMOTIONS`.
    intensity : str
        "normal" or "strong".
    statement : int
        1, "Kids are talking by the door", or 2, "Dogs are sitting by the door".
    repetition : int
        1 or 2.
    actor : int
        1 to 24.
    """

    channel: str
    emotion: str
    intensity: str
    statement: int
    repetition: int
    actor: int

    @classmethod
    def parse(cls, name):
        """Read a file name, with or without folders and suffix.

        Raises
        ------
        DatasetError
            If it does not name a RAVDESS recording; the message says which field is wrong.
        """
        stem = re.split(r"[\\/]", str(name))[-1].split(".")[0]
        codes = stem.split("-")
        if len(codes) != len(_CODES):
            raise DatasetError(
                f"{name} is not a RAVDESS file name: it lacks the seven two-digit fields of "
                f"{GOOD_NAME}."
            )
        values = {}
        for (field, meanings), code in zip(_CODES.items(), codes, strict=True):
            if code not in meanings:
                allowed = " to ".join(dict.fromkeys((min(meanings), max(meanings))))
                raise DatasetError(
                    f"{name} does not name an audio-only RAVDESS recording: its {field} is "
                    f"{code!r}, not {allowed}."
                )
            values[field] = meanings[code]
        del values["modality"]
        return cls(**values)

    def __str__(self):
        """Return the file name without a suffix."""
        meanings = {"modality": "audio-only", **vars(self)}
        codes = {field: {v: k for k, v in _CODES[field].items()} for field in _CODES}
        return "-".join(codes[field][meanings[field]] for field in _CODES)

    @property
    def sex(self):
        """Return "men" for odd actors and "women" for even ones."""
        return "men" if self.actor % 2 else "women"


def load_ravdess(source=RAVDESS.repo_id, *, channel="speech", emotions=None):
    """Load RAVDESS's recordings with the information in their names.

    Files that are not audio or are named differently are skipped with a warning.

    Parameters
    ----------
    source : str, Path or ser.corpora.sources.Source
        A dataset on the Hugging Face Hub, with ``@REVISION`` or without; a folder of
        WAV or FLAC files, in subfolders or not; a ZIP of them, as Zenodo distributes
        it; or Parquet with embedded audio, a file or a folder of them.
    channel : {"speech", "song", "both"}
    emotions : iterable of str, optional
        Emotions to load; by default all that the channel has.

    Returns
    -------
    datasets.Dataset
        One row per clip, ordered by actor and name. Columns: ``audio`` (undecoded:
        a dict of ``path`` and ``bytes``, which are None), ``file`` (the name without
        suffix), and the attributes of `ClipName`, ``emotion`` as a ClassLabel of the
        emotions asked for in RAVDESS's order.

    Raises
    ------
    DatasetError
        If the source cannot be read or has no such clip, or an option is unknown.
    """
    labels = _labels(channel, emotions)
    rows = []
    for name, file in _pick(open_source(source, _name_of), source, channel, labels):
        changed = file.stat().st_mtime_ns
        rows.append({"audio": str(file), "file": str(name), **vars(name), "changed": changed})
    # A generator rather than from_dict: what `map` makes of a dataset is cached only
    # if the dataset itself is on disk. The time of change is part of its key, so that
    # edited recordings are not taken for the earlier ones. A tuple, as a list would
    # be split into one call of the generator for each of its rows.
    text, number = datasets.Value("string"), datasets.Value("int64")
    dataset = datasets.Dataset.from_generator(
        _generate,
        features=datasets.Features(
            {
                "audio": text,
                "file": text,
                "channel": text,
                "emotion": datasets.ClassLabel(names=labels),
                "intensity": text,
                "statement": number,
                "repetition": number,
                "actor": number,
            }
        ),
        gen_kwargs={"rows": tuple(rows)},
    )
    return dataset.cast_column("audio", datasets.Audio(decode=False))


def _generate(rows):
    for row in rows:
        yield {column: value for column, value in row.items() if column != "changed"}


def _labels(channel, emotions):
    """Return the emotions asked for, in RAVDESS's order."""
    if channel not in CHANNELS:
        raise DatasetError(f"Channel {channel!r} is unknown; choose from {', '.join(CHANNELS)}.")
    allowed = SONG_EMOTIONS if channel == "song" else EMOTIONS
    emotions = allowed if emotions is None else set(emotions)
    if not emotions or not set(emotions) <= set(allowed):
        unknown = ", ".join(sorted(set(emotions) - set(allowed)))
        problem = f"The channel {channel!r} has no emotion {unknown}"
        raise DatasetError(
            f"{problem if unknown else 'No emotion is selected'}; choose from {', '.join(allowed)}."
        )
    return [emotion for emotion in allowed if emotion in emotions]


def _pick(folder, source, channel, labels):
    """Choose the usable clips in a folder, one for each name; warn of the unusable ones.

    Returns
    -------
    list of (ClipName, Path)
        Ordered by actor and name.
    """
    picked, problems = {}, []
    files = find_audio(folder)
    for file in files:
        label = file.relative_to(folder)
        try:
            name = ClipName.parse(label)
            wanted = name.emotion in labels and channel in (name.channel, "both")
            if wanted and name not in picked:
                _check_content(file, label)
                picked[name] = file
        except DatasetError as error:
            problems.append(str(error))
    if not picked:
        reason = "it has no WAV or FLAC file, and no ZIP or Parquet file with any."
        if files:
            reason = f"none of its {len(files)} recordings has the channel and emotion asked for."
        raise DatasetError(
            f"{source} holds no usable clip, one named like {GOOD_NAME}: {[*problems, reason][0]}"
        )
    for problem in problems:
        logger.warning("Skipped in %s: %s", source, problem)
    return sorted(picked.items(), key=lambda item: (item[0].actor, str(item[0])))


def _check_content(file, label):
    """Refuse a file without audio at its header and its last sample; the rest is not decoded."""
    try:
        with soundfile.SoundFile(file) as audio:
            audio.seek(max(audio.frames - 1, 0))
            if len(audio.read(1)):
                return
    except (soundfile.SoundFileError, OSError):
        pass
    raise DatasetError(f"{label} is not audio that can be read.")


def _name_of(path, row):
    """Return a recording's name from its path, another column, or all columns that describe it.

    Mirrors differ in what they keep: the path in the audio, a column of file names,
    or, as `xbgoose/ravdess`, a column for each field of the name in plain English.
    """
    for text in (path, *row.values()):
        try:
            return str(ClipName.parse(text))
        except DatasetError:
            continue
    try:
        return str(
            ClipName(
                channel=row["vocal_channel"],
                emotion=row["emotion"],
                intensity=row["emotional_intensity"],
                statement={"Kids": 1, "Dogs": 2}[row["statement"].split()[0]],
                repetition=int(row["repetition"][0]),
                actor=int(row["actor"]),
            )
        )
    except (KeyError, IndexError, AttributeError, TypeError, ValueError):
        return None
