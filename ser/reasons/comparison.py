"""What stands out in a clip, against what is usual in everyday speech, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ser.corpora.emotions import EVERYDAY, adjective
from ser.reasons.facts import ANYONE, FACTS, PERCENTILES, VOICE, Usual

MAX_FACTS = 4
MAX_EMOTIONS = 3
"""That a sentence names."""

LOW, LOWER, MEDIAN, UPPER, HIGH = range(len(PERCENTILES))

OF_VOICE = "is usual for this voice"
"""What a clip is compared with whose speaker's everyday voice is known."""


@dataclass(frozen=True)
class Finding:
    """A fact that stands out: nine in ten clips of everyday speech have less of it, or more.

    Attributes
    ----------
    name : str
        Of `ser.reasons.facts.FACTS`.
    value : float
        Of the clip: semitones from 100 Hz for pitch, else semitones or dB.
    written : str
        The fact and its value, such as ``"Pitch 243 Hz"``.
    comparison : str
        The rest of the sentence, such as ``"higher than in neutral speech, as in angry speech"``.
    emotions : tuple of str
        Labels of which a quarter of the clips or more stand out like this; the answer comes first
        if it is one of them, then those furthest from everyday speech.
    """

    name: str
    value: float
    written: str
    comparison: str
    emotions: tuple[str, ...]


def stand_out(
    values: Mapping[str, float],
    own: Mapping[str, float] | None,
    usual: Usual,
    everyday: str | None,
    answer: str,
) -> list[Finding]:
    """Return the facts that stand out: those that fit the answer first, then the furthest.

    Parameters
    ----------
    values : dict of str to float
        Facts of the clip.
    own : dict of str to float, optional
        Those of the speaker's everyday voice, with which the clip is then compared.
    usual : dict
        See `ser.reasons.facts.Usual`.
    everyday : str or None
        Label of everyday speech, without which nothing stands out.
    answer : str
        Label of the recogniser's answer.
    """
    table = usual.get(ANYONE if own is None else VOICE, {})
    than = OF_VOICE if own is not None else f"in {adjective(everyday or EVERYDAY)} speech"
    found = []
    for name, fact in FACTS.items():
        percentiles = table.get(name, {})
        if name not in values or everyday not in percentiles:
            continue
        value = values[name] - (own or {}).get(name, 0)
        sign, beyond = how_far(value, percentiles[everyday])
        if beyond > 0:
            alike = which(usual, name, everyday, sign, answer)
            words = f"{fact.more if sign > 0 else fact.less} than {than}"
            if alike:
                words += f", as in {_listed([adjective(label) for label in alike])} speech"
            written = f"{fact.noun} {fact.write(values[name])}"
            finding = Finding(name, values[name], written, words, alike)
            found.append((answer not in alike, -beyond, finding))
    return [finding for *_, finding in sorted(found, key=lambda each: each[:2])[:MAX_FACTS]]


def how_far(value: float, neutral: Sequence[float]) -> tuple[int, float]:
    """Return on which side of everyday speech a value is, and how far beyond nine in ten clips.

    Parameters
    ----------
    value : float
    neutral : sequence of float
        `ser.reasons.facts.PERCENTILES` of everyday speech.

    Returns
    -------
    sign : int
        1 above the median, -1 below.
    beyond : float
        Relative to the distance of the edge from the median; 0 or less where it does not stand out.
    """
    sign = 1 if value > neutral[MEDIAN] else -1
    edge = neutral[HIGH if sign > 0 else LOW]
    return sign, sign * (value - edge) / max(abs(edge - neutral[MEDIAN]), 1e-6)


def which(usual: Usual, name: str, everyday: str, sign: int, answer: str = "") -> tuple[str, ...]:
    """Return the emotions of which at least a quarter of the clips stand out on one side.

    That is among clips of the same speakers if these are known: emotions of which only some corpora
    have clips would else stand out by how these were recorded.
    """
    percentiles = next(usual[kind] for kind in (VOICE, ANYONE) if name in usual.get(kind, {}))[name]
    if everyday not in percentiles:
        return ()
    edge = sign * percentiles[everyday][HIGH if sign > 0 else LOW]
    alike = [
        label
        for label, each in percentiles.items()
        if label != everyday and sign * each[UPPER if sign > 0 else LOWER] > edge
    ]
    alike.sort(key=lambda label: (label != answer, -sign * percentiles[label][MEDIAN]))
    return tuple(alike[:MAX_EMOTIONS])


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
