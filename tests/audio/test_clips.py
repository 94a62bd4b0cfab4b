"""What counts as a clip: what other libraries hand over works, or one sentence says what to pass.

Paths, bytes, files and arrays are in test_audio.py.
"""

import asyncio
import io
import re
from collections import deque
from pathlib import Path
from types import SimpleNamespace

import datasets
import fastapi
import numpy as np
import pandas
import pytest
import soundfile
from encoders import VOICE, encode

from ser.audio.clips import each_clip
from ser.audio.loading import load_audio
from ser.errors import AudioError, AudioNotFoundError, EmptyAudioError, InvalidSampleRateError

RATE = 24000
WAV = encode("WAV", "FLOAT")
EXPECTED = load_audio(WAV, RATE)


class Tensor:
    """What a tensor of PyTorch offers to NumPy; one that needs a gradient refuses."""

    def __init__(self, values, refuses=False):
        self.values = np.asarray(values)
        self.shape, self.ndim, self.dtype = self.values.shape, self.values.ndim, "torch.float32"
        self.refuses = refuses

    def __array__(self, dtype=None, copy=None):
        if self.refuses:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")
        return self.values if dtype is None else self.values.astype(dtype)

    def __float__(self):
        return float(self.values)

    def __iter__(self):
        return map(Tensor, self.values)


class Series:
    """What Polars gives for a column."""

    def __init__(self, values, is_numeric):
        self.values, self.dtype = values, SimpleNamespace(is_numeric=lambda: is_numeric)

    def __iter__(self):
        return iter(self.values)


class Decoder:
    """What datasets gives where torchcodec is installed."""

    def get_all_samples(self):
        return SimpleNamespace(data=Tensor(VOICE[np.newaxis]), sample_rate=48000)


class AsyncFile:
    """What a library of asynchronous files gives."""

    name = "clip.wav"

    async def read(self, size=-1):
        return WAV


def assert_same(clip, expected=EXPECTED):
    np.testing.assert_array_equal(load_audio(clip, RATE), expected)


def assert_refused(clip, kind, words):
    with pytest.raises(kind, match=re.escape(words)) as error:
        load_audio(clip, RATE)
    assert re.fullmatch(r"[^\n;]+; [^\n;]+\.", str(error.value)), error.value
    assert len(str(error.value)) < 250


# Works


def test_audio_of_datasets(tmp_path):
    path = tmp_path / "clip.wav"
    path.write_bytes(WAV)
    rows = [{"bytes": WAV, "path": "clip.wav"}, {"bytes": None, "path": str(path)}]
    datasets.Dataset.from_dict({"audio": rows}).to_parquet(tmp_path / "rows.parquet")
    kind = datasets.Audio(decode=False)
    loaded = datasets.Dataset.from_parquet(str(tmp_path / "rows.parquet"), cache_dir=str(tmp_path))
    found = [row["audio"] for row in loaded.cast_column("audio", kind)]
    local = datasets.Dataset.from_dict({"audio": [str(path)]}).cast_column("audio", kind)
    for clip in (*found, local[0]["audio"], {"path": path}, {"bytes": WAV}):
        assert_same(clip)
    assert_same({"path": "clip.wav", "array": VOICE, "sampling_rate": 48000})
    assert_same({"array": VOICE.tolist(), "sampling_rate": np.int64(48000)})
    assert len(list(each_clip(loaded["audio"]))) == 2


@pytest.mark.parametrize("rate", [Tensor(48000), np.array(48000), 48000.0])
def test_tensors(rate):
    assert_same((Tensor(VOICE), rate))
    assert_same((Tensor(np.stack([VOICE, VOICE])), rate))
    assert_same({"array": Tensor(VOICE), "sampling_rate": rate})
    assert_same(Decoder())


def test_uploads_of_fastapi():
    upload = fastapi.UploadFile(io.BytesIO(WAV), filename="clip.wav")
    assert_same(upload)
    assert_refused(upload, EmptyAudioError, "'clip.wav' was read to its end")
    asyncio.run(upload.seek(0))
    assert_same(upload)


