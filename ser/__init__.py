"""Speech emotion recognition from acoustic features with small neural networks."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ser.recognizer import EmotionRecognizer, Prediction

__all__ = ["EmotionRecognizer", "Prediction"]


def __getattr__(name):
    # Deferred, so that `import ser.audio.loading` does not pay for scikit-learn and skops.
    if name in __all__:
        from ser import recognizer

        return getattr(recognizer, name)
    raise AttributeError(f"module 'ser' has no attribute {name!r}")
