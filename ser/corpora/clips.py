"""Clips as a `datasets.Dataset` in the schema of `ser.corpora.corpus.Corpus.clips`.

Audio stays undecoded: its column is only cast to the `Audio` feature, with ``decode=False``,
since anything else it does needs torch.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import datasets

from ser.corpora.corpus import Clip, Corpus, natural
from ser.corpora.emotions import in_order
from ser.errors import DatasetError


def make_clips(
    clips: Sequence[tuple[Clip, Path]], labels: Sequence[str], corpus: str
) -> datasets.Dataset:
    """Order clips by speaker and file, and put them into the schema.

    Parameters
    ----------
    clips : sequence of (Clip, Path)
        Each with its audio file.
    labels : sequence of str
        Emotions, some of which may have no clip.
    corpus : str
        Name of the recordings.
    """
    ordered = sorted(
        clips, key=lambda item: (natural(item[0].speaker or ""), natural(item[0].file))
    )
    rows = [{"audio": str(path), "corpus": corpus, **asdict(clip)} for clip, path in ordered]
    return _make_dataset(rows, labels)


def join_corpora(
    corpora: Sequence[Corpus],
    *,
    mapping: Mapping[str, str] | None = None,
    emotions: Iterable[str] | None = None,
) -> Corpus:
    """Join corpora, to train one model on all of them.

    Speakers of different corpora are different people: the corpus is put before their names, and
    before the names of clips that an earlier corpus has, too.

    Parameters
    ----------
    corpora : sequence of Corpus
        Of different names.
    mapping : mapping of str to str, optional
        Other labels for emotions of any of them.
    emotions : iterable of str, optional
        Emotions to keep, as they are after `mapping`; by default all.

    Raises
    ------
    DatasetError
        If there is none, two have the same name, or an emotion is in none of them.
    """
    if not corpora:
        raise DatasetError("There is no corpus to join; give one or more.")
    origins = tuple(origin for corpus in corpora for origin in corpus.origins)
    names = [origin.about.name for origin in origins]
    if len(set(names)) < len(names):
        raise DatasetError(
            f"The corpora are called {', '.join(names)}: to join them, give each another name."
        )
    mapping, known = mapping or {}, [label for corpus in corpora for label in corpus.labels]
    labels = choose_labels(known, mapping, emotions)
    rows: list[dict[str, Any]] = []
    taken: set[str] = set()
    for corpus in corpora:
        for row in corpus.clips:
            label = corpus.labels[row["emotion"]]
            emotion, speaker, file = mapping.get(label, label), row["speaker"], row["file"]
            if emotion not in labels:
                continue
            if len(origins) > 1 and len(corpus.origins) == 1 and speaker is not None:
                speaker = f"{row['corpus']} {speaker}"
            if file in taken:
                file = re.sub(r"[^\w.-]+", "-", f"{row['corpus']}-{file}")
            taken.add(file)
            told = {"file": file, "emotion": emotion, "speaker": speaker}
            rows.append({**row, "audio": row["audio"]["path"], **told})
    if not rows:
        raise DatasetError(f"No clip of {', '.join(names)} is {' or '.join(labels)}.")
    return Corpus(_make_dataset(rows, labels), tuple(each.renamed(mapping) for each in origins))


def choose_labels(
    labels: Iterable[str], mapping: Mapping[str, str], emotions: Iterable[str] | None
) -> list[str]:
    """Return the emotions that were asked for, in order, as they are after a mapping.

    Raises
    ------
    DatasetError
        If one that is to be mapped or kept is not among the labels.
    """
    labels = in_order(labels)
    for label in mapping:
        if label not in labels:
            raise DatasetError(
                f"There is no emotion {label!r} to be mapped; there are {', '.join(labels)}."
            )
    labels = in_order(mapping.get(label, label) for label in labels)
    wanted = labels if emotions is None else list(emotions)
    if unknown := ", ".join(sorted(set(wanted) - set(labels))):
        raise DatasetError(
            f"The recordings have no emotion {unknown}; choose from {', '.join(labels)}."
        )
    if labels and not wanted:
        raise DatasetError(f"No emotion is selected; choose from {', '.join(labels)}.")
    return in_order(wanted)


def _make_dataset(rows: Sequence[dict[str, Any]], labels: Sequence[str]) -> datasets.Dataset:
    text = datasets.Value("string")
    columns = ("audio", "corpus", *(field.name for field in fields(Clip)))
    features = dict.fromkeys(columns, text)
    features["emotion"] = datasets.ClassLabel(names=in_order(labels))
    dated = tuple({**row, "changed": Path(row["audio"]).stat().st_mtime_ns} for row in rows)
    # A generator rather than from_dict: what `map` makes of a dataset is cached only
    # if the dataset itself is on disk. The time of change is part of its key, so that
    # edited recordings are not taken for the earlier ones. A tuple, as a list would
    # be split into one call of the generator for each of its rows.
    dataset = datasets.Dataset.from_generator(
        _generate, features=datasets.Features(features), gen_kwargs={"rows": dated}
    )
    return dataset.cast_column("audio", datasets.Audio(decode=False))


def _generate(rows: tuple[dict[str, Any], ...]) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield {column: value for column, value in row.items() if column != "changed"}
