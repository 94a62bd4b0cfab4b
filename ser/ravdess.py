"""RAVDESS as a `datasets.Dataset`, from wherever a person has it.

A clip's file name says everything about it, seven two-digit fields:
modality-channel-emotion-intensity-statement-repetition-actor. It is therefore
the identity of a clip: copies under one name are one clip, and rows come in the
order of actor and name, so that every source gives the same dataset. (Two names
of actor 7, 03-01-03-01-02-01-07 and 03-01-03-01-02-02-07, hold one recording;
both stay, as in every published count.)

Audio stays undecoded, as a path or as bytes. No source needs torch: the `Audio`
feature is only ever cast to, with ``decode=False``, and never encoded.

References
----------
Livingstone & Russo, "The Ryerson Audio-Visual Database of Emotional Speech and
Song (RAVDESS)", PLoS ONE 13(5): e0196391, 2018. https://zenodo.org/record/1188976
"""

import contextlib
import hashlib
import io
import logging
import re
import shutil
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import datasets
import pyarrow
import soundfile
from datasets.utils import tqdm
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, RepositoryNotFoundError
from huggingface_hub.utils import validate_repo_id

from ser.errors import DatasetError

logger = logging.getLogger(__name__)

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
SONG_EMOTIONS = EMOTIONS[:6]
CHANNELS = ("speech", "song", "both")

GOOD_NAME = "03-01-06-01-02-01-12.wav"
AUDIO_SUFFIXES = (".wav", ".flac")

#: What each field of a name may hold, and what that means.
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
    """What the name of a RAVDESS recording says.

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
            If it is not a RAVDESS name; the message says which field is wrong.
        """
        stem = re.split(r"[\\/]", str(name))[-1].split(".")[0]
        codes = stem.split("-")
        if len(codes) != len(_CODES):
            raise DatasetError(
                f"{name} is no RAVDESS name: it has not seven two-digit fields like {GOOD_NAME}."
            )
        values = {}
        for (field, meanings), code in zip(_CODES.items(), codes, strict=True):
            if code not in meanings:
                allowed = " to ".join(dict.fromkeys((min(meanings), max(meanings))))
                raise DatasetError(
                    f"{name} is no RAVDESS name of audio: its {field} is {code!r}, not {allowed}."
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


def load_ravdess(source="xbgoose/ravdess", *, channel="speech", emotions=None):
    """Load RAVDESS's recordings with what their names say.

    Files that are not audio or have another name are skipped with a warning.

    Parameters
    ----------
    source : str or Path
        A dataset on the Hugging Face Hub, a folder (of WAV or FLAC files in any
        subfolders, or of Parquet files with embedded audio), a Parquet file, or
        a ZIP as distributed on Zenodo, which is unpacked into the datasets cache.
    channel : {"speech", "song", "both"}
    emotions : iterable of str, optional
        Only these; all that the channel has by default.

    Returns
    -------
    datasets.Dataset
        One row a clip, ordered by actor and name. Columns: ``audio`` (undecoded:
        a dict of ``bytes`` and ``path``, one of them None), ``file`` (name without
        suffix), ``emotion`` (ClassLabel of the emotions asked for, in RAVDESS's
        order), and the other attributes of `ClipName`.

    Raises
    ------
    DatasetError
        If the source cannot be read or has no such clip, or an option is unknown.
    """
    labels = _labels(channel, emotions)

    def wanted(name):
        return name.emotion in labels and channel in (name.channel, "both")

    path = Path(source).expanduser()
    if not path.exists():
        path = _download(source)
    if path.is_file() and path.suffix.lower() != ".parquet":
        path = _unpack(path)
    path = path.resolve()
    if parquet := [path] if path.is_file() else _find(path, (".parquet",)):
        return _from_parquet(parquet, source, wanted, labels)
    return _from_files(path, source, wanted, labels)


def _labels(channel, emotions):
    """Return the emotions asked for, in RAVDESS's order."""
    if channel not in CHANNELS:
        raise DatasetError(f"Channel {channel!r} is unknown; choose from {', '.join(CHANNELS)}.")
    allowed = SONG_EMOTIONS if channel == "song" else EMOTIONS
    emotions = allowed if emotions is None else set(emotions)
    if not emotions or not set(emotions) <= set(allowed):
        asked = ", ".join(sorted(set(emotions) - set(allowed))) or "An empty selection"
        raise DatasetError(
            f"{asked} cannot be chosen as emotion of {channel}; choose from {', '.join(allowed)}."
        )
    return [emotion for emotion in allowed if emotion in emotions]


def _download(source):
    """Fetch a dataset of the Hub, or what changed of it; return the folder it is in.

    The files themselves rather than `load_dataset`, which refuses mirrors in
    several configurations and, without torch, mirrors made of WAV files.
    """
    missing = f"There is no folder, ZIP or Parquet file {source}"
    try:
        validate_repo_id(str(source))
    except HFValidationError:
        raise DatasetError(f"{missing}; give one that exists or a dataset on the Hub.") from None
    patterns = ["*.parquet", *(f"*{suffix}" for suffix in AUDIO_SUFFIXES)]
    try:
        return Path(snapshot_download(str(source), repo_type="dataset", allow_patterns=patterns))
    except RepositoryNotFoundError:
        raise DatasetError(
            f"{missing} and no dataset of that name on the Hugging Face Hub that you may read; "
            "check the name, or log in if it is private."
        ) from None
    except (HfHubHTTPError, OSError) as error:
        raise DatasetError(
            f"{missing}, and the Hugging Face Hub cannot be asked for a dataset of that name "
            f"({type(error).__name__}); check the connection or give a local copy."
        ) from error


def _unpack(archive):
    """Unpack the audio in a ZIP into the datasets cache, once; return the folder."""
    status = archive.stat()
    key = hashlib.sha256(
        f"{archive.resolve()}|{status.st_size}|{status.st_mtime_ns}".encode()
    ).hexdigest()
    target = Path(datasets.config.HF_DATASETS_CACHE) / "ravdess" / key[:16]
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(dir=target.parent, prefix="unpacking-"))
    try:
        with zipfile.ZipFile(archive) as members:
            for member in tqdm(members.infolist(), desc=f"Unpacking {archive.name}", unit="file"):
                if _is_visible(Path(member.filename), AUDIO_SUFFIXES):
                    _extract(members, member, staging)
        # Whole or not at all; a second process may have been faster, which is as good.
        if not target.is_dir():
            staging.replace(target)
    except zipfile.BadZipFile:
        raise DatasetError(
            f"{archive} is not a ZIP; give RAVDESS as a folder, a Parquet file, Zenodo's ZIP or "
            "a dataset on the Hub."
        ) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return target


