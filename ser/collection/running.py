"""Recognise a whole collection, and put the answers into a table."""

import hashlib
import logging
import re
import sys
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any, Literal

from huggingface_hub import constants
from tqdm.auto import tqdm

from ser.collection.finding import MAX_FILES, Collection, find_collection
from ser.collection.pieces import Files, Piece
from ser.collection.publishing import check_dataset, publish_table
from ser.collection.rows import NO_VOICES, Settings, Voices
from ser.collection.shards import Shards
from ser.collection.tables import SUFFIXES, describe_model, make_schema
from ser.collection.workers import Work, do_all
from ser.errors import AudioError, DatasetError, VoiceProfileError
from ser.model.voice_profile import VoiceProfile
from ser.paths import expanded
from ser.recognizer import EmotionRecognizer

logger = logging.getLogger(__name__)

MAX_TIMELINES = 4  # recordings in a piece: one may be ten minutes long


def recognise_collection(
    source: str | Path,
    to: str | Path,
    model: EmotionRecognizer | str | Path | None = None,
    *,
    jobs: int = 1,
    timeline: Literal["windows", "segments"] | None = None,
    channels: Literal["mix", "each"] = "mix",
    voice: VoiceProfile | Any = None,
    voices: str | Path | None = None,
    private: bool = False,
) -> str:
    """Recognise every clip of a collection.

    It can be ended at any moment and called again: it then goes on where it was. A clip that fails
    is a row with its error.

    Parameters
    ----------
    source : str or Path
        A folder, a table or a dataset on the Hub, as `ser.collection.finding.find_collection`
        takes it.
    to : str or Path
        The table to write, whose name ends in ``.parquet``, ``.csv`` or ``.jsonl``; or a dataset
        on the Hub, ``OWNER/NAME``.
    model : EmotionRecognizer, str or Path, optional
        As `EmotionRecognizer.from_pretrained` takes it; by default the one that ships.
    jobs : int
        Processes. With several, a script must guard what it does by
        ``if __name__ == "__main__":``, as for `multiprocessing`.
    timeline : "windows" or "segments", optional
        A row for each of these, see `ser.timeline.Timeline`; by default one for each clip.
    channels : "mix" or "each"
        Whether each channel of a clip has rows of its own.
    voice : VoiceProfile, or clip or clips, optional
        The everyday voice of whoever speaks, as `EmotionRecognizer.predict` takes it.
    voices : str or Path, optional
        A table of samples of everyday voices, with the columns ``speaker`` and ``path``, or a
        folder with a subfolder for each speaker. Clips of these speakers are judged relative to
        them, and those of others to `voice`. The speaker of a clip is the subfolder that it lies
        in, or the column ``speaker`` or ``speaker_id`` of its table.
    private : bool
        Whether a dataset on the Hub that is made for the table is private.

    Returns
    -------
    str
        Where the table is: its path, or the address of its dataset.

    Raises
    ------
    DatasetError
        If there is no such source, no clip in it, `to` cannot be the name of a table, or `jobs` or
        `private` does not go with it.
    SerError
        If `to` was made with another model or other settings; errors of models, voices and the Hub.
    """
    if not (isinstance(jobs, Integral) and jobs >= 1):
        raise DatasetError(f"jobs is {jobs!r}; give a number of processes, 1 or more.")
    path, repo_id = target(to)
    check_publication(to, repo_id, private=private)
    job = plan(
        source, path, model, timeline=timeline, channels=channels, voice=voice, voices=voices
    )
    if job.shards.begin():
        _run(job, jobs)
        job.shards.join(len(job.found.pieces))
    if not repo_id:
        return str(path)
    url = publish_table(path, repo_id, job.shards.metadata, private=private)
    path.unlink()
    return url


@dataclass(frozen=True)
class Job:
    """A collection to recognise, and all that this takes."""

    recognizer: EmotionRecognizer
    found: Collection
    work: Work
    shards: Shards

    def left(self) -> dict[int, Piece]:
        """Return the pieces whose shards are not there yet, by their numbers."""
        done = self.shards.done()
        pieces = enumerate(self.found.pieces)
        return {number: piece for number, piece in pieces if number not in done}


