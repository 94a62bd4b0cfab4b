"""Whole collections on several machines: steps for pipelines of DataTrove.

Its tasks, wherever they run, share the pieces of a collection. Each writes shards beside the table,
in a folder that all machines see or in a store; another step makes the table of them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from ser.collection.remote import RemoteTable, is_remote
from ser.collection.rows import Settings
from ser.collection.running import check_publication, plan, recognise_collection, target
from ser.collection.shards import MANIFEST, shard_path
from ser.errors import SerError
from ser.model.voice_profile import VoiceProfile
from ser.paths import expanded

try:
    from datatrove.data import Document, DocumentsPipeline
    from datatrove.pipeline.base import PipelineStep
except ModuleNotFoundError as error:
    raise SerError("DataTrove is missing: pip install 'hf-ser[cluster]'") from error


class RecogniseCollection(PipelineStep):
    """Recognise the share of a task: every n-th piece of a collection, if there are n tasks.

    A task that is run again goes on where it was.

    Parameters
    ----------
    source, to, model
        As `ser.collection.running.recognise_collection` takes them; the model by its name. `to`
        may be in a store, too, such as ``hf://buckets/OWNER/NAME/answers.parquet``.
    timeline, channels, voice, voices, private
        Its other options, but for `jobs`.
    """

    name = "Recognise a collection"
    type = "SER"

    def __init__(
        self,
        source: str | Path,
        to: str | Path,
        model: str | Path | None = None,
        *,
        timeline: Literal["windows", "segments"] | None = None,
        channels: Literal["mix", "each"] = "mix",
        voice: VoiceProfile | Any = None,
        voices: str | Path | None = None,
        private: bool = False,
    ) -> None:
        super().__init__()
        Settings(timeline, channels)  # refuses wrong ones
        self.source = _found_from_anywhere(source)
        self.to, repo_id = str(to), None
        if is_remote(self.to):
            RemoteTable(self.to, Path())  # so that what is wrong with it is said at once
        else:
            path, repo_id = target(to)
            self.to = repo_id or str(path.absolute())
        check_publication(to, repo_id, private=private)
        self.model = _found_from_anywhere(model)
        self.options = {
            "timeline": timeline,
            "channels": channels,
            "voice": _found_from_anywhere(voice),
            "voices": _found_from_anywhere(voices),
        }
        self.private = private

    def run(
        self, data: DocumentsPipeline = None, rank: int = 0, world_size: int = 1
    ) -> Iterator[Document]:
        """Write the shards of a task.

        Parameters
        ----------
        data : iterator of Document, optional
            Of earlier steps, which is passed on.
        rank, world_size : int
            The number of the task, from 0, and of how many.

        Yields
        ------
        Document
            Those of earlier steps.

        Raises
        ------
        SerError
            As `ser.collection.running.recognise_collection`.
        """
        yield from data or ()
        with _copy_if_remote(self.to, whole=False) as remote:
            table = remote.copy if remote else target(self.to)[0]
            job = plan(self.source, table, self.model, **self.options)
            if not job.shards.begin():
                return
            if remote:
                remote.push(job.shards.folder / MANIFEST)
            for number, piece in job.left().items():
                if number % world_size == rank:
                    clips, failed = job.work.do(job.recognizer, number, piece)
                    if remote:
                        remote.push(shard_path(job.shards.folder, number))
                    self.stat_update("clips", value=clips, unit="piece")
                    self.stat_update("failed", value=failed, unit="piece")


class JoinTable(PipelineStep):
    """Make the table, when all tasks of a `RecogniseCollection` are done; this is one task.

    Parameters
    ----------
    recognised : RecogniseCollection
    """

    name = "Join the table"
    type = "SER"

    def __init__(self, recognised: RecogniseCollection) -> None:
        super().__init__()
        self.recognised = recognised

    def run(
        self, data: DocumentsPipeline = None, rank: int = 0, world_size: int = 1
    ) -> Iterator[Document]:
        """Write the table, or publish it; parameters and errors as `RecogniseCollection.run`."""
        yield from data or ()
        if rank:
            return
        work = self.recognised
        with _copy_if_remote(work.to, whole=True) as remote:
            table = remote.copy if remote else work.to
            recognise_collection(
                work.source, table, work.model, **work.options, private=work.private
            )
            if remote:
                remote.finish()


@contextmanager
def _copy_if_remote(to: str, *, whole: bool) -> Iterator[RemoteTable | None]:
    """Have a copy of a table in a store, if it lies in one; parameters as `RemoteTable.pull`."""
    if not is_remote(to):
        yield None
        return
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        remote = RemoteTable(to, Path(folder))
        remote.pull(whole=whole)
        yield remote


def _found_from_anywhere(value: Any) -> Any:
    """Return the absolute paths of what is here: tasks may have another working folder."""
    if isinstance(value, list):
        return [_found_from_anywhere(each) for each in value]
    if isinstance(value, str | Path):
        path = expanded(value)
        return str(path.absolute()) if path.exists() else value
    return value
