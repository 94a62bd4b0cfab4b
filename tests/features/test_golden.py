"""The features stay as they are, or their version is raised: whatever decides them is watched."""

import ast
import importlib
import inspect
import warnings

import golden
import pytest

from ser.errors import SerError
from ser.features.config import FEATURE_VERSION

MODULES = [
    importlib.import_module(f"ser.{name}")
    for name in (
        *("audio.loading", "audio.activity", "audio.rumble", "audio.speed", "audio.speech_check"),
        *("features.config", "features.extractor", "features.families", "features.frames"),
        *(
            "features.kernels",
            "features.mel",
            "features.pitch",
            "features.statistics",
            "features.tracks",
        ),
        "features.voice_quality",
    )
]

UNSEEN = {
    # Limits of what is accepted: what is within them stays the same.
    "loading.SAMPLE_RATE_RANGE.0",
    "loading.SAMPLE_RATE_RANGE.1",
    "loading.MAX_DURATION",
    "loading.LOUDEST",
    "speed.SPEED_RANGE.0",
    "speed.SPEED_RANGE.1",
    "config.MIN_PERIODS",
    "config.MIN_PERIOD",
    "config.MAX_WINDOW",
    "config.MAX_MELS",
    "config.MAX_NUMBER",
    # Full scales of floats that were integers of 24 and 32 bits: those of 16 are watched.
    "loading.FULL_SCALES.1",
    "loading.FULL_SCALES.2",
    # What stands for no power at all, far below any sound.
    "activity.SILENCE",
    # Sizes of blocks, and how far they overlap.
    "kernels.BLOCK",
    "rumble.BLOCK",
    "rumble.MARGIN",
    "tracks.BLOCK",
    "families.RUN",
    "pitch.RUN",
    # How much is kept rather than decoded again, and from where a filter takes nothing.
    "loading.KEPT",
    "rumble.PASSED",
    "rumble.ROUND",
    # There is nothing below.
    "voice_quality.HAMMARBERG_BANDS.0.0",
    # They decide what is refused, not what is measured: test_speech_check.py watches them.
    "speech_check.MIN_ARTICULATION",
    "speech_check.MIN_BREADTH",
    "speech_check.MAX_PERSISTENCE",
    "speech_check.MAX_HELD_PITCH",
    "speech_check.HELD_PERSISTENCE",
    "speech_check.MIN_FREE_TIMBRE",
    "speech_check.CLEAR",
    # Stored with each model.
    "speed.SPEEDS.0",
    # What names the features, which they do not depend on.
    "config.FEATURE_VERSION",
    "extractor.HASH_LENGTH",
}


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return golden.make_clips(tmp_path_factory.mktemp("golden"))


@pytest.fixture(scope="module")
def stored():
    return golden.read()[1]


def test_features_are_those_of_their_version(clips, stored):
    version, _ = golden.read()
    assert version == FEATURE_VERSION, "Run python -m tests.features.golden, and train again."
    for name, values in golden.measure_clips(clips):
        moved = golden.difference(values, stored[name])
        assert not moved, (
            f"Of {name}, {moved}. Raise FEATURE_VERSION in ser/features/config.py, run "
            "python -m tests.features.golden, and train again."
        )


def test_what_is_stored_is_not_replaced_under_the_same_version(tmp_path, monkeypatch):
    copy = tmp_path / "golden.npz"
    copy.write_bytes(golden.STORED.read_bytes())
    monkeypatch.setattr(golden, "STORED", copy)
    with pytest.raises(SystemExit, match="raise FEATURE_VERSION"):
        golden.write()
    assert golden.read()[0] == FEATURE_VERSION
    monkeypatch.setattr(golden, "FEATURE_VERSION", FEATURE_VERSION + 1)
    golden.write()
    assert golden.read()[0] == FEATURE_VERSION + 1


def assigned(module):
    """Return the names to which a module itself assigns something."""
    statements = ast.parse(inspect.getsource(module)).body
    targets = [
        target for each in statements if isinstance(each, ast.Assign) for target in each.targets
    ]
    return {
        name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)
    }


def numbers(value, *path):
    """Yield where in a constant there are numbers: keys that lead there, and the number."""
    if isinstance(value, int | float):
        yield path, value
    elif isinstance(value, tuple | dict):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from numbers(each, *path, key)


def replaced(value, path, number):
    """Return a constant with another number in one place."""
    if not path:
        return number
    key, *rest = path
    if isinstance(value, dict):
        return value | {key: replaced(value[key], rest, number)}
    return (*value[:key], replaced(value[key], rest, number), *value[key + 1 :])


def others(number):
    """Return a larger and a smaller number."""
    if isinstance(number, int):
        return 2 * number or 1, number // 2 or 3
    return 1.25 * number or 0.25, 0.8 * number or -0.25


CONSTANTS = {
    ".".join(map(str, (module.__name__.split(".")[-1], name, *path))): (module, name, path, number)
    for module in MODULES
    for name in sorted(filter(str.isupper, assigned(module)))
    for path, number in numbers(getattr(module, name))
}


def test_the_constants_that_do_not_matter_exist():
    assert set(CONSTANTS) >= UNSEEN


@pytest.mark.parametrize("constant", sorted(set(CONSTANTS) - UNSEEN))
def test_no_constant_changes_unseen(constant, clips, stored, monkeypatch):
    module, name, path, number = CONSTANTS[constant]
    value = getattr(module, name)
    users = [each for each in MODULES if name not in assigned(each) and name in vars(each)]
    for other in others(number):
        for user in (module, *users):
            monkeypatch.setattr(user, name, replaced(value, path, other))
        clear_caches()
        seen = is_seen(clips, stored)
        clear_caches()
        if seen:
            return
    pytest.fail(f"{constant} can be {other:g} instead of {number:g}, and no value moves.")


def clear_caches():
    """Forget what was computed with other constants."""
    for module in MODULES:
        for function in vars(module).values():
            if hasattr(function, "cache_clear"):
                function.cache_clear()


def is_seen(clips, stored):
    """Whether a value of any clip moves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values that are not finite
        try:
            return any(
                golden.difference(values, stored[name])
                for name, values in golden.measure_clips(clips)
            )
        except (SerError, ValueError, IndexError):  # a clip is refused, or arrays do not fit
            return True
