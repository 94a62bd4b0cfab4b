"""The small corpus on disk."""

import pytest
import soundfile
from signals import speech_like
from small_corpus import ACTORS, PITCH, RATE


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """Keep what the studies derive out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("voices")
    for actor in ACTORS:
        for emotion, pitch in PITCH.items():
            for repetition in (1, 2):
                name = f"03-01-{emotion:02}-01-01-{repetition:02}-{actor:02}.wav"
                seed = 1000 * actor + 10 * emotion + repetition
                waveform = speech_like(0.8, RATE, pitch=pitch * (1 + actor / 100), seed=seed)
                soundfile.write(folder / name, waveform, RATE)
    return folder
