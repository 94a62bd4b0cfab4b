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


@pytest.fixture(scope="module")
def page(browser, app):
    """Return a visitor's page, with which the tests of a module go on: opening one is slow."""
    page = open_page(browser, app.url)
    page.locator("#ser-why .ser-result").wait_for()  # the last that it opens with
    yield page
    page.context.close()


@pytest.fixture
def visitor(browser, app):
    """Return the page of a visitor who has just come."""
    page = open_page(browser, app.url)
    yield page
    page.context.close()
