import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from ser.corpora.folds import (
    PROTOCOLS,
    is_speaker_independent,
    make_folds,
)
from ser.corpora.folds_in_words import describe_folds
from ser.corpora.ravdess import RAVDESS
from ser.errors import DatasetError

PUBLISHED = RAVDESS["ravdess"].folds
ALONE = [name for name in PROTOCOLS if name != "leave-one-corpus-out"]
BY_SPEAKER = list(filter(is_speaker_independent, ALONE))


def corpus(actors=range(1, 25)):
    """What is known of every combination, twice, as RAVDESS's speech has them."""
    rows = [(e, a, s) for a in actors for e in range(8) for s in ("Kids", "Dogs") for _ in range(2)]
    emotions, actors, sentences = zip(*rows, strict=True)
    return {
        "emotions": np.array(emotions),
        "speakers": np.array([str(actor) for actor in actors], dtype=object),
        "sexes": [("female", "male")[actor % 2] for actor in actors],
        "sentences": np.array(sentences, dtype=object),
        "published": PUBLISHED,
    }


def speakers_tested(folds, clips):
    return [sorted(set(clips["speakers"][fold.test]), key=int) for fold in folds]


@pytest.mark.parametrize("protocol", ALONE)
def test_each_clip_is_tested_once_and_never_by_a_model_trained_on_it(protocol):
    clips = corpus()
    folds = make_folds(protocol, **clips, seed=0)
    tested = np.concatenate([fold.test for fold in folds])
    assert sorted(tested) == list(range(len(clips["speakers"])))
    for fold in folds:
        assert not set(fold.train) & set(fold.test)
        assert set(clips["emotions"][fold.train]) == set(range(8))


def test_no_protocol_is_another_under_a_second_name():
    clips = corpus()
    splits = {
        tuple((fold.train.tobytes(), fold.test.tobytes()) for fold in folds)
        for folds in (make_folds(protocol, **clips, seed=0) for protocol in ALONE)
    }
    assert len(splits) == len(ALONE)


@pytest.mark.parametrize("protocol", ALONE)
def test_actors_are_apart_in_all_protocols_but_random(protocol):
    clips = corpus()
    shared = [
        set(clips["speakers"][fold.train]) & set(clips["speakers"][fold.test])
        for fold in make_folds(protocol, **clips, seed=0)
    ]
    assert any(shared) != is_speaker_independent(protocol)
    assert ("same actors on both sides" in PROTOCOLS[protocol]) == any(shared)


