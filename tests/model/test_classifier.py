"""The classifier: perceptrons in experts, mixed by how unusual a clip is."""

from dataclasses import replace

import numpy as np
import pytest
import skops.io
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GroupKFold, cross_val_score

from ser.model.classifier import EmotionClassifier
from ser.model.config import ModelConfig
from ser.model.perceptrons import PERCEPTRONS

SMALL = [
    replace(each, n_components=4, hidden_units=8, alpha=0.1, batch_size=16) for each in PERCEPTRONS
]
QUICK = [
    replace(each, n_components=6, whitening=0, learning_rate=0.01, n_epochs=60, mixup=0.1)
    for each in SMALL
]
ABC = ModelConfig(("a", "b", "c"))


def blobs(seed=0):
    rng = np.random.default_rng(seed)
    targets = np.arange(60) % 3
    features = rng.standard_normal((60, 2, 6)).astype(np.float32)
    features[..., 0] += 4 * targets[:, None]
    return features, targets


def fit(features, targets, perceptrons=SMALL, **options):
    return EmotionClassifier(ABC, perceptrons=perceptrons, **options).fit(features, targets)


def prepared(classifier, features):
    """Return features as the experts see them."""
    return classifier.pipelines_["general"][:-1].transform(features)


def expert(classifier, name):
    return classifier.pipelines_[name][-1]


def test_a_classifier_is_one_of_scikit_learn():
    features, targets = blobs()
    y, speakers = np.array(["sad", "calm", "wild"])[targets], np.arange(60) // 10
    classifier = EmotionClassifier(perceptrons=QUICK)
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
        EmotionClassifier(ABC, perceptrons=SMALL, everyday=0).fit(features, targets, [0, 1])
    with pytest.raises(NotFittedError):
        EmotionClassifier(ABC).predict(features)


def test_clips_of_one_class_are_refused():
    with pytest.raises(ValueError, match="give at least two"):
        fit(blobs()[0], np.zeros(60))


def test_perceptrons_merge_into_one_that_opens_without_trust():
    features, targets = blobs()
    made = fit(features, targets, parts={"summaries": np.arange(4)})
    first_layer = expert(made, "general").coefs_[0]
    assert first_layer.shape == (6, 16)
    assert first_layer.flags.c_contiguous  # which makes a clip's products several times as fast
    data = skops.io.dumps(made.pipelines_)
    assert skops.io.get_untrusted_types(data=data) == []
    restored = EmotionClassifier.restore(skops.io.loads(data), ABC)
    for answer, again in zip(made.assess(features), restored.assess(features), strict=True):
        np.testing.assert_array_equal(answer, again)


def test_logits_are_averaged_over_those_who_know_all_and_summaries_alone():
    features, targets = blobs()
    logits = {}
    for share in (1e-9, 0.3, 1 - 1e-9):
        shared = [replace(SMALL[0], share=1 - share), replace(SMALL[1], share=share)]
        made = fit(features, targets, shared, parts={"summaries": np.arange(4)})
        logits[share] = np.log(made.pipelines_["general"].predict_proba(features[:, 0]))
    mean = 0.7 * logits[1e-9] + 0.3 * logits[1 - 1e-9] - logits[0.3]
    np.testing.assert_allclose(mean, np.broadcast_to(mean[:, :1], mean.shape), atol=1e-4)
    changed = features[:, 0].copy()
    changed[:, 4:] += 3
    unaware = np.log(made.pipelines_["general"].predict_proba(changed))
    np.testing.assert_allclose(unaware, logits[1 - 1e-9], atol=1e-5)


def test_equal_seeds_give_equal_models():
    features, targets = blobs()
    parts = {"summaries": np.arange(4), "prosody": np.arange(3)}
    first, again = (
        fit(features, targets, parts=each, seed=3)
        for each in (parts, dict(reversed(parts.items())))
    )
    np.testing.assert_array_equal(first.predict_proba(features), again.predict_proba(features))


@pytest.mark.parametrize(("weights", "lowest", "highest"), [((1, 0), 0.75, 1), ((0, 1), 0, 0.25)])
def test_a_copy_that_counts_nothing_teaches_nothing(weights, lowest, highest):
    features, targets = blobs()
    features[:, 1] = features[(targets + 1) % 3, 1]  # copies that sound like another class
    perceptrons = [replace(SMALL[0], learning_rate=0.01, n_epochs=40)]
    made = fit(features, targets, perceptrons, weights=weights)
    assert lowest <= np.mean(made.predict(features[:, :1]) == targets) <= highest


