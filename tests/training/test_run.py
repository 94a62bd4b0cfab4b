"""Altered copies, the classifier, and train.py from a folder of recordings to a model folder."""

import dataclasses
import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import skops.io
import soundfile
from signals import noise, speech_like, tone

from ser import EmotionRecognizer
from ser.audio.activity import cut_speech
from ser.audio.augmentation import RECORDINGS, add_noise, in_eight_bits, limit_band
from ser.audio.loading import load_audio
from ser.audio.speed import at_speeds, change_speed
from ser.model.classifier import EmotionClassifier
from ser.model.perceptrons import SUMMARY_SHARE, MLPSettings, fit_pipelines
from ser.training.run import COPIES, _copies, calibrate

ROOT = Path(__file__).resolve().parents[2]
RATE = 16000
SMALL = MLPSettings(n_components=4, hidden_units=8, alpha=0.1, batch_size=16)


def power(waveform):
    return np.mean(np.square(waveform, dtype=np.float64))


# Copies


@pytest.mark.parametrize("snr", [5, 20])
def test_noise_is_as_loud_as_asked_for(snr):
    clip = tone(1, RATE)
    noisy = add_noise(clip, RATE, snr, np.random.default_rng(0))
    assert 10 * np.log10(power(clip) / power(noisy - clip)) == pytest.approx(snr, abs=0.1)


def test_speed_changes_pitch_and_duration():
    faster = change_speed(tone(1, RATE, 400), RATE, 1.25)
    assert faster.size == pytest.approx(RATE / 1.25, abs=2)
    strongest = np.abs(np.fft.rfft(faster)).argmax() * RATE / faster.size
    assert strongest == pytest.approx(500, abs=2)


def test_a_clip_is_heard_as_training_tests_it():
    clip = np.pad(speech_like(1, RATE), RATE)
    heard = at_speeds(cut_speech(clip, RATE), RATE)
    learned = list(_copies((clip, RATE), RATE, "a name", 0))
    assert len(learned) == len(COPIES)
    for version, copy in zip(heard, learned, strict=False):
        np.testing.assert_array_equal(version, copy)


def test_a_telephone_carries_no_high_sounds():
    heard = limit_band(noise(1, RATE), RATE, 300, 8000)
    spectrum = np.abs(np.fft.rfft(heard, RATE)) ** 2
    assert spectrum[4200:].sum() < 1e-3 * spectrum[1000:3000].sum()


def test_eight_bits_sound_like_a_file_of_eight_bits(tmp_path):
    clip = (speech_like(1, 48000, level=0.01) * 2**15).astype(np.int16)
    file = tmp_path / "clip.wav"
    soundfile.write(file, clip, 48000, subtype="PCM_U8")
    np.testing.assert_array_equal(in_eight_bits((clip, 48000), RATE), load_audio(file, RATE))


