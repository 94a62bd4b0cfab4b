"""Clips that visitors of the demo share, with the emotion that they say is right.

Each clip waits on disk as a Parquet file with one row. A thread commits all waiting files at once
and deletes them only when the Hub has them; a file uploaded just before a crash is uploaded again
under the same name. So neither a crash nor an unreachable Hub loses or duplicates a clip.
"""

import hashlib
import io
import logging
import os
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import soundfile
from huggingface_hub import CommitOperationAdd, HfApi, constants
from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError
from huggingface_hub.utils import validate_repo_id
from numpy.typing import NDArray

from ser.audio.loading import load_audio
from ser.errors import HubError, SharingError
from ser.hub.cache import TIMEOUT
from ser.hub.errors import check_name, plain_words
from ser.hub.licences import licence_name
from ser.model.prediction import Prediction
from ser.storage.atomic_folder import replace_file

logger = logging.getLogger(__name__)

SAMPLE_RATE = 48_000  # Hz; more than today's model uses
MAX_QUEUE = 1 << 29  # bytes of clips that wait, beyond which no more are taken
INTERVAL = 30.0  # s; the Hub accepts 128 commits per hour
LICENCE = "cc-by-nc-sa-4.0"

README = f"""---
license: {LICENCE}
task_categories:
- audio-classification
tags:
- speech-emotion-recognition
---

# Clips shared by visitors of a demo

Each visitor agreed to the publication of the recording under {licence_name(LICENCE)}. `audio` is
the sound alone, without name or metadata of the file; `emotion` is what the visitor says is
right; `predicted`, `confidence` and `probabilities` are what `model` at `revision` answered at
`time`, relative to the visitor's everyday voice if they gave it. Nothing else about visitors is
stored.
"""


