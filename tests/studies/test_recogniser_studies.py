"""Studies of the recogniser, voices and trust, on a small corpus of made-up voices."""

from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from signals import noise, speech_like
from small_corpus import QUICK, RATE, RECALL, TINY, options

from ser.corpora.folds import Fold
from ser.errors import DatasetError
from ser.features import FeatureConfig, FeatureExtractor
from ser.studies import (
    mixture,
    trust,
    voice_profiles,
)
from ser.studies.common import load_corpus as load_features
from ser.studies.references import draw_references
from ser.training.config import CLEAN
from ser.training.features import CorpusFeatures

# Voice profiles


class Offsets(CorpusFeatures):
    """Speakers who differ by more than their emotions do: only other clips of them tell."""

    def __init__(self, n_speakers=12, n_clips=8):
        rng = np.random.default_rng(0)
        speakers, emotions = np.repeat(np.arange(n_speakers), n_clips), np.arange(n_clips) % 2
        y = np.tile(emotions, n_speakers)
        voices = rng.normal(0, 3, (n_speakers, 1, 4))[speakers]
        X = voices + y[:, None, None] + rng.normal(0, 0.1, (len(y), len(QUICK.versions), 4))
        for name, value in {
            **{"X": X.astype(np.float16), "y": y, "labels": ("neutral", "angry")},
            **{"candidates": np.eye(2, dtype=bool)[y], "speakers": speakers, "parts": {}},
            **{"corpora": np.full(len(y), "Made"), "groups": {}, "corpus": None},
        }.items():
            object.__setattr__(self, name, value)

    def folds(self, protocol, seed):
        parts = [np.flatnonzero(self.speakers % 3 == part) for part in range(3)]
        return [
            Fold(str(k), np.setdiff1d(np.arange(len(self.y)), each), each)
            for k, each in enumerate(parts)
        ]


def test_other_clips_of_a_speaker_help_and_those_in_a_reference_are_not_tested(monkeypatch):
    monkeypatch.setattr(voice_profiles, "load_corpus", lambda options: Offsets())
    rows = ["without", "neutral2", "any4"]
    results = dict(voice_profiles.run(options("", voice_profiles, rows)))
    assert list(results) == rows
    counts = [results[row]["Made"]["with"]["clips"] for row in rows]
    assert counts == [96, 96 - 12 * 2, 96]
    for row in rows:
        ways = results[row]["Made"]
        gain, recalls = ways["gain"], [ways[way][RECALL] for way in ("with", "without")]
        assert gain["difference"] == pytest.approx(recalls[0] - recalls[1])
    assert results["without"]["Made"]["gain"]["difference"] == 0
    ((title, table),) = voice_profiles.tables(results).items()
    assert title == "Clips of Made with a reference"
    assert [row[0] for row in table[1:]] == ["none", "2 neutral clips", "4 other clips"]


def test_a_neutral_reference_needs_neutral_clips(folder):
    with pytest.raises(DatasetError, match="No speaker has 4 neutral clips"):
        list(voice_profiles.run(options(folder, voice_profiles, ["neutral4"])))


def test_a_clip_is_never_in_its_own_reference():
    speakers = np.repeat([0, 1], 6)
    corpus = SimpleNamespace(speakers=speakers, y=np.arange(12) % 2, labels=("neutral", "angry"))
    any_other = draw_references(corpus, 5, 0, everyday=False)
    assert any_other.tested.all()
    for clip, others in enumerate(any_other.clips):
        expected = set(np.flatnonzero(speakers == speakers[clip])) - {clip}
        assert set(others) == expected
    neutral = draw_references(corpus, 2, 0, everyday=True)
    assert not np.any(neutral.clips % 2)
    assert neutral.tested.sum() == 12 - 2 * 2
    assert not neutral.tested[neutral.clips].any()
    assert not draw_references(corpus, 6, 0, everyday=False).tested.any()


# Mixture


def test_without_a_family_no_feature_names_its_descriptors():
    config = FeatureConfig()
    names = np.array(FeatureExtractor(config).names)
    left = names[~mixture.family_columns("energy", config)]
    assert not any("energy" in name for name in left)
    assert "f0.all.mean" in left and "corr.mfcc1.f0" in left and len(left) < len(names)


