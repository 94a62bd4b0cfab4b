"""What stands out in a clip, against what is usual in everyday speech, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ser.corpora.emotions import adjective
from ser.reasons.facts import ANYONE, FACTS, PERCENTILES, VOICE, Usual

MAX_FACTS = 4
MAX_EMOTIONS = 3
"""That a sentence names."""

LOW, LOWER, MEDIAN, UPPER, HIGH = range(len(PERCENTILES))


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
        The rest of the sentence, such as ``"higher, as in angry and happy speech, unlike most sad
        speech"``: the last part where it speaks against the answer.
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
    """Return the facts that stand out, those that fit the answer first.

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
    table, found = usual.get(ANYONE if own is None else VOICE, {}), []
    for name, fact in FACTS.items():
        neutral = table.get(name, {}).get(everyday or "")
        if name not in values or neutral is None or (own is not None and name not in own):
            continue
        side = side_of(values[name] - (own[name] if own else 0), neutral)
        if side:
            alike = which(usual, name, everyday, side, answer)
            words = fact.more if side > 0 else fact.less
            if alike:
                words += f", as in {_listed([adjective(label) for label in alike])} speech"
                if answer != everyday and answer in {*_best(usual, name)} - {*alike}:
                    words += f", unlike most {adjective(answer)} speech"
            written = f"{fact.noun} {fact.write(values[name])}"
            found.append(Finding(name, values[name], written, words, alike))
    return sorted(found, key=lambda each: answer not in each.emotions)[:MAX_FACTS]


def side_of(value: float, neutral: Sequence[float]) -> int:
    """Return 1 or -1 if a value is above or below what everyday speech mostly has, else 0.

    Parameters
    ----------
    value : float
    neutral : sequence of float
        `ser.reasons.facts.PERCENTILES` of everyday speech.
    """
    return int(value > neutral[HIGH]) - int(value < neutral[LOW])


def which(
    usual: Usual, name: str, everyday: str | None, side: int, answer: str = ""
) -> tuple[str, ...]:
    """Return the emotions of which a quarter of the clips or more stand out on a side, 1 or -1."""
    percentiles = _best(usual, name)
    if everyday not in percentiles:
        return ()
    edge, quarter = (HIGH, UPPER) if side > 0 else (LOW, LOWER)
    alike = [
        label
        for label, each in percentiles.items()
        if label != everyday and side * (each[quarter] - percentiles[everyday][edge]) > 0
    ]
    alike.sort(key=lambda label: (label != answer, -side * percentiles[label][MEDIAN]))
    return tuple(alike[:MAX_EMOTIONS])


def _best(usual: Usual, name: str) -> dict[str, list[float]]:
    """Return percentiles of a fact by emotion, relative to the same speakers' voices if known.

    Emotions of which only some corpora have clips would else stand out by how these were recorded.
    """
    return next(usual[kind] for kind in (VOICE, ANYONE) if name in usual.get(kind, {}))[name]


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