def test_actor_folds_of_ravdess_are_six_of_two_men_and_two_women():
    clips = corpus()
    tested = speakers_tested(make_folds("actors", **clips, seed=0), clips)
    assert tested == [
        [str(actor) for actor in range(1, 25) if (actor - 1) // 2 % 6 == fold] for fold in range(6)
    ]


@pytest.mark.parametrize("protocol", ["published", "emobox"])
def test_published_folds_test_the_published_actors(protocol):
    clips = corpus()
    folds = make_folds(protocol, **clips, seed=0)
    assert speakers_tested(folds, clips) == [list(fold) for fold in PUBLISHED[protocol]]


def test_leave_one_actor_out_has_a_fold_for_each_actor():
    clips = corpus(actors=[3, 4, 10, 9])
    folds = make_folds("leave-one-actor-out", **clips, seed=0)
    assert speakers_tested(folds, clips) == [["3"], ["4"], ["9"], ["10"]]


@pytest.mark.parametrize("known", [True, False])
def test_speakers_of_any_corpus_are_in_up_to_six_groups(known):
    speakers = np.array([f"DC {number}" for number in range(20)] * 2, dtype=object)
    sexes = ["male"] * 13 + ["female"] * 7
    clips = {"emotions": [0] * 20 + [1] * 20, "speakers": speakers, "seed": 0}
    folds = make_folds("actors", **clips, sexes=sexes * 2 if known else None)
    assert [len(set(speakers[fold.test])) for fold in folds] == (
        [5, 3, 3, 3, 3, 3] if known else [4, 4, 3, 3, 3, 3]
    )


def test_a_man_and_a_woman_are_two_groups():
    folds = make_folds(
        "actors", emotions=[0, 1, 0, 1], speakers=list("aabb"), sexes=["male"] * 2 + ["female"] * 2,
        seed=0,
    )  # fmt: skip
    assert [fold.name for fold in folds] == ["speaker a", "speaker b"]


def test_sentences_of_any_corpus_are_halved():
    said = np.array([f"a{number}" for number in range(1, 11)] * 4, dtype=object)
    speakers = np.repeat(list("abcd"), 10).astype(object)
    folds = make_folds(
        "sentence", emotions=np.arange(40) % 2, speakers=speakers, sentences=said, seed=0
    )
    assert [sorted(set(said[fold.test]), key=lambda text: int(text[1:])) for fold in folds[:2]] == [
        ["a1", "a2", "a3", "a4", "a5"], ["a6", "a7", "a8", "a9", "a10"]
    ]  # fmt: skip


def test_folds_are_what_scikit_learn_takes():
    rng = np.random.default_rng(0)
    clips = corpus(actors=range(1, 7))
    features = np.eye(8)[clips["emotions"]] + rng.normal(
        scale=0.1, size=(len(clips["speakers"]), 8)
    )
    folds = make_folds("actors", **clips, seed=0)
    scores = cross_val_score(LogisticRegression(), features, clips["emotions"], cv=folds)
    assert len(scores) == len(folds) and min(scores) > 0.9


@pytest.mark.parametrize("protocol", BY_SPEAKER)
def test_without_speakers_only_random_is_possible(protocol):
    clips = {"emotions": np.arange(20) % 2, "speakers": ["a"] * 12 + [None] * 8, "seed": 0}
    with pytest.raises(DatasetError, match=r"not known of 8 of 20 clips; .*'random'"):
        make_folds(protocol, **clips)
    folds = make_folds("random", **clips)
    names = np.empty(20, dtype=object)
    for fold in folds:
        names[fold.test] = fold.name
    assert "not known who speaks" in describe_folds("random", names, clips["speakers"])


def test_what_a_protocol_needs_is_said():
    clips = corpus() | {"published": {}}
    with pytest.raises(DatasetError, match="'published' needs folds that were published"):
        make_folds("published", **clips, seed=0)
    with pytest.raises(DatasetError, match="'sentence' needs to know what is said"):
        make_folds("sentence", **(clips | {"sentences": None}), seed=0)


def test_sentence_folds_never_test_a_sentence_that_was_trained():
    clips = corpus()
    folds = make_folds("sentence", **clips, seed=0)
    for fold in folds:
        trained = set(clips["sentences"][fold.train])
        tested = set(clips["sentences"][fold.test])
        assert len(trained) == len(tested) == 1
        assert trained != tested


def test_random_folds_are_stratified_fifths_that_the_seed_decides():
    clips = corpus()
    folds = make_folds("random", **clips, seed=1)
    assert len(folds) == 5
    for fold in folds:
        counts = np.bincount(clips["emotions"][fold.test])
        assert counts.max() - counts.min() <= 1
        assert len(fold.test) == pytest.approx(len(clips["speakers"]) / 5, abs=4)
    again = make_folds("random", **clips, seed=1)
    other = make_folds("random", **clips, seed=2)
    assert all((a.test == b.test).all() for a, b in zip(folds, again, strict=True))
    assert not all(np.array_equal(a.test, b.test) for a, b in zip(folds, other, strict=True))


def test_protocols_without_chance_do_not_depend_on_the_seed():
    clips = corpus()
    for protocol in BY_SPEAKER:
        folds = [make_folds(protocol, **clips, seed=seed) for seed in (0, 1)]
        assert all((a.test == b.test).all() for a, b in zip(*folds, strict=True))


def test_fewer_actors_make_fewer_or_smaller_folds():
    clips = corpus(actors=[actor for actor in range(1, 25) if actor != 18])  # as in song
    tested = [len(set(clips["speakers"][f.test])) for f in make_folds("actors", **clips, seed=0)]
    assert sorted(tested) == [3, 4, 4, 4, 4, 4]
    assert len(make_folds("actors", **corpus(actors=[1, 2, 3, 4]), seed=0)) == 2


@pytest.mark.parametrize("protocol", BY_SPEAKER)
def test_one_actor_is_too_few_to_keep_actors_apart(protocol):
    with pytest.raises(DatasetError, match=f"'{protocol}' cannot split 32 clips of speaker 5 "):
        make_folds(protocol, **corpus(actors=[5]), seed=0)


def test_one_sentence_is_too_few_for_the_sentence_protocol():
    clips = corpus()
    clips["sentences"][:] = "Kids"
    with pytest.raises(DatasetError, match="'sentence' cannot split"):
        make_folds("sentence", **clips, seed=0)


def test_random_needs_five_clips_of_each_emotion():
    known = ("emotions", "speakers")
    clips = {name: values[:32:4] for name, values in corpus(actors=[5]).items() if name in known}
    with pytest.raises(DatasetError, match="at least 5 clips of every emotion"):
        make_folds("random", **clips, seed=0)


def test_one_emotion_alone_is_nothing_to_train_on():
    clips = corpus()
    clips["emotions"] = (clips["speakers"] == "5").astype(int)
    with pytest.raises(DatasetError, match="a single emotion when it tests speaker 5;"):
        make_folds("leave-one-actor-out", **clips, seed=0)


def test_an_unknown_protocol_is_answered_with_those_there_are():
    with pytest.raises(DatasetError, match="'actor' is unknown; choose from actors, published"):
        make_folds("actor", **corpus(), seed=0)


@pytest.mark.parametrize(
    ("protocol", "actors", "expected"),
    [
        ("actors", range(1, 25), PROTOCOLS["actors"]),
        ("published", range(1, 25), PROTOCOLS["published"]),
        ("sentence", range(1, 25), PROTOCOLS["sentence"]),
        ("random", range(1, 25), PROTOCOLS["random"]),
        ("actors", range(1, 7), "three folds of two actors, one man and one woman, none of them"),
        ("actors", (1, 3, 5), "three folds of one actor, none of them in training"),
        ("actors", (1, 2, 13, 3), "three folds of one to two actors, none of them in training"),
        ("published", (2, 4, 3, 1), "three folds of one to two actors, grouped as in `published`"),
    ],
)
def test_the_description_is_of_the_folds_that_were_made(protocol, actors, expected):
    clips = corpus(actors=actors)
    names = np.empty(len(clips["speakers"]), dtype=object)
    for fold in make_folds(protocol, **clips, seed=0):
        names[fold.test] = fold.name
    known = {name: clips[name] for name in ("speakers", "sexes", "sentences", "published")}
    assert describe_folds(protocol, names, **known).startswith(expected)
    assert "actor" not in describe_folds(protocol, names, **known, noun="speaker")
