"""Emotions: the one table of their canonical names, other names, adjectives and colours.

Labels of people's own are used as they are; only their order, adjective and colour are looked up
here.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Emotion:
    """A row of `EMOTIONS`.

    Attributes
    ----------
    name : str
        The canonical label.
    aliases : tuple of str
        Other labels for it, in small letters.
    adjective : str
        How someone in this emotion sounds.
    light, dark : str
        Colours on light and on dark ground, in hexadecimal.
    """

    name: str
    aliases: tuple[str, ...]
    adjective: str
    light: str
    dark: str


EMOTIONS = (
    Emotion("neutral", ("neutrality", "no emotion"), "neutral", "#6a7380", "#98a1ad"),
    Emotion("calm", ("calmness", "serene", "relaxed"), "calm", "#0e8577", "#3fbfae"),
    Emotion("happy", ("happiness", "joy", "joyful", "happily"), "happy", "#c27200", "#f0a93b"),
    Emotion("sad", ("sadness", "sorrow", "sorrowful", "sadly"), "sad", "#1c7ba8", "#5cb6e4"),
    Emotion("angry", ("anger", "rage", "mad", "fury", "furious"), "angry", "#cc3d35", "#f0776e"),
    Emotion(
        "fearful",
        ("fear", "afraid", "scared", "frightened", "anxiety", "anxious"),
        "fearful",
        "#7c4fc4",
        "#ac8df0",
    ),
    Emotion("disgust", ("disgusted", "disgusting"), "disgusted", "#5f7d17", "#a3bf52"),
    Emotion(
        "surprised",
        ("surprise", "pleasant surprise", "pleasant surprised", "pleasantly surprised", "ps"),
        "surprised",
        "#cb3f8c",
        "#f07fbd",
    ),
)
"""In canonical order, that of RAVDESS; another row moves no label of a model or corpus."""

NAMES = tuple(emotion.name for emotion in EMOTIONS)
"""Canonical labels in canonical order."""

EVERYDAY = "neutral"
"""How people sound in everyday speech, from which a voice profile is made."""

NO_CALM = {"neutral": ("neutral", "calm")}
"""What labels of a corpus without calm may stand for: nobody was asked to tell it from neutral."""

_BY_LABEL = {label: emotion for emotion in EMOTIONS for label in (emotion.name, *emotion.aliases)}


def find_emotion(label: str) -> Emotion | None:
    """Return the row of the table that a label means, however it is spelt; None for another."""
    return _BY_LABEL.get(" ".join(label.lower().replace("_", " ").replace("-", " ").split()))


def canonical(label: str) -> str:
    """Return the canonical name of an emotion: "angry" for "Anger"; others are returned as given.

    Parameters
    ----------
    label : str
    """
    emotion = find_emotion(label)
    return emotion.name if emotion else label


def adjective(label: str) -> str:
    """Return the word for how someone sounds: "disgusted" for "disgust"."""
    emotion = find_emotion(label)
    return emotion.adjective if emotion and emotion.name == label else label


def in_order(labels: Iterable[str]) -> list[str]:
    """Return labels once each: canonical ones in canonical order, then others alphabetically."""
    labels = set(labels)
    return [name for name in NAMES if name in labels] + sorted(labels.difference(NAMES))