def plan(
    source: str | Path,
    table: Path,
    model: EmotionRecognizer | str | Path | None = None,
    *,
    timeline: Literal["windows", "segments"] | None = None,
    channels: Literal["mix", "each"] = "mix",
    voice: VoiceProfile | Any = None,
    voices: str | Path | None = None,
) -> Job:
    """Find out what there is to do for a table; parameters and errors as `recognise_collection`."""
    recognizer = model
    if not isinstance(recognizer, EmotionRecognizer):
        recognizer = EmotionRecognizer.from_pretrained(recognizer)
    settings = Settings(timeline, channels)
    known = _voices(recognizer, voice, voices)
    found = find_collection(source, largest=MAX_TIMELINES if timeline else MAX_FILES)
    if known.by_speaker and not known.others and not _any_of(known, found):
        raise DatasetError(
            f"No clip of '{source}' is of a speaker in '{voices}': name speakers alike in both, "
            f"such as {min(known.by_speaker)}."
        )
    metadata = {
        **describe_model(recognizer),
        "collection": {
            "source": found.source,
            "revision": found.revision,
            "clips": len(found),
            "sha256": found.sha256,
        },
        "timeline": timeline,
        "channels": channels,
        "voices": _hash(known),
    }
    schema = make_schema(
        recognizer.labels, settings, voices=known is not NO_VOICES, metadata=metadata
    )
    shards = Shards(table, schema, metadata)
    return Job(recognizer, found, Work(shards.folder, schema, settings, known), shards)


def _run(job: Job, jobs: int) -> None:
    left = job.left()
    n_clips, n_failed = len(job.found), 0
    with tqdm(
        total=n_clips,
        initial=n_clips - sum(map(len, left.values())),
        desc="Recognising",
        unit="clip",
        file=sys.stderr,
        disable=sys.stderr is None,  # in programs without a console
    ) as progress:
        try:
            with closing(do_all(job.work, job.recognizer, left, jobs)) as results:
                for clips, failed in results:
                    n_failed += failed
                    progress.update(clips)
                    progress.set_postfix(failed=n_failed, refresh=False)
        except BaseException as error:
            progress.close()
            kept = (
                f"{progress.n} of {n_clips} clips are done and kept in '{job.shards.folder}': the "
                "same call goes on from there."
            )
            if isinstance(error, KeyboardInterrupt):
                raise KeyboardInterrupt(kept) from error
            logger.warning(kept)
            raise


def target(to: str | Path) -> tuple[Path, str | None]:
    """Return the file that a name of a table means, and the dataset, if any, that it is for.

    Raises
    ------
    DatasetError
        If it is neither's name.
    """
    path = expanded(to)
    if path.suffix.lower() in SUFFIXES:
        if path.is_dir() or not path.resolve().parent.is_dir():
            raise DatasetError(f"'{path}' is a folder, or lies in none; give the name of a file.")
        return path, None
    names_file = path.suffix and path.parent.is_dir()  # of a kind that no table is
    if not names_file and re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", str(to)):
        folder = Path(constants.HF_HOME) / "ser" / "collections"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{str(to).replace('/', '--')}.parquet", str(to)
    raise DatasetError(
        f"'{to}' cannot be a table: give a name that ends in {', '.join(SUFFIXES)}, or a dataset "
        "on the Hub as OWNER/NAME."
    )


def check_publication(to: str | Path, repo_id: str | None, *, private: bool) -> None:
    """Check that a table can be published, if it is to be, before it is made.

    Parameters
    ----------
    to, repo_id
        The name of the table, and the dataset that it means, if any.
    private : bool
        Whether that should be private.

    Raises
    ------
    DatasetError
        If there is nothing that can be private.
    HubError
        As `ser.collection.publishing.check_dataset`.
    """
    if repo_id:
        check_dataset(repo_id, private=private)
    elif private:
        raise DatasetError(f"'{to}' is a file, and only a dataset can be private: leave it out.")


def _voices(recognizer: EmotionRecognizer, voice: Any, table: str | Path | None) -> Voices:
    """Learn the voices that clips are judged relative to."""
    if table is None:
        return NO_VOICES if voice is None else Voices({}, recognizer.voice_profile(voice))
    samples: dict[str, list[Any]] = {}
    for piece in find_collection(table).pieces:
        for item in piece.items():
            samples.setdefault(item.speaker or "", []).append(item.clip)
    if "" in samples:
        raise DatasetError(
            f"'{table}' does not say whose voice each sample is: give every row a speaker, in a "
            "column of that name."
        )
    profiles = {}
    for speaker, clips in samples.items():
        try:
            profiles[speaker] = recognizer.voice_profile(clips)
        except (AudioError, VoiceProfileError) as error:
            raise VoiceProfileError(f"The voice of {speaker} in '{table}': {error}") from error
    return Voices(profiles, None if voice is None else recognizer.voice_profile(voice))


def _any_of(voices: Voices, found: Collection) -> bool:
    """Tell whether any clip may be of a speaker whose voice is known."""
    return any(
        not isinstance(piece, Files) or voices.by_speaker.keys() & set(piece.speakers)
        for piece in found.pieces
    )


def _hash(voices: Voices) -> str | None:
    """Return a hash of voices, to tell whether a table in the making used the same."""
    everyone: Iterable[tuple[str, VoiceProfile]] = sorted(voices.by_speaker.items())
    if voices.others:
        everyone = [*everyone, ("", voices.others)]
    digest = hashlib.sha256()
    for speaker, profile in everyone:
        digest.update(speaker.encode(errors="surrogateescape") + profile.features.tobytes())
    return digest.hexdigest() if everyone else None