@pytest.mark.parametrize("kind", RECORDINGS)
def test_equal_seeds_give_equal_copies(kind):
    clip, record = speech_like(1, RATE), RECORDINGS[kind]
    first, again, other = (record(clip, RATE, np.random.default_rng(s)) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert first.size != other.size or not np.array_equal(first, other)
    assert np.isfinite(first).all()


# Classifier


def blobs(seed=0):
    rng = np.random.default_rng(seed)
    targets = np.arange(60) % 3
    features = rng.standard_normal((60, 2, 6)).astype(np.float32)
    features[..., 0] += 4 * targets[:, None]
    return features, targets


def test_perceptrons_merge_into_one_that_opens_without_trust():
    features, targets = blobs()
    parts = {"summaries": np.arange(4)}
    pipelines = fit_pipelines(features, targets, seed=0, parts=parts, settings=SMALL)
    first_layer = pipelines["general"]["mlp"].coefs_[0]
    assert first_layer.shape == (6, 16)
    assert first_layer.flags.c_contiguous  # which makes a clip's products several times as fast
    data = skops.io.dumps(pipelines)
    assert skops.io.get_untrusted_types(data=data) == []
    made, restored = (EmotionClassifier("abc", each) for each in (pipelines, skops.io.loads(data)))
    np.testing.assert_array_equal(restored.predict_proba(features), made.predict_proba(features))
    np.testing.assert_array_equal(restored.novelty(features), made.novelty(features))


def test_logits_are_averaged_over_those_who_know_all_and_summaries_alone(monkeypatch):
    features, targets = blobs()
    parts, logits = {"summaries": np.arange(4)}, {}
    for share in (0, SUMMARY_SHARE, 1):
        monkeypatch.setattr("ser.model.perceptrons.SUMMARY_SHARE", share)
        pipelines = fit_pipelines(features, targets, seed=0, parts=parts, settings=SMALL)
        logits[share] = np.log(pipelines["general"].predict_proba(features[:, 0]))
    mean = (1 - SUMMARY_SHARE) * logits[0] + SUMMARY_SHARE * logits[1] - logits[SUMMARY_SHARE]
    np.testing.assert_allclose(mean, np.broadcast_to(mean[:, :1], mean.shape), atol=1e-4)
    changed = features[:, 0].copy()
    changed[:, 4:] += 3
    unaware = np.log(pipelines["general"].predict_proba(changed))
    np.testing.assert_allclose(unaware, logits[1], atol=1e-5)


def test_equal_seeds_give_equal_models():
    features, targets = blobs()
    parts = {"summaries": np.arange(4), "prosody": np.arange(3)}
    first, again = (
        EmotionClassifier(
            "abc", fit_pipelines(features, targets, seed=3, parts=each, settings=SMALL)
        )
        for each in (parts, dict(reversed(parts.items())))
    )
    np.testing.assert_array_equal(first.predict_proba(features), again.predict_proba(features))


@pytest.mark.parametrize(("weights", "lowest", "highest"), [((1, 0), 0.75, 1), ((0, 1), 0, 0.25)])
def test_a_copy_that_counts_nothing_teaches_nothing(weights, lowest, highest):
    features, targets = blobs()
    features[:, 1] = features[(targets + 1) % 3, 1]  # copies that sound like another class
    settings = dataclasses.replace(SMALL, learning_rate=0.01, n_epochs=40)
    pipelines = fit_pipelines(features, targets, seed=0, settings=settings, weights=weights)
    probabilities = EmotionClassifier("abc", pipelines).predict_proba(features[:, :1])
    assert lowest <= np.mean(probabilities.argmax(axis=1) == targets) <= highest


def test_probabilities_are_averaged_over_speeds():
    features, targets = blobs()
    parts = {"prosody": np.arange(3)}
    pipelines = fit_pipelines(features, targets, seed=0, parts=parts, settings=SMALL)
    classifier = EmotionClassifier("abc", pipelines)
    rows = [pipelines["general"][:-1].transform(features[:, index]) for index in range(2)]
    experts = [
        np.mean([expert.predict_proba(each) for each in rows], axis=0)
        for expert in (pipelines["general"][-1:], pipelines["prosody"])
    ]
    expected = np.sum(classifier.gate(features)[:, :, None] * experts, axis=0)
    np.testing.assert_allclose(classifier.predict_proba(features), expected, atol=1e-6)


def test_an_odd_value_cannot_decide():
    features, targets = blobs()
    pipeline = fit_pipelines(features, targets, seed=0, settings=SMALL)["general"]
    far, farther = np.zeros((2, 1, 6), np.float32)
    far[0, 1], farther[0, 1] = 1e3, 1e6
    np.testing.assert_allclose(pipeline.predict_proba(far), pipeline.predict_proba(farther))


def test_what_is_far_from_training_is_novel():
    features, targets = blobs()
    classifier = EmotionClassifier("abc", fit_pipelines(features, targets, seed=0, settings=SMALL))
    assert classifier.novelty(features).mean() == pytest.approx(1, abs=0.5)
    assert classifier.novelty(features[:5] + 4).min() > classifier.novelty(features).max()


def test_an_expert_knows_only_its_features():
    features, targets = blobs()
    parts = {"prosody": np.array([0, 1])}
    pipelines = fit_pipelines(features, targets, seed=0, parts=parts, settings=SMALL)
    limit = pipelines["general"][:-1].transform
    changed = features[:, 0].copy()
    changed[:, 2:] += 3
    experts = pipelines["prosody"], pipelines["general"][-1:]
    same = [
        np.allclose(
            expert.predict_proba(limit(features[:, 0])), expert.predict_proba(limit(changed))
        )
        for expert in experts
    ]
    assert same == [True, False]


def test_the_more_unlike_training_a_clip_is_the_more_counts_the_expert_in_prosody():
    features, targets = blobs()
    parts = {"prosody": np.array([1])}
    pipelines = fit_pipelines(features, targets, seed=0, parts=parts, settings=SMALL)
    classifier = EmotionClassifier("abc", pipelines)
    usual, odd = features[:5], features[:5] + 4
    assert classifier.gate(usual)[0].min() > classifier.gate(odd)[0].max()
    limit = pipelines["general"][:-1].transform
    (alone,) = pipelines["prosody"].predict_proba(limit(odd[0, :1]))
    far = np.full((1, 1, 6), 50, np.float32)
    far[0, 0, 1] = odd[0, 0, 1]
    np.testing.assert_allclose(classifier.predict_proba(far)[0], alone, atol=0.1)


def test_a_rare_class_counts_as_much_for_the_expert_in_prosody():
    rng = np.random.default_rng(0)
    targets = np.repeat([0, 1], [180, 20])
    features = rng.standard_normal((200, 1, 2)).astype(np.float32)
    features[..., 0] += targets[:, None]
    parts = {"prosody": np.arange(2)}
    settings = dataclasses.replace(SMALL, n_epochs=30)
    pipelines = fit_pipelines(features, targets, seed=0, parts=parts, settings=settings)
    rows = pipelines["general"][:-1].transform(features[:, 0])
    share = pipelines["prosody"].predict_proba(rows)[:, 1].mean()
    assert pipelines["general"][-1:].predict_proba(rows)[:, 1].mean() < 0.3 < share


def test_experts_of_other_labels_are_refused():
    features, targets = blobs()
    parts = {"prosody": np.arange(2)}
    pipelines = fit_pipelines(features, targets, seed=0, parts=parts, settings=SMALL)
    EmotionClassifier("abc", pipelines).check(6)
    pipelines["prosody"][-1].classes_ = np.array([2, 0, 1])
    with pytest.raises(ValueError, match="do not fit each other"):
        EmotionClassifier("abc", pipelines).check(6)


def test_features_that_never_change_do_no_harm():
    features, targets = blobs()
    features[..., 1] = 7
    parts = {"prosody": np.arange(3)}
    pipelines = fit_pipelines(features, targets, seed=0, parts=parts, settings=SMALL)
    assert np.isfinite(EmotionClassifier("abc", pipelines).predict_proba(features)).all()


def test_labels_without_clips_get_nothing():
    features, targets = blobs()
    pipelines = fit_pipelines(features, 2 * (targets > 0), seed=0, settings=SMALL)
    probabilities = EmotionClassifier(("a", "b", "c"), pipelines).predict_proba(features[:5])
    assert (probabilities[:, 1] == 0).all()
    assert probabilities.sum(axis=1) == pytest.approx(1)


def test_no_fold_sets_its_own_temperature():
    rng = np.random.default_rng(0)
    probabilities, targets = rng.dirichlet([1, 1, 1], 90), rng.integers(3, size=90)
    folds = np.arange(90) % 3
    changed = np.where(folds == 0, (targets + 1) % 3, targets)
    before, after = (calibrate(probabilities, labels, folds) for labels in (targets, changed))
    np.testing.assert_array_equal(before[folds == 0], after[folds == 0])
    assert not np.allclose(before[folds == 1], after[folds == 1])


# train.py


def train(*arguments, cache):
    return subprocess.run(
        [sys.executable, ROOT / "train.py", "--jobs", "1", *arguments],
        env=os.environ | {"HF_DATASETS_CACHE": str(cache)},
        capture_output=True,
        text=True,
    )


def test_a_folder_of_recordings_becomes_a_model(tmp_path):
    for emotion, pitch in ((1, 110), (5, 260)):
        for seed, (actor, repetition) in enumerate(product((1, 2, 3, 4), (1, 2))):
            name = f"03-01-{emotion:02d}-01-01-{repetition:02d}-{actor:02d}.wav"
            voice = speech_like(1.0, RATE, pitch=pitch + 5 * actor, seed=seed)
            soundfile.write(tmp_path / name, voice, RATE)
    (tmp_path / "03-01-05-01-02-01-04.wav").write_text("no audio")
    options = ("--dataset", tmp_path, "--protocol", "actors", "--emotions", "neutral", "angry")
    runs = [train(*options, "--output", tmp_path / name, cache=tmp_path / "cache") for name in "ab"]
    for run in runs:
        assert run.returncode == 0, run.stderr
        assert "03-01-05-01-02-01-04" in run.stderr
        assert "unweighted recall" in run.stdout
    assert "Extracting features" in runs[0].stderr
    assert "Extracting features: 100%" not in runs[1].stderr
    first, again = (json.loads((tmp_path / name / "metrics.json").read_text()) for name in "ab")
    assert first == again
    recognizer = EmotionRecognizer.from_pretrained(tmp_path / "a")
    assert recognizer.config["dataset"]["source"] == tmp_path.name  # not where it lies
    assert recognizer.labels == ("neutral", "angry")
    assert recognizer.predict(tmp_path / "03-01-05-01-01-01-02.wav").emotion == "angry"
    assert {"examples/metadata.csv", "confusion-actors.png"} <= set(recognizer.files)


def test_a_protocol_that_does_not_fit_is_found_before_extraction(tmp_path, monkeypatch, caplog):
    from train import main

    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "cache"))
    for emotion, actor in product((1, 5), (1, 2, 3)):
        name = f"03-01-{emotion:02d}-01-01-01-{actor:02d}.wav"
        soundfile.write(tmp_path / name, speech_like(1.0, RATE, seed=10 * emotion + actor), RATE)
    options = ["--dataset", str(tmp_path), "--output", str(tmp_path / "model")]
    assert main([*options, "--protocol", "leave-one-actor-out", "sentence"]) == 1
    assert "'sentence' cannot split" in caplog.text
    assert "features each" not in caplog.text


