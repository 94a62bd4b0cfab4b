"""Every format gives the same clip, and the same emotion."""

import io
from functools import partial

import av
import numpy as np
import pytest
from encoders import EXACT, LOSSY, VOICE, encode, encode_with_ffmpeg

from ser.audio.loading import load_audio

RATE = 24000


@pytest.mark.parametrize(("content", "error"), EXACT.values(), ids=EXACT)
def test_lossless_formats_give_the_samples(content, error):
    np.testing.assert_allclose(load_audio(content, 48000), VOICE, rtol=0, atol=error)


@pytest.mark.parametrize("content", LOSSY.values(), ids=LOSSY)
def test_lossy_formats_give_the_voice(content):
    waveform = load_audio(content, RATE)
    expected = load_audio((VOICE, 48000), RATE)
    assert abs(len(waveform) - len(expected)) < 0.1 * RATE
    # Encoders add a delay, so the match is looked for around its place.
    likeness = np.correlate(np.pad(waveform, 2000), expected[2000:-2000])
    scale = np.linalg.norm(waveform) * np.linalg.norm(expected)
    assert likeness.max() / scale > 0.95


@pytest.mark.parametrize("name", ["clip.wav", "clip.raw", "clip.mp3", "clip.m3u8", "clip", "a b%d"])
@pytest.mark.parametrize("kind", ["webm", "mp3", "aiff", "m4a", "wav-16"])
def test_content_decides_not_the_name(tmp_path, name, kind):
    content = LOSSY[kind] if kind in LOSSY else EXACT[kind][0]
    path = tmp_path / name
    path.write_bytes(content)
    np.testing.assert_array_equal(load_audio(path, RATE), load_audio(content, RATE))


def test_stereo_m4a_with_one_silent_channel_is_mono():
    stereo = np.stack([np.zeros_like(VOICE), VOICE])
    waveform = load_audio(encode_with_ffmpeg("ipod", "alac", stereo, layout="stereo"), 48000)
    np.testing.assert_allclose(waveform, VOICE, rtol=0, atol=2**-15)


@pytest.mark.parametrize(("container", "codec"), [("mp4", "aac"), ("webm", "libopus")])
def test_eight_channels_are_mixed(container, codec):
    spoken = np.tile(VOICE, (8, 1))
    content = encode_with_ffmpeg(container, codec, spoken, layout="7.1")
    waveform = load_audio(content, RATE)
    assert waveform.size == pytest.approx(VOICE.size / 2, abs=3000)
    assert np.std(waveform) > 0.3 * np.std(VOICE)


def test_what_follows_damage_is_kept():
    content = bytearray(encode("FLAC", "PCM_16", np.tile(VOICE, 8)))
    content[len(content) // 3] ^= 0xFF
    waveform = load_audio(bytes(content), RATE)
    assert waveform.size > 0.9 * 8 * VOICE.size / 2


def test_mp3_among_junk():
    tag = b"ID3\x03\x00\x00\x00\x00\x0f\x76" + bytes(2038)
    for content in (tag + LOSSY["mp3"], bytes(3000) + LOSSY["mp3"], LOSSY["mp3"] + b"junk" * 500):
        assert len(load_audio(content, RATE)) == pytest.approx(len(VOICE) / 2, abs=3000)


def test_tag_in_another_encoding():
    content = encode_with_ffmpeg("ipod", "aac", title="Kafee").replace(b"Kafee", b"Caf\xe9!")
    assert load_audio(content, RATE).any()


def test_sound_of_a_film_is_read():
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        video = output.add_stream("mpeg4", rate=10)
        video.width = video.height = 64
        sound = output.add_stream("aac", rate=48000, layout="mono")
        output.mux(video.encode(av.VideoFrame(64, 64, "yuv420p")))
        frame = av.AudioFrame.from_ndarray(VOICE[np.newaxis, :1024], format="fltp", layout="mono")
        frame.rate = 48000
        for stream, part in ((video, None), (sound, frame), (sound, None)):
            output.mux(stream.encode(part))
    assert load_audio(file.getvalue(), RATE).any()


# Real recordings


@pytest.fixture(scope="module")
def recordings(recognizer, ravdess_speech):
    """Return recordings, as loud as they are, and what is recognised in them."""
    recordings = []
    for path in sorted(ravdess_speech.glob("*/*.flac"))[::251]:  # of six emotions
        clip = load_audio(path, 48000)
        recordings.append((clip, recognizer.predict((clip, 48000))))
    return recordings


LOSSLESS_ENCODERS = {
    "wav-16": partial(encode, "WAV", "PCM_16"),
    "wav-24": partial(encode, "WAV", "PCM_24"),
    "wav-float": partial(encode, "WAV", "FLOAT"),
    "flac": partial(encode, "FLAC", "PCM_16"),
}
LOSSY_ENCODERS = {
    "mp3": partial(encode, "MP3", None),
    "ogg": partial(encode, "OGG", "VORBIS"),
    "opus": partial(encode, "OGG", "OPUS"),
    "m4a": partial(encode_with_ffmpeg, "ipod", "aac"),
    "webm": partial(encode_with_ffmpeg, "webm", "libopus"),
}


@pytest.mark.parametrize("store", LOSSLESS_ENCODERS.values(), ids=LOSSLESS_ENCODERS)
def test_lossless_formats_give_the_probabilities(recognizer, recordings, store):
    for clip, expected in recordings:
        probabilities = recognizer.predict(store(clip)).probabilities
        assert probabilities == pytest.approx(expected.probabilities, abs=0.01)


def test_eight_bits_of_a_loud_enough_recording_give_the_emotion(recognizer, recordings):
    for clip, expected in recordings:
        loud = clip * 0.7 / abs(clip).max()  # some span a step or two, which nothing brings back
        assert recognizer.predict(encode("WAV", "PCM_U8", loud)).emotion == expected.emotion


@pytest.mark.parametrize("store", LOSSY_ENCODERS.values(), ids=LOSSY_ENCODERS)
def test_lossy_formats_give_nearly_the_probabilities(recognizer, recordings, store):
    for clip, expected in recordings:
        probabilities = recognizer.predict(store(clip)).probabilities
        assert probabilities == pytest.approx(expected.probabilities, abs=0.15)
