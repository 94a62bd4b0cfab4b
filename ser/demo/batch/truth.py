"""True emotions of the recordings of a batch, and how often results agree with them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradio_client.utils import strip_invalid_filename_characters

from ser.corpora.catalog import CORPORA
from ser.corpora.corpus import Clip, KnownCorpus
from ser.corpora.emotions import canonical
from ser.demo.confusion import confusion_table
from ser.demo.wording import percent
from ser.errors import DatasetError

FILE_COLUMNS = ("file", "filename", "file_name", "path", "audio", "name")
EMOTION_COLUMNS = ("true emotion", "true_emotion", "emotion", "label")
"""Names of columns in the order in which they are looked for, in small letters."""

MAX_TABLE = 1 << 21  # bytes; it takes fifty times as much memory

HINT = (
    "A CSV with the columns file and emotion. Without one, they are read from the names of files "
    f"of {', '.join(dict.fromkeys(row.about.name for row in CORPORA.values()))}."
)


@dataclass(frozen=True)
class Truth:
    """The true emotion of a recording.

    Attributes
    ----------
    emotion : str
    alike : tuple of str
        Emotions that count as it, since the recording's corpus does not tell them apart.
    """

    emotion: str
    alike: tuple[str, ...] = ()

    def counted(self, answer: str) -> str:
        """Return the emotion as which an answer counts."""
        return self.emotion if answer in self.alike else answer


Truths = Mapping[str, Truth]
"""By the name of a file."""


def truths_in_names(names: Iterable[str], labels: Sequence[str]) -> dict[str, Truth]:
    """Read the emotions that names of files tell, as those of corpora do.

    Parameters
    ----------
    names : iterable of str
    labels : sequence of str
        Emotions of the model; others are left out.
    """
    found = ((name, _read_name(name)) for name in names)
    return {name: truth for name, truth in found if truth and truth.emotion in labels}


def _read_name(name: str) -> Truth | None:
    for row in CORPORA.values():
        if clip := _clip(row, name):
            return Truth(clip.emotion, row.partial.get(clip.emotion, ()))
    return None


def _clip(row: KnownCorpus, name: str) -> Clip | None:
    try:
        return row.read(name)
    except DatasetError:
        return None


def truths_in_table(
    table: Path, names: Iterable[str], labels: Sequence[str]
) -> tuple[dict[str, Truth], str | None]:
    """Read true emotions from a table.

    Parameters
    ----------
    table : Path
        CSV with commas, semicolons or tabs, as `ser.corpora.tables.read_table` takes it.
    names : iterable of str
        Of the recordings, as gradio keeps them; a name in the table may have folders before it,
        and no suffix.
    labels : sequence of str
        Emotions of the model.

    Returns
    -------
    truths : dict of str to Truth
    problem : str or None
        A sentence on the rows that cannot be used.

    Raises
    ------
    DatasetError
        If it is not such a table, is too large, or none of its rows can be used.
    """
    from ser.corpora.tables import read_table  # here, since pyarrow takes long to import

    try:
        if table.stat().st_size > MAX_TABLE:
            size = f"{MAX_TABLE >> 20} MB"
            raise DatasetError(
                f"{table.name} has more than {size}: give a table of these recordings alone."
            )
        rows = read_table(table, used=[*FILE_COLUMNS, *EMOTION_COLUMNS])
    except FileNotFoundError as error:
        raise DatasetError(f"{table.name} is no longer on the server; choose it again.") from error
    except DatasetError as error:  # without where the file lies on the server
        raise DatasetError(str(error).replace(f"{table.parent}/", "")) from error
    file = _column(table, rows, "file", FILE_COLUMNS)
    emotion = _column(table, rows, "emotion", EMOTION_COLUMNS)
    told = [(str(row.get(file) or "").strip(), str(row.get(emotion) or "").strip()) for row in rows]
    counts = Counter(names)
    known = {_key(name): name for name in counts} | {name: name for name in counts}
    truths: dict[str, Truth] = {}
    elsewhere, twice, unknown, unlike = [], [], [], []
    for path, label in told:
        base = path.replace("\\", "/").rpartition("/")[2]
        # Browsers send a double quote in the name of a file as %22.
        spellings = map(strip_invalid_filename_characters, (base, base.replace('"', "%22")))
        keys = [key for each in spellings for key in (each, _key(each))]
        name = next((known[key] for key in keys if key in known), None)
        if name is None:
            elsewhere.append(path)
        elif counts[name] > 1:
            twice.append(path)
        elif canonical(label) in labels or label in labels:
            truth = Truth(label if label in labels else canonical(label))
            if truths.setdefault(name, truth) != truth:
                unlike.append(path)
        else:
            unknown.append(label)
    problem = " and ".join(_problems(elsewhere, twice, unlike, unknown, labels))
    if not truths:
        raise DatasetError(f"{table.name} tells nothing of these recordings: {problem}.")
    return truths, f"{table.name} is used in part: {problem}." if problem else None


def _column(
    table: Path, rows: Sequence[Mapping[str, Any]], kind: str, wanted: Sequence[str]
) -> str:
    names = {name.lower(): name for row in rows for name in row}
    for each in wanted:
        if each in names:
            return names[each]
    there = ", ".join(map(repr, names.values()))
    raise DatasetError(
        f"{table.name} has no column {kind!r}, only {there:.200}: give a CSV with the columns file "
        "and emotion."
    )


def _key(name: str) -> str:
    return name.rpartition(".")[0] or name


def _problems(
    elsewhere: list[str],
    twice: list[str],
    unlike: list[str],
    unknown: list[str],
    labels: Sequence[str],
) -> list[str]:
    problems = []
    if elsewhere:
        problems.append(_rows(elsewhere, "names a file that is not among the recordings"))
    if twice:
        problems.append(_rows(twice, "names a file whose name several recordings have"))
    if unlike:
        problems.append(_rows(unlike, "names a file of which an earlier row says something else"))
    if unknown:
        known = ", ".join(labels)
        problems.append(_rows(unknown, f"has an emotion that is none of {known}"))
    return problems


def _rows(values: list[str], what: str) -> str:
    count = len(values)
    if count > 1:
        what = what.replace("names a", "name a").replace("has an", "have an")
    return f"{count} row{'s' * (count > 1)} {what} ({values[0]!r:.80})"


def agreement(answers: Sequence[tuple[str, str | None]], truths: Truths) -> str:
    """Say how many of the answers are right.

    Parameters
    ----------
    answers : sequence of (str, str or None)
        Names of files with the emotions that were recognised; None for no result.
    truths : dict of str to Truth

    Returns
    -------
    str
        A sentence, or nothing if no true emotion is known.
    """
    pairs = _pairs(answers, truths)
    if not pairs:
        return ""
    right = sum(answer == truth for truth, answer in pairs)
    sentence = f"{right} of {len(pairs)} right ({percent(right / len(pairs))})."
    alike = {
        truths[name].emotion: answer
        for name, answer in answers
        if answer and name in truths and truths[name].counted(answer) != answer
    }
    if unanswered := sum(name in truths and answer is None for name, answer in answers):
        sentence += f" Not counted: {unanswered} without a result."
    for emotion, answer in alike.items():
        sentence += (
            f" {answer.capitalize()} counts as {emotion} where names do not tell them apart."
        )
    return sentence


def confusion(
    answers: Sequence[tuple[str, str | None]], truths: Truths, labels: Sequence[str]
) -> str:
    """Draw which emotions are confused as a table; nothing if no true emotion is known."""
    counts = Counter(_pairs(answers, truths))
    if not counts:
        return ""
    there = {label for pair in counts for label in pair}
    shown = [label for label in labels if label in there]
    matrix = [[counts[truth, answer] for answer in shown] for truth in shown]
    heads = [f"{label} ({sum(row)})" for label, row in zip(shown, matrix, strict=True)]
    return (
        '<div class="ser-card"><h2>Which emotions are confused</h2>'
        '<p class="ser-quiet">Each row is the true emotion, with the number of recordings; cells '
        "are the percentage of them recognised as each emotion.</p>"
        f"{confusion_table(shown, matrix, 'Confusion matrix of these recordings', heads)}</div>"
    )


def _pairs(answers: Sequence[tuple[str, str | None]], truths: Truths) -> list[tuple[str, str]]:
    """Return true emotion and answer of each recording that has both."""
    return [
        (truths[name].emotion, truths[name].counted(answer))
        for name, answer in answers
        if answer and name in truths
    ]
