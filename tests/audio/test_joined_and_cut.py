"""Files that were joined, cut short or damaged, and films of several sound tracks."""

import struct
import tempfile

import numpy as np
import pytest
from encoders import EXACT, LOSSY, VOICE, encode, encode_film, encode_with_ffmpeg
from signals import speech_like

from ser.audio.loading import load_audio, read_recording
from ser.audio.parts import Part
from ser.errors import AudioTooLongError

RATE = 24000
STEREO = np.stack([VOICE, VOICE])
LOW = VOICE[::2].copy()  # at half the sample rate

FILMS = {
    "mts": encode_with_ffmpeg("mpegts", "ac3"),
    "ts": encode_with_ffmpeg("mpegts", "aac"),
    "mpg": encode_with_ffmpeg("mpeg", "mp2"),
    "vob": encode_with_ffmpeg("vob", "ac3"),
    "flv": encode_with_ffmpeg("flv", "aac"),
    "avi": encode_with_ffmpeg("avi", "mp2"),
    "eac3": encode_with_ffmpeg("eac3", "eac3"),
}
OTHERS = {
    "asf": encode_with_ffmpeg("asf", "libmp3lame"),
    "mp3-in-wav": encode_with_ffmpeg("wav", "libmp3lame"),
    "w64": encode("W64", "PCM_16"),
    "wv": encode_with_ffmpeg("wv", "wavpack"),
}
WHOLE = {kind: content for kind, (content, _) in EXACT.items()} | LOSSY | FILMS | OTHERS

TAG_AT_END = b"TAG" + b"A song".ljust(125, b"\0")
TAG_AT_START = b"ID3\x03\0\0\0\0\x0f\x76" + bytes(2038)
PICTURE_AT_START = b"ID3\x03\0\0\0\x06\0\0" + bytes(6 << 14)


def with_data_twice(wav):
    data = wav.index(b"data")
    content = wav + wav[data:]
    return content[:4] + struct.pack("<I", len(content) - 8) + content[8:]


def with_frame_count(mp3, count):
    place = mp3.index(b"Xing") + 8
    return mp3[:place] + struct.pack(">I", count) + mp3[place + 4 :]


def with_size(wav, size):
    return wav[:4] + struct.pack("<I", size) + wav[8:40] + struct.pack("<I", size) + wav[44:]


def as_stream(asf):
    """Mark a file as one whose length was not yet known when its header was written."""
    place = asf.index(bytes.fromhex("a1dcab8c47a9cf11")) + 88
    return asf[:place] + b"\3" + asf[place + 1 :]


