"""Errors that a person can act on.

Every error that bad input can cause derives from `SerError`, and its message is
one sentence: the value at fault, what is allowed, what to do. The command line,
the app and the API show that sentence and nothing else.
"""

import traceback
from typing import Self


class SerError(Exception):
    """Base of every error that this package raises on purpose."""

    def light(self) -> Self:
        """Return the error without what the functions on its way held, often minutes of samples."""
        each: BaseException | None = self
        while each is not None:
            traceback.clear_frames(each.__traceback__)  # others may know them, too
            each.__traceback__ = None
            each = each.__cause__ or each.__context__
        return self


class AudioError(SerError, ValueError):
    """A clip cannot be recognised."""


class AudioNotFoundError(AudioError, FileNotFoundError):
    """The path does not name a file."""


class EmptyAudioError(AudioError):
    """The clip has no bytes or no samples."""


class UnreadableAudioError(AudioError):
    """The bytes are not audio in a format that the decoders know."""


class TruncatedAudioError(AudioError):
    """The file starts as audio but holds nothing that can be decoded."""


class NonFiniteAudioError(AudioError):
    """Samples are NaN or infinite."""


class AudioTooLongError(AudioError):
    """The clip is longer than the limit."""


class AudioTooComplexError(AudioError):
    """The clip takes more time or memory to decode than a recording of its length."""


class InvalidSampleRateError(AudioError):
    """The sample rate is outside the range that speech recordings use."""


class NoSpeechError(AudioError):
    """The clip is silent, has less than 0.3 s of sound, or contains no speech."""


class FeatureConfigError(SerError, ValueError):
    """A feature configuration names something that does not exist or fit."""


class VoiceProfileError(SerError, ValueError):
    """Clips cannot make a voice profile, or the profile belongs to another model."""


class DatasetError(SerError, ValueError):
    """A source holds no usable clip, or an option does not fit it."""


class ModelError(SerError):
    """A model folder cannot be used."""


class ModelNotFoundError(ModelError, FileNotFoundError):
    """A model folder, or a file that belongs in it, is missing."""


class ModelFormatError(ModelError):
    """The folder was written in another format version, or is malformed."""


class ModelIntegrityError(ModelError):
    """`model.skops` is not the file that `config.json` describes."""


class UntrustedModelError(ModelError):
    """`model.skops` holds types that our pipelines do not consist of."""


class FeatureMismatchError(ModelError):
    """The model expects other features than this version extracts."""


class HubError(SerError):
    """The Hugging Face Hub refused a request or could not be reached."""


class SpaceError(SerError, ValueError):
    """`space.yaml` has a setting that a Space would not understand."""


class SharingError(SerError):
    """A clip cannot be shared as asked."""
