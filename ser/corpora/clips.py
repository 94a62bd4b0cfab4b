"""Clips as a `datasets.Dataset` in the schema of `ser.corpora.corpus.Corpus.clips`.

Audio stays undecoded: its column is only cast to the `Audio` feature, with ``decode=False``,
since anything else it does needs torch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import datasets

from ser.corpora.corpus import Clip, natural
from ser.corpora.emotions import in_order


def make_clips(clips: Sequence[tuple[Clip, Path]], labels: Sequence[str]) -> datasets.Dataset:
    """Order clips by speaker and file, and put them into the schema.

    Parameters
    ----------
    clips : sequence of (Clip, Path)
        Each with its audio file.
    labels : sequence of str
        Emotions, some of which may have no clip.
    """
    ordered = sorted(
        clips, key=lambda item: (natural(item[0].speaker or ""), natural(item[0].file))
    )
    rows = [
        {"audio": str(path), **asdict(clip), "changed": path.stat().st_mtime_ns}
        for clip, path in ordered
    ]
    text = datasets.Value("string")
    features = dict.fromkeys(("audio", *(field.name for field in fields(Clip))), text)
    features["emotion"] = datasets.ClassLabel(names=in_order(labels))
    # A generator rather than from_dict: what `map` makes of a dataset is cached only
    # if the dataset itself is on disk. The time of change is part of its key, so that
    # edited recordings are not taken for the earlier ones. A tuple, as a list would
    # be split into one call of the generator for each of its rows.
    dataset = datasets.Dataset.from_generator(
        _generate, features=datasets.Features(features), gen_kwargs={"rows": tuple(rows)}
    )
    return dataset.cast_column("audio", datasets.Audio(decode=False))


def _generate(rows: tuple[dict[str, Any], ...]) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield {column: value for column, value in row.items() if column != "changed"}
