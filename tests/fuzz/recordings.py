"""Mutants of recordings in many formats, and of the pictures and tags in them."""

import re

import numpy as np
from encoders import VOICE, encode, encode_film, encode_with_ffmpeg

from ser.audio.loading import load_audio
from ser.errors import AudioError

from .hostile import FILES

MAX_SECONDS = 10.0
MAX_BYTES = 700_000_000
RATE = 24_000  # Hz

SHORT = VOICE[24_000:36_000]
STEREO = np.stack([SHORT, SHORT[::-1]])
NAME = re.compile(rb"[A-Za-z][A-Za-z0-9 _]{3}|\x1a\x45\xdf\xa3")  # of a box, a chunk or a page
NUMBERS = 0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 62, (1 << 64) - 1


def seeds(folder):
    """Write short recordings; containers come with several codecs."""
    found = {
        "aac": encode_with_ffmpeg("adts", "aac", SHORT),
        "ac3": encode_with_ffmpeg("ac3", "ac3", SHORT),
        "aiff": encode("AIFF", "PCM_16", SHORT),
        "asf": encode_with_ffmpeg("asf", "libmp3lame", SHORT),
        "au": encode("AU", "PCM_16", SHORT),
        "avi": encode_with_ffmpeg("avi", "mp2", SHORT),
        "caf-alac": encode("CAF", "ALAC_16", SHORT),
        "caf-pcm": encode("CAF", "PCM_16", STEREO.T),
        "film": encode_film([SHORT, SHORT]),
        "flac": encode("FLAC", "PCM_16", STEREO.T),
        "flv": encode_with_ffmpeg("flv", "aac", SHORT, rate=44100),
        "m4a": encode_with_ffmpeg("ipod", "aac", SHORT, title="A title"),
        "m4a-alac": encode_with_ffmpeg("ipod", "alac", STEREO, layout="stereo"),
        "mka": encode_with_ffmpeg("matroska", "flac", SHORT, title="A title"),
        "mp3": encode_with_ffmpeg("mp3", "libmp3lame", SHORT, title="A title"),
        "mpeg": encode_with_ffmpeg("mpeg", "mp2", SHORT),
        "ogg-flac": encode_with_ffmpeg("ogg", "flac", SHORT),
        "ogg-opus": encode("OGG", "OPUS", SHORT),
        "ogg-vorbis": encode("OGG", "VORBIS", STEREO.T),
        "rf64": encode("RF64", "PCM_24", SHORT),
        "ts": encode_with_ffmpeg("mpegts", "aac", SHORT),
        "w64": encode("W64", "PCM_16", SHORT),
        "wav": encode("WAV", "PCM_16", STEREO.T),
        "wav-adpcm": encode("WAV", "IMA_ADPCM", SHORT),
        "wav-gsm": encode("WAV", "GSM610", SHORT),
        "webm": encode_with_ffmpeg("webm", "libopus", SHORT),
        "wv": encode_with_ffmpeg("wv", "wavpack", SHORT),
    }
    hostile = ("covers.m4a", "cover.flac", "cover.mp3", "samples.m4a", "tracks.m4a", "frames.m4a")
    found |= {kind: FILES[kind]() for kind in hostile}
    for kind, content in found.items():
        (folder / kind).write_bytes(content)
    return [folder / kind for kind in found]


def mutate(rng, seed, target):
    """Change a recording in one to eight ways."""
    content = bytearray(seed.read_bytes())
    for _ in range(rng.integers(1, 9)):
        content = WAYS[rng.integers(len(WAYS))](rng, content, seed.parent)
    target.write_bytes(content)


def check(path):
    """Read a recording as every way in does."""
    try:
        load_audio(path, RATE)
    except AudioError as error:
        return type(error).__name__
    return "read"


def _place(rng, content):
    """Choose a place: near the start or the end by preference, where headers are."""
    place = int(len(content) * rng.random() ** 3)
    return place if rng.random() < 0.7 else max(0, len(content) - 1 - place)


def _change_byte(rng, content, folder):
    if content:
        content[_place(rng, content)] = rng.integers(256)
    return content


def _write_number(rng, content, folder):
    """Write an extreme number at a place, or behind a name."""
    place = _place(rng, content)
    names = [match.end() for match in NAME.finditer(content)]
    if names and rng.random() < 0.8:
        place = names[rng.integers(len(names))] + int(rng.integers(-8, 32))
    size = int(rng.choice((1, 2, 4, 8)))
    number = NUMBERS[rng.integers(len(NUMBERS))] >> int(rng.integers(8)) * (rng.random() < 0.3)
    written = (number % (1 << 8 * size)).to_bytes(size, ("big", "little")[rng.integers(2)])
    place = max(0, place)
    content[place : place + size] = written
    return content


def _cut(rng, content, folder):
    return content[: _place(rng, content)] if rng.random() < 0.2 else content


def _remove(rng, content, folder):
    place = _place(rng, content)
    del content[place : place + int(2 ** (12 * rng.random()))]
    return content


def _repeat(rng, content, folder):
    place = _place(rng, content)
    piece = content[place : place + int(2 ** (10 * rng.random()))]
    return content[:place] + piece * int(rng.integers(2, 50)) + content[place + len(piece) :]


def _splice(rng, content, folder):
    """Go on as another recording."""
    others = sorted(folder.iterdir())
    other = others[rng.integers(len(others))].read_bytes()
    start = content[: _place(rng, content)]
    return start + other[_place(rng, other) :] if rng.random() < 0.3 else content + other


WAYS = (*[_write_number] * 4, *[_change_byte] * 3, _cut, _remove, _repeat, _splice)
