"""train.py, from a folder of recordings to a model folder, as people run it."""

import os
import subprocess
import sys
from itertools import product
from pathlib import Path
from zipfile import ZipFile

import pytest
import soundfile
from signals import speech_like

from ser import EmotionRecognizer
from ser.cli.main import main
from ser.cli.options import corpus_name
from ser.errors import DatasetError
from ser.reasons.facts import read_usual
from ser.training.config import TrainingConfig
from ser.training.features import extract_features

ROOT = Path(__file__).resolve().parents[2]
RATE = 16000


def train(*arguments, cache):
    return subprocess.run(
        [sys.executable, ROOT / "train.py", "--jobs", "1", *arguments],
        env=os.environ | {"HF_DATASETS_CACHE": str(cache)},
        capture_output=True,
        text=True,
    )


def weights(folder):
    """Return the checksums of a model's large arrays; skops gives them other names each time."""
    with ZipFile(folder / "model.skops") as file:
        arrays = (each for each in file.infolist() if each.filename.endswith(".npy"))
        return sorted(each.CRC for each in arrays if each.file_size > 10_000)


def test_a_folder_of_recordings_becomes_a_model(tmp_path):
    for emotion, pitch in ((1, 110), (5, 260)):
        for seed, (actor, repetition) in enumerate(product((1, 2, 3, 4), (1, 2))):
            name = f"03-01-{emotion:02d}-01-01-{repetition:02d}-{actor:02d}.wav"
            voice = speech_like(1.0, RATE, pitch=pitch + 5 * actor, seed=seed)
            soundfile.write(tmp_path / name, voice, RATE)
    (tmp_path / "03-01-05-01-02-01-04.wav").write_text("no audio")
    options = ("--dataset", tmp_path, "--protocol", "actors", "--emotions", "neutral", "angry")
    first, again = (
        train(*options, *more, "--output", tmp_path / name, cache=tmp_path / "cache")
        for name, more in (("a", ()), ("b", ("--skip-evaluation",)))
    )
    for run in (first, again):
        assert run.returncode == 0, run.stderr
        assert "03-01-05-01-02-01-04" in run.stderr
    assert "unweighted recall" in first.stdout
    assert "Extracting features" in first.stderr
    assert "Extracting features: 100%" not in again.stderr
    assert weights(tmp_path / "a") == weights(tmp_path / "b")
    recognizer = EmotionRecognizer.from_pretrained(tmp_path / "a")
    assert recognizer.config["datasets"][0]["source"] == tmp_path.name  # not where it lies
    assert recognizer.labels == ("neutral", "angry")
    usual = read_usual(recognizer.config)
    for kind in ("anyone", "voice"):  # their pitches are an octave and more apart
        neutral, angry = (usual[kind]["pitch"][label] for label in recognizer.labels)
        assert 12 < angry[2] - neutral[2] < 16
    assert abs(usual["voice"]["pitch"]["neutral"][2]) < 1 < usual["anyone"]["pitch"]["neutral"][2]
    assert recognizer.predict(tmp_path / "03-01-05-01-01-01-02.wav").emotion == "angry"
    assert {"examples/metadata.csv", "confusion-actors.png"} <= set(recognizer.files)


def test_a_protocol_that_does_not_fit_is_found_before_extraction(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "cache"))
    for emotion, actor in product((1, 5), (1, 2, 3)):
        name = f"03-01-{emotion:02d}-01-01-01-{actor:02d}.wav"
        soundfile.write(tmp_path / name, speech_like(1.0, RATE, seed=10 * emotion + actor), RATE)
    options = ["--dataset", str(tmp_path), "--output", str(tmp_path / "model")]
    assert main(["train", *options, "--protocol", "leave-one-actor-out", "sentence"]) == 1
    said = capsys.readouterr().err
    assert "'sentence' cannot split" in said
    assert "features each" not in said


