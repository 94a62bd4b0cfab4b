"""Studies of recipes and recordings, and the command, on a small corpus of made-up voices."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import soundfile
from signals import noise, speech_like
from small_corpus import RATE, TINY, clip, options

from ser.cli.main import main
from ser.corpora.folds import Fold
from ser.errors import DatasetError
from ser.features import FeatureExtractor
from ser.studies import (
    comparison,
    disturbance,
    protocols,
    robustness,
)
from ser.studies.baselines import RECIPES, TRIMMED, Recipe, extract_family
from ser.studies.common import (
    paired_difference,
    paired_recall,
)
from ser.studies.folds import NOT_RECOGNISED, collect, run_folds
from ser.training.metrics import headline_figures

# Plumbing


def nearest(features, targets):
    """Fit the simplest classifier: the class whose mean is nearest."""
    means = np.stack([features[targets == target].mean(axis=(0, 1)) for target in range(3)])
    return partial(_nearest, means)


def _nearest(means, rows):
    distances = np.linalg.norm(rows.mean(axis=1)[:, None] - means, axis=2)
    return distances.argmin(axis=1)


def test_folds_are_tested_alike_by_any_number_of_processes():
    rng = np.random.default_rng(0)
    targets = np.arange(30) % 3
    features = (targets[:, None, None] + rng.normal(0, 0.1, (30, 2, 4))).astype(np.float32)
    halves = np.arange(30) < 15
    folds = [
        Fold("a", np.flatnonzero(halves), np.flatnonzero(~halves)),
        Fold("b", np.flatnonzero(~halves), np.flatnonzero(halves)),
    ]
    tests = np.stack([features, 1 + features], axis=1)  # the second version is one class up
    for jobs in (1, 2):
        tested = run_folds(
            features, targets, folds, nearest, jobs=jobs, description="", tests=tests
        )
        recognised = collect(tested, folds, 30)
        np.testing.assert_array_equal(recognised[:, 0], targets)
        np.testing.assert_array_equal(recognised[:, 1], np.minimum(targets + 1, 2))


def test_a_refused_clip_is_never_right():
    result = headline_figures(np.array([0, 0, 1, 1]), np.array([0, NOT_RECOGNISED, 1, 1]))
    assert result["accuracy"] == result["unweighted_average_recall"] == 0.75
    assert result["macro_f1"] == pytest.approx(5 / 6)


def test_paired_difference_is_over_clips_and_its_error_over_actors():
    targets, actors = np.zeros(4, int), np.array([1, 1, 2, 2])
    better = paired_difference(targets, targets, np.array([1, 1, 0, 0]), actors)
    assert better["difference"] == 0.5
    assert better["standard_error"] == pytest.approx(0.5)  # gains of 1 and of 0
    assert paired_difference(targets, targets, targets, actors * 0)["standard_error"] is None


def test_paired_recall_counts_each_class_the_same():
    targets, actors = np.array([0, 0, 0, 1]), np.array([1, 2, 2, 2])
    better = paired_recall(targets, targets, np.array([0, 0, 0, 0]), actors)
    assert better["difference"] == 0.5  # from one clip in four
    assert better["standard_error"] == pytest.approx(0.5)


# Comparison


@pytest.mark.parametrize(("row", "n_values"), [("mfcc", 40), ("usual", 180), ("usual193", 193)])
def test_recipes_have_the_values_of_their_names(folder, row, n_values):
    values = [extract_family(clip(folder), family=each) for each in RECIPES[row].families]
    assert np.concatenate(values, axis=1).shape == (1, n_values)


def test_copies_of_the_181_values_are_for_training_only(folder):
    values = extract_family(clip(folder), family=TRIMMED)
    assert values.shape == (4, 181)
    alone = extract_family(clip(folder), family=TRIMMED, copies=False)
    np.testing.assert_array_equal(values[:1], alone)
    assert all(np.abs(copy - values[0]).max() > 0.1 for copy in values[1:])


def test_a_recipe_trains_on_as_many_clips_of_a_class_as_it_may():
    recipe = Recipe("", (), RECIPES["tree"].classifier, max_clips=3)
    targets = np.array([0] * 10 + [1] * 2)
    predict = recipe.fit(np.ones((12, 2, 1)), targets, seed=0)
    tree = predict.args[0].tree_
    assert tree.n_node_samples[0] == (3 + 2) * 2  # with two copies each


def test_comparison_puts_ours_beside_the_others(folder):
    results = dict(comparison.run(options(folder, comparison, ["tree", "ours"])))
    assert list(results) == ["eight/tree", "eight/ours"]
    ours = results["eight/ours"]
    assert ours["random"]["clips"] == ours["strangers"]["clips"] == 18
    assert ours["strangers"]["accuracy"] > 0.6  # chance is a third
    assert ours["values"] == len(FeatureExtractor(TINY).names)
    assert ours["clip_seconds"] > 0 and ours["training_seconds"] > 0
    ((title, table),) = comparison.tables(results).items()
    assert title == "Speech, eight emotions: 18 clips"
    assert [row[1] for row in table] == ["features", "180", str(ours["values"])]


def test_sets_that_need_song_are_left_out_if_there_is_none(folder, caplog):
    given = options(folder, comparison, ["tree"], sets=["six", "song"])
    results = dict(comparison.run(given))
    assert list(results) == ["six/tree"]
    assert "Left out the sets that need song" in caplog.text


# Protocols


def test_protocols_are_evaluated_as_in_a_training(folder):
    results = dict(protocols.run(options(folder, protocols, ["actors", "random"])))
    assert list(results) == ["actors", "random"]
    for result in results.values():
        assert result["RAVDESS"]["clips"] == 18
        assert result["RAVDESS"]["accuracy"] > 0.45  # chance is a third
        assert 0 <= result["RAVDESS"]["expected_calibration_error"] < 1
    ((_, table),) = protocols.tables(results).items()
    assert [row[:3] for row in table[1:]] == [
        ["actors", "RAVDESS", "18"],
        ["random", "RAVDESS", "18"],
    ]


def test_protocols_that_a_corpus_does_not_allow_are_left_out(folder, caplog):
    given = options(folder, protocols, ["actors", "leave-one-corpus-out"])
    assert list(dict(protocols.run(given))) == ["actors"]
    assert "Left out leave-one-corpus-out" in caplog.text
    with pytest.raises(DatasetError, match="needs two corpora"):
        list(protocols.run(replace(given, rows=["leave-one-corpus-out"])))


# Robustness


def test_gain_changes_nothing_and_each_condition_is_compared_with_clean(folder):
    results = dict(robustness.run(options(folder, robustness)))
    assert list(results) == list(robustness.ROWS)
    assert results["clean"]["accuracy"] > 0.6  # chance is a third
    for name in ("quiet", "loud"):
        assert results[name]["changed"] == 0 and results[name]["to_clean"]["difference"] == 0
    for result in results.values():
        gain = result["accuracy"] - results["clean"]["accuracy"]
        assert result["to_clean"]["difference"] == pytest.approx(gain)
    ((_, table),) = robustness.tables(results).items()
    assert len(table) == 1 + len(robustness.ROWS) and table[1][0] == "as recorded"
    warned = {name: result["warned"] for name, result in results.items()}
    assert warned["clean"] < 0.2 and warned["clipped"] == 1
    assert results["clipped"]["wrong"] == pytest.approx(1 - results["clipped"]["accuracy"])
    assert results["clipped"]["wrong_clean"] == pytest.approx(1 - results["clean"]["accuracy"])


def degrade(name, waveform):
    clip = robustness.Recording((waveform, RATE), waveform, RATE)
    return robustness.CONDITIONS[name][1](clip, np.random.default_rng(0))


def share_above(waveform, hertz):
    power = np.abs(np.fft.rfft(waveform)) ** 2
    return power[np.fft.rfftfreq(waveform.size, 1 / RATE) > hertz].sum() / power.sum()


def test_what_lies_beside_the_voice_is_compared_with_the_clip_as_it_is(folder):
    given = options(folder, disturbance, ["hum60", "dying", "end"], jobs=1)
    results = dict(disturbance.run(given))
    ((title, table),) = disturbance.tables(results).items()
    assert title == f"18 clips of {folder.name}"
    assert [row[0] for row in table[1:]] == [
        disturbance.ROWS[name] for name in ("clean", "hum60", "dying", "end")
    ]
    assert table[1][1:] == ["100.0", "100.0", "0.0"]
    assert all(figures["same_speech"] == 1 for figures in results.values())


def test_disturbances_need_recordings(tmp_path):
    with pytest.raises(DatasetError, match="no recordings in"):
        list(disturbance.run(options(tmp_path, disturbance)))


def test_telephone_ends_at_3400_hertz_and_mp3_does_not():
    hiss = noise(seconds=1, sample_rate=RATE)
    assert share_above(degrade("telephone", hiss), 3500) < 1e-3
    assert share_above(degrade("mp3", hiss), 3500) > 0.3


def test_noise_is_as_far_below_the_speech_as_it_says():
    speech = speech_like(1, RATE)[RATE // 2 : -RATE // 2]
    for name, snr in (("noise20", 20), ("noise10", 10), ("pink15", 15)):
        added = degrade(name, speech) - speech
        assert 10 * np.log10(np.mean(speech**2) / np.mean(added**2)) == pytest.approx(snr, abs=1.5)


def test_eight_bits_are_those_of_a_file(tmp_path):
    samples = (speech_like(1, 48000, level=0.01) * 2**15).astype(np.int16)
    features = []
    for subtype, condition in (("PCM_16", "8bit"), ("PCM_U8", "clean")):
        path = tmp_path / f"{subtype}.wav"
        soundfile.write(path, samples, 48000, subtype=subtype)
        clip = {"file": "a name", "audio": {"bytes": None, "path": str(path)}}
        given = {"config": TINY.to_dict(), "conditions": [condition], "seed": 0}
        features.append(robustness.extract_degraded(clip, **given))
    assert np.isfinite(features).all()
    np.testing.assert_array_equal(*features)


# The command


def test_the_command_writes_tables_and_keeps_rows_that_were_not_run_again(folder, tmp_path, capsys):
    output = tmp_path / "docs" / "studies.md"
    arguments = ["study", "comparison", str(folder), "--sets", "eight", "--jobs", "1"]
    for row in ("tree", "mfcc"):
        assert main([*arguments, "--rows", row, "--output", str(output)]) == 0
    printed = capsys.readouterr().out
    assert printed.count("Speech, eight emotions: 18 clips") == 2
    rows = json.loads(output.with_suffix(".json").read_text())["comparison"]
    assert rows.keys() == {"eight/tree", "eight/mfcc"}
    text = output.read_text()
    assert text.startswith("# Studies\n") and "## Comparison\n" in text
    lines = [line for line in text.splitlines() if line.startswith("| mean MFCC")]
    assert [line.split(" | ")[0] for line in lines] == [
        "| mean MFCC, MLP with two hidden layers",
        "| mean MFCC + chroma + mel, decision tree",
    ]
    assert sorted(path.name for path in output.parent.iterdir()) == ["studies.json", "studies.md"]


def test_several_seeds_give_the_mean_and_how_much_figures_vary(folder, tmp_path, capsys):
    output = tmp_path / "studies.md"
    arguments = ["study", "comparison", str(folder), "--sets", "eight", "--jobs", "1"]
    arguments += ["--rows", "tree", "--output", str(output)]
    found = []
    for seeds in (["0"], ["1"], ["0", "1"]):
        assert main([*arguments, "--seeds", *seeds]) == 0
        (row,) = json.loads(output.with_suffix(".json").read_text())["comparison"].values()
        assert row["stamp"]["seeds"] == list(map(int, seeds))
        found.append(row["figures"]["random"])
    first, second, both = (figures["accuracy"] for figures in found)
    assert first != second and both == pytest.approx((first + second) / 2)
    spread = abs(first - second) / 2**0.5
    assert found[2]["spread"]["accuracy"] == pytest.approx(spread)
    assert f"| {100 * both:.1f} ± {100 * spread:.1f} |" in output.read_text()
    assert "seeds 0, 1: all rows" in output.read_text()


@pytest.mark.parametrize("name", ["notes.md", "notes.json"])
def test_files_that_no_study_wrote_are_left_as_they_are(tmp_path, capsys, name):
    (tmp_path / name).write_text('{"mine": 1}')
    assert main(["study", "mixture", ".", "--output", str(tmp_path / "notes.md")]) == 1
    assert "not written by a study" in capsys.readouterr().err
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {name: '{"mine": 1}'}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["comparison", ".", "--rows", "magic"], "no row 'magic'; choose from mfcc, usual"),
        (["comparison", ".", "--sets", "nine"], "no set 'nine'; choose from eight"),
        (["robustness", ".", "--sets", "six"], "no set 'six'; it has no sets"),
        (["mixture", ".", "--output", "tables.txt"], "ending in .md"),
        (["robustness", "missing/folder/x"], "missing/folder/x"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(arguments, complaint, capsys):
    assert main(["study", *arguments]) == 1
    err = capsys.readouterr().err
    assert err.startswith("error: ") and complaint in err and "Traceback" not in err