def test_a_tag_without_publication_is_explained(capsys):
    from train import parse_arguments

    with pytest.raises(SystemExit):
        parse_arguments(["--tag", "v1"])
    assert "add --push-to-hub" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("--jobs=two", "'two' is not a number of processes; give 1 or more"),
        ("--jobs=0", "'0' is not a number of processes; give 1 or more"),
        ("--licence=CC BY", "'CC BY' is not the identifier of a licence on the Hub; give one such"),
        ("--dataset-name=Choir", "needs the licence of the recordings: add --licence"),
        ("--code=github", "'github' is not an address; give one such as https://"),
        ("--space=demo", "'demo' is not the name of a repository; give OWNER/NAME"),
        ("--push-to-hub=voices", "'voices' is not the name of a repository; give OWNER/NAME"),
        ("--seed=-1", "'-1' is not a seed; give a whole number, 0 to 4294967295"),
    ],
)
def test_a_wrong_option_is_refused_with_what_is_allowed(option, complaint, capsys):
    from train import parse_arguments

    with pytest.raises(SystemExit):
        parse_arguments([option])
    assert complaint in capsys.readouterr().err


def test_a_source_without_recordings_is_one_sentence(tmp_path):
    run = train("--dataset", tmp_path, "--output", tmp_path / "model", cache=tmp_path / "cache")
    assert run.returncode == 1
    assert "no usable clip" in run.stderr
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "model").exists()
