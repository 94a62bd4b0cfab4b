"""Speech emotion recognition from acoustic features with small neural networks."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ser import errors

if TYPE_CHECKING:
    from ser.model.prediction import Prediction
    from ser.model.voice_profile import VoiceProfile
    from ser.recognizer import EmotionRecognizer
    from ser.timeline import Timeline

__version__ = "0.2.0"

__all__ = [
    "EmotionRecognizer",
    "Prediction",
    "Timeline",
    "VoiceProfile",
    "__version__",
    "errors",
]

_MODULES = {
    "EmotionRecognizer": "ser.recognizer",
    "Prediction": "ser.model.prediction",
    "Timeline": "ser.timeline",
    "VoiceProfile": "ser.model.voice_profile",
}
"""Where a name is from. They are imported when they are asked for, so that
`import ser.audio.loading` does not pay for scikit-learn and skops."""


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'ser' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
