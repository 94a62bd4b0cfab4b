"""RAVDESS: acted speech and song by 24 actors.

A clip's file name describes it completely in seven two-digit fields:
modality-channel-emotion-intensity-statement-repetition-actor. Odd actors are men. (Two names of
actor 7, 03-01-03-01-02-01-07 and 03-01-03-01-02-02-07, hold the same recording; both are kept, as
in every published count.)

References
----------
Livingstone & Russo, "The Ryerson Audio-Visual Database of Emotional Speech and
Song (RAVDESS)", PLoS ONE 13(5): e0196391, 2018. https://zenodo.org/record/1188976

Luna-Jiménez et al., "A Proposal for Multimodal Emotion Recognition Using Aural
Transformers and Action Units on RAVDESS Dataset", Applied Sciences 12(1), 2022
(the published folds).
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ser.corpora.corpus import About, Clip, KnownCorpus, stem
from ser.corpora.emotions import in_order
from ser.errors import DatasetError

ABOUT = About(
    name="RAVDESS",
    licence="cc-by-nc-sa-4.0",
    repo_id="xbgoose/ravdess",  # a copy
    link="https://doi.org/10.5281/zenodo.1188976",
    language="en",
    kind="acted English speech",
    manner="who performed emotions in one studio",
    attribution="S. R. Livingstone and F. A. Russo, PLoS ONE 13(5): e0196391, 2018",
    citation="""\
@article{livingstone2018ravdess,
  title = {The {Ryerson} Audio-Visual Database of Emotional Speech and Song ({RAVDESS}): A dynamic,
           multimodal set of facial and vocal expressions in {North} {American} {English}},
  author = {Livingstone, Steven R. and Russo, Frank A.},
  journal = {PLoS ONE},
  volume = {13},
  number = {5},
  pages = {e0196391},
  year = {2018},
  doi = {10.1371/journal.pone.0196391}
}""",
)

EMOTIONS = (
    *("neutral", "calm", "happy", "sad", "angry", "fearful"),
    *("disgust", "surprised"),  # spoken only
)
"""In the order of their codes."""

#: The codes that each field of a name may hold, and their meanings.
_CODES: dict[str, dict[str, Any]] = {
    "modality": {"03": "audio-only"},
    "channel": {"01": "speech", "02": "song"},
    "emotion": {f"{code:02}": emotion for code, emotion in enumerate(EMOTIONS, start=1)},
    "intensity": {"01": "normal", "02": "strong"},
    "statement": {"01": "Kids are talking by the door", "02": "Dogs are sitting by the door"},
    "repetition": {"01": 1, "02": 2},
    "actor": {f"{actor:02}": str(actor) for actor in range(1, 25)},
}
EXAMPLE = "03-01-06-01-02-01-12.wav"

_FOLDS = {
    "published": (
        ("2", "5", "14", "15", "16"),
        ("3", "6", "7", "13", "18"),
        ("10", "11", "12", "19", "20"),
        ("8", "17", "21", "23", "24"),
        ("1", "4", "9", "22"),
    ),
    "emobox": (
        ("1", "11", "20", "21"),
        ("4", "10", "12", "14"),
        ("8", "9", "19", "23"),
        ("3", "5", "7", "24"),
        ("2", "15", "16", "18"),
        ("6", "13", "17", "22"),
    ),
}


def read_name(name: str, channels: tuple[str, ...] = ("speech", "song")) -> Clip | None:
    """Read a file name, with or without folders and suffix.

    Parameters
    ----------
    name : str
    channels : tuple of str
        "speech", "song", or both.

    Returns
    -------
    Clip or None
        None for a recording of another channel.

    Raises
    ------
    DatasetError
        If it does not name a RAVDESS recording; the message says which field is wrong.
    """
    file = stem(name)
    codes = file.split("-")
    if len(codes) != len(_CODES):
        raise DatasetError(
            f"{name} is not a RAVDESS file name: it lacks the seven two-digit fields of {EXAMPLE}."
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
    if values["channel"] not in channels:
        return None
    return Clip(
        file=file,
        emotion=values["emotion"],
        speaker=values["actor"],
        sex="male" if int(values["actor"]) % 2 else "female",
        sentence=values["statement"],
        intensity=values["intensity"],
        language=ABOUT.language,
    )


def read_columns(columns: Mapping[str, Any]) -> str | None:
    """Return the file name that columns in plain English describe, as of `xbgoose/ravdess`."""
    try:
        values = {
            "modality": "audio-only",
            "channel": columns["vocal_channel"],
            "emotion": columns["emotion"],
            "intensity": columns["emotional_intensity"],
            "statement": columns["statement"].rstrip("."),
            "repetition": int(columns["repetition"][0]),
            "actor": str(int(columns["actor"])),
        }
        codes = {field: {v: k for k, v in _CODES[field].items()} for field in _CODES}
        return "-".join(codes[field][value] for field, value in values.items())
    except (KeyError, IndexError, AttributeError, TypeError, ValueError):
        return None


_SPEECH = KnownCorpus(
    about=ABOUT,
    emotions=tuple(in_order(EMOTIONS)),
    example=EXAMPLE,
    read=partial(read_name, channels=("speech",)),
    read_columns=read_columns,
    folds=_FOLDS,
)

RAVDESS = {
    "ravdess": _SPEECH,
    "ravdess-song": replace(
        _SPEECH,
        about=replace(ABOUT, kind="acted English song"),
        emotions=tuple(in_order(EMOTIONS[:6])),
        read=partial(read_name, channels=("song",)),
    ),
    "ravdess-both": replace(
        _SPEECH,
        about=replace(ABOUT, kind="acted English speech and song"),
        read=read_name,
    ),
}

CHANNELS = {"speech": "ravdess", "song": "ravdess-song", "both": "ravdess-both"}
"""Maps a channel to its row of `RAVDESS`."""
