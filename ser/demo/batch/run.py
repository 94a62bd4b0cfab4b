"""One visitor's batch: what was asked for, how far it is, and the results so far."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ser.demo.batch.truth import Truths
from ser.errors import AudioError, AudioNotFoundError
from ser.model.voice_profile import OwnSpeech

if TYPE_CHECKING:
    from ser import EmotionRecognizer, Prediction, VoiceProfile
    from ser.model.analysis import Analysis

logger = logging.getLogger(__name__)


@dataclass
class BatchRun:
    """Recordings that are recognised one after another until they end or somebody ends it.

    Attributes
    ----------
    paths : list of str
    voice : VoiceProfile, optional
        What all are judged relative to.
    same_speaker : bool
        Whether each is judged relative to the others instead, as `predict_many` does.
    truths : dict of str to Truth
    labels : tuple of str
        Emotions of the model.
    state : {"waiting", "running", "done", "cancelled", "dropped"}
        A visitor who cancels keeps the results so far; they are dropped if other files are chosen.
    is_over : bool
        Whether all that is to be drawn of it was sent.
    has_next : bool
        Whether other files were chosen meanwhile.
    results : list of Prediction or AudioError
        In the order of the paths.
    n_heard : int
        Recordings that were listened to.
    seconds : float
        Since the first one.
    """

    paths: list[str]
    voice: "VoiceProfile | None"
    same_speaker: bool
    truths: Truths
    labels: tuple[str, ...]
    state: Literal["waiting", "running", "done", "cancelled", "dropped"] = "waiting"
    is_over: bool = False
    has_next: bool = False
    results: "list[Prediction | AudioError]" = field(default_factory=list)
    n_heard: int = 0
    seconds: float = 0.0

    @property
    def names(self) -> list[str]:
        """Names of the files."""
        return [Path(path).name for path in self.paths]

    @property
    def is_open(self) -> bool:
        """Whether more results are to come."""
        return self.state in ("waiting", "running")

    def end(self, state: Literal["cancelled", "dropped"]) -> None:
        """Recognise no more, once the recording in hand is done."""
        if self.is_open or state == "dropped":
            self.state = state

    def steps(self, recognizer: "EmotionRecognizer") -> Iterator[None]:
        """Recognise a recording with each step.

        Parameters
        ----------
        recognizer : ser.EmotionRecognizer

        Raises
        ------
        VoiceProfileError
            If results are to be relative to a voice or each other, and the model cannot do that.
        """
        profile = recognizer.reference(self.voice, same_speaker=self.same_speaker)
        if self.state == "waiting":
            self.state = "running"
        begun = time.monotonic()
        heard: list[Analysis | AudioError] = []
        for path in self.paths:
            if not self.is_open:
                break
            heard.append(_listen(recognizer, path))
            if not self.same_speaker:
                self.results.append(_assess(recognizer, heard.pop(), profile))
            self.n_heard += 1
            self.seconds = time.monotonic() - begun
            yield
        own = OwnSpeech([each for each in heard if not isinstance(each, AudioError)])
        self.results += [
            each if isinstance(each, AudioError) else recognizer.assess(each, own.others(each))
            for each in heard
        ]
        if self.state == "running":
            self.state = "done"


def _listen(recognizer: "EmotionRecognizer", path: str) -> "Analysis | AudioError":
    try:
        return recognizer.analyse(path)
    except AudioNotFoundError:
        return AudioError(f"{Path(path).name} is no longer on the server; choose it again.")
    except AudioError as error:
        return error.light()
    except Exception as error:  # a fault of ours in one of them must not end the batch
        logger.exception("Recognising '%s' failed", Path(path).name)
        return AudioError(f"{Path(path).name} cannot be recognised ({type(error).__name__}).")


def _assess(
    recognizer: "EmotionRecognizer",
    heard: "Analysis | AudioError",
    profile: "VoiceProfile | None",
) -> "Prediction | AudioError":
    return heard if isinstance(heard, AudioError) else recognizer.assess(heard, profile)
