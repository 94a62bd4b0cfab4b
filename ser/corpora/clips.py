"""Clips as a `datasets.Dataset` in the schema of `ser.corpora.corpus.Corpus.clips`.

Audio stays undecoded: its column is only cast to the `Audio` feature, with ``decode=False``,
since anything else it does needs torch.
"""

from collections.abc import Iterator, Sequence
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


def join_corpora(corpora: Sequence[Corpus]) -> Corpus:
    """Join corpora, to train one model on all of them.

    Speakers of different corpora are different people: the corpus is put before their names.

    Raises
    ------
    DatasetError
        If there is none, or two have the same name.
    """
    if len(corpora) == 1:
        return corpora[0]
    origins = tuple(origin for corpus in corpora for origin in corpus.origins)
    names = [origin.about.name for origin in origins]
    if len(set(names)) < max(len(names), 1):
        raise DatasetError(
            f"Corpora to be joined have the names {', '.join(names) or 'of none'}; give one or "
            "more with different names."
        )
    rows: list[dict[str, Any]] = []
    for corpus in corpora:
        for row in corpus.clips:
            speaker = row["speaker"] and f"{row['corpus']} {row['speaker']}"
            emotion, audio = corpus.labels[row["emotion"]], row["audio"]["path"]
            rows.append({**row, "audio": audio, "emotion": emotion, "speaker": speaker})
    labels = in_order(label for corpus in corpora for label in corpus.labels)
    return Corpus(_make_dataset(rows, labels), origins)


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
