"""python -m ser, as people run it."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
from tiny_model import FEATURES, LABELS, voice

from ser.cli.interrupts import ends_when_interrupted
from ser.cli.main import COMMANDS, main

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def model(tiny_model):
    return str(tiny_model)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    paths = [tmp_path_factory.mktemp("clips") / f"{emotion}.wav" for emotion in LABELS]
    for path, emotion in zip(paths, LABELS, strict=True):
        soundfile.write(path, voice(emotion, seed=100), FEATURES.sample_rate)
    return [str(path) for path in paths]


def test_a_line_a_clip(model, clips, capsys):
    assert main(["predict", *clips, "--model", model]) == 0
    out, err = capsys.readouterr()
    for line, clip, emotion in zip(out.splitlines(), clips, LABELS, strict=True):
        assert line.startswith(f"{clip}: {emotion} ") and line.rstrip("]").endswith("%")
    assert not err


def test_a_bad_clip_fails_alone(model, clips, capsys, tmp_path):
    bad = tmp_path / "bad.wav"
    bad.write_text("no audio")
    arguments = [clips[0], str(bad), "missing.wav", clips[1]]
    assert main(["predict", "--model", model, *arguments]) == 1
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert [line.split(": ")[0] for line in err.splitlines()] == [str(bad), "missing.wav"]
    assert "Traceback" not in err


def test_json_is_an_object_a_line(model, clips, capsys):
    assert main(["predict", "--json", clips[0], "missing.wav", "--model", model, clips[1]]) == 1
    out, err = capsys.readouterr()
    first, failed, last = map(json.loads, out.splitlines())
    assert (first["file"], first["emotion"]) == (clips[0], LABELS[0])
    assert list(first["probabilities"]) == list(LABELS)
    assert failed.keys() == {"file", "error"} and failed["file"] == "missing.wav"
    assert last["emotion"] == LABELS[1] and not err


def test_clips_of_one_person_are_compared_with_each_other_if_they_are_enough(model, clips, capsys):
    many = [clips[0]] * 5
    assert main(["predict", "--json", "--same-speaker", "--model", model, *many]) == 0
    out, err = capsys.readouterr()
    assert {json.loads(line)["reference"] for line in out.splitlines()} == {"clips"} and not err
    assert main(["predict", "--same-speaker", "--model", model, *many[:4]]) == 0
    assert "too few recordings" in capsys.readouterr().err


def test_clips_can_be_judged_relative_to_a_voice(model, clips, capsys, tmp_path):
    everyday = tmp_path / "everyday.wav"
    soundfile.write(everyday, voice("calm", seconds=4.0), FEATURES.sample_rate)
    arguments = ["--json", "--voice", str(everyday), "--model", model]
    assert main(["predict", clips[0], *arguments]) == 0
    assert json.loads(capsys.readouterr().out)["reference"] == "voice"


def test_a_clip_from_a_pipe_beside_one_whose_name_looks_like_an_option(model, clips, tmp_path):
    content = Path(clips[1]).read_bytes()
    (tmp_path / "--json").write_bytes(Path(clips[0]).read_bytes())
    arguments = ["--model", model, "missing.wav", "-", "--json", "--", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "ser", "predict", *arguments],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        input=content,
    )
    missing, piped, last = map(json.loads, done.stdout.splitlines())
    assert (done.returncode, done.stderr) == (1, b"")
    assert missing["file"] == "missing.wav"
    assert (piped["file"], piped["emotion"]) == ("-", LABELS[1])
    assert (last["file"], last["emotion"]) == ("--json", LABELS[0])


@pytest.mark.parametrize(
    ("content", "lack"),
    [
        (None, "The clip is empty (0 bytes)"),
        (b"", "Standard input is empty (0 bytes)"),
        (b"no audio", "Standard input is not audio"),
    ],
    ids=["closed", "empty", "no audio"],
)
def test_what_standard_input_lacks_is_said(model, monkeypatch, capsys, content, lack):
    file = io.BytesIO(content)
    file.name = "<stdin>"
    monkeypatch.setattr(sys, "stdin", None if content is None else io.TextIOWrapper(file))
    assert main(["predict", "-", "--model", model]) == 1
    out, err = capsys.readouterr()
    assert not out and err.startswith(f"-: {lack}") and err.count("\n") == 1


def test_a_missing_model_is_one_sentence(clips, capsys):
    assert main(["predict", clips[0], "--model", "no such folder"]) == 1
    out, err = capsys.readouterr()
    assert not out and err.startswith("error: There is no model folder 'no such folder'")
    assert err.count("\n") == 1


def test_help_lists_all_commands_and_loads_nothing_heavy():
    code = (
        "import sys, ser.cli.main as m\n"
        "try: m.main(['--help'])\n"
        "except SystemExit: print([x for x in ('numpy', 'sklearn', 'gradio') if x in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.endswith("[]\n") and not done.stderr
    for command in COMMANDS:
        assert f"\n  {command} " in done.stdout


def test_a_command_whose_extra_is_missing_says_what_to_install(monkeypatch, capsys):
    installed = {"datasets": None}
    monkeypatch.setattr("ser.cli.extras.find_spec", lambda name: installed.get(name, name))
    assert main(["study", "comparison", "ravdess"]) == 1
    out, err = capsys.readouterr()
    assert not out
    assert (
        err
        == "error: `python -m ser study` needs the training extra: pip install 'hf-ser[train]'\n"
    )
    assert main(["predict", "missing.wav"]) == 1  # it needs none
    assert "extra" not in capsys.readouterr().err


@pytest.mark.parametrize("called", ["/usr/bin/ser", "hf-ser", "hf-ser.exe"])
def test_usage_shows_the_name_that_was_called(called, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [called])
    for arguments in ([], ["predict"]):
        with pytest.raises(SystemExit):
            main(arguments)
        name = Path(called).stem
        assert capsys.readouterr().err.startswith(" ".join(["usage:", name, *arguments]))


WRONG_USAGE = [
    [],
    ["dance"],
    ["predict"],
    ["predict", "--loud", "x"],
    ["predict", "-", "x", "-"],
    ["predict", "--json", "--"],
    ["predict", "clips", "--jobs", "2"],
    ["predict", "clips", "--private"],
    ["predict", "clips", "more", "--to", "a.csv"],
    ["predict", "-", "--to", "a.csv"],
    ["predict", "clips", "--to", "a.csv", "--json"],
    ["predict", "clips", "--to", "a.csv", "--timeline", "days"],
    ["deploy", "ada/demo", "--model", "ada/voices", "--output", "space"],
    ["deploy", "ada/demo", "--model", "ada/voices", "--private", "--dry-run"],
    ["evaluate", "model", "--on", ""],
    ["train", "--dataset", ""],
]


@pytest.mark.parametrize("arguments", WRONG_USAGE)
def test_wrong_usage_is_explained(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: python -m ser" in capsys.readouterr().err


def test_a_reader_that_leaves_early_is_no_error(model, clips):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "ser", "predict", *clips, "--model", model],
        cwd=ROOT,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    assert done.returncode == 1 and not done.stderr


def test_what_a_shell_has_shielded_from_interrupts_stays_so():
    kept = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with ends_when_interrupted():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, kept)


def test_nothing_to_print_to_is_no_error(model, clips, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["predict", clips[0], "--model", model]) == 0


@pytest.mark.parametrize("kind", [KeyboardInterrupt, RuntimeError])
def test_an_interrupt_is_no_error_even_if_another_hides_it(kind, monkeypatch):
    def run(args):
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise kind from None

    monkeypatch.setattr("ser.cli.model.add_pull", lambda parser: parser.set_defaults(run=run))
    assert main(["pull"]) == 130
