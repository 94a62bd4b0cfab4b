"""What the folds that were made are, in words."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser.corpora.folds import PROTOCOLS, PUBLISHED, as_names, sex_by_speaker

_WORDS = (
    *("no", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)


def describe_folds(
    protocol: str,
    folds: Sequence[str],
    speakers: Sequence[Any],
    *,
    sexes: Sequence[str | None] | None = None,
    sentences: Sequence[Any] | None = None,
    corpora: Sequence[str] | None = None,
    published: Mapping[str, Iterable[Iterable[str]]] | None = None,
    noun: str = "actor",
) -> str:
    """Say in part of a sentence which folds were made.

    Parameters
    ----------
    protocol : str
        A key of `PROTOCOLS`.
    folds : sequence of str, shape (n_clips,)
        In which fold each clip was tested.
    speakers, sexes, sentences : sequence, shape (n_clips,)
        Of each clip; None for one that is not known.
    corpora, published
        As for `make_folds`.
    noun : str
        What a speaker is called, see `ser.corpora.corpus.About.speaker`.

    Returns
    -------
    str
        As in `PROTOCOLS` if the corpus is all of RAVDESS.
    """
    if None in speakers and protocol == "random":
        return (
            "five stratified folds; as it is not known who speaks, the same speakers may be on "
            "both sides"
        )
    text = PROTOCOLS[protocol]
    names = as_names(speakers)
    grouped = (published or {}).get(protocol, ())
    is_whole = set(names) >= {speaker for group in grouped for speaker in group}
    if protocol == "actors" or (protocol in PUBLISHED and not is_whole):
        text = _describe_groups(np.asarray(folds), names, sexes)
        text += f", grouped as in `{protocol}`" * (protocol in PUBLISHED)
        text += ", from every corpus" * (len(set(corpora or ())) > 1)
        text += ", none of them in training"
    elif protocol == "sentence" and len(set(() if sentences is None else sentences)) > 2:
        text = text.replace("the other sentence", "the other half of the sentences")
    return text.replace("actor", noun)


def _describe_groups(
    folds: NDArray[np.object_], speakers: NDArray[np.object_], sexes: Sequence[str | None] | None
) -> str:
    """Say how many speakers are in how many folds, and their sexes if these are alike."""
    sex_of = sex_by_speaker(speakers, sexes)
    tested = [set(speakers[folds == fold]) for fold in dict.fromkeys(folds)]
    sizes = sorted({len(group) for group in tested})
    size = " to ".join(in_words(each) for each in dict.fromkeys((sizes[0], sizes[-1])))
    text = f"{in_words(len(tested))} fold{'s' * (len(tested) != 1)} of {size} "
    text += f"actor{'s' * (sizes[-1] != 1)}"
    counts = {
        tuple(sum(sex_of[each] == sex for each in group) for sex in ("male", "female"))
        for group in tested
    }
    if len(counts) == 1 and sizes != [1] and None not in sex_of.values():
        text += f", {people(*counts.pop())}"
    return text


def people(men: int, women: int) -> str:
    """Return such as "two men and one woman", without a sex that is not there."""
    named = [(men, "man", "men"), (women, "woman", "women")]
    return " and ".join(
        f"{in_words(number)} {one if number == 1 else many}"
        for number, one, many in named
        if number
    )


def in_words(number: int) -> str:
    """Return a small number as a word, any other as digits."""
    return _WORDS[number] if number < len(_WORDS) else str(number)
