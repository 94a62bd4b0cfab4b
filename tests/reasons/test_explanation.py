"""An explanation names what stands out, and the part of a recording that the answer hangs on."""

import json

import numpy as np
import pytest
from signals import speech_like
from tiny_model import FEATURES, voice

from ser import EmotionRecognizer
from ser.audio.loading import Recording
from ser.reasons import explain
from ser.reasons.comparison import side_of, stand_out, which
from ser.reasons.facts import ANYONE, VOICE
from ser.reasons.moments import LENGTH, find_moment, leave_out, stretches_of

RATE = FEATURES.sample_rate
NEUTRAL = [-2.0, -1.0, 0.0, 1.0, 2.0]
USUAL = {
    kind: {
        "pitch": {
            "neutral": NEUTRAL,
            "angry": [1.0, 3.0, 6.0, 8.0, 9.0],
            "happy": [0.0, 2.0, 4.0, 6.0, 9.0],
            "sad": [-3.0, -1.5, -1.0, 0.0, 1.0],
        },
        "loudness_range": {"neutral": NEUTRAL, "angry": NEUTRAL, "sad": [-9.0, -6, -4, -1, 1]},
    }
    for kind in (ANYONE, VOICE)
}


def said(values, own=None, answer="angry"):
    found = stand_out(values, own, USUAL, "neutral", answer)
    return [f"{each.written}: {each.comparison}" for each in found]


@pytest.fixture(scope="module")
def recognizer(tiny_model):
    return EmotionRecognizer.from_pretrained(tiny_model)


def test_what_stands_out_is_said_in_words():
    assert said({"pitch": 12.0, "loudness_range": 0.0}) == [
        "Pitch 200\N{NO-BREAK SPACE}Hz: higher, as in angry and happy speech"
    ]
    assert said({"pitch": 1.9, "loudness_range": -1.9}) == []  # as in nine of ten neutral clips
    assert said({"pitch": -5.0})[0].endswith("Hz: lower")


def test_what_fits_the_answer_comes_first():
    values = {"pitch": 12.0, "loudness_range": -5.0}
    first, second = said(values, answer="sad")
    assert first.startswith("Loudness range") and first.endswith("as in sad speech")
    assert second.endswith("as in angry and happy speech, unlike most sad speech")
    assert said(values, answer="calm")[0].endswith("as in angry and happy speech")  # not known
    assert said(values, answer="neutral")[0].endswith("as in angry and happy speech")
    assert said(values, answer="happy")[0].endswith("as in happy and angry speech")


def test_a_known_voice_is_compared_with_itself():
    assert said({"pitch": 12.0}, own={"pitch": 12.5}) == []
    (sentence,) = said({"pitch": 12.0}, own={"pitch": 8.0})
    assert "Hz: higher, as in angry" in sentence
    assert said({"pitch": 12.0}, own={"range": 1.0}) == []  # whispered, it had no pitch


def test_nothing_is_said_without_a_table_or_everyday_speech():
    assert stand_out({"pitch": 12.0}, None, {}, "neutral", "angry") == []
    assert stand_out({"pitch": 12.0}, None, USUAL, None, "angry") == []
    assert which(USUAL, "pitch", "calm", 1) == ()
    assert [side_of(value, NEUTRAL) for value in (-2.1, -1.9, 2.0, 2.1)] == [-1, 0, 0, 1]


def test_the_half_second_that_is_angry_is_found(recognizer):
    calm = voice("calm", seed=1, seconds=2.5)
    quiet, speech = np.split(calm, [RATE // 2])  # half a second of background on either side
    speech = speech[: 2 * RATE]
    loud = voice("angry", seed=3)[RATE // 2 :][: RATE // 2]
    waveform = np.concatenate([quiet, speech[:RATE], loud, speech[RATE:], quiet])
    recording = Recording(waveform.astype(np.float32), RATE)
    known = recognizer.predict(recording)
    angry = type(known)(**{**known.to_dict(), "emotion": "angry"})
    moment = find_moment(recognizer, recording, angry)
    assert moment.start == pytest.approx(1.5, abs=0.3)
    assert moment.end - moment.start == pytest.approx(LENGTH)
    assert moment.change >= 0.5


def test_what_is_left_out_is_gone_and_leaves_no_click():
    waveform = np.linspace(0, 1, 4 * RATE, dtype=np.float32)
    recording = Recording(waveform, RATE)
    whole = leave_out(recording, (1, 3)).waveform
    assert whole.size == 3 * RATE  # with half a second on either side
    left = leave_out(recording, (1, 3), (1.5, 2.0)).waveform
    assert left.size == whole.size - RATE // 2
    np.testing.assert_array_equal(left[: RATE - RATE // 50], whole[: RATE - RATE // 50])
    np.testing.assert_array_equal(left[RATE:], whole[RATE + RATE // 2 :])
    assert np.abs(np.diff(left)).max() < 0.01


def test_the_work_is_bounded_and_short_speech_is_left_whole():
    assert stretches_of(0, 0.9) == []
    assert len(stretches_of(0, 1.5)) == 5
    assert len(stretches_of(0, 600)) == 12


def test_a_long_recording_is_searched_where_it_speaks_for_the_answer(recognizer, monkeypatch):
    calm, angry = voice("calm", seconds=7), voice("angry", seed=1, seconds=4)
    recording = Recording(np.concatenate([calm, angry, calm]).astype(np.float32), RATE)
    asked = []
    analyse = recognizer.analyse
    monkeypatch.setattr(
        type(recognizer), "analyse", lambda self, clip: asked.append(1) or analyse(clip)
    )
    known = recognizer.predict(recording)
    moment = find_moment(
        recognizer, recording, type(known)(**{**known.to_dict(), "emotion": "angry"})
    )
    assert 8 < moment.start < 14
    assert len(asked) < 20


def test_an_explanation_is_a_dict_for_programs(recognizer, monkeypatch):
    clip = (speech_like(1.5, RATE, pitch=300), RATE)
    plain = explain(recognizer, clip)
    assert plain.prediction == recognizer.predict(clip)
    assert plain.compared_with is None and plain.facts == []  # the model does not say what is usual
    usual = {"loudness_range": {"calm": [0, 1, 2, 3, 4], "angry": [9, 9, 9, 9, 9]}}
    monkeypatch.setitem(recognizer.config, "usual", {"anyone": usual})
    told = json.loads(json.dumps(explain(recognizer, clip).to_dict()))
    assert told["compared_with"] == "anyone"
    assert told["facts"] == []  # it has no percentiles among its features
