"""The house holds: rooms that import downwards only, small modules, a small and annotated front."""

import ast
import inspect
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import soundfile
from signals import speech_like

import ser

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "ser"
MODULES = sorted(PACKAGE.rglob("*.py"))
FLOORS = [
    {"errors", "paths", "threads"},
    {"audio"},
    {"features"},
    {"model"},
    {"storage"},
    {"hub"},
    {"corpora"},
    {"model_source", "recognizer", "timeline", "timeline_formats"},
    {"streaming", "collection", "reasons"},
    {"training"},
    {"studies", "demo"},
    {"cli"},
]
"""From the ground up. A room imports from itself and from floors below, never from above."""
LEVELS = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
NEIGHBOURS = {"model_source", "recognizer", "timeline", "timeline_formats"}
"""These are one floor of modules; one may import another."""
MAX_LINES = 350


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path):
    """Return the rooms that a module imports anywhere, be it in a function or for types only."""
    tree, rooms = ast.parse(path.read_text(encoding="utf-8")), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)} has a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        rooms += [name.split(".")[1] for name in names if name.startswith("ser.")]
    return {room for room in rooms if room in LEVELS}


@pytest.mark.parametrize(
    "path", [path for path in MODULES if room_of(path) in LEVELS], ids=lambda path: name_of(path)
)
def test_imports_go_downwards(path):
    room = room_of(path)
    for other in imported_rooms(path) - {room}:
        is_neighbour = {room, other} <= NEIGHBOURS
        assert LEVELS[other] < LEVELS[room] or is_neighbour, (
            f"{name_of(path)} imports ser.{other}, which stands above it or beside it"
        )


def test_an_import_upwards_would_be_seen(tmp_path):
    path = tmp_path / "module.py"
    path.write_text("def f():\n    from ser.studies import common\n    import ser.cli.main\n")
    assert imported_rooms(path) == {"studies", "cli"}


def test_every_module_stands_in_a_room():
    assert {path.name for path in PACKAGE.glob("*.py")} == {
        *("__init__.py", "__main__.py", "errors.py", "paths.py", "threads.py", "streaming.py"),
        *(f"{name}.py" for name in NEIGHBOURS),
    }
    assert {room_of(path) for path in MODULES} - {"__init__", "__main__"} == LEVELS.keys()


def test_no_module_is_long():
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in MODULES}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


def test_predicting_imports_nothing_that_only_training_or_the_demo_needs(tmp_path):
    soundfile.write(tmp_path / "clip.wav", speech_like(), 24000)
    code = (
        "import sys\n"
        "from ser.cli.main import main\n"
        "assert main(['predict', 'clip.wav']) == 0\n"
        "heavy = ('datasets', 'gradio', 'librosa', 'matplotlib', 'numba')\n"
        "heavy += ('ser.training', 'ser.studies', 'ser.demo')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_importing_ser_is_light():
    heavy = ("numpy", "scipy", "sklearn", "librosa")
    code = f"import sys, ser; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_the_front_has_what_is_public_and_no_more():
    assert sorted(ser.__all__) == [
        "EmotionRecognizer",
        "Prediction",
        "SpeechStream",
        "Timeline",
        "TrainedModel",
        "TrainingConfig",
        "VoiceProfile",
        "__version__",
        "errors",
        "train",
    ]
    assert set(ser.__all__) <= set(dir(ser))
    for name in ser.__all__:
        assert getattr(ser, name), name
    with pytest.raises(AttributeError, match="has no attribute 'Predictions'"):
        ser.Predictions  # noqa: B018


def public_callables():
    """Yield what a user can call by way of `ser`: functions, classes, and methods of these."""
    for name in ser.__all__:
        thing = getattr(ser, name)
        if inspect.isclass(thing):
            yield name, thing
            for attribute, value in inspect.getmembers_static(thing):
                function = getattr(value, "__func__", value)
                function = value.fget if isinstance(value, property) else function
                is_public = not attribute.startswith("_") or attribute == "__call__"
                if is_public and inspect.isfunction(function):
                    yield f"{name}.{attribute}", function
        elif inspect.isfunction(thing):
            yield name, thing


def test_everything_public_has_a_docstring_and_annotations():
    found = dict(public_callables())
    assert {"EmotionRecognizer.predict", "Timeline.segments", "train"} <= found.keys()
    for name, thing in found.items():
        assert inspect.getdoc(thing), f"{name} has no docstring"
        if inspect.isclass(thing):
            continue
        signature = inspect.signature(thing)
        bare = [
            parameter.name
            for parameter in signature.parameters.values()
            if parameter.annotation is parameter.empty and parameter.name not in ("self", "cls")
        ]
        assert not bare, f"{name} does not annotate {', '.join(bare)}"
        assert signature.return_annotation is not signature.empty, f"{name} -> ?"


def test_every_error_has_a_docstring_and_is_one_of_ours():
    errors = [thing for _, thing in inspect.getmembers(ser.errors, inspect.isclass)]
    assert len(errors) > 15
    for error in errors:
        assert issubclass(error, ser.errors.SerError) and error.__doc__


def test_what_our_own_code_uses_of_libraries_is_not_deprecated():
    """By the filters in pyproject.toml."""
    for kind in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
        for module in ("ser.audio.loading", "train", "app"):
            with pytest.raises(kind):
                warnings.warn_explicit("old", kind, "module.py", 1, module=module)
        for module in ("librosa.core", "application", "serial"):
            warnings.warn_explicit("old", kind, "module.py", 1, module=module)


def test_training_without_its_extra_says_what_to_install():
    code = "import sys; sys.modules['datasets'] = None; import ser; ser.train('recordings')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: ser.train needs datasets, which the training extra brings: "
        "pip install 'hf-ser[train]'"
    )
