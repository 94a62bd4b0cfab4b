"""Types of command-line options; each refuses a wrong value in one sentence."""

import os
import re
from argparse import ArgumentParser, ArgumentTypeError, _ArgumentGroup
from collections.abc import Collection
from unicodedata import normalize

from ser.corpora.catalog import CORPORA


def process_count(text: str) -> int:
    """Read a number of processes, 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a number of processes; give 1 or more")
    return int(text)


def seed(text: str) -> int:
    """Read a random seed, 0 to `ser.training.config.MAX_SEED`."""
    from ser.training.config import MAX_SEED  # here, since most commands need no scikit-learn

    if not text.isdecimal() or int(text) > MAX_SEED:
        raise ArgumentTypeError(f"{text!r} is not a seed; give a whole number, 0 to {MAX_SEED}")
    return int(text)


def licence(text: str) -> str:
    """Read the identifier of a licence."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", text):
        raise ArgumentTypeError(
            f"{text!r} is not the identifier of a licence on the Hub; give one such as cc-by-4.0"
        )
    return text


def label_text(text: str) -> str:
    """Read the name of an emotion, of which systems compose the letters differently."""
    return normalize("NFC", text.strip())


def label_mapping(text: str) -> tuple[str, str]:
    """Read a label and the emotion that it means."""
    label, emotion = (label_text(each) for each in text.partition("=")[::2])
    if not label or not emotion:
        raise ArgumentTypeError(f"{text!r} is not LABEL=EMOTION; give one such as anger=angry")
    return label, emotion


def source(text: str) -> str:
    """Read the name of recordings, wherever they are."""
    if not text:
        raise ArgumentTypeError("'' names no recordings; give a folder, a table or a dataset")
    return text


def dataset(text: str) -> tuple[str | None, str]:
    """Read a source of recordings, with or without the corpus that it is: the corpus's key."""
    name, equals, place = source(text).partition("=")
    if not equals or os.path.exists(text):  # noqa: PTH110 - false, too, for a name that cannot be
        return None, text
    if corpus_key(name) not in CORPORA or not place:
        raise ArgumentTypeError(
            f"{text!r} is no path that exists, nor CORPUS=SOURCE with a corpus of "
            f"{', '.join(CORPORA)}"
        )
    return corpus_key(name), place


def corpus_weight(text: str) -> tuple[str, float]:
    """Read the name of a corpus and its weight."""
    name, _, number = text.rpartition("=")
    try:
        weight = float(number)
    except ValueError:
        weight = 0.0
    if not name or not 0 < weight < float("inf"):
        raise ArgumentTypeError(
            f"{text!r} is not the weight of a corpus; give NAME=NUMBER with a number above 0, such "
            "as crema-d=0.5"
        )
    return name, weight


def corpus_name(text: str, names: Collection[str]) -> str:
    """Return which of some corpora is meant: one's own by its name, a known one also by its key."""
    row = CORPORA.get(corpus_key(text))
    return row.about.name if row and text not in names else text


def corpus_key(text: str) -> str:
    """Read the key of a corpus in `ser.corpora.catalog.CORPORA`, with hyphens or underscores."""
    return text.lower().replace("_", "-")


def web_address(text: str) -> str:
    """Read the address of a page."""
    if not re.fullmatch(r"https?://[^\s/<>`@]+/[^\s<>`]+", text):  # with no name and password
        raise ArgumentTypeError(
            f"{text!r} is not an address; give one such as https://github.com/OWNER/NAME"
        )
    return text


def repository(text: str) -> str:
    """Read the name of a repository on the Hub."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", text):
        raise ArgumentTypeError(f"{text!r} is not the name of a repository; give OWNER/NAME")
    return text


def add_model(parser: ArgumentParser) -> None:
    """Add the option for the model that recognises."""
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="model folder, or OWNER/NAME[@REVISION] on the Hub (default: the model that ships)",
    )


def add_jobs(parser: ArgumentParser) -> None:
    """Add the option for the number of processes."""
    parser.add_argument(
        "--jobs",
        type=process_count,
        default=os.cpu_count() or 1,
        help="processes (default: one per core)",
    )


def add_links(parser: ArgumentParser | _ArgumentGroup) -> None:
    """Add options for the addresses that a model card shows."""
    parser.add_argument(
        "--code", type=web_address, metavar="URL", help="git repository of the code, for the card"
    )
    parser.add_argument(
        "--space", type=repository, metavar="OWNER/SPACE", help="Space of the demo, for the card"
    )
