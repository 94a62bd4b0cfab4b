"""SAVEE, the Surrey Audio-Visual Expressed Emotion database: four men, in English.

A clip is ``DC_a01`` or, in a folder for each speaker, ``DC/a01``: the speaker, the emotion's
initials, and the number of one of fifteen sentences, which differ from emotion to emotion, so that
the number does not tell what is said.

References
----------
Haq and Jackson, "Multimodal Emotion Recognition", in Wang (ed.), Machine Audition: Principles,
Algorithms and Systems, IGI Global, 2010.
"""

import re

from ser.corpora.corpus import About, Clip, KnownCorpus
from ser.corpora.emotions import NO_CALM, in_order
from ser.errors import DatasetError

EMOTIONS = {
    "n": "neutral",
    "h": "happy",
    "sa": "sad",
    "a": "angry",
    "f": "fearful",
    "d": "disgust",
    "su": "surprised",
}
SPEAKERS = ("DC", "JE", "JK", "KL")

_NAME = re.compile(rf"(?:.*/)?({'|'.join(SPEAKERS)})[_/]({'|'.join(EMOTIONS)})(\d\d)(?:\.\w+)?")


def read_name(name: str) -> Clip:
    """Read a file name with the folder it is in, with or without suffix.

    Raises
    ------
    DatasetError
        If it is not named as in SAVEE.
    """
    if not (match := _NAME.fullmatch(name.replace("\\", "/"))):
        raise DatasetError(
            f"{name} is not named as in SAVEE, a speaker of {', '.join(SPEAKERS)}, an emotion of "
            f"{', '.join(EMOTIONS)}, and two digits."
        )
    speaker, emotion, number = match.groups()
    return Clip(
        file=f"{speaker}_{emotion}{number}",
        emotion=EMOTIONS[emotion],
        speaker=speaker,
        sex="male",
        language="en",
    )


SAVEE = KnownCorpus(
    about=About(
        name="SAVEE",
        link="http://kahlan.eps.surrey.ac.uk/savee/",
        language="en",
        kind="acted English speech",
        manner="who performed emotions in one laboratory",
        attribution="S. Haq and P. J. B. Jackson, Machine Audition, IGI Global, 2010",
        citation="""\
@incollection{haq2010savee,
  title = {Multimodal Emotion Recognition},
  author = {Haq, Sanaul and Jackson, Philip J. B.},
  booktitle = {Machine Audition: Principles, Algorithms and Systems},
  editor = {Wang, Wenwu},
  publisher = {IGI Global},
  pages = {398--423},
  year = {2010}
}""",
    ),
    emotions=tuple(in_order(EMOTIONS.values())),
    example="DC_a01.wav",
    read=read_name,
    partial=NO_CALM,
)
