import numpy as np
import pytest

from ser.corpora.folds import (
    PROTOCOLS,
    PUBLISHED_TEST_ACTORS,
    describe_folds,
    is_speaker_independent,
    make_folds,
)
from ser.errors import DatasetError


def corpus(actors=range(1, 25)):
    """Emotion, actor and statement of every combination, twice, as RAVDESS's speech has them."""
    rows = [(e, a, s) for a in actors for e in range(8) for s in (1, 2) for _ in range(2)]
    emotions, actors, statements = np.array(rows).T
    return {"emotions": emotions, "actors": actors, "statements": statements}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_each_clip_is_tested_once_and_never_by_a_model_trained_on_it(protocol):
    clips = corpus()
    folds = make_folds(protocol, **clips, seed=0)
    tested = np.concatenate([fold.test for fold in folds])
    assert sorted(tested) == list(range(len(clips["actors"])))
    for fold in folds:
        assert not set(fold.train) & set(fold.test)
        assert set(clips["emotions"][fold.train]) == set(range(8))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_actors_are_apart_in_all_protocols_but_random(protocol):
    clips = corpus()
    shared = [
        set(clips["actors"][fold.train]) & set(clips["actors"][fold.test])
        for fold in make_folds(protocol, **clips, seed=0)
    ]
    assert any(shared) != is_speaker_independent(protocol)
    assert ("same actors on both sides" in PROTOCOLS[protocol]) == any(shared)


def test_actor_folds_are_six_of_two_men_and_two_women():
    clips = corpus()
    folds = make_folds("actors", **clips, seed=0)
    assert len(folds) == 6
    for fold in folds:
        actors = np.unique(clips["actors"][fold.test])
        assert sorted(actors % 2) == [0, 0, 1, 1]


def test_published_folds_test_the_published_actors():
    clips = corpus()
    folds = make_folds("published", **clips, seed=0)
    tested = [tuple(np.unique(clips["actors"][fold.test])) for fold in folds]
    assert tested == list(PUBLISHED_TEST_ACTORS)


def test_leave_one_actor_out_has_a_fold_for_each_actor():
    clips = corpus(actors=[3, 4, 9])
    folds = make_folds("leave-one-actor-out", **clips, seed=0)
    assert [np.unique(clips["actors"][fold.test]).tolist() for fold in folds] == [[3], [4], [9]]


def test_sentence_folds_never_test_a_sentence_that_was_trained():
    clips = corpus()
    folds = make_folds("sentence", **clips, seed=0)
    for fold in folds:
        trained = set(clips["statements"][fold.train])
        tested = set(clips["statements"][fold.test])
        assert len(trained) == len(tested) == 1
        assert trained != tested


def test_random_folds_are_stratified_fifths_that_the_seed_decides():
    clips = corpus()
    folds = make_folds("random", **clips, seed=1)
    assert len(folds) == 5
    for fold in folds:
        counts = np.bincount(clips["emotions"][fold.test])
        assert counts.max() - counts.min() <= 1
        assert len(fold.test) == pytest.approx(len(clips["actors"]) / 5, abs=4)
    again = make_folds("random", **clips, seed=1)
    other = make_folds("random", **clips, seed=2)
    assert all((a.test == b.test).all() for a, b in zip(folds, again, strict=True))
    assert not all(np.array_equal(a.test, b.test) for a, b in zip(folds, other, strict=True))


def test_protocols_without_chance_do_not_depend_on_the_seed():
    clips = corpus()
    for protocol in filter(is_speaker_independent, PROTOCOLS):
        folds = [make_folds(protocol, **clips, seed=seed) for seed in (0, 1)]
        assert all((a.test == b.test).all() for a, b in zip(*folds, strict=True))


def test_fewer_actors_make_fewer_or_smaller_folds():
    clips = corpus(actors=[actor for actor in range(1, 25) if actor != 18])  # as in song
    tested = [
        len(np.unique(clips["actors"][f.test])) for f in make_folds("actors", **clips, seed=0)
    ]
    assert sorted(tested) == [3, 4, 4, 4, 4, 4]
    assert len(make_folds("actors", **corpus(actors=[1, 2, 3, 4]), seed=0)) == 2


@pytest.mark.parametrize("protocol", filter(is_speaker_independent, PROTOCOLS))
def test_one_actor_is_too_few_to_keep_actors_apart(protocol):
    with pytest.raises(DatasetError, match=f"'{protocol}' cannot split 32 clips of actor 5 "):
        make_folds(protocol, **corpus(actors=[5]), seed=0)


def test_one_sentence_is_too_few_for_the_sentence_protocol():
    clips = corpus()
    clips["statements"][:] = 1
    with pytest.raises(DatasetError, match="'sentence' cannot split"):
        make_folds("sentence", **clips, seed=0)


def test_random_needs_five_clips_of_each_emotion():
    clips = {name: values[:32:4] for name, values in corpus(actors=[5]).items()}
    with pytest.raises(DatasetError, match="at least 5 clips of every emotion"):
        make_folds("random", **clips, seed=0)


def test_one_emotion_alone_is_nothing_to_train_on():
    clips = corpus()
    clips["emotions"] = (clips["actors"] == 5).astype(int)
    with pytest.raises(DatasetError, match="a single emotion when it tests actor 5;"):
        make_folds("leave-one-actor-out", **clips, seed=0)


def test_an_unknown_protocol_is_answered_with_those_there_are():
    with pytest.raises(DatasetError, match="'actor' is unknown; choose from actors, published"):
        make_folds("actor", **corpus(), seed=0)


@pytest.mark.parametrize(
    ("protocol", "actors", "expected"),
    [
        ("actors", range(1, 25), PROTOCOLS["actors"]),
        ("published", range(1, 25), PROTOCOLS["published"]),
        ("actors", range(1, 7), "three folds of two actors, one man and one woman, none of them"),
        ("actors", (1, 3, 5), "three folds of one actor, none of them in training"),
        ("actors", (1, 2, 13, 3), "two folds of one to three actors, none of them in training"),
        ("published", (2, 4, 3, 1), "three folds of one to two actors, grouped as published, none"),
    ],
)
def test_the_description_is_of_the_folds_that_were_made(protocol, actors, expected):
    clips = corpus(actors=actors)
    names = np.empty(len(clips["actors"]), dtype=object)
    for fold in make_folds(protocol, **clips, seed=0):
        names[fold.test] = fold.name
    assert describe_folds(protocol, names, clips["actors"]).startswith(expected)
