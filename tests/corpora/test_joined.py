"""Several corpora as one: names, labels, and folds over all of them."""

import numpy as np
import pytest
from made_recordings import recording

from ser.corpora.clips import join_corpora
from ser.corpora.corpus import describe_corpora
from ser.corpora.folds import PUBLISHED
from ser.corpora.folds_in_words import describe_folds
from ser.corpora.loading import load_corpus
from ser.errors import DatasetError
from ser.training.features import corpus_folds, known_of_clips

SENTENCES = ("DFA", "IEO", "IOM", "ITH")


@pytest.fixture
def corpora(tmp_path):
    """RAVDESS with eight actors who are neutral, calm or angry, and CREMA-D with seven."""
    ravdess = [
        f"03-01-{emotion:02}-01-{sentence:02}-01-{actor:02}"
        for emotion in (1, 2, 5)
        for sentence in (1, 2)
        for actor in range(1, 9)
    ]
    crema_d = [
        f"{actor}_{sentence}_{emotion}_XX"
        for emotion in ("NEU", "SAD")
        for sentence in SENTENCES
        for actor in range(1001, 1008)
    ]
    content = recording("1")
    for folder, names in (("ravdess", ravdess), ("crema_d", crema_d)):
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / f"{name}.wav").write_bytes(content)
    return [load_corpus(tmp_path / folder) for folder in ("ravdess", "crema_d")]


def test_joined_corpora_keep_what_is_known_and_who_is_who(corpora):
    joined = join_corpora(corpora)
    assert len(joined.clips) == 48 + 56
    assert joined.labels == corpora[0].labels  # CREMA-D has none that RAVDESS has not
    row = joined.clips[len(joined.clips) - 1]
    assert (row["corpus"], row["speaker"]) == ("CREMA-D", "CREMA-D 1007")
    assert joined.labels[row["emotion"]] == "sad"
    known = describe_corpora(joined)
    assert [(each["name"], each["clips"], each["men"], each["women"]) for each in known] == [
        ("RAVDESS", 48, 4, 4), ("CREMA-D", 56, 2, 5)
    ]  # fmt: skip
    assert join_corpora(corpora[:1]).clips["speaker"][:] == corpora[0].clips["speaker"][:]


def test_mapping_and_choice_of_emotions_are_over_all_corpora(corpora):
    joined = join_corpora(corpora, mapping={"calm": "still"}, emotions=["neutral", "still", "sad"])
    assert joined.labels == ("neutral", "sad", "still")
    assert joined.clips.filter(lambda row: row["corpus"] == "RAVDESS").num_rows == 32
    assert joined.origins[1].partial == {"neutral": ("neutral", "still")}
    one = join_corpora(corpora, mapping={"calm": "neutral"})  # which CREMA-D tells apart then
    assert one.labels[:2] == ("neutral", "happy")
    assert one.origins[1].partial == {}
    with pytest.raises(DatasetError, match="no emotion bored; choose from neutral, calm, "):
        join_corpora(corpora, emotions=["bored"])


def test_corpora_of_one_name_are_refused(corpora):
    with pytest.raises(DatasetError, match="called RAVDESS, RAVDESS: to join them, give each"):
        join_corpora([corpora[0], corpora[0]])


def test_own_clips_of_the_same_name_stay_apart(tmp_path):
    for folder in ("one", "two"):
        for emotion in ("joy", "rage"):
            (tmp_path / folder / emotion).mkdir(parents=True)
            (tmp_path / folder / emotion / "a.wav").write_bytes(recording("1"))
    joined = join_corpora([load_corpus(tmp_path / folder) for folder in ("one", "two")])
    assert joined.clips["file"][:] == ["joy-a", "rage-a", "two-joy-a", "two-rage-a"]
    assert joined.clips["speaker"][:] == [None] * 4


@pytest.mark.parametrize("protocol", ["actors", "sentence", "leave-one-actor-out"])
def test_speakers_of_all_corpora_are_held_out(corpora, protocol):
    joined = join_corpora(corpora)
    speakers, sentences = (np.array(joined.clips[name]) for name in ("speaker", "sentence"))
    folds = corpus_folds(joined, protocol, 0)
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(len(speakers)))
    assert len({fold.name for fold in folds}) == len(folds)
    for fold in folds:
        assert not set(speakers[fold.train]) & set(speakers[fold.test])
        assert {str(name).split()[0] for name in speakers[fold.train]} == {"RAVDESS", "CREMA-D"}
        if protocol == "sentence":
            assert not set(sentences[fold.train]) & set(sentences[fold.test])


def test_each_corpus_has_its_own_groups_of_actors(corpora):
    joined, alone = join_corpora(corpora), corpora[0]
    tested = [
        set(joined.clips.select(f.test)["speaker"]) for f in corpus_folds(joined, "actors", 0)
    ]
    expected = [
        set(alone.clips.select(f.test)["speaker"]) for f in corpus_folds(alone, "actors", 0)
    ]
    of_ravdess = [{name.split()[1] for name in each if "RAVDESS" in name} for each in tested]
    assert [each for each in of_ravdess if each] == expected
    names = np.empty(len(joined.clips), dtype=object)
    for fold in corpus_folds(joined, "actors", 0):
        names[fold.test] = fold.name
    told = describe_folds("actors", names.tolist(), **known_of_clips(joined))
    assert told == "five folds of one to four actors, from every corpus, none of them in training"


def test_one_corpus_is_held_out(corpora):
    joined = join_corpora(corpora)
    folds = corpus_folds(joined, "leave-one-corpus-out", 0)
    assert [fold.name for fold in folds] == ["RAVDESS", "CREMA-D"]
    for fold in folds:
        assert set(joined.clips.select(fold.test)["corpus"]) == {fold.name}
        assert fold.name not in joined.clips.select(fold.train)["corpus"]
    with pytest.raises(DatasetError, match="needs two corpora or more"):
        corpus_folds(corpora[0], "leave-one-corpus-out", 0)


@pytest.mark.parametrize("protocol", PUBLISHED)
def test_published_folds_are_of_a_corpus_by_itself(corpora, protocol):
    assert corpus_folds(corpora[0], protocol, 0)
    with pytest.raises(DatasetError, match=f"'{protocol}' needs folds that were published"):
        corpus_folds(join_corpora(corpora), protocol, 0)