def test_probabilities_are_averaged_over_speeds():
    features, targets = blobs()
    made = fit(features, targets, parts={"prosody": np.arange(3)})
    rows = [prepared(made, features[:, index]) for index in range(2)]
    experts = [
        np.mean([expert(made, name).predict_proba(each) for each in rows], axis=0)
        for name in ("general", "prosody")
    ]
    expected = np.sum(made.gate(made.assess(features)[1])[:, :, None] * experts, axis=0)
    np.testing.assert_allclose(made.predict_proba(features), expected, atol=1e-6)


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


def test_what_is_far_from_training_is_novel():
    features, targets = blobs()
    made = fit(features, targets)
    assert made.assess(features)[1].mean() == pytest.approx(1, abs=0.5)
    assert made.assess(features[:5] + 4)[1].min() > made.assess(features)[1].max()


def test_an_expert_knows_only_its_features():
    features, targets = blobs()
    made = fit(features, targets, parts={"prosody": np.array([0, 1])})
    changed = features[:, 0].copy()
    changed[:, 2:] += 3
    rows = prepared(made, features[:, 0]), prepared(made, changed)
    same = [
        np.allclose(*(expert(made, name).predict_proba(each) for each in rows))
        for name in ("prosody", "general")
    ]
    assert same == [True, False]


def test_the_more_unlike_training_a_clip_is_the_more_counts_the_expert_in_prosody():
    features, targets = blobs()
    made = fit(features, targets, parts={"prosody": np.array([1])})
    usual, odd = made.assess(features[:5])[1], made.assess(features[:5] + 4)[1]
    assert made.gate(usual)[0].min() > made.gate(odd)[0].max()
    far = np.full((1, 1, 6), 50, np.float32)
    far[0, 0, 1] = features[0, 0, 1] + 4
    (alone,) = expert(made, "prosody").predict_proba(prepared(made, far[0]))
    np.testing.assert_allclose(made.predict_proba(far)[0], alone, atol=0.1)


def test_another_expert_is_one_more_row():
    features, targets = blobs()
    rows = [*QUICK, replace(QUICK[2], expert="rhythm", part="rhythm")]
    parts = {"prosody": np.array([0, 1]), "rhythm": np.array([0, 2])}
    made = fit(features, targets, rows, parts=parts)
    gate = made.gate(np.array([0.5, 5.0]))
    assert gate.shape == (3, 2)
    np.testing.assert_allclose(gate.sum(axis=0), 1)
    assert (made.predict(features) == targets).mean() > 0.9


def test_a_rare_class_counts_as_much_for_the_expert_in_prosody():
    rng = np.random.default_rng(0)
    targets = np.repeat([0, 1], [180, 20])
    features = rng.standard_normal((200, 1, 2)).astype(np.float32)
    features[..., 0] += targets[:, None]
    perceptrons = [replace(each, n_epochs=30) for each in SMALL]
    made = fit(features, targets, perceptrons, parts={"prosody": np.arange(2)})
    rows = prepared(made, features[:, 0])
    general, prosody = (
        expert(made, name).predict_proba(rows)[:, 1].mean() for name in ("general", "prosody")
    )
    assert general < 0.3 < prosody


def test_experts_of_other_classes_are_refused():
    features, targets = blobs()
    made = fit(features, targets, parts={"prosody": np.arange(2)})
    made.check(6)
    expert(made, "prosody").classes_ = np.array([2, 0, 1])
    with pytest.raises(ValueError, match="do not fit each other"):
        made.check(6)


@pytest.mark.parametrize("classes", [[0.0, 1.0, 2.0], [0, 1, 3], [0, 1, 1], ["0", "1", "2"]])
def test_classes_that_number_no_labels_are_refused(classes):
    made = fit(*blobs())
    made.classes_ = np.array(classes)
    for name in ("general", "prosody"):
        if name in made.pipelines_:
            expert(made, name).classes_ = made.classes_
    with pytest.raises(ValueError, match="classes are not those of the labels"):
        made.check(6)


def test_features_that_never_change_do_no_harm():
    features, targets = blobs()
    features[..., 1] = 7
    made = fit(features, targets, parts={"prosody": np.arange(3)})
    assert np.isfinite(made.predict_proba(features)).all()
