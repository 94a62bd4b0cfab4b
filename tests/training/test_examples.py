"""Example clips show the model as it is: every emotion, both sexes, chosen by chance."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from signals import speech_like

from ser.corpora.clips import join_corpora
from ser.corpora.loading import load_corpus
from ser.corpora.ravdess import ABOUT
from ser.errors import DatasetError
from ser.storage.folder import is_model_file
from ser.training.examples import keep_apart, make_examples


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ravdess")
    for actor in range(1, 11):
        for emotion in range(1, 9):
            name = f"03-01-{emotion:02}-01-{1 + actor % 2:02}-01-{actor:02}.wav"
            samples = speech_like(seconds=0.1, seed=actor * 10 + emotion)
            soundfile.write(folder / name, samples, 24000, subtype="PCM_16")
    return load_corpus(folder)


def say(corpus, predicted):
    """Return probabilities of a model that is sure of a label of each clip."""
    return np.eye(len(corpus.labels))[np.broadcast_to(predicted, len(corpus.clips))]


def make(corpus, predicted=0, seed=0):
    return make_examples(corpus, say(corpus, predicted), seed=seed)[0]


def rows(files):
    return list(csv.DictReader(io.StringIO(files["examples/metadata.csv"].decode())))


def test_each_emotion_from_both_sexes_and_different_actors(corpus):
    files, answers = make_examples(corpus, say(corpus, 3), seed=0)
    table = rows(files)
    assert [row["emotion"] for row in table] == list(corpus.labels)
    assert len({row["speaker"] for row in table}) == 8
    assert [row["sex"] for row in table].count("female") == 4
    assert {row["predicted"] for row in table} == {"sad"}
    assert all(row["license"] == "CC BY-NC-SA 4.0" and row["attribution"] for row in table)
    assert all(is_model_file(name) for name in files)
    assert {f"examples/{row['file_name']}" for row in table} == files.keys() - {
        "examples/metadata.csv"
    }
    assert answers.keys() == files.keys() - {"examples/metadata.csv"}
    assert answers["examples/1-neutral-female.flac"]["sad"] == 1


def test_a_woman_and_a_man_are_kept_apart_by_the_seed(corpus):
    drawn = set()
    for seed in range(5):
        others, apart = keep_apart(corpus, "RAVDESS", seed=seed)
        speakers = set(apart.clips["speaker"])
        assert {int(speaker) % 2 for speaker in speakers} == {0, 1} and len(speakers) == 2
        assert speakers.isdisjoint(others.clips["speaker"])
        assert len(others.clips) + len(apart.clips) == len(corpus.clips)
        drawn.add(frozenset(speakers))
    assert len(drawn) > 1
    with pytest.raises(DatasetError, match=r"no corpus 'TESS' to take examples of.*RAVDESS"):
        keep_apart(corpus, "TESS", seed=0)
    with pytest.raises(DatasetError, match="too few speakers"):
        keep_apart(apart, "RAVDESS", seed=0)
    speakers = [None, *corpus.clips["speaker"][1:]]
    clips = corpus.clips.remove_columns("speaker").add_column("speaker", speakers)
    with pytest.raises(DatasetError, match="does not say of every clip who speaks"):
        keep_apart(replace(corpus, clips=clips), "RAVDESS", seed=0)


def test_the_clips_are_the_recordings(corpus):
    clips = corpus.clips
    files = make(corpus)
    for row in rows(files):
        index = list(clips["file"]).index(row["recording"])
        original, _ = soundfile.read(clips[index]["audio"]["path"])
        samples, rate = soundfile.read(io.BytesIO(files[f"examples/{row['file_name']}"]))
        assert rate == 24000
        np.testing.assert_array_equal(samples, original)
        assert row["sentence"].startswith(("Kids", "Dogs")[int(row["recording"][13]) - 1])


def test_clips_of_floats_keep_their_sound(tmp_path):
    for emotion in (1, 5):
        name = tmp_path / f"03-01-{emotion:02}-01-01-01-01.wav"
        soundfile.write(name, speech_like(seed=emotion), 24000, subtype="FLOAT")
    for name, content in make(load_corpus(tmp_path)).items():
        if name.endswith(".flac"):
            assert np.abs(soundfile.read(io.BytesIO(content))[0]).max() > 0.1


def test_many_channels_become_one_and_what_is_too_long_is_left_out(tmp_path, monkeypatch):
    for label, shape in (("joy", (2400, 9)), ("rage", (24000, 1))):
        (tmp_path / label).mkdir()
        samples = np.random.default_rng(0).uniform(-0.5, 0.5, shape)
        soundfile.write(tmp_path / label / "1.wav", samples, 24000)
    files = make(load_corpus(tmp_path))
    assert soundfile.info(io.BytesIO(files["examples/1-joy.flac"])).channels == 1
    monkeypatch.setattr("ser.training.examples.MAX_BYTES", 20_000)
    assert set(make(load_corpus(tmp_path))) == {"examples/metadata.csv", "examples/1-joy.flac"}


def test_only_the_seed_decides(corpus):
    right = np.array(corpus.clips["emotion"])
    chosen, of_others, of_another_seed = (
        [row["recording"] for row in rows(make(corpus, predicted, seed))]
        for predicted, seed in ((right, 0), ((right + 1) % 8, 0), (right, 1))
    )
    assert chosen == of_others != of_another_seed


def test_a_selection_of_actors_and_emotions(corpus):
    men = corpus.clips.filter(lambda actor: actor in ("1", "3"), input_columns="speaker")
    table = rows(make(replace(corpus, clips=men)))
    assert len(table) == 8 and {row["speaker"] for row in table} == {"1", "3"}


def test_an_example_is_under_the_licence_of_its_own_corpus(corpus, tmp_path):
    for index, label in enumerate(("joy", "ennui")):
        (tmp_path / label).mkdir()
        soundfile.write(tmp_path / label / f"{index}.wav", speech_like(seed=index), 24000)
    choir = load_corpus(tmp_path, about={"name": "Choir", "licence": "cc-by-4.0"})
    joined = join_corpora([corpus, choir])
    table = rows(make(joined))
    assert len(table) == 10
    for row in table:
        if row["emotion"] in ("joy", "ennui"):
            known = ("Choir", "CC BY 4.0", "")
        else:
            known = (f"RAVDESS, {ABOUT.link}", "CC BY-NC-SA 4.0", ABOUT.attribution)
        assert (row["source"], row["license"], row["attribution"]) == known


def test_what_is_not_known_of_ones_own_speech_is_no_column(tmp_path):
    for label in ("joy", "none"):
        (tmp_path / label).mkdir()
        for index in range(3):
            soundfile.write(tmp_path / label / f"{index}.wav", speech_like(seed=index), 24000)
    table = rows(make(load_corpus(tmp_path)))
    assert [row["emotion"] for row in table] == ["joy", "none"]
    assert set(table[0]) == {"file_name", "emotion", "predicted", "recording", "source"}


def test_a_format_that_is_not_wav_or_flac_becomes_flac(tmp_path):
    for index, label in enumerate(("joy", "none")):
        (tmp_path / label).mkdir()
        soundfile.write(tmp_path / label / "clip.ogg", speech_like(seed=index), 24000)
    files = make(load_corpus(tmp_path))
    for name, content in files.items():
        if name.endswith(".flac"):
            assert soundfile.info(io.BytesIO(content)).format == "FLAC"
