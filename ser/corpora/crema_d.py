"""CREMA-D: twelve sentences in English by 91 actors, ``ACTOR_SENTENCE_EMOTION_LEVEL``.

The sex of an actor is not in the names, but in the table ``VideoDemographics.csv`` beside the
recordings. The database is under the Open Database License, its contents are under the Database
Contents License, as its ``LICENSE.txt`` says.

References
----------
Cao et al., "CREMA-D: Crowd-Sourced Emotional Multimodal Actors Dataset", IEEE Transactions on
Affective Computing 5(4), 2014.
"""

import re

from ser.corpora.corpus import About, Clip, KnownCorpus, stem
from ser.corpora.emotions import NO_CALM
from ser.errors import DatasetError

EMOTIONS = {
    "NEU": "neutral",
    "HAP": "happy",
    "SAD": "sad",
    "ANG": "angry",
    "FEA": "fearful",
    "DIS": "disgust",
}
SENTENCES = {
    "DFA": "Don't forget a jacket",
    "IEO": "It's eleven o'clock",
    "IOM": "I'm on my way to the meeting",
    "ITH": "I think I have a doctor's appointment",
    "ITS": "I think I've seen this before",
    "IWL": "I would like a new alarm clock",
    "IWW": "I wonder what this is about",
    "MTI": "Maybe tomorrow it will be cold",
    "TAI": "The airplane is almost full",
    "TIE": "That is exactly what happened",
    "TSI": "The surface is slick",
    "WSI": "We'll stop in a couple of minutes",
}
# fmt: off
WOMEN = {
    2, 3, 4, 6, 7, 8, 9, 10, 12, 13, 18, 20, 21, 24, 25, 28, 29, 30, 37, 43, 46, 47, 49, 52, 53, 54,
    55, 56, 58, 60, 61, 63, 72, 73, 74, 75, 76, 78, 79, 82, 84, 89, 91,
}
# fmt: on
"""Numbers of the actresses above 1000, of `VideoDemographics.csv`; the other actors are men."""

N_ACTORS = 91

LEVELS = {"LO": "low", "MD": "medium", "HI": "high"}

_NAME = re.compile(rf"([^_]+)_([^_]+)_({'|'.join(EMOTIONS)})_([^_]+)")


def read_name(name: str) -> Clip:
    """Read a file name, with or without folders and suffix.

    Raises
    ------
    DatasetError
        If it is not named as in CREMA-D.
    """
    file = stem(name)
    if not (match := _NAME.fullmatch(file)):
        raise DatasetError(
            f"{name} is not named as in CREMA-D, ACTOR_SENTENCE_EMOTION_LEVEL with an emotion of "
            f"{', '.join(EMOTIONS)}."
        )
    speaker, sentence, emotion, level = match.groups()
    return Clip(
        file=file,
        emotion=EMOTIONS[emotion],
        speaker=speaker,
        sex=_sex(speaker),
        sentence=SENTENCES.get(sentence, sentence),
        intensity=LEVELS.get(level),
        language="en",
    )


def _sex(speaker: str) -> str | None:
    """Return the sex of an actor, 1001 to 1091; None of another."""
    number = int(speaker) - 1000 if speaker.isdecimal() else 0
    if not 1 <= number <= N_ACTORS:
        return None
    return "female" if number in WOMEN else "male"


CREMA_D = KnownCorpus(
    about=About(
        name="CREMA-D",
        licence="odbl",
        clip_licence="dbcl",
        repo_id="AbstractTTS/CREMA-D",  # a copy
        link="https://github.com/CheyneyComputerScience/CREMA-D",
        language="en",
        kind="acted English speech",
        manner="who performed emotions",
        attribution="H. Cao et al., IEEE Transactions on Affective Computing 5(4), 2014",
        citation="""\
@article{cao2014cremad,
  title = {{CREMA-D}: Crowd-Sourced Emotional Multimodal Actors Dataset},
  author = {Cao, Houwei and Cooper, David G. and Keutmann, Michael K. and Gur, Ruben C. and
            Nenkova, Ani and Verma, Ragini},
  journal = {IEEE Transactions on Affective Computing},
  volume = {5},
  number = {4},
  pages = {377--390},
  year = {2014},
  doi = {10.1109/TAFFC.2014.2336244}
}""",
    ),
    emotions=tuple(EMOTIONS.values()),
    example="1001_DFA_ANG_XX.wav",
    read=read_name,
    partial=NO_CALM,
)
