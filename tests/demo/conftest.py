"""Fixtures of the tests in a browser, which each module starts with a microphone of its own."""

import numpy as np
import pytest
import soundfile
from browser import open_page
from signals import speech_like

RATE = 24000


@pytest.fixture(scope="session")
def four_voices(tmp_path_factory):
    """Return a recording of four made-up voices, one after the other."""
    path = tmp_path_factory.mktemp("clips") / "long.wav"
    parts = [speech_like(pitch=110 + 50 * seed, seed=seed) for seed in range(4)]
    soundfile.write(path, np.concatenate(parts), RATE, subtype="PCM_16")
    return path


@pytest.fixture(autouse=True)
def log_of_this_test(request):
    """Forget what the shared app logged of earlier tests, as gradio does of a closed page."""
    if "app" in request.fixturenames:
        request.getfixturevalue("app").logged()


@pytest.fixture
def page(browser, app):
    """Return the page of a new visitor."""
    page = open_page(browser, app.url)
    yield page
    page.context.close()
