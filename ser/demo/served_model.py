"""The one recogniser that a running demo serves, loaded and warmed up in the background."""

import logging
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from ser.corpora.emotions import NAMES
from ser.errors import HubError, ModelError, SerError

if TYPE_CHECKING:
    from ser import EmotionRecognizer

logger = logging.getLogger(__name__)

# Visitors cannot log in for the server, nor should they see its folders: its log has the rest.
SUBSTITUTED = (
    "The model that this page was set up with cannot be fetched at the moment. The answers are "
    "from the model that ships with the demo instead."
)
UNUSABLE = (
    "The model that this page was set up with cannot be used: whoever runs the page finds the "
    "reason in its log."
)


class ServedModel:
    """A recogniser that loads in a thread of its own once it is started, so that nobody waits.

    Parameters
    ----------
    name : str, optional
        A model folder, or `owner/name` or `owner/name@revision` on the Hub;
        by default the model that ships with the package.

    Attributes
    ----------
    notice : str or None
        Tells visitors if another model than the requested one was loaded.
    """

    def __init__(self, name: str | None = None) -> None:
        self.notice: str | None = None
        self._name = name
        self._loaded: Future[EmotionRecognizer] = Future()

    @property
    def labels(self) -> tuple[str, ...]:
        """Emotions of the model, or the canonical ones until it has loaded."""
        is_ready = self._loaded.done() and self._loaded.exception() is None
        return self._loaded.result().labels if is_ready else NAMES

    def start(self) -> None:
        """Start to load; `get` waits until then."""
        threading.Thread(target=self._load, name="model", daemon=True).start()

    def get(self) -> "EmotionRecognizer":
        """Return the recogniser, waiting for it if need be.

        Raises
        ------
        ser.errors.ModelError
            If the model could not be loaded, every time.
        """
        return self._loaded.result()

    def _load(self) -> None:
        try:
            self._loaded.set_result(self._find())
        except SerError as error:
            logger.error("%s", error)
            self._loaded.set_exception(ModelError(UNUSABLE))
        except BaseException as error:
            # Without this, an error in loading would leave every visitor waiting forever.
            self._loaded.set_exception(error)
            raise
        else:
            warm_up(self._loaded.result())

    def _find(self) -> "EmotionRecognizer":
        from ser.recognizer import EmotionRecognizer

        try:
            recognizer = EmotionRecognizer.from_pretrained(self._name)
        except HubError as error:
            logger.warning("%s The model that ships with the demo is used instead.", error)
            self.notice = SUBSTITUTED
            recognizer = EmotionRecognizer.from_pretrained()
        if recognizer.revision is None:  # a folder, whose location on the server is private
            recognizer.source = "/".join(Path(recognizer.source).parts[-2:])
        return recognizer


def warm_up(recognizer: "EmotionRecognizer") -> None:
    """Recognise one of the model's examples, because the first use imports for seconds."""
    clips = [content for name, content in recognizer.files.items() if name.endswith(".flac")]
    for _ in recognizer.predict_many(clips[:1]):
        logger.debug("warm")
