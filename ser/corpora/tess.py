"""TESS, the Toronto Emotional Speech Set: two actresses, "Say the word" and one of 200 words.

A name such as ``OAF_back_angry`` has the older or the younger actress (OAF, YAF; a few files say
OA), the word, and the emotion.

References
----------
Dupuis and Pichora-Fuller, "Toronto emotional speech set (TESS)", University of Toronto, 2010.
"""

import re

from ser.corpora.corpus import About, Clip, KnownCorpus, stem
from ser.corpora.emotions import NAMES, NO_CALM, canonical
from ser.errors import DatasetError

EMOTIONS = tuple(name for name in NAMES if name != "calm")

_NAME = re.compile(r"(OAF?|YAF)_([^_]+)_(.+)", re.IGNORECASE)


def read_name(name: str) -> Clip:
    """Read a file name, with or without folders and suffix.

    Raises
    ------
    DatasetError
        If it is not named as in TESS.
    """
    file = stem(name)
    match = _NAME.fullmatch(file)
    if not match or canonical(match[3]) not in EMOTIONS:
        raise DatasetError(
            f"{name} is not named as in TESS, OAF or YAF, a word, and an emotion of angry, "
            "disgust, fear, happy, neutral, ps, sad."
        )
    return Clip(
        file=file,
        emotion=canonical(match[3]),
        speaker="YAF" if match[1].upper() == "YAF" else "OAF",
        sex="female",
        sentence=f"Say the word {match[2].lower()}",
        language="en",
    )


TESS = KnownCorpus(
    about=About(
        name="TESS",
        link="https://doi.org/10.5683/SP2/E8H2MF",
        language="en",
        kind="acted English speech",
        manner="who performed emotions",
        attribution="M. K. Pichora-Fuller and K. Dupuis, University of Toronto, 2010",
        citation="""\
@misc{pichorafuller2010tess,
  title = {{Toronto} emotional speech set ({TESS})},
  author = {Pichora-Fuller, M. Kathleen and Dupuis, Kate},
  publisher = {University of Toronto},
  year = {2010},
  doi = {10.5683/SP2/E8H2MF}
}""",
    ),
    emotions=EMOTIONS,
    example="OAF_back_angry.wav",
    read=read_name,
    partial=NO_CALM,
)
