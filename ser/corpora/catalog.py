"""The table of corpora: another one is a module of its own and a line here."""

from ser.corpora.corpus import KnownCorpus
from ser.corpora.crema_d import CREMA_D
from ser.corpora.emodb import EMODB
from ser.corpora.ravdess import RAVDESS
from ser.corpora.savee import SAVEE
from ser.corpora.tess import TESS

CORPORA: dict[str, KnownCorpus] = {
    **RAVDESS,
    "crema-d": CREMA_D,
    "emodb": EMODB,
    "savee": SAVEE,
    "tess": TESS,
}
"""By the name that a user gives. If names of files fit several, the first one is meant."""


def names_and_examples() -> str:
    """Return the names of the corpora, each with a good file name, for messages."""
    examples = {row.about.name: row.example for row in CORPORA.values()}
    return ", ".join(f"{name} ({example})" for name, example in examples.items())
