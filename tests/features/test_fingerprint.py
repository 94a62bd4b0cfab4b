"""Caches are made anew when code changes, and not when only words do."""

import shutil
from pathlib import Path

import pytest

import ser
from ser.features import code_fingerprint, feature_fingerprint

CODE = """
import numpy as np

LOUD = -20.0


def level(waveform, floor=1e-4):
    return 10 * np.log10(np.mean(waveform**2) + floor)
"""

SAME = {
    "comment": CODE.replace("-20.0", "-20.0  # dB relative to the clip"),
    "docstrings": CODE.replace("):\n", '):\n    """Return the level in dB."""\n').replace(
        "\n\n\n", '\n"""In dB."""\n\n\n'
    ),
    "annotations": CODE.replace("waveform, floor", "waveform: NDArray, floor: float").replace(
        "import numpy as np", "import numpy as np\nfrom numpy.typing import NDArray"
    ),
    "types": CODE.replace(
        "\nLOUD",
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import ser\n\nLOUD",
    ),
    "format": CODE.replace("10 * np", "(\n        10 * np").replace("+ floor)", "+ floor))"),
}

OTHER = {
    "constant": CODE.replace("-20.0", "-21.0"),
    "default": CODE.replace("1e-4", "1e-5"),
    "operator": CODE.replace("+ floor", "- floor"),
    "import": CODE.replace("import numpy as np", "import cupy as np"),
    "name": CODE.replace("level", "height"),
}


def fingerprint_of(text, folder):
    module = folder / "module.py"
    module.write_text(text)
    return code_fingerprint(module)


@pytest.mark.parametrize("change", SAME)
def test_words_do_not_matter(change, tmp_path):
    assert SAME[change] != CODE
    assert fingerprint_of(SAME[change], tmp_path) == fingerprint_of(CODE, tmp_path)


@pytest.mark.parametrize("change", OTHER)
def test_what_code_does_matters(change, tmp_path):
    assert OTHER[change] != CODE
    assert fingerprint_of(OTHER[change], tmp_path) != fingerprint_of(CODE, tmp_path)


@pytest.mark.parametrize("module", ["audio/activity.py", "features/pitch.py"])
def test_the_features_depend_on_audio_and_features(module, tmp_path):
    package = Path(ser.__file__).parent
    for room in ("audio", "features"):
        shutil.copytree(package / room, tmp_path / room)
    rooms = tmp_path / "audio", tmp_path / "features"
    assert code_fingerprint(*rooms) == feature_fingerprint()
    with (tmp_path / module).open("a") as file:
        file.write("ANOTHER = 1\n")
    assert code_fingerprint(*rooms) != feature_fingerprint()
