"""Example clips show the model as it is: every emotion, both sexes, chosen by chance."""

import csv
import io

import numpy as np
import pytest
import soundfile
from signals import speech_like

from ser.corpora.corpus import About
from ser.corpora.loading import load_corpus
from ser.corpora.ravdess import ABOUT
from ser.model.folder import is_model_file
from ser.training.examples import make_examples


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ravdess")
    for actor in range(1, 11):
        for emotion in range(1, 9):
            name = f"03-01-{emotion:02}-01-{1 + actor % 2:02}-01-{actor:02}.wav"
            samples = speech_like(seconds=0.1, seed=actor * 10 + emotion)
            soundfile.write(folder / name, samples, 24000, subtype="PCM_16")
    return load_corpus(folder).clips


def rows(files):
    return list(csv.DictReader(io.StringIO(files["examples/metadata.csv"].decode())))


def test_each_emotion_from_both_sexes_and_different_actors(dataset):
    predicted = np.full(len(dataset), 3)
    files = make_examples(dataset, predicted, about=ABOUT, seed=0)
    table = rows(files)
    assert [row["emotion"] for row in table] == dataset.features["emotion"].names
    assert len({row["speaker"] for row in table}) == 8
    assert [row["sex"] for row in table].count("female") == 4
    assert {row["predicted"] for row in table} == {"sad"}
    assert all(row["license"] == "CC BY-NC-SA 4.0" and row["attribution"] for row in table)
    assert all(is_model_file(name) for name in files)
    assert {f"examples/{row['file_name']}" for row in table} == files.keys() - {
        "examples/metadata.csv"
    }


def test_the_clips_are_the_recordings(dataset):
    files = make_examples(dataset, np.zeros(len(dataset), int), about=ABOUT, seed=0)
    for row in rows(files):
        index = list(dataset["file"]).index(row["file_name"].removesuffix(".flac"))
        original, _ = soundfile.read(dataset[index]["audio"]["path"])
        samples, rate = soundfile.read(io.BytesIO(files[f"examples/{row['file_name']}"]))
        assert rate == 24000
        np.testing.assert_array_equal(samples, original)
        assert row["sentence"].startswith(("Kids", "Dogs")[int(row["file_name"][13]) - 1])


def test_clips_of_floats_keep_their_sound(tmp_path):
    for emotion in (1, 5):
        name = tmp_path / f"03-01-{emotion:02}-01-01-01-01.wav"
        soundfile.write(name, speech_like(seed=emotion), 24000, subtype="FLOAT")
    for name, content in make_examples(
        load_corpus(tmp_path).clips, np.zeros(2, int), about=ABOUT, seed=0
    ).items():
        if name.endswith(".flac"):
            assert np.abs(soundfile.read(io.BytesIO(content))[0]).max() > 0.1


def test_only_the_seed_decides(dataset):
    right, wrong = np.array(dataset["emotion"]), (np.array(dataset["emotion"]) + 1) % 8
    chosen = [row["file_name"] for row in rows(make_examples(dataset, right, about=ABOUT, seed=0))]
    assert chosen == [
        row["file_name"] for row in rows(make_examples(dataset, wrong, about=ABOUT, seed=0))
    ]
    assert chosen != [
        row["file_name"] for row in rows(make_examples(dataset, right, about=ABOUT, seed=1))
    ]


def test_a_selection_of_actors_and_emotions(dataset):
    men = dataset.filter(lambda actor: actor in ("1", "3"), input_columns="speaker")
    table = rows(make_examples(men, np.zeros(len(men), int), about=ABOUT, seed=0))
    assert len(table) == 8 and {row["speaker"] for row in table} == {"1", "3"}


def test_examples_of_ones_own_have_ones_own_licence(dataset):
    choir = About("Choir", "cc-by-4.0")
    table = rows(make_examples(dataset, np.zeros(len(dataset), int), about=choir, seed=0))
    for row in table:
        assert (row["source"], row["license"]) == ("Choir", "CC BY 4.0")
        assert "attribution" not in row


def test_what_is_not_known_of_ones_own_speech_is_no_column(tmp_path):
    for label in ("joy", "none"):
        (tmp_path / label).mkdir()
        for index in range(3):
            soundfile.write(tmp_path / label / f"{index}.wav", speech_like(seed=index), 24000)
    clips = load_corpus(tmp_path).clips
    table = rows(make_examples(clips, np.zeros(6, int), about=About("Moods"), seed=0))
    assert [row["emotion"] for row in table] == ["joy", "none"]
    assert set(table[0]) == {"file_name", "emotion", "predicted", "source"}


def test_a_format_that_is_not_wav_or_flac_becomes_flac(tmp_path):
    for index, label in enumerate(("joy", "none")):
        (tmp_path / label).mkdir()
        soundfile.write(tmp_path / label / "clip.ogg", speech_like(seed=index), 24000)
    files = make_examples(load_corpus(tmp_path).clips, np.zeros(2, int), about=ABOUT, seed=0)
    for name, content in files.items():
        if name.endswith(".flac"):
            assert soundfile.info(io.BytesIO(content)).format == "FLAC"
