"""Mutants of recordings."""

import numpy as np
from encoders import EXACT, LOSSY

from ser.audio.loading import load_audio
from ser.errors import AudioError

MAX_SECONDS = 10.0
MAX_BYTES = 700_000_000
RATE = 24_000  # Hz


def seeds(folder):
    """Write a recording of each format."""
    found = {kind: content for kind, (content, _) in EXACT.items()} | LOSSY
    for kind, content in found.items():
        (folder / kind).write_bytes(content)
    return sorted(folder.iterdir())


def mutate(rng, seed, target):
    """Change some bytes, by preference where headers are."""
    content = np.frombuffer(seed.read_bytes(), np.uint8).copy()
    for place in (len(content) * rng.random(rng.integers(1, 20)) ** 4).astype(int):
        content[place] = rng.choice((0, 0x7F, 0x80, 0xFF, rng.integers(256)))
    target.write_bytes(content.tobytes())


def check(path):
    """Read a recording as every way in does."""
    try:
        load_audio(path, RATE)
    except AudioError as error:
        return type(error).__name__
    return "read"
