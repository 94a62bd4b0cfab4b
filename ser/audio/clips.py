"""What counts as a clip: a path, bytes, a file, samples, or what other libraries make of these."""

import io
import os
import re
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import iscoroutinefunction
from numbers import Real
from pathlib import Path
from reprlib import repr as short_repr
from typing import Any, BinaryIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from ser.audio.decoding import ArraySource
from ser.audio.isolation import IsolatedSource
from ser.errors import (
    AudioError,
    AudioNotFoundError,
    AudioTooLongError,
    EmptyAudioError,
    InvalidSampleRateError,
)

Clip = Any
"""What `ser.audio.loading.read_recording` takes. Objects of other libraries are known by what they
can do, so that no narrower type would hold."""

SIZE_LIMIT = 2**31  # bytes of a file
MAX_NAME = 100  # characters of a name in messages

ADDRESS = re.compile(r"data:|[a-z][a-z0-9+.-]+:/", re.IGNORECASE)  # not C:/, a Windows drive


def clip_name(clip: Clip) -> str:
    """Return what to call a clip in messages: its file name without the folder, if it has one."""
    if isinstance(clip, Mapping):
        path = clip.get("path")
    elif isinstance(clip, str | os.PathLike):
        path = clip
    else:  # uploads have a filename, and may have another name
        path = getattr(clip, "filename", None) or getattr(clip, "name", None)
    if path == "<stdin>":
        return "Standard input"
    if not isinstance(path, str | os.PathLike):
        return "The clip"
    path = os.fsdecode(path)
    return repr(_shorten(Path(path).name or path))


def is_clip(clips: Clip | Iterable[Clip]) -> bool:
    """Tell one clip from several.

    Parameters
    ----------
    clips : clip or iterable of clips
        A tuple of two, one of them a number, is one clip: (waveform, sample_rate).
    """
    return (
        not isinstance(clips, Iterable)
        or isinstance(clips, str | os.PathLike | bytes | bytearray | memoryview | Mapping)
        or hasattr(clips, "read")
        or (isinstance(clips, tuple) and len(clips) == 2 and any(map(_is_number, clips)))
        or (hasattr(clips, "dtype") and _is_numeric(clips.dtype))
    )


def _is_numeric(dtype: Any) -> bool:
    """Tell an array of numbers, a clip without its sample rate, from one that may hold paths."""
    if hasattr(dtype, "is_numeric"):  # of Polars
        return bool(dtype.is_numeric())
    return getattr(dtype, "kind", "f") in "biufc"


def each_clip(clips: Clip | Iterable[Clip]) -> Iterable[Clip]:
    """Return several clips as they are, and one clip as the only one, see `is_clip`."""
    return [clips] if is_clip(clips) else clips


@contextmanager
def open_clip(clip: Clip) -> Iterator[ArraySource | IsolatedSource]:
    """Open a clip and return what decodes it.

    Parameters
    ----------
    clip
        As `ser.audio.loading.load_audio` takes it.

    Raises
    ------
    AudioError
        If it is nothing that can be decoded, or cannot be opened.
    """
    name = clip_name(clip)
    clip = _unwrap(clip, name)
    if isinstance(clip, tuple):
        yield ArraySource(*_check_waveform(clip))
    elif isinstance(clip, str | os.PathLike):
        with _open(os.fsdecode(clip), name) as stream:
            yield _source(stream, name)
    elif isinstance(clip, bytes | bytearray | memoryview):
        yield _source(io.BytesIO(clip), name)
    elif hasattr(clip, "read"):
        with tempfile.TemporaryFile() as stream:
            _copy(clip, stream, name)
            yield _source(stream, name)
    else:
        raise AudioError(
            f"A clip cannot be of type {type(clip).__name__}; give a path, bytes, a binary file "
            "object or (waveform, sample_rate)."
        )


def _source(stream: BinaryIO, name: str) -> IsolatedSource:
    if stream.seek(0, os.SEEK_END) > SIZE_LIMIT:
        raise _too_large(name)
    return IsolatedSource(stream, name)