def test_a_variant_changes_what_its_name_says(folder):
    corpus = load_features(options(folder, mixture))

    def recordings(row):
        config, seen = mixture.change(row, corpus, QUICK)
        assert seen.X.shape[1] == len(config.versions)
        return [(each.speed, each.recording) for each in config.versions]

    assert recordings("no-copies") == [(speed, CLEAN) for speed in QUICK.speeds]
    clean = [speed for speed, recording in recordings("ours") if recording == CLEAN]
    three, seen = mixture.change("three-speeds", corpus, QUICK)
    assert list(three.speeds) == clean
    assert CLEAN not in [copy.recording for copy in three.copies]
    np.testing.assert_array_equal(seen.X, corpus.X)
    config, seen = mixture.change("prosody", corpus, QUICK)
    assert config.perceptrons[-1].part == "prosody" and seen is corpus
    _, without_mfcc = mixture.change("family:mfcc", corpus, QUICK)
    names = np.array(FeatureExtractor(TINY).names)
    left = names[~mixture.family_columns("mfcc", TINY)]
    prosody = {*names[corpus.parts["prosody"]]} & {*left}
    assert {*left[without_mfcc.parts["prosody"]]} == prosody


def test_variants_are_compared_with_what_ships_on_each_corpus(folder):
    rows = ["no-relative", "no-copies", "family:mfcc"]
    results = dict(mixture.run(options(folder, mixture, rows)))
    assert list(results) == ["ours", *rows]
    ours = results["ours"]["ways"]["actors"]["RAVDESS"]
    assert ours["to_ours"] == {"difference": 0, "standard_error": 0}
    assert results["family:mfcc"]["features"] < results["ours"]["features"]
    for result in results.values():
        figures = result["ways"]["actors"]["RAVDESS"]
        assert figures["to_ours"]["difference"] == pytest.approx(figures[RECALL] - ours[RECALL])
    ((title, table),) = mixture.tables(results).items()
    assert title == "Variants on RAVDESS"
    assert [row[0] for row in table[1:3]] == ["as it ships", "no relative perceptron"]


# Trust


def test_trust_tells_how_often_sure_answers_and_those_with_a_warning_are_wrong():
    wrong = np.array([False, False, False, True, False, True])
    figures = trust.trust_figures(np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4]), wrong)
    assert figures["auc"] == pytest.approx(7 / 8)
    assert figures["error_100"] == pytest.approx(1 / 3)
    assert (figures["error_80"], figures["error_40"]) == (0.25, 0)
    assert trust.trust_figures(np.ones(2), np.zeros(2, bool))["auc"] is None
    warned = np.array([False, False, False, False, True, True])
    assert trust.warning_figures(warned, wrong) == {"clips": 2, "with": 0.5, "without": 0.25}


def test_trust_gives_the_warnings_of_the_recogniser(folder, tmp_path):
    voice = speech_like(1.5, RATE)
    recordings = {
        "clean": voice,
        "little speech": voice[RATE : RATE + RATE // 2],
        "clipped": np.clip(40 * voice, -1, 1),
        "noisy": voice + noise(2.5, RATE, level=0.12),
    }
    for name, waveform in recordings.items():
        path = tmp_path / f"{name}.wav"
        soundfile.write(path, waveform, RATE, subtype="FLOAT")
        (row,) = trust.hear({"audio": {"path": str(path)}}, config=TINY.to_dict())
        assert row.tolist() == [name == warning for warning in trust.WARNINGS]


def test_trust_by_protocol_and_corpus(folder):
    results = dict(trust.run(options(folder, trust, ["actors"])))
    ((_, figures),) = results["actors"]["corpora"].items()
    assert results["actors"]["refused"] == 0 and figures["clips"] == 18
    scores, doubts = trust.tables(results).values()
    assert scores[1][1] == "18"
    counted = {row[1]: row[2] for row in doubts[1:]}
    assert list(counted) == list(trust.WARNINGS)
    assert counted["clipped"] == counted["noisy"] == "0"