def cut(content):
    return content[: len(content) * 3 // 4]


JOINED = {
    **{kind: content * 2 for kind, content in WHOLE.items()},
    "wav-chunks": with_data_twice(encode("WAV")),
    "wav-streams": with_size(encode("WAV"), 0xFFFFFFFF) * 2,
    "wav-other": encode("WAV") + encode("WAV", "PCM_24", LOW, rate=24000),
    "flac-stereo": encode("FLAC") + encode("FLAC", samples=STEREO.T),
    "flac-rate": encode("FLAC") + encode("FLAC", samples=LOW, rate=24000),
    "vorbis-stereo": LOSSY["ogg-vorbis"] + encode("OGG", "VORBIS", STEREO.T),
    "opus-and-vorbis": LOSSY["ogg-opus"] + LOSSY["ogg-vorbis"],
    "mp3-stereo": LOSSY["mp3"] + encode("MP3", samples=STEREO.T),
    "mp3-tags": LOSSY["mp3"] + TAG_AT_END + TAG_AT_START + LOSSY["mp3"],
    "aac-stereo": LOSSY["aac"] + encode_with_ffmpeg("adts", "aac", STEREO, layout="stereo"),
    "aac-rate": LOSSY["aac"] + encode_with_ffmpeg("adts", "aac", LOW, rate=24000),
    "mp3-pictures": (PICTURE_AT_START + LOSSY["mp3"]) * 2,
    "mp3-count": with_frame_count(LOSSY["mp3"] * 2, 10),
}


@pytest.mark.parametrize("content", JOINED.values(), ids=JOINED)
def test_of_joined_recordings_all_is_heard(content):
    recording = read_recording(content, RATE)
    assert recording.waveform.size == pytest.approx(4 * RATE, abs=0.12 * RATE)
    first, second = np.split(recording.waveform, 2)
    assert np.std(first) == pytest.approx(np.std(VOICE), rel=0.1)
    assert np.std(second) == pytest.approx(np.std(VOICE), rel=0.1)
    assert recording.notes == ()


@pytest.mark.parametrize("kind", ["flac-16", "ogg-vorbis", "wav-24"])
def test_joined_files_give_the_samples_of_each(kind):
    alone = load_audio(WHOLE[kind], 48000)
    np.testing.assert_array_equal(load_audio(WHOLE[kind] * 2, 48000), np.tile(alone, 2))


def test_joined_recordings_together_are_no_longer_than_the_limit():
    content = encode("FLAC") + encode("FLAC", samples=LOW, rate=24000)
    assert load_audio(content, RATE, max_duration=4.1).any()
    with pytest.raises(AudioTooLongError):
        load_audio(content, RATE, max_duration=3.9)


# Files that are cut short


SAYS_ITS_LENGTH = ["wav-8", "wav-16", "wav-24", "wav-float", "rf64", "aiff", "au", "caf", "flac-16"]
SAYS_ITS_LENGTH += [
    "flac-24",
    "mkv-pcm",
    "mp3",
    "ogg-vorbis",
    "ogg-opus",
    "aac",
    "webm",
    "flv",
    *OTHERS,
]


@pytest.mark.parametrize("kind", SAYS_ITS_LENGTH)
def test_a_file_that_is_cut_short_is_said_to_be(kind):
    (note,) = read_recording(cut(WHOLE[kind]), RATE).notes
    assert "cut short" in note or "damaged" in note
    assert note.endswith(".")


def test_of_joined_files_one_that_cannot_be_decoded_is_told():
    recording = read_recording(encode("FLAC") + encode("FLAC")[:400], RATE)
    assert recording.waveform.size == 2 * RATE
    assert "damaged" in recording.notes[0]


def test_a_film_that_is_cut_short_is_said_to_be():
    film = encode_film([VOICE], options={"moov_size": "20000"})  # the header comes first
    assert read_recording(film, RATE).notes == ()
    (note,) = read_recording(cut(film), RATE).notes
    assert "cut short" in note


@pytest.mark.parametrize("kind", ["mp3", "m4a", "m4a-alac", "aac", "flac-16", "ogg-opus"])
def test_a_file_with_packets_that_cannot_be_decoded_is_said_to_be_damaged(kind):
    content = bytearray(WHOLE[kind])
    middle = len(content) // 2
    content[middle : middle + 4000] = bytes(4000)
    (note,) = read_recording(bytes(content), RATE).notes
    assert "damaged" in note


ORDINARY = {
    **WHOLE,
    "tags": TAG_AT_START + LOSSY["mp3"] + TAG_AT_END,
    "junk": LOSSY["mp3"] + b"junk" * 500,
    "no-count": LOSSY["mp3"][LOSSY["mp3"].index(b"\xff\xfb", 4) :],
    "flac-tag": EXACT["flac-16"][0] + TAG_AT_END,
    "zeros-after-samples": encode("WAV") + bytes(10_000),
    "chunk-after-samples": encode("WAV") + b"LIST\4\0\0\0abcd",
    "film": encode_film([VOICE[: len(VOICE) // 2]]),  # whose picture lasts longer
    "stream-0": with_size(encode("WAV"), 0),
    "stream-max": with_size(encode("WAV"), 0xFFFFFFFF),
    "stream-ffmpeg": with_size(encode("WAV"), 0xFFFFFFFF - 36),
    "stream-sox": with_size(encode("WAV"), 0x7FFFFFF0),
    "stream-aiff": encode("AIFF").replace(b"SSND" + struct.pack(">I", 96008), b"SSND\x7f\0\0\x08"),
    "stream-asf": as_stream(OTHERS["asf"]),
}


@pytest.mark.parametrize("content", ORDINARY.values(), ids=ORDINARY)
def test_an_ordinary_file_gets_no_note(content):
    assert read_recording(content, RATE).notes == ()


def test_real_recordings_get_no_note(shared):
    paths = sorted((shared / "ravdess").rglob("*.flac"))[::97]
    paths += sorted((shared / "crema_d").rglob("*.flac"))[::97]
    assert paths
    assert [path for path in paths if read_recording(path, RATE).notes] == []


def test_notes_are_reasons_to_doubt_a_prediction_and_a_timeline(recognizer):
    content = encode("WAV", samples=speech_like(), rate=RATE)
    (note,) = read_recording(cut(content), RATE).notes
    assert note in recognizer.predict(cut(content)).warnings
    assert note in recognizer.predict(read_recording(cut(content), RATE)).warnings
    assert recognizer.timeline(cut(content)).to_dict()["warnings"] == [note]
    assert note not in recognizer.predict(content).warnings


def test_a_recording_is_taken_as_a_clip_at_any_sample_rate():
    recording = read_recording(encode("WAV"), 48000)
    expected = load_audio(encode("WAV"), RATE)
    np.testing.assert_array_equal(load_audio(recording, RATE), expected)
    assert load_audio(recording, 48000) is recording.waveform


@pytest.mark.parametrize("kind", ["wav-8", "wav-16", "wav-24"])
def test_samples_that_a_header_does_not_count_are_heard(kind):
    content = WHOLE[kind]
    recording = read_recording(with_size(content, len(content) // 2), RATE)
    np.testing.assert_array_equal(recording.waveform, load_audio(content, RATE))
    assert recording.notes == ()


def test_pauses_of_amr_are_silence_and_not_damage():
    speech = bytes([0x3C, *range(31)]) * 25
    recording = read_recording(b"#!AMR\n" + speech + b"\x7c" * 25 + speech, RATE)
    assert recording.waveform.size == 1.5 * RATE
    assert not recording.waveform[RATE * 6 // 10 : RATE * 9 // 10].any()
    assert recording.notes == ()


def test_what_lies_beyond_the_end_of_a_file_is_nothing():
    with tempfile.TemporaryFile() as file:
        file.write(b"content")
        part = Part(file, 0, 7)
        part.seek(1 << 61)
        assert part.read(1) == b""


# Films


@pytest.mark.parametrize("content", FILMS.values(), ids=FILMS)
def test_films_are_read(content):
    waveform = load_audio(content, RATE)
    expected = load_audio((VOICE, 48000), RATE)
    assert waveform.size == pytest.approx(expected.size, abs=0.1 * RATE)
    likeness = np.correlate(np.pad(waveform, 2000), expected[2000:-2000])
    assert likeness.max() / np.linalg.norm(waveform) / np.linalg.norm(expected) > 0.95


SILENCE = np.zeros_like(VOICE)


@pytest.mark.parametrize("container", ["mp4", "matroska", "mpegts"])
@pytest.mark.parametrize(
    ("tracks", "note"),
    [
        ([SILENCE, VOICE], "It has 2 sound tracks: track 2 is used, the first that is not silent."),
        (
            [SILENCE, SILENCE, VOICE / 4, VOICE],
            "It has 4 sound tracks: track 3 is used, the first that is not silent.",
        ),
        ([VOICE / 4, VOICE], "It has 2 sound tracks: track 1 is used."),
        ([SILENCE, SILENCE], "It has 2 sound tracks: track 1 is used."),
    ],
    ids=["second", "third", "first", "none"],
)
def test_the_first_track_with_sound_is_used_and_that_is_said(container, tracks, note):
    recording = read_recording(encode_film(tracks, container), RATE)
    used = int(note.split("track ")[1][0])
    assert np.std(recording.waveform) == pytest.approx(np.std(tracks[used - 1]), rel=0.1)
    assert recording.notes == (note,)


# What is printed


@pytest.mark.parametrize(
    "content",
    [
        LOSSY["mp3"],
        cut(LOSSY["mp3"]),
        LOSSY["mp3"] * 2,
        with_frame_count(LOSSY["mp3"], 5000),
        OTHERS["mp3-in-wav"],
        LOSSY["mp3"][:3000] + bytes(500) + LOSSY["mp3"][3500:],
        bytes(3000) + LOSSY["mp3"],
        TAG_AT_START + TAG_AT_START + LOSSY["mp3"] + TAG_AT_END,
    ],
    ids=["whole", "cut", "joined", "count", "in-wav", "damaged", "zeros", "tags"],
)
def test_nothing_is_printed_of_an_mp3(content, capfd):
    assert load_audio(content, RATE).any()
    assert capfd.readouterr() == ("", "")