def _extract(members, member, folder):
    """Write one member below `folder`; an unreadable one is left empty, to be named later."""
    try:
        members.extract(member, folder)  # drops drives, leading slashes and ".." by itself
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError):
        (folder / Path(member.filename).name).write_bytes(b"")


def _find(folder, suffixes):
    """Return the files with one of `suffixes` below a folder, sorted."""
    files = sorted(folder.rglob("*"))
    return [file for file in files if _is_visible(file.relative_to(folder), suffixes)]


def _is_visible(path, suffixes):
    """Tell files with one of `suffixes` from others and from what macOS leaves beside them."""
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return path.suffix.lower() in suffixes and not hidden


def _from_files(folder, source, wanted, labels):
    """Make the dataset of the audio files below `folder`."""
    files = _find(folder, AUDIO_SUFFIXES)
    picked = _pick([(str(file.relative_to(folder)), [], file) for file in files], source, wanted)
    rows = []
    for name, position in picked:
        file = files[position]
        rows.append({"audio": str(file), **_row(name), "changed": file.stat().st_mtime_ns})
    # A generator rather than from_dict: what `map` makes of a dataset is cached only
    # if the dataset itself is on disk. The time of change is part of its key, so that
    # edited recordings are not taken for the earlier ones. A tuple, as a list would
    # be dealt out to one call of the generator for each of its rows.
    dataset = datasets.Dataset.from_generator(
        _rows,
        features=datasets.Features({"audio": datasets.Value("string"), **_features(labels)}),
        gen_kwargs={"rows": tuple(rows)},
    )
    return dataset.cast_column("audio", datasets.Audio(decode=False))


def _rows(rows):
    for row in rows:
        yield {column: value for column, value in row.items() if column != "changed"}