def test_a_tag_without_publication_is_explained(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--tag", "v1"])
    assert "add --push-to-hub" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("--jobs=two", "'two' is not a number of processes; give 1 or more"),
        ("--jobs=0", "'0' is not a number of processes; give 1 or more"),
        ("--licence=CC BY", "'CC BY' is not the identifier of a licence on the Hub; give one such"),
        ("--dataset-name=Choir", "needs the licence of the recordings: add --licence"),
        ("--code=github", "'github' is not an address; give one such as https://"),
        ("--code=https://me:secret@github.com/me/ser", "is not an address; give one such as"),
        ("--space=demo", "'demo' is not the name of a repository; give OWNER/NAME"),
        ("--push-to-hub=voices", "'voices' is not the name of a repository; give OWNER/NAME"),
        ("--dataset=moods=here", "'moods=here' is no path that exists, nor CORPUS=SOURCE with a c"),
        ("--corpus-weight=tess=0", "'tess=0' is not the weight of a corpus; give NAME=NUMBER"),
        ("--seed=-1", "'-1' is not a seed; give a whole number, 0 to 4294967295"),
    ],
)
def test_a_wrong_option_is_refused_with_what_is_allowed(option, complaint, capsys):
    with pytest.raises(SystemExit):
        main(["train", option])
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--dataset", "a", "b", "--licence", "mit"], "--licence and the columns are of one data"),
        (["--dataset", "a", "tess=b", "--audio-column", "path"], "the columns are of one dataset"),
        (["--dataset", "tess=a", "--channel", "song"], "leave out --corpus and --channel"),
        (["--map", "joy=happy", "joy=calm"], "--map gives 'joy' more than one name: keep one"),
        (["--examples-of", "tess", "--no-examples"], "that --no-examples leaves out: give one"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, complaint, capsys):
    with pytest.raises(SystemExit):
        main(["train", *options])
    assert complaint in capsys.readouterr().err


def test_several_datasets_are_joined_and_weighed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "cache"))
    names = {
        "a=b": [f"03-01-{emotion:02}-01-01-01-0{actor}" for emotion in (2, 5) for actor in (1, 2)],
        "crema": [f"{actor}_DFA_{emotion}_XX" for emotion in ("NEU", "ANG") for actor in (1001, 2)],
    }
    for folder, files in names.items():
        (tmp_path / folder).mkdir()
        for seed, name in enumerate(files):
            soundfile.write(
                tmp_path / folder / f"{name}.wav", speech_like(1.0, RATE, seed=seed), RATE
            )
    given = {}

    def train(corpus, config, jobs):
        given.update(corpus=corpus, config=config)
        raise DatasetError("enough")

    monkeypatch.setattr("ser.training.run.train", train)
    sources = [str(tmp_path / "a=b"), f"crema_d={tmp_path / 'crema'}"]
    options = ["train", "--dataset", *sources, "--map", "calm=ok", "--examples-of", "crema_d"]
    options.append("--corpus-weight")
    assert main([*options, "crema_d=0.3", "ravdess=2"]) == 1
    assert given["config"].corpus_weights == {"CREMA-D": 0.3, "RAVDESS": 2}
    assert given["config"].examples_of == "CREMA-D"
    found = extract_features(given["corpus"], TrainingConfig(speeds=(1.0,), copies=()))
    assert found.corpora.tolist() == ["RAVDESS"] * 4 + ["CREMA-D"] * 4
    may_be = [
        {label for label, known in zip(found.labels, row, strict=True) if known}
        for row in found.candidates
    ]
    assert may_be[:4] == [{"ok"}, {"angry"}] * 2
    assert may_be[4:] == [{"angry"}, {"neutral", "ok"}] * 2
    assert corpus_name("crema_d", ["crema_d"]) == "crema_d"  # one's own folder of that name
    assert main([*options, "tess=0.5"]) == 1
    assert "no corpus 'TESS' to weigh; there are RAVDESS, CREMA-D" in capsys.readouterr().err


def test_a_source_without_recordings_is_one_sentence(tmp_path, capsys):
    output = str(tmp_path / "model")
    assert main(["train", "--dataset", str(tmp_path), "--output", output]) == 1
    said = capsys.readouterr().err
    assert "holds no recording" in said and "Traceback" not in said
    assert not (tmp_path / "model").exists()
