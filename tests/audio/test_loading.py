"""Audio in: every way to give a clip, every way a clip can be bad."""

import io
import os
import re
import struct
import tracemalloc

import numpy as np
import pytest
import soundfile
from encoders import EXACT, LOSSY, VOICE, encode, encode_video
from signals import noise, speech_like, tone

from ser import errors
from ser.audio import clips
from ser.audio.activity import find_speech
from ser.audio.loading import load_audio

RATE = 24000


def patch(content, offset, replacement):
    return content[:offset] + replacement + content[offset + len(replacement) :]


class Unseekable(io.RawIOBase):
    """What a socket or a pipe offers: bytes, a few at a time, once."""

    def __init__(self, content):
        self.content = io.BytesIO(content)

    def read(self, size=-1):
        return self.content.read(min(size, 1000))


# Every way to give a clip


def test_path_bytes_file_objects_and_array_give_the_same(tmp_path):
    stereo = np.stack([VOICE, 0.3 * np.roll(VOICE, 50)], axis=1)
    content = encode("FLAC", samples=stereo)
    path = tmp_path / "clip.flac"
    path.write_bytes(content)
    samples, rate = soundfile.read(path)

    expected = load_audio(path, RATE)

    assert expected.dtype == np.float32
    assert expected.shape == (len(samples) * RATE // rate,)
    with path.open("rb") as file:
        clips = [
            str(path),
            content,
            bytearray(content),
            memoryview(content),
            io.BytesIO(content),
            file,
            Unseekable(content),
            (samples, rate),
            (samples.T, rate),
            (samples.astype(np.float32), float(rate)),
            (soundfile.read(path, dtype="int16")[0], np.int64(rate)),
            (soundfile.read(path, dtype="int32")[0], rate),
            (samples.tolist(), rate),
        ]
        for clip in clips:
            np.testing.assert_array_equal(load_audio(clip, RATE), expected)
        assert not file.closed


def test_a_file_object_that_cannot_be_read_is_refused():
    file = io.BytesIO(encode("WAV"))
    file.close()
    with pytest.raises(errors.AudioError, match="open it again"):
        load_audio(file, RATE)


def test_whole_numbers_of_64_bits_in_a_file_are_scaled():
    content = bytearray(encode("WAV", "DOUBLE"))
    content[20:22] = struct.pack("<H", 1)  # PCM
    data = content.index(b"data") + 8
    content[data:] = (VOICE.astype(np.float64) * 2.0**62).astype("<i8").tobytes()
    expected = load_audio((VOICE / 2, 48000), RATE)
    np.testing.assert_allclose(load_audio(bytes(content), RATE), expected, rtol=0, atol=1e-6)


def test_file_object_is_read_from_its_position():
    content = encode("WAV")
    file = io.BytesIO(b"another thing" + content)
    file.seek(len(b"another thing"))
    np.testing.assert_array_equal(load_audio(file, RATE), load_audio(content, RATE))


def test_same_rate_leaves_samples_untouched():
    np.testing.assert_array_equal(load_audio((VOICE, 48000), 48000), VOICE)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 96000, 192000])