class ClipSharing:
    """Uploads shared clips to a dataset repository, in batches and in the background.

    Parameters
    ----------
    repo_id : str
        ``OWNER/NAME`` of the dataset; created if there is none.
    interval : float
        Seconds between commits.

    Attributes
    ----------
    terms : str
        What a visitor consents to.

    Raises
    ------
    SharingError
        If `repo_id` cannot be the name of a repository.
    """

    def __init__(self, repo_id: str, *, interval: float = INTERVAL) -> None:
        try:
            validate_repo_id(repo_id)
            check_name(repo_id)
        except (HFValidationError, HubError) as error:
            raise SharingError(
                f"SER_SHARE_DATASET is '{repo_id}', which is not the name of a dataset: give "
                "OWNER/NAME."
            ) from error
        self.terms = (
            "I agree that the sound of this recording, the emotion that I chose, the model's "
            f"answer, its revision and the time are published in the dataset {repo_id} on the "
            f"Hugging Face Hub under the licence {licence_name(LICENCE)}. Nothing else about me is "
            "stored."
        )
        self._repo: dict[str, Any] = {"repo_id": repo_id, "repo_type": "dataset"}
        self._api = HfApi()
        self._queue = Path(constants.HF_HOME) / "ser" / "shared" / repo_id.replace("/", "--")
        self._flushing = threading.Lock()
        self._stopped = threading.Event()
        threading.Thread(
            target=self._run, args=(interval,), name="shared clips", daemon=True
        ).start()

    @classmethod
    def from_environment(cls) -> Self | None:
        """Return one for the dataset in ``SER_SHARE_DATASET``, or None if it is not set."""
        repo_id = os.environ.get("SER_SHARE_DATASET")
        return cls(repo_id) if repo_id else None

    def share(
        self,
        clip: Any,
        prediction: Prediction,
        recognizer: Any,
        *,
        emotion: str | None,
        consent: bool,
    ) -> None:
        """Put a clip into the queue.

        Parameters
        ----------
        clip : str, Path, bytes, file object or (ndarray, int)
            As `ser.audio.loading.load_audio` takes it. Only its sound is kept.
        prediction : ser.Prediction
            What the visitor was shown.
        recognizer : ser.EmotionRecognizer
            The model that answered.
        emotion : str
            The label that the visitor says is right.
        consent : bool
            Whether the visitor agreed to `terms`.

        Raises
        ------
        SharingError
            Without consent or an emotion, if too many clips wait, or if the clip cannot be stored;
            nothing is shared then.
        """
        if consent is not True:
            raise SharingError("Nothing was shared: tick the consent box first.")
        if emotion is None or emotion not in recognizer.labels:
            raise SharingError(
                f"Nothing was shared: say which emotion it was, {', '.join(recognizer.labels)}."
            )
        content = _to_flac(load_audio(clip, SAMPLE_RATE))
        # Who shares a clip twice, shares one.
        name = hashlib.sha256(content + emotion.encode()).hexdigest()
        row = {
            "audio": {"bytes": content, "path": f"{name}.flac"},
            "emotion": emotion,
            "predicted": prediction.emotion,
            "confidence": prediction.confidence,
            "probabilities": [
                {"emotion": label, "probability": probability}
                for label, probability in prediction.probabilities.items()
            ],
            # For a folder, only the name: its location is private.
            "model": Path(recognizer.source).name
            if recognizer.revision is None
            else recognizer.source,
            "revision": recognizer.revision or recognizer.config["sha256"],
            "time": datetime.now(UTC).replace(microsecond=0),
        }
        if self._waiting_bytes() + len(content) > MAX_QUEUE:
            raise SharingError("Nothing was shared: too many clips wait for the Hub; try later.")
        try:
            replace_file(self._queue / f"{name}.parquet", _to_parquet(row))
        except OSError as error:
            raise SharingError(f"The clip could not be stored ({error.strerror}).") from error

    def flush(self) -> None:
        """Commit the waiting clips.

        Raises
        ------
        HubError
            If the Hub does not accept them; they keep waiting.
        """
        with self._flushing:
            paths = sorted(self._queue.glob("*.parquet"))
            if not paths:
                return
            with plain_words(self._repo["repo_id"]):
                operations = [CommitOperationAdd(f"data/{path.name}", path) for path in paths]
                if not self._has_readme():
                    operations.append(CommitOperationAdd("README.md", README.encode()))
                self._api.create_commit(
                    **self._repo,
                    operations=operations,
                    commit_message=f"Add {len(paths)} shared clips",
                )
            for path in paths:
                path.unlink(missing_ok=True)

    def _waiting_bytes(self) -> int:
        """Return the bytes of clips that wait."""
        n_bytes = 0
        for path in self._queue.glob("*.parquet"):
            with suppress(FileNotFoundError):  # has just been committed
                n_bytes += path.stat().st_size
        return n_bytes

    def stop(self) -> None:
        """Stop committing; waiting clips stay on disk for the next start."""
        self._stopped.set()

    def _has_readme(self) -> bool:
        try:
            info = self._api.dataset_info(self._repo["repo_id"], timeout=TIMEOUT)
        except RepositoryNotFoundError:
            self._api.create_repo(**self._repo)
            return False
        return any(sibling.rfilename == "README.md" for sibling in info.siblings or [])

    def _run(self, interval: float) -> None:
        said: str | None = None
        while not self._stopped.is_set():
            try:
                self.flush()
                said = None
            except HubError as error:
                if str(error) != said:
                    logger.warning("Shared clips wait on disk: %s", error)
                said = str(error)
            except Exception:
                # Whatever it was, the next round may succeed, and clips must not wait for ever.
                logger.exception("Shared clips wait on disk")
            self._stopped.wait(interval)


def _to_flac(waveform: NDArray[np.float32]) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.clip(waveform, -1, 1), SAMPLE_RATE, format="FLAC")
    return file.getvalue()


def _to_parquet(row: dict[str, Any]) -> bytes:
    # Imported here: datasets takes seconds, and only visitors who share need it.
    import pyarrow
    import pyarrow.parquet
    from datasets import Audio, Features, List, Value

    text = Value("string")
    features = Features(
        {
            "audio": Audio(decode=False),  # decoding would need torch
            "emotion": text,
            "predicted": text,
            "confidence": Value("float64"),
            "probabilities": List({"emotion": text, "probability": Value("float64")}),
            "model": text,
            "revision": text,
            "time": Value("timestamp[s, tz=UTC]"),
        }
    )
    file = io.BytesIO()
    table = pyarrow.Table.from_pylist([row], schema=features.arrow_schema)
    pyarrow.parquet.write_table(table, file)
    return file.getvalue()
