"""Whole collections on several machines: steps for pipelines of DataTrove.

Its tasks, wherever they run, share the pieces of a collection. Each writes shards into the folder
beside the table, which all machines must see; another step makes the table of them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ser.collection.running import plan, recognise_collection, target
from ser.collection.workers import do_all
from ser.errors import SerError

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
        As `ser.collection.running.recognise_collection` takes them; the model by its name.
    **options
        Its other options, but for `jobs`.
    """

    name = "Recognise a collection"
    type = "SER"

    def __init__(
        self, source: str | Path, to: str | Path, model: str | Path | None = None, **options: Any
    ) -> None:
        super().__init__()
        path, repo_id = target(to)
        self.source = _found_from_anywhere(source)
        self.to = repo_id or str(path.absolute())
        self.model = _found_from_anywhere(model)
        self.options = {name: _found_from_anywhere(value) for name, value in options.items()}

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
        options = {name: value for name, value in self.options.items() if name != "private"}
        job = plan(self.source, target(self.to)[0], self.model, **options)
        if not job.shards.begin():
            return
        mine = {n: piece for n, piece in job.left().items() if n % world_size == rank}
        for clips, failed in do_all(job.work, job.recognizer, mine, jobs=1):
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
        if rank == 0:
            work = self.recognised
            recognise_collection(work.source, work.to, work.model, **work.options)


def _found_from_anywhere(value: Any) -> Any:
    """Return the absolute path of what is here: tasks may have another working folder."""
    if isinstance(value, str | Path) and Path(value).expanduser().exists():
        return str(Path(value).expanduser().absolute())
    return value
