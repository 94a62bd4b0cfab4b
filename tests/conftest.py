"""Fixtures that several test modules share."""

from pathlib import Path

import pytest
from hub_machine import hub, machine, session_hub  # noqa: F401 - fixtures
from hub_model import files, folder, xet_hub, xet_machine  # noqa: F401 - fixtures
from running_app import app, recognizer  # noqa: F401 - fixtures

SHARED = Path(__file__).resolve().parents[2] / "shared"
TESTS = Path(__file__).resolve().parent
SLOW_FIXTURES = {"app", "browser", "installed", "machine", "ravdess_speech", "session_hub"}
"""What starts servers, browsers and other processes, installs, or reads many recordings."""
SLOW_FILES = (
    *("audio/test_hostile", "audio/test_isolation", "audio/test_speech_check"),
    *("cli/test_train", "demo/test_app", "demo/test_server"),
    *("features/test_golden", "model/test_answers"),
    *("studies/test_age", "studies/test_recogniser", "studies/test_studies", "training/test_run"),
    "studies/test_reasons",
    *("test_own_corpus", "test_packaging"),
)
"""Beginnings of the paths of tests that train models or start processes by themselves."""
FIRST_FILES = (
    *("test_packaging", "demo/test_player_browser", "test_readme", "demo/test_app_browser"),
    *("cli/test_train", "demo/test_axe", "features/test_golden", "demo/test_server."),
    *("demo/test_visit_browser", "test_own_corpus", "demo/test_live_browser"),
    *("demo/test_batch_browser", "collection/", "demo/test_app_hub"),
)
"""Those that take longest, so that no process is left with them at the end; those in a browser
beside others."""


def pytest_configure(config):
    """Keep xdist from an order of its own, by the number of a file's tests."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items):
    """Mark what `-m quick` selects: all tests but those that are marked slow or known to be."""
    for item in items:
        path = item.path.relative_to(TESTS).as_posix()
        is_slow = (
            item.get_closest_marker("slow")
            or SLOW_FIXTURES.intersection(item.fixturenames)
            or path.startswith(SLOW_FILES)
        )
        if not is_slow:
            item.add_marker("quick")
    items.sort(key=_place)


def _place(item):
    path = item.path.relative_to(TESTS).as_posix()
    return next((n for n, begin in enumerate(FIRST_FILES) if path.startswith(begin)), 1000)


@pytest.fixture(scope="session")
def shared():
    """Return the folder of real recordings beside the project."""
    if not SHARED.is_dir():
        pytest.skip("the real recordings are not beside the project (../shared)")
    return SHARED


@pytest.fixture(scope="session")
def ravdess_speech(shared):
    """Return the folder of RAVDESS speech recordings."""
    return shared / "ravdess" / "speech"


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """Return the folder of a small model that knows calm from angry made-up voices."""
    from tiny_model import write_tiny_model

    return write_tiny_model(tmp_path_factory.mktemp("tiny") / "model")