def test_any_sample_rate_keeps_pitch_level_and_length(rate):
    waveform = load_audio((tone(1.0, rate, frequency=1000.0, level=0.1), rate), RATE)
    assert len(waveform) == RATE
    middle = waveform[RATE // 4 : -RATE // 4]  # the filter rings at the ends
    expected = tone(1.0, RATE, frequency=1000.0, level=0.1)[RATE // 4 : -RATE // 4]
    np.testing.assert_allclose(middle, expected, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32])
def test_integers_are_scaled_about_their_middle(dtype):
    limits = np.iinfo(dtype)
    scaled = VOICE * limits.max if limits.min else (VOICE + 1) * (limits.max / 2)
    waveform = load_audio((scaled.astype(dtype), 48000), 48000)
    step = 2.0 / (int(limits.max) - int(limits.min))
    np.testing.assert_allclose(waveform, VOICE, rtol=0, atol=2 * step + 1e-7)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_are_kept_even_if_they_go_beyond_full_scale(dtype):
    samples = np.array([-3, 0, 1, 8], dtype)
    np.testing.assert_array_equal(load_audio((samples, 8000), 8000), [-3, 0, 1, 8])


@pytest.mark.parametrize("bits", [16, 24, 32])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_numbers_in_the_range_of_integers_are_scaled(bits, dtype):
    full_scale = 2.0 ** (bits - 1)
    samples = (VOICE / abs(VOICE).max() * (full_scale - 1)).astype(dtype)
    waveform = load_audio((samples, 48000), 48000)
    np.testing.assert_allclose(waveform, samples / full_scale, rtol=0, atol=2e-7)


def test_16_bits_in_wider_integers_are_taken_as_16_bits():
    samples = (VOICE * 2**15).astype(np.int16)
    expected = load_audio((samples, 48000), RATE)
    for dtype in (np.int32, np.int64):
        np.testing.assert_array_equal(load_audio((samples.astype(dtype), 48000), RATE), expected)


def test_a_float_file_in_the_range_of_integers_is_recognised_at_its_scale(recognizer):
    content = encode("WAV", "FLOAT", VOICE * 2**15)
    np.testing.assert_allclose(load_audio(content, 48000), VOICE, rtol=0, atol=1e-7)
    assert not any("clipped" in warning for warning in recognizer.predict(content).warnings)


# Channels


def test_equal_channels_are_mono():
    stereo = np.stack([VOICE, VOICE], axis=1)
    np.testing.assert_array_equal(load_audio((stereo, 48000), 48000), VOICE)


@pytest.mark.parametrize("level", [0.0, 1e-5])
@pytest.mark.parametrize("channels", [2, 6])
def test_silent_channels_do_not_weaken_a_voice(level, channels):
    clip = level * noise(len(VOICE) / 48000 * channels, 48000).reshape(-1, channels)
    clip[:, 1] = VOICE
    np.testing.assert_array_equal(load_audio((clip, 48000), 48000), VOICE)


def test_different_channels_are_averaged():
    other = noise(len(VOICE) / 48000, 48000, level=0.05)
    stereo = np.stack([VOICE, other], axis=1)
    np.testing.assert_allclose(
        load_audio((stereo, 48000), 48000), (VOICE + other) / 2, rtol=0, atol=1e-7
    )


def test_channels_that_cancel_give_the_loudest():
    stereo = np.stack([-0.9 * VOICE, VOICE], axis=1)
    np.testing.assert_array_equal(load_audio((stereo, 48000), 48000), VOICE)


def test_silence_stays_silence():
    waveform = load_audio((np.zeros((48000, 2)), 48000), RATE)
    assert waveform.shape == (RATE,)
    assert not waveform.any()


def test_many_channels():
    clip = np.tile(VOICE[:, np.newaxis], 32)
    np.testing.assert_allclose(load_audio(encode("WAV", "FLOAT", clip), 48000), VOICE, rtol=1e-5)


# Headers that lie, files that break off


def quiet_recording(background):
    """Two seconds of quiet speech between pauses in which some background comes and goes."""
    hum = tone(1.0, 48000, frequency=100.0, level=background)
    pause = np.where(np.arange(48000) // 12000 % 2, hum, 1e-3)
    voice = speech_like(seconds=2.0, sample_rate=48000, level=0.01)[24000:-24000]
    return np.concatenate([pause, voice, pause])


def test_rounding_to_8_bits_is_not_taken_for_sound():
    samples = quiet_recording(background=1e-3)
    fine, coarse = (
        find_speech(load_audio(encode("WAV", subtype, samples), RATE), RATE)
        for subtype in ("PCM_16", "PCM_U8")
    )
    assert abs(coarse.start - fine.start) < 0.1 * RATE
    assert abs(coarse.stop - fine.stop) < 0.1 * RATE


def test_a_recording_of_rounding_alone_is_left_as_it_is():
    clip = load_audio(encode("WAV", "PCM_U8", 1e-3 * noise(1, 48000, level=1.0)), RATE)
    assert 0 < np.abs(clip).max() < 2 * 2**-7


@pytest.mark.parametrize("size", [0, 0x7FFFFFF0, 0xFFFFFFFF])
def test_wav_with_a_wrong_size_is_read_to_its_end(size):
    content = encode("WAV")
    content = patch(content, 4, struct.pack("<I", size))
    content = patch(content, 40, struct.pack("<I", size))
    np.testing.assert_array_equal(load_audio(content, RATE), load_audio(encode("WAV"), RATE))


@pytest.mark.parametrize("claim", [b"\xf0\0\0\0\0", b"\xff\xff\xff\xff\xff"])
def test_flac_with_a_wrong_length_is_read_to_its_end(claim):
    content = patch(encode("FLAC"), 21, claim)  # the last bytes count the samples: none, 2**36
    waveform = load_audio(content, 48000)
    assert len(VOICE) - 4096 <= len(waveform) <= len(VOICE)  # a frame of FLAC
    np.testing.assert_allclose(waveform, VOICE[: len(waveform)], rtol=0, atol=2**-15)


@pytest.mark.parametrize("kind", ["wav-16", "flac-16", "aiff", "mp3", "ogg-opus", "aac", "webm"])
def test_what_is_there_of_a_truncated_file_is_read(kind):
    content = LOSSY[kind] if kind in LOSSY else EXACT[kind][0]
    waveform = load_audio(content[: len(content) * 3 // 4], RATE)
    assert 0.25 < len(waveform) / (len(VOICE) / 2) < 0.9
    assert waveform.any()


def test_damaged_packet_costs_only_itself():
    content = bytearray(LOSSY["aac"])
    middle = content.find(b"\xff\xf1", len(content) // 2)
    content[middle + 8 : middle + 60] = bytes(52)
    assert len(load_audio(bytes(content), RATE)) > len(VOICE) / 2 * 0.9


# Clips that cannot be used

WAV = encode("WAV")
BAD_FILES = {
    "empty": (b"", errors.EmptyAudioError, "is empty (0 bytes)"),
    "no-samples": (encode("WAV", samples=VOICE[:0]), errors.EmptyAudioError, "holds no samples"),
    "text": (b"Not a sound.\n" * 99, errors.UnreadableAudioError, "is not audio"),
    "utf-16": ("Text\n".encode("utf-16") * 99, errors.UnreadableAudioError, "is not audio"),
    "zeros": (bytes(9999), errors.UnreadableAudioError, "is not audio"),
    "png": (
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0\x90wS\xde",
        errors.UnreadableAudioError,
        "is not audio",
    ),
    "webp": (b"RIFF\x24\0\0\0WEBPVP8 " + bytes(24), errors.UnreadableAudioError, "is not audio"),
    "film": (encode_video(), errors.UnreadableAudioError, "has no audio track"),
    "wav-cut-4": (WAV[:4], errors.TruncatedAudioError, "cut off or damaged"),
    "wav-cut-20": (WAV[:20], errors.TruncatedAudioError, "cut off or damaged"),
    "wav-cut-44": (WAV[:44], errors.TruncatedAudioError, "cut off or damaged"),
    "flac-cut-42": (encode("FLAC")[:42], errors.TruncatedAudioError, "cut off or damaged"),
    "flac-cut-200": (encode("FLAC")[:200], errors.TruncatedAudioError, "cut off or damaged"),
    "mp3-cut-300": (LOSSY["mp3"][:300], errors.TruncatedAudioError, "cut off or damaged"),
    "ogg-cut": (LOSSY["ogg-vorbis"][:4500], errors.TruncatedAudioError, "cut off or damaged"),
    "m4a-cut": (LOSSY["m4a"][:5000], errors.TruncatedAudioError, "cut off or damaged"),
    "webm-cut": (LOSSY["webm"][:300], errors.TruncatedAudioError, "cut off or damaged"),
    "wav-codec": (patch(WAV, 20, b"wx"), errors.TruncatedAudioError, "cut off or damaged"),
    "webm-codec": (
        LOSSY["webm"].replace(b"A_OPUS", b"A_XXXX"),
        errors.TruncatedAudioError,
        "cut off or damaged",
    ),
    "rate-low": (
        encode("WAV", rate=4000),
        errors.InvalidSampleRateError,
        "4000 Hz; give one of 8000 to 192000 Hz",
    ),
    "rate-high": (encode("WAV", rate=384000), errors.InvalidSampleRateError, "384000 Hz"),
    "nan": (
        encode("WAV", "FLOAT", np.array([0.0, np.nan, 1.0] * 4000)),
        errors.NonFiniteAudioError,
        "holds a sample of nan",
    ),
}

BAD_CLIPS = {
    "none": (None, errors.AudioError, "NoneType"),
    "array-alone": (VOICE, errors.AudioError, "type ndarray; give a path, bytes"),
    "list": ([VOICE, 48000], errors.AudioError, "type list"),
    "text-file": (io.StringIO("text"), errors.AudioError, "opened as text"),
    "triple": ((VOICE, 48000, 1), errors.AudioError, "tuple of 3"),
    "swapped": ((48000, VOICE), errors.AudioError, "give (waveform, sample_rate)"),
    "no-rate": ((VOICE, None), errors.InvalidSampleRateError, "None is not a sample rate"),
    "rate-nan": ((VOICE, np.nan), errors.InvalidSampleRateError, "nan Hz"),
    "rate-negative": ((VOICE, -48000), errors.InvalidSampleRateError, "-48000 Hz"),
    "complex": ((VOICE + 0j, 48000), errors.AudioError, "complex64"),
    "booleans": ((VOICE > 0, 48000), errors.AudioError, "bool"),
    "strings": ((["a", "b"], 48000), errors.AudioError, "<U1"),
    "objects": (([None, {}], 48000), errors.AudioError, "object"),
    "ragged": (([[0.1, 0.2], [0.3]], 48000), errors.AudioError, "differ in length"),
    "scalar": ((np.array(1.0), 48000), errors.AudioError, "shape is ()"),
    "3-d": ((np.zeros((2, 3, 4)), 48000), errors.AudioError, "shape is (2, 3, 4)"),
    "no-samples": ((np.zeros((2, 0)), 48000), errors.EmptyAudioError, "holds no samples"),
    "infinite": ((np.array([0, -np.inf]), 48000), errors.NonFiniteAudioError, "-inf"),
    "huge": ((np.array([0, 1e300]), 48000), errors.NonFiniteAudioError, "a sample of inf"),
    "absurd": ((np.array([0, 1e30]), 48000), errors.NonFiniteAudioError, "a sample of 1e+30"),
}


def assert_one_sentence(error):
    message = str(error.value)
    assert re.fullmatch(r"[^\n]+; [^\n;]+\.", message), message
    assert len(message) < 150


@pytest.mark.parametrize(("content", "kind", "words"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_file_is_refused_with_one_sentence(tmp_path, content, kind, words, capfd):
    path = tmp_path / "my clip.wav"
    path.write_bytes(content)
    for clip, name in ((path, "'my clip.wav'"), (content, "The clip"), (Unseekable(content), "")):
        with pytest.raises(kind, match=re.escape(words)) as error:
            load_audio(clip, RATE)
        assert_one_sentence(error)
        assert str(error.value).startswith(name)
        assert str(tmp_path) not in str(error.value)
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(("clip", "kind", "words"), BAD_CLIPS.values(), ids=BAD_CLIPS)
def test_bad_clip_is_refused_with_one_sentence(clip, kind, words):
    with pytest.raises(kind, match=re.escape(words)) as error:
        load_audio(clip, RATE)
    assert_one_sentence(error)


@pytest.mark.parametrize("name", ["none.wav", "none/clip.wav", "x" * 300, "a\0b", "http://x/y.wav"])
def test_missing_file(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(errors.AudioNotFoundError, match="was not found"):
        load_audio(name, RATE)


def test_folder_and_device(tmp_path):
    with pytest.raises(errors.AudioNotFoundError, match="is a folder; give the path"):
        load_audio(tmp_path, RATE)
    with pytest.raises(errors.AudioNotFoundError, match="is not a file; give the path"):
        load_audio(os.devnull, RATE)


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{path}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {path}\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n",
    ],
    ids=["hls", "concat", "sdp"],
)
def test_clip_that_names_another_file_does_not_open_it(tmp_path, monkeypatch, playlist):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.m4a").write_bytes(LOSSY["m4a"])
    path = tmp_path / "clip.m3u8"
    path.write_text(playlist.format(path="secret.m4a"))
    with pytest.raises(errors.UnreadableAudioError, match="is not audio"):
        load_audio(path, RATE)


# Clips that are too long


@pytest.mark.parametrize("kind", ["wav-16", "flac-16", "mp3", "m4a", "webm"])
def test_longer_than_the_limit_is_refused(kind):
    content = LOSSY[kind] if kind in LOSSY else EXACT[kind][0]
    assert load_audio(content, RATE, max_duration=2.1).any()
    with pytest.raises(errors.AudioTooLongError, match=r"longer than the limit of 1\.9 s") as error:
        load_audio(content, RATE, max_duration=1.9)
    assert_one_sentence(error)


def test_limit_is_ten_minutes():
    load_audio((np.zeros(8000 * 600), 8000), 8000)
    with pytest.raises(errors.AudioTooLongError, match="limit of 600 s"):
        load_audio((np.zeros(8000 * 600 + 1), 8000), 8000)


@pytest.mark.parametrize("limit", [10.0, 60.0])
def test_small_file_with_much_sound_takes_little_memory(tmp_path, limit):
    path = tmp_path / "long.flac"
    soundfile.write(path, np.zeros((20 * 96000, 8), np.int16), 96000)  # 61 MB as float32
    assert path.stat().st_size < 100_000
    tracemalloc.start()
    try:
        if limit < 20:
            with pytest.raises(errors.AudioTooLongError):
                load_audio(path, 8000, max_duration=limit)
        else:
            assert load_audio(path, 8000, max_duration=limit).shape == (160_000,)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 24_000_000


def test_endless_file_object_is_refused(monkeypatch):
    class Endless(io.RawIOBase):
        def read(self, size=-1):
            return bytes(size)

    monkeypatch.setattr(clips, "SIZE_LIMIT", 5 << 20)
    with pytest.raises(errors.AudioTooLongError, match="larger than the limit of 5 MiB") as error:
        load_audio(Endless(), RATE)
    assert_one_sentence(error)


# Real recordings


def test_ravdess_recordings(ravdess_speech):
    folder = ravdess_speech / "Actor_01"
    paths = sorted(folder.glob("*.flac"))[:10]
    paths.append(folder / "03-01-02-01-01-02-01.flac")  # one of the few in stereo
    for path in paths:
        samples, rate = soundfile.read(path, always_2d=True)
        waveform = load_audio(path, RATE)
        assert len(waveform) == pytest.approx(len(samples) * RATE / rate, abs=1)
        assert np.std(waveform) == pytest.approx(np.std(samples[:, 0]), rel=0.05)