def test_open_sound_files(tmp_path):
    path = tmp_path / "clip.wav"
    path.write_bytes(WAV)
    with soundfile.SoundFile(path) as file:
        assert_same(file)
        assert_refused(file, EmptyAudioError, "'clip.wav' was read to its end")
        file.seek(len(VOICE) // 2)
        assert_same(file, load_audio((VOICE[len(VOICE) // 2 :], 48000), RATE))
    assert_refused(file, AudioError, "'clip.wav' cannot be read")


STEREO = np.stack([VOICE, 0.3 * np.roll(VOICE, 50)], axis=1)


@pytest.mark.parametrize("size", [1000, 1024, 48000])  # of a chunk
@pytest.mark.parametrize("sound", [VOICE, STEREO, STEREO.T, (VOICE * 32767).astype(np.int16)])
def test_chunks_of_a_microphone_follow_each_other(sound, size):
    whole = VOICE.size // size * size
    whole -= size - 1 if size == 1000 else 0  # then the last chunk is of one sample
    axis = int(np.argmax(sound.shape))
    sound = np.take(sound, range(whole), axis)
    chunks = np.split(sound, range(size, whole, size), axis)
    expected = load_audio((sound, 48000), RATE)
    for several in (chunks, tuple(chunks), deque(chunks), [sound[:0], *chunks]):
        assert_same((several, 48000), expected)
    assert_same(([Tensor(chunk) for chunk in chunks], 48000), expected)


def test_numbers_in_lists_are_an_array():
    assert_same((VOICE.tolist(), 48000))
    assert_same((list(VOICE), 48000))
    assert_same((np.stack([VOICE, VOICE]).tolist(), 48000))


# Is refused


@pytest.mark.parametrize(
    ("chunks", "words"),
    [
        ([VOICE, STEREO], "its chunks in channels or type"),
        ([VOICE, (VOICE * 32767).astype(np.int16)], "its chunks in channels or type"),
        ([Tensor(VOICE, refuses=True)], "requires grad"),
        (Tensor(VOICE, refuses=True), "requires grad"),
        ([VOICE.tobytes(), VOICE.tobytes()], "of type |S"),
        ([np.zeros(0), np.zeros(0)], "holds no samples"),
        ([], "holds no samples"),
    ],
)
def test_chunks_that_do_not_fit_are_refused(chunks, words):
    assert_refused((chunks, 48000), AudioError, words)


OTHER_KINDS = {
    "row": ({"audio": {"bytes": WAV}, "label": 1}, "a dict of audio, label; give"),
    "nothing": ({"bytes": None, "path": None}, "a dict of bytes, path; give"),
    "no-rate": ({"array": VOICE}, "or with array and sampling_rate"),
    "two-paths": (("a.wav", "b.wav"), "'b.wav' is not a sample rate"),
    "two-channels": ((VOICE, VOICE), "is not a sample rate"),
    "rate-text": ((VOICE, "48000"), "'48000' is not a sample rate"),
    "object": (object(), "type object; give a path"),
    "column": (pandas.Series(["a.wav"]), "type Series; give a path"),
    "missing": (pandas.NA, "type NAType; give a path"),
    "text": (io.TextIOWrapper(io.BytesIO(b"\xff" + WAV), "utf-8"), "opened as text"),
    "asynchronous": (AsyncFile(), "'clip.wav' is read with await; give the bytes"),
    "odd-file": (SimpleNamespace(read=lambda size: VOICE), "gives ndarray, not bytes"),
}


@pytest.mark.parametrize(("clip", "words"), OTHER_KINDS.values(), ids=OTHER_KINDS)
def test_other_kinds_are_refused_with_what_to_pass(clip, words):
    assert_refused(clip, AudioError, words)


def test_a_file_that_was_read_to_its_end_is_told_so(tmp_path):
    (tmp_path / "clip.wav").write_bytes(WAV)
    with (tmp_path / "clip.wav").open("rb") as file:
        assert_same(file)
        assert_refused(file, EmptyAudioError, "'clip.wav' was read to its end before; open it")
    assert_refused(io.BytesIO(), EmptyAudioError, "is empty (0 bytes)")


@pytest.mark.parametrize(
    "address",
    ["https://example.org/a.wav?key=1", "hf://datasets/ada/voices/a.wav", "data:audio/wav,A"],
)
def test_an_address_is_not_fetched(address):
    for clip in (address, Path(address), {"bytes": None, "path": address}):
        words = "was not found, and addresses are not fetched; download it"
        assert_refused(clip, AudioNotFoundError, words)


def test_a_long_name_is_shortened():
    assert_refused("clip " * 5000, AudioNotFoundError, "…clip clip")


# One clip or several


@pytest.mark.parametrize(
    "clip",
    [
        "a.wav",
        Path("a.wav"),
        WAV,
        bytearray(WAV),
        {"bytes": WAV},
        (VOICE, 48000),
        (VOICE.tolist(), np.int64(48000)),
        (Tensor(VOICE), Tensor(48000)),
        (48000, VOICE),
        io.BytesIO(WAV),
        fastapi.UploadFile(io.BytesIO(WAV)),
        Decoder(),
        VOICE,
        Tensor(VOICE),
        Series(VOICE, is_numeric=True),
        None,
    ],
    ids=lambda clip: type(clip).__name__,
)
def test_one_clip_is_not_taken_for_several(clip):
    (found,) = each_clip(clip)
    assert found is clip


PATHS = ["a.wav", "b.wav"]


@pytest.mark.parametrize(
    "clips",
    [PATHS, tuple(PATHS), iter(PATHS), np.array(PATHS), pandas.Series(PATHS), Series(PATHS, False)],
    ids=lambda clips: type(clips).__name__,
)
def test_several_clips_are_taken_one_by_one(clips):
    assert list(each_clip(clips)) == PATHS


def test_a_pair_of_waveforms_is_two_clips():
    assert len(each_clip(((VOICE, 48000), (VOICE, 48000)))) == 2


def test_a_dict_without_a_sample_rate_is_told_what_to_hold():
    assert_refused({"array": VOICE, "sample_rate": 48000}, AudioError, "array and sampling_rate")


def test_the_sample_rate_of_a_dict_is_checked():
    assert_refused({"array": VOICE, "sampling_rate": 1}, InvalidSampleRateError, "1 Hz")
