"""The study of reasons, on made-up voices whose pitch alone tells how they feel."""

from dataclasses import replace
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from signals import speech_like
from small_corpus import QUICK, RATE, options

from ser.errors import DatasetError
from ser.features import FeatureConfig
from ser.studies import reasons

EMOTIONS = {1: 110, 5: 260}  # Hz, of neutral and angry


@pytest.fixture(scope="module")
def voices(tmp_path_factory):
    """Return a folder of four actors, who differ by less than their emotions do."""
    folder = tmp_path_factory.mktemp("neutral")
    for emotion, actor, sentence, take in product(EMOTIONS, (1, 2, 3, 4), (1, 2), (1, 2)):
        pitch, seed = EMOTIONS[emotion] + 5 * actor, 100 * actor + 10 * sentence + take
        name = f"03-01-{emotion:02}-01-{sentence:02}-{take:02}-{actor:02}.wav"
        soundfile.write(folder / name, speech_like(1.2, RATE, pitch=pitch, seed=seed), RATE)
    return folder


def test_a_fact_that_separates_is_told_from_one_that_does_not():
    y = np.repeat([0, 1], 50)
    assert reasons.eta_squared(y.astype(float), y) == pytest.approx(1)
    assert reasons.eta_squared(np.tile([0.0, 1.0], 50), y) == pytest.approx(0)
    assert reasons.eta_squared(np.where(y, np.nan, 1.0), y) == 0


def test_reasons_by_row(voices):
    features = FeatureConfig(
        families=("energy", "pitch"), statistics=("mean", "percentiles", "clip")
    )
    training = replace(QUICK, features=features, copies=())
    results = dict(reasons.run(options(voices, reasons, training=training)))
    pitch, tempo = (results["facts"]["RAVDESS"][fact] for fact in ("pitch", "tempo"))
    assert pitch["eta"] > 0.9 > 0.5 > tempo["eta"] and pitch["auc"] == {"angry": 1}
    higher = results["named"]["anyone"]["Pitch: higher"]
    assert higher["clips"] >= 16 and higher["right"] > 0.6 > higher["all"] == 0.5
    moments = results["moments"]["RAVDESS"]
    assert moments["clips"] > 0 and moments["chooser"] >= 0.5
    assert moments["chooser"] > moments["chooser_others"]
    titles = list(reasons.tables(results))
    assert titles[0] == "Facts of clips of RAVDESS" and len(titles) == 4


def test_without_neutral_clips_there_is_nothing_to_compare_with(monkeypatch):
    corpus = SimpleNamespace(labels=("happy", "sad"), y=np.array([0, 1]))
    monkeypatch.setattr(reasons, "load_corpus", lambda options: corpus)
    with pytest.raises(DatasetError, match="No clip is neutral"):
        list(reasons.run(options("", reasons)))
