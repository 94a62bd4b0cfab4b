"""RAVDESS: what its names say, its channels, and the real recordings."""

import io
import logging
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from made_recordings import SPEECH, recording, samples, write_parquet, write_tree

from ser.corpora.corpus import Clip
from ser.corpora.loading import load_corpus
from ser.corpora.ravdess import CHANNELS, EMOTIONS, read_name
from ser.errors import DatasetError


@pytest.mark.parametrize(
    "text",
    [
        "03-02-06-02-01-02-12",
        "03-02-06-02-01-02-12.wav",
        "03-02-06-02-01-02-12.FLAC",
        "song/Actor_12/03-02-06-02-01-02-12.wav",
        r"C:\song\Actor_12\03-02-06-02-01-02-12.wav",
    ],
)
def test_a_name_says_everything_about_a_clip(text):
    assert read_name(text) == Clip(
        file="03-02-06-02-01-02-12",
        emotion="fearful",
        speaker="12",
        sex="female",
        sentence="Kids are talking by the door",
        intensity="strong",
        language="en",
    )


def test_codes_mean_what_they_do_in_the_corpus_whatever_emotions_we_know():
    emotions = [read_name(f"03-01-0{code}-01-01-01-12").emotion for code in range(1, 9)]
    assert emotions == [
        *("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"),
    ]


def test_odd_actors_are_men():
    assert read_name("03-01-01-01-01-01-23").sex == "male"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("02-01-06-02-01-02-12.mp4", "modality is '02', not 03"),
        ("01-01-06-02-01-02-12.mp4", "modality is '01', not 03"),
        ("03-03-06-02-01-02-12.wav", "channel is '03', not 01 to 02"),
        ("03-01-09-02-01-02-12.wav", "emotion is '09', not 01 to 08"),
        ("03-01-06-00-01-02-12.wav", "intensity is '00', not 01 to 02"),
        ("03-01-06-02-3-02-12.wav", "statement is '3', not 01 to 02"),
        ("03-01-06-02-01-xx-12.wav", "repetition is 'xx', not 01 to 02"),
        ("03-01-06-02-01-02-25.wav", "actor is '25', not 01 to 24"),
        ("03-01-06-02-01-02-12 (1).wav", "actor is '12 \\(1\\)', not 01 to 24"),
        ("1001_DFA_ANG_XX.wav", "lacks the seven two-digit fields of 03-01-06-01-02-01-12.wav"),
        ("", "lacks the seven"),
    ],
)
def test_a_wrong_name_is_told_which_field_is_wrong(text, complaint):
    with pytest.raises(DatasetError, match=complaint) as error:
        read_name(text)
    assert str(error.value).startswith(text)


def test_rows_say_what_names_say_in_the_order_of_actors(tmp_path):
    dataset = load_corpus(write_tree(tmp_path / "ravdess")).clips
    assert dataset["file"][:] == SPEECH
    assert dataset.features["emotion"].names == list(EMOTIONS)
    row = dataset[1]
    np.testing.assert_array_equal(samples(row), soundfile.read(io.BytesIO(recording(SPEECH[1])))[0])
    del row["audio"]
    assert row == {
        "corpus": "RAVDESS",
        "file": "03-01-05-02-01-01-02",
        "emotion": EMOTIONS.index("angry"),
        "speaker": "2",
        "sex": "female",
        "sentence": "Kids are talking by the door",
        "intensity": "strong",
        "language": "en",
    }


def test_speech_song_or_both(tmp_path):
    root = write_tree(tmp_path / "ravdess")
    assert load_corpus(root).clips["file"][:] == SPEECH
    song = load_corpus(root, corpus="ravdess-song")
    assert song.clips["file"][:] == ["03-02-04-01-01-01-02"]
    assert song.labels == EMOTIONS[:6]
    assert song.about.kind == "acted English song"
    assert len(load_corpus(root, corpus="ravdess-both").clips) == 6


def test_song_alone_is_recognised(tmp_path):
    root = write_tree(tmp_path / "ravdess", ["03-02-04-01-01-01-02"])
    assert load_corpus(root).labels == EMOTIONS[:6]


def test_a_subset_of_emotions_keeps_their_order(tmp_path):
    root = write_tree(tmp_path / "ravdess")
    corpus = load_corpus(root, emotions=["surprised", "neutral"])
    assert corpus.labels == ("neutral", "surprised")
    assert corpus.clips["file"][:] == ["03-01-01-01-02-01-01", "03-01-08-01-01-02-02"]
    assert corpus.clips["emotion"][:] == [0, 1]


def test_real_recordings_are_all_there(shared, caplog):
    root = shared / "ravdess"
    with caplog.at_level(logging.WARNING):
        speech, both = (load_corpus(root, corpus=CHANNELS[one]).clips for one in ("speech", "both"))
    assert not caplog.records
    assert len(speech) == 1440
    assert len(both) == 2452
    emotions = Counter(map(speech.features["emotion"].int2str, speech["emotion"][:]))
    assert emotions == {emotion: 96 if emotion == "neutral" else 192 for emotion in EMOTIONS}
    assert set(Counter(speech["speaker"][:]).values()) == {60}
    assert set(both["speaker"][:]) == {str(actor) for actor in range(1, 25)}


def test_real_recordings_are_the_same_from_a_folder_and_from_parquet(shared, tmp_path):
    folder = load_corpus(shared / "ravdess" / "speech" / "Actor_07").clips
    rows = []
    for row in folder:
        file = Path(row["audio"]["path"])
        audio = {"bytes": file.read_bytes(), "path": file.name}
        rows.append({"audio": audio, "emotion": EMOTIONS[row["emotion"]], "actor": row["speaker"]})
    packed = load_corpus(write_parquet(tmp_path / "ravdess.parquet", rows[::-1])).clips
    assert packed.remove_columns("audio")[:] == folder.remove_columns("audio")[:]
    np.testing.assert_array_equal(samples(packed[17]), samples(folder[17]))
