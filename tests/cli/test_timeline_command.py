"""ser timeline, as people run it."""

import numpy as np
import parselmouth
import pytest
import soundfile
from tiny_model import FEATURES, voice

from ser import EmotionRecognizer
from ser.cli.main import main

RATE = FEATURES.sample_rate


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Return a recording of two emotions with a pause between them."""
    path = tmp_path_factory.mktemp("clip") / "clip.wav"
    pause = np.zeros(4 * RATE, np.float32)
    soundfile.write(
        path, np.concatenate([voice("calm", 1, 3.0), pause, voice("angry", 2, 3.0)]), RATE
    )
    return str(path)


@pytest.fixture
def model(tiny_model):
    return ["--model", str(tiny_model)]


def test_a_line_says_where_which_emotion_dominates(model, clip, capsys):
    assert main(["timeline", clip, *model]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].startswith("0.0-") and " s: calm " in lines[0] and lines[0].endswith("%")
    assert any(line.endswith(" s: no speech") for line in lines) and "-12.0 s: angry " in lines[-1]
    assert not err


def test_a_file_holds_what_the_library_says(model, clip, capsys, tmp_path):
    path = tmp_path / "emotions.TextGrid"
    assert main(["timeline", clip, "--to", str(path), "--same-speaker", *model]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"{path}: ") and out.count("\n") == 1
    assert (
        err.startswith("There is too little speech to compare parts of it") and "\n" not in err[:-1]
    )
    timeline = EmotionRecognizer.from_pretrained(model[1]).timeline(clip)
    assert path.read_text(encoding="utf-8") == timeline.to_text("TextGrid")
    assert parselmouth.read(str(path)).xmax == pytest.approx(12.0)


@pytest.mark.parametrize("name", ["emotions.doc", "", "no such/emotions.csv"])
def test_a_wrong_name_is_said_before_the_recording_is_read(name, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["timeline", "missing.wav", "--model", "no such model", "--to", name]) == 1
    out, err = capsys.readouterr()
    assert not out and err.count("\n") == 1 and "missing" not in err and "model" not in err
    assert err.startswith(
        "error: There is no folder 'no such'" if "no such" in name else "error: '"
    )
    assert not list(tmp_path.iterdir())


def test_a_bad_clip_is_one_sentence_and_no_file(model, capsys, tmp_path):
    path = tmp_path / "emotions.srt"
    assert main(["timeline", "missing.wav", *model, "--to", str(path)]) == 1
    out, err = capsys.readouterr()
    assert not out and err.startswith("error: ") and "missing.wav" in err and err.count("\n") == 1
    assert not path.exists()
