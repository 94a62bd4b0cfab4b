"""The classifier: clips as they are, and relative to others of their speaker."""

from dataclasses import replace

import numpy as np
import pytest
import skops.io
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GroupKFold, cross_val_score

from ser.model.classifier import EmotionClassifier
from ser.model.config import ModelConfig
from ser.model.learning import LearningSettings
from ser.model.perceptrons import PERCEPTRONS, PerceptronSettings

LEARNING = LearningSettings(
    hidden_units=16, alpha=0.1, dropout=0.2, learning_rate=0.01, batch_size=16, n_epochs=20
)
SMALL = [replace(each, n_components=6, learning=LEARNING) for each in PERCEPTRONS]
PLAIN = [PerceptronSettings(n_components=6, learning=LEARNING)]
PARTS = {"descriptors": np.arange(6), "bands": np.arange(6), "summaries": np.arange(4)}
ABC = ModelConfig(("a", "b", "c"), speeds=(0.95, 1.05))


def blobs(seed=0):
    rng = np.random.default_rng(seed)
    targets = np.arange(60) % 3
    features = rng.standard_normal((60, 2, 6)).astype(np.float32)
    features[..., 0] += 4 * targets[:, None]
    return features, targets


def fit(features, targets, speakers=None, perceptrons=SMALL, candidates=None, clips=None, **given):
    options = {"parts": PARTS, "everyday": 0, **given}
    return EmotionClassifier(ABC, perceptrons=perceptrons, **options).fit(
        features, targets, speakers, candidates=candidates, sample_weight=clips
    )


def test_a_classifier_is_one_of_scikit_learn():
    features, targets = blobs()
    y, speakers = np.array(["sad", "calm", "wild"])[targets], np.arange(60) // 10
    classifier = EmotionClassifier(ABC, perceptrons=SMALL)
    scores = cross_val_score(classifier, features, y, groups=speakers, cv=GroupKFold(3))
    assert scores.mean() > 0.9
    fitted = clone(classifier).fit(features[:, 0], y)
    assert list(fitted.classes_) == ["calm", "sad", "wild"]
    assert (fitted.predict(features[:, 0]) == y).mean() > 0.9
    np.testing.assert_allclose(fitted.predict_proba(features[:, 0]).sum(axis=1), 1)


def test_data_that_do_not_fit_are_refused_in_a_sentence():
    features, targets = blobs()
    fitted = fit(features, targets)
    assert fitted.n_features_in_ == 6
    holes = np.where(np.arange(6) == 3, np.nan, features)
    for X, y, words in (
        (holes, targets, "contains NaN"),
        (features[0, 0], targets, "Expected 2D array"),
        (features, targets[1:], "inconsistent numbers"),
        (features, np.eye(3)[targets], "1d array"),
    ):
        with pytest.raises(ValueError, match=words):
            fit(X, y)
    with pytest.raises(ValueError, match="contains NaN"):
        fitted.predict(holes)
    with pytest.raises(ValueError, match="inconsistent numbers"):
        fit(features, targets, [0, 1])
    with pytest.raises(NotFittedError):
        EmotionClassifier(ABC).predict(features)


def test_clips_of_one_class_are_refused():
    with pytest.raises(ValueError, match="give at least two"):
        fit(blobs()[0], np.zeros(60))