def _from_parquet(files, source, wanted, labels):
    """Make the dataset of Parquet files with embedded audio."""
    try:
        table = datasets.load_dataset("parquet", data_files=list(map(str, files)), split="train")
    except (datasets.exceptions.DatasetsError, pyarrow.ArrowException) as error:
        raise DatasetError(f"The Parquet files of {source} cannot be read together.") from error
    if "audio" not in table.column_names:
        raise DatasetError(
            f"The Parquet files of {source} have the columns {', '.join(table.column_names)}; "
            "one named audio is needed, with the bytes of the recordings."
        )
    table = table.cast_column("audio", datasets.Audio(decode=False))
    flat = table.flatten()
    candidates = []
    contents = flat.data.column("audio.bytes")
    for row, content in zip(flat.remove_columns("audio.bytes"), contents, strict=True):
        label = row["audio.path"] or f"row {len(candidates)}"
        others = [text for text in row.values() if isinstance(text, str)]
        others.append(_compose_name(row, flat.features["emotion"]))
        # A view into the memory map: of the recording, only the header is read.
        audio = pyarrow.BufferReader(content.as_buffer()) if content.is_valid else io.BytesIO()
        candidates.append((label, others, audio))
    picked = _pick(candidates, source, wanted)

    # Columns are added before rows are chosen: the other way round copies all audio.
    rows = [dict.fromkeys(_features(labels))] * len(table)
    for name, position in picked:
        rows[position] = _row(name)
    names = datasets.Dataset.from_list(rows, features=datasets.Features(_features(labels)))
    table = datasets.concatenate_datasets([table.select_columns("audio"), names], axis=1)
    return table.select([position for _, position in picked])


def _compose_name(row, emotion_feature):
    """Compose the file name from columns as `xbgoose/ravdess` has them, or return ""."""
    try:
        emotion = row["emotion"]
        if isinstance(emotion_feature, datasets.ClassLabel):
            emotion = emotion_feature.int2str(emotion)
        return str(
            ClipName(
                channel=row.get("vocal_channel", "speech"),
                emotion=emotion,
                intensity=row["emotional_intensity"],
                statement={"Kids": 1, "Dogs": 2}[row["statement"].split()[0]],
                repetition=int(row["repetition"][0]),
                actor=int(row["actor"]),
            )
        )
    except (KeyError, IndexError, AttributeError, TypeError, ValueError):
        return ""


def _pick(candidates, source, wanted):
    """Choose the usable clips, one for each name, and warn of those that are not.

    Parameters
    ----------
    candidates : list of (label, other texts, file)
        How a recording is called, what else may be its RAVDESS name, and the
        path or file object of its content.

    Returns
    -------
    list of (ClipName, int)
        Each clip and its position among the candidates, ordered by actor and name.
    """
    picked, problems = {}, []
    for position, (label, others, file) in enumerate(candidates):
        try:
            name = _parse_any(label, others)
            if wanted(name) and name not in picked:
                _check_content(label, file)
                picked[name] = position
        except DatasetError as error:
            problems.append(str(error))
    if not picked:
        reason = "it has no recordings"
        if candidates:
            reason = f"of its {len(candidates)} recordings none is of the kind asked for"
        if problems:
            reason = problems[0].rstrip(".")
        raise DatasetError(
            f"{source} holds no usable clip, a WAV or FLAC file named like {GOOD_NAME}: {reason}."
        )
    for problem in problems:
        logger.warning("Skipped in %s: %s", source, problem)
    return sorted(picked.items(), key=lambda item: (item[0].actor, str(item[0])))


def _parse_any(label, others):
    """Return what the label says, or else the first other text that is a RAVDESS name."""
    for text in (label, *others):
        with contextlib.suppress(DatasetError):
            return ClipName.parse(text)
    return ClipName.parse(label)


def _check_content(label, file):
    """Refuse what does not start as audio; decoding all of it would take too long here."""
    try:
        if soundfile.info(file).frames > 0:
            return
    except (soundfile.SoundFileError, OSError):
        pass
    raise DatasetError(f"{label} is not audio that can be read.")


def _features(labels):
    """Return the columns beside the audio."""
    text, number = datasets.Value("string"), datasets.Value("int64")
    return {
        "file": text,
        "emotion": datasets.ClassLabel(names=labels),
        "actor": number,
        "intensity": text,
        "statement": number,
        "repetition": number,
        "channel": text,
    }


def _row(name):
    """Return the columns beside the audio for one clip."""
    return {"file": str(name), **vars(name)}