def _unwrap(clip: Clip, name: str) -> Any:
    """Return the path, bytes, file object or samples in what another library calls a clip."""
    if isinstance(clip, Mapping):  # of datasets
        if clip.get("array") is not None and "sampling_rate" in clip:
            return clip["array"], clip["sampling_rate"]
        inner = clip.get("path") if clip.get("bytes") is None else clip["bytes"]
        if inner is None:
            raise AudioError(
                f"The clip is a dict of {_shorten(', '.join(map(str, clip))) or 'nothing'}; give "
                "one with bytes or path, or with array and sampling_rate."
            )
        return inner
    if iscoroutinefunction(getattr(clip, "read", None)):
        if not hasattr(clip, "file"):
            raise AudioError(f"{name} is read with await; give the bytes that this returns.")
        return clip.file  # of an upload of FastAPI
    if isinstance(clip, soundfile.SoundFile):
        with _reading(name):
            samples = clip.read(dtype="float32", always_2d=True)
            if not len(samples) and clip.tell():
                raise _at_its_end(name)
            return samples, clip.samplerate
    if hasattr(clip, "get_all_samples"):  # a decoder of torchcodec, as datasets gives it
        with _reading(name):
            samples = clip.get_all_samples()
            return samples.data, samples.sample_rate
    return clip


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Say in one sentence why an object that is not ours cannot be read."""
    try:
        yield
    except AudioError:
        raise
    except UnicodeDecodeError:
        raise _is_text(name) from None
    except Exception as error:  # whatever kind of object it is decides
        raise AudioError(
            f"{name} cannot be read ({_reason(error)}); open it again, for reading."
        ) from error


def _open(path: str, name: str) -> BinaryIO:
    """Open a file for reading."""
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):  # ValueError: the path holds a NUL
        if ADDRESS.match(path):
            raise AudioNotFoundError(
                f"{_shorten(path)!r} was not found, and addresses are not fetched; download it "
                "and give its path or bytes."
            ) from None
        raise AudioNotFoundError(f"{name} was not found; check the path.") from None
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "not a file"
        raise AudioNotFoundError(f"{name} is {kind}; give the path of one audio file.")
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise AudioError(
            f"{name} cannot be opened ({error.strerror}); check its permissions."
        ) from None


def _copy(source: Any, target: BinaryIO, name: str) -> None:
    """Copy the rest of a file object, which need not be seekable."""
    while chunk := _read(source, name):
        if target.tell() + len(chunk) > SIZE_LIMIT:
            raise _too_large(name)
        target.write(chunk)
    if not target.tell() and _position(source):
        raise _at_its_end(name)


def _read(source: Any, name: str) -> bytes | bytearray | memoryview | None:
    """Read some of a file object."""
    with _reading(name):
        chunk = source.read(1 << 20)
    if isinstance(chunk, str):
        raise _is_text(name)
    if not isinstance(chunk, bytes | bytearray | memoryview | None):
        raise AudioError(
            f"{name} cannot be read (it gives {type(chunk).__name__}, not bytes); give a binary "
            "file object."
        )
    return chunk


def _position(source: Any) -> int:
    """Return the position in a file object; 0 if it has none, such as a pipe."""
    try:
        return source.tell()
    except Exception:
        return 0


def _check_waveform(clip: tuple[Any, ...]) -> tuple[NDArray[Any], float]:
    """Return the waveform (n_samples, n_channels), its type unchanged, and the sample rate."""
    if len(clip) != 2:
        raise AudioError(f"The clip is a tuple of {len(clip)}; give (waveform, sample_rate).")
    waveform, rate = clip
    if not _is_number(rate):
        if _is_number(waveform):
            raise AudioError("The clip is (sample_rate, waveform); give (waveform, sample_rate).")
        shown = " ".join(short_repr(rate).split())
        raise InvalidSampleRateError(f"{shown} is not a sample rate; give a number in Hz.")
    waveform = _to_array(waveform)
    if waveform.dtype.kind not in "fiu":
        raise AudioError(f"The waveform is of type {waveform.dtype}; give floats or integers.")
    if waveform.ndim not in (1, 2):
        raise AudioError(
            f"The waveform's shape is {waveform.shape}; give (samples,) or (samples, channels)."
        )
    if waveform.size == 0:
        raise EmptyAudioError("The clip holds no samples; record it again.")
    if waveform.ndim == 1:
        return waveform[:, np.newaxis], float(rate)
    return (waveform if len(waveform) >= waveform.shape[1] else waveform.T), float(rate)


def _to_array(waveform: Any) -> NDArray[Any]:
    """Return an array: of numbers in lists, or of the chunks that a list of arrays holds."""
    try:
        if not _is_chunks(waveform):
            return np.asarray(waveform)
        chunks = [chunk for chunk in map(np.asarray, waveform) if chunk.size]
        if len({chunk.dtype for chunk in chunks}) > 1:  # whose scales may differ
            raise ValueError("the chunks differ in type")
        shape = max(chunks, key=np.size, default=np.empty(0)).shape
        is_transposed = len(shape) == 2 and shape[0] < shape[1]
        return np.concatenate(chunks or [np.empty(0)], axis=int(is_transposed))
    except ValueError:
        raise AudioError(
            "The waveform's channels differ in length, or its chunks in channels or type; give one "
            "array."
        ) from None
    except Exception as error:  # of a tensor on a graphics card, for instance
        raise AudioError(
            f"The waveform is no array ({_reason(error)}); give one of NumPy."
        ) from error


def _is_chunks(waveform: Any) -> bool:
    """Tell whether a waveform is a list of arrays, which are taken to follow each other."""
    return (
        isinstance(waveform, Sequence)
        and len(waveform) > 0
        and hasattr(waveform[0], "__array__")
        and np.ndim(waveform[0]) > 0
    )


def _is_number(value: Any) -> bool:
    """Tell whether a value is a number, which an array or a tensor of no dimensions is, too."""
    if isinstance(value, Real):
        return True
    is_scalar = hasattr(value, "__array__") and getattr(value, "shape", None) == ()
    return is_scalar and np.asarray(value).dtype.kind in "fiu"


def _reason(error: BaseException) -> str:
    return _shorten(" ".join(str(error).split())) or type(error).__name__


def _shorten(text: str) -> str:
    half = MAX_NAME // 2
    return text if len(text) <= MAX_NAME else f"{text[:half]}…{text[-half:]}"


def _is_text(name: str) -> AudioError:
    return AudioError(f'{name} is opened as text; open it in binary mode, "rb".')


def _too_large(name: str) -> AudioTooLongError:
    return AudioTooLongError(
        f"{name} is larger than the limit of {SIZE_LIMIT >> 20} MiB; cut it to the part that "
        "matters."
    )


def _at_its_end(name: str) -> EmptyAudioError:
    return EmptyAudioError(f"{name} was read to its end before; open it again, or seek(0).")