def test_perceptrons_merge_into_one_that_opens_without_trust():
    features, targets = blobs()
    made = fit(features, targets, np.arange(60) // 10)
    first_layer = made.pipelines_["plain"][-1].coefs_[0]
    assert first_layer.shape == (6, 48)
    assert first_layer.flags.c_contiguous  # which makes a clip's products several times as fast
    data = skops.io.dumps(made.pipelines_)
    assert skops.io.get_untrusted_types(data=data) == []
    restored = EmotionClassifier.restore(skops.io.loads(data), ABC)
    restored.check(6)
    for options in ({}, {"references": features[0, 0]}):
        np.testing.assert_array_equal(
            made.predict_proba(features, **options), restored.predict_proba(features, **options)
        )


def test_equal_seeds_give_equal_models():
    features, targets = blobs()
    first, again, other = (
        fit(features, targets, np.arange(60) // 10, seed=seed).predict_proba(
            features, references=features[0, 0]
        )
        for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


def test_a_clip_is_judged_relative_to_others_of_its_speaker():
    def people(seed):
        """Return clips of speakers who differ more than their emotions do."""
        rng = np.random.default_rng(seed)
        speakers, targets = np.repeat(np.arange(20), 18), np.tile([0, 1, 2], 120)
        features = 0.2 * rng.standard_normal((360, 1, 6))
        features[..., 0] += targets[:, None] + 2 * rng.standard_normal(20)[speakers, None]
        return features.astype(np.float32), targets, speakers

    made = fit(*people(0))
    features, targets, speakers = people(1)
    alone = np.mean(made.predict(features) == targets)
    assert alone < 0.6
    for are_known in (targets < 3, targets == 0):  # all clips of a speaker, everyday ones
        usual = [features[(speakers == one) & are_known, 0].mean(axis=0) for one in speakers]
        told = made.predict_proba(features, references=np.array(usual)).argmax(axis=1)
        assert np.mean(told == targets) > alone + 0.1


@pytest.fixture
def few_each():
    """Features, emotions and speakers of 72 clips, six of each speaker; the last one is alone."""
    rng, numbers = np.random.default_rng(0), np.arange(73)
    features = rng.standard_normal((73, 1, 6)).astype(np.float32)
    features[..., 0] += numbers[:, None] % 3
    return features, numbers % 3, numbers // 6


def test_a_speaker_of_one_clip_keeps_no_other_from_being_compared(few_each):
    features, targets, speakers = few_each
    assert fit(features, targets, speakers).knows_voices
    singles = 100 + np.arange(73)
    for alone in (targets == 2, np.arange(73) > 30):  # of an emotion all, or of all most
        assert not fit(features, targets, np.where(alone, singles, speakers)).knows_voices


def test_clips_without_weight_teach_nothing_of_voices(few_each):
    features, targets, speakers = few_each
    silent = np.arange(73) < 36
    weights = np.where(silent, 0.0, 1.0)
    fits = (
        fit(features, labels, speakers, clips=weights)
        for labels in (targets, np.where(silent, (targets + 1) % 3, targets))
    )
    told = [each.predict_proba(features[:, 0], references=features[:1, 0]) for each in fits]
    np.testing.assert_allclose(*told, atol=1e-6)
    alone = np.where(silent, speakers, 100 + np.arange(73))
    assert not fit(features, targets, alone, clips=weights).knows_voices


def test_an_emotion_is_told_from_the_voices_that_it_was_mostly_said_in():
    def people(seed, often):
        """Return clips of speakers, so many of three of the emotion that each shows mostly."""
        rng = np.random.default_rng(seed)
        speakers = np.repeat(np.arange(12), 18)
        targets = np.where(np.arange(216) % 3 < often, speakers, np.arange(216) // 3) % 3
        features = rng.standard_normal((216, 1, 6)).astype(np.float32)
        features[np.arange(216), 0, targets] += 1.5
        features[np.arange(216), 0, 3 + speakers % 3] += 3
        return features, targets, speakers

    (features, targets, speakers), (strangers, expected, _) = people(0, 2), people(1, 0)
    right = {}
    for exchange in (0.0, 0.5):
        perceptrons = [replace(PLAIN[0], exchange=exchange)]
        made = fit(features, targets, speakers, perceptrons=perceptrons)
        right[exchange] = np.mean(made.predict(strangers) == expected)
    assert right[0.5] > right[0.0] + 0.03


def test_without_several_clips_of_each_speaker_there_is_nothing_to_compare_with():
    features, targets = blobs()
    for speakers in (None, np.arange(60)):
        assert not fit(features, targets, speakers).knows_voices
    assert fit(features, targets, np.arange(60) // 2).knows_voices


def test_what_a_corpus_does_not_tell_apart_is_told_apart_by_another():
    features, targets = (np.concatenate(each) for each in zip(*map(blobs, range(4)), strict=True))
    may_be = np.eye(3, dtype=bool)[targets]
    vague = np.arange(240) >= 60  # of these it is only known that they are not of class 2
    may_be[vague & (targets < 2), :2] = True
    said = np.where(vague & (targets < 2), 0, targets)
    right = [
        (fit(features, said, perceptrons=PLAIN, candidates=each).predict(features) == targets)[
            vague & (targets == 1)
        ].mean()
        for each in (may_be, None)
    ]
    assert right[0] > 0.8
    assert right[1] < 0.4


@pytest.mark.parametrize(("weights", "lowest", "highest"), [((1, 0), 0.75, 1), ((0, 1), 0, 0.25)])
def test_a_copy_that_counts_nothing_teaches_nothing(weights, lowest, highest):
    features, targets = blobs()
    features[:, 1] = features[(targets + 1) % 3, 1]  # copies that sound like another class
    made = fit(features, targets, perceptrons=PLAIN, weights=weights)
    assert lowest <= np.mean(made.predict(features[:, :1]) == targets) <= highest


def test_clips_that_count_little_teach_little():
    features, targets = blobs()
    wrong = np.arange(60) >= 30
    said = np.where(wrong, (targets + 1) % 3, targets)
    for counted, lowest, highest in ((~wrong, 0.75, 1), (wrong, 0, 0.25)):
        made = fit(features, said, perceptrons=PLAIN, clips=np.where(counted, 1, 1e-6))
        assert lowest <= np.mean(made.predict(features) == targets) <= highest


def test_probabilities_are_averaged_over_speeds():
    features, targets = blobs()
    made = fit(features, targets)
    plain = made.pipelines_["plain"]
    each = [plain.predict_proba(features[:, index]) for index in range(2)]
    expected = np.mean(each, axis=0)
    np.testing.assert_allclose(made.predict_proba(features), expected, atol=1e-6)
    np.testing.assert_allclose(made.predict_proba(features[:1]), expected[:1], atol=1e-6)


def test_copies_beyond_the_speeds_are_only_learnt_from():
    features, targets = blobs()
    copies = np.concatenate([features, features[::-1]], axis=1)
    made = fit(copies, targets)
    np.testing.assert_array_equal(made.predict_proba(copies), made.predict_proba(features))


def test_an_odd_value_cannot_decide():
    made = fit(*blobs())
    far, farther = np.zeros((2, 1, 6), np.float32)
    far[0, 1], farther[0, 1] = 1e3, 1e6
    np.testing.assert_allclose(made.predict_proba(far), made.predict_proba(farther))


def test_a_perceptron_knows_only_its_features():
    features, targets = blobs()
    changed = features.copy()
    changed[..., 4:] += 3
    for settings, is_aware in ((SMALL[0], True), (SMALL[2], False)):
        made = fit(features, targets, perceptrons=[settings])
        known = (made.predict_proba(each) for each in (features, changed))
        assert np.allclose(*known, atol=1e-5) != is_aware


def test_experts_of_other_classes_are_refused():
    features, targets = blobs()
    made = fit(features, targets, np.arange(60) // 10)
    made.check(6)
    made.pipelines_["relative"][-1].classes_ = np.array([2, 0, 1])
    with pytest.raises(ValueError, match="do not fit each other"):
        made.check(6)


@pytest.mark.parametrize("classes", [[0.0, 1.0, 2.0], [0, 1, 3], [0, 1, 1], ["0", "1", "2"]])
def test_classes_that_number_no_labels_are_refused(classes):
    made = fit(*blobs())
    made.classes_ = made.pipelines_["plain"][-1].classes_ = np.array(classes)
    with pytest.raises(ValueError, match="classes are not those of the labels"):
        made.check(6)


def test_features_that_never_change_do_no_harm():
    features, targets = blobs()
    features[..., 1] = 7
    assert np.isfinite(fit(features, targets).predict_proba(features)).all()
