"""EmoDB, the Berlin Database of Emotional Speech: ten sentences in German by ten actors.

A name such as ``03a01Fa`` has the speaker, the sentence, the emotion's German initial, and the
version.

References
----------
Burkhardt et al., "A Database of German Emotional Speech", Interspeech 2005.
"""

import re

from ser.corpora.corpus import About, Clip, KnownCorpus, stem
from ser.corpora.emotions import NO_CALM, in_order
from ser.errors import DatasetError

EMOTIONS = {
    "N": "neutral",
    "F": "happy",
    "T": "sad",
    "W": "angry",
    "A": "fearful",
    "E": "disgust",
    "L": "bored",
}
MEN, WOMEN = ("03", "10", "11", "12", "15"), ("08", "09", "13", "14", "16")
SENTENCES = {
    "a01": "Der Lappen liegt auf dem Eisschrank",
    "a02": "Das will sie am Mittwoch abgeben",
    "a04": "Heute abend könnte ich es ihm sagen",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück",
    "a07": "In sieben Stunden wird es soweit sein",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen",
}

_NAME = re.compile(
    rf"({'|'.join(MEN + WOMEN)})([ab]\d\d)([{''.join(EMOTIONS)}])[a-z]?", re.IGNORECASE
)


def read_name(name: str) -> Clip:
    """Read a file name, with or without folders and suffix.

    Raises
    ------
    DatasetError
        If it is not named as in EmoDB.
    """
    file = stem(name)
    if not (match := _NAME.fullmatch(file)):
        raise DatasetError(
            f"{name} is not named as in EmoDB, a speaker of {', '.join(MEN + WOMEN)}, a sentence "
            f"such as a01, an emotion of {', '.join(EMOTIONS)}, and a version."
        )
    speaker, sentence, emotion = match[1], match[2].lower(), match[3].upper()
    return Clip(
        file=file,
        emotion=EMOTIONS[emotion],
        speaker=speaker,
        sex="male" if speaker in MEN else "female",
        sentence=SENTENCES.get(sentence, sentence),
        language="de",
    )


EMODB = KnownCorpus(
    about=About(
        name="EmoDB",
        link="http://emodb.bilderbar.info",
        language="de",
        kind="acted German speech",
        manner="who performed emotions in an anechoic chamber",
        attribution="F. Burkhardt et al., Interspeech 2005",
        citation="""\
@inproceedings{burkhardt2005emodb,
  title = {A Database of {German} Emotional Speech},
  author = {Burkhardt, Felix and Paeschke, Astrid and Rolfes, Miriam and Sendlmeier, Walter F. and
            Weiss, Benjamin},
  booktitle = {Interspeech},
  pages = {1517--1520},
  year = {2005}
}""",
    ),
    emotions=tuple(in_order(EMOTIONS.values())),
    example="03a01Fa.wav",
    read=read_name,
    partial=NO_CALM,
)
