"""Speech emotion recognition from acoustic features with small neural networks."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ser import errors

if TYPE_CHECKING:
    from ser.model.prediction import Prediction
    from ser.model.voice_profile import VoiceProfile
    from ser.recognizer import EmotionRecognizer
    from ser.streaming import SpeechStream
    from ser.timeline import Timeline
    from ser.training.config import TrainingConfig
    from ser.training.run import TrainedModel, train

__version__ = "0.2.0"

__all__ = [
    "EmotionRecognizer",
    "Prediction",
    "SpeechStream",
    "Timeline",
    "TrainedModel",
    "TrainingConfig",
    "VoiceProfile",
    "__version__",
    "errors",
    "train",
]

_MODULES = {
    "EmotionRecognizer": "ser.recognizer",
    "Prediction": "ser.model.prediction",
    "SpeechStream": "ser.streaming",
    "Timeline": "ser.timeline",
    "TrainedModel": "ser.training.run",
    "TrainingConfig": "ser.training.config",
    "VoiceProfile": "ser.model.voice_profile",
    "train": "ser.training.run",
}


def __getattr__(name: str) -> Any:
    # Deferred, so that `import ser.audio.loading` does not pay for scikit-learn and skops.
    if name in _MODULES:
        try:
            globals()[name] = value = getattr(import_module(_MODULES[name]), name)
        except ModuleNotFoundError as error:
            if not _MODULES[name].startswith("ser.training"):
                raise
            raise ModuleNotFoundError(
                f"ser.{name} needs {error.name}, which the training extra brings: "
                "pip install 'hf-ser[train]'",
                name=error.name,
            ) from None
        return value
    raise AttributeError(f"module 'ser' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
