"""Speech in sound that is still coming: what is said of it, and when."""

import numpy as np
import pytest
from signals import noise
from tiny_model import FEATURES, voice

from ser import EmotionRecognizer, SpeechStream
from ser.errors import AudioError, InvalidSampleRateError, NonFiniteAudioError

RATE = FEATURES.sample_rate
ANSWER = ("emotion", "confidence", "probabilities", "warnings")


@pytest.fixture(scope="module")
def tiny(tiny_model):
    return EmotionRecognizer.from_pretrained(tiny_model)


def pcm(*parts):
    return (np.concatenate(parts) * 32767).astype(np.int16)


def silence(seconds):
    return noise(seconds, RATE, level=1e-4)


def events_of(tiny, samples, piece=RATE):
    stream = SpeechStream(tiny, RATE)
    pieces = [samples[start : start + piece] for start in range(0, samples.size, piece)]
    return [event for each in pieces for event in stream.feed(each)] + stream.close()


def check(tiny, samples, events):
    """Every answer is the library's for exactly the samples that it names."""
    answers = [event for event in events if event["event"] != "start"]
    for event in answers:
        start, end = (round(event[key] * RATE) for key in ("start", "end"))
        assert (event["start"], event["end"]) == (start / RATE, end / RATE)
        expected = tiny.predict((samples[start:end], RATE)).to_dict()
        assert {key: event[key] for key in ANSWER} == {key: expected[key] for key in ANSWER}


def test_each_stretch_of_speech_has_a_start_results_and_an_end(tiny):
    # Half a second of silence surrounds each voice.
    samples = pcm(silence(1), voice("calm", seconds=3), silence(1), voice("angry", seconds=2))
    events = events_of(tiny, samples)
    assert [event["event"] for event in events if event["event"] != "result"] == [
        *("start", "end", "start", "end")
    ]
    check(tiny, samples, events)
    first, second = (event for event in events if event["event"] == "end")
    assert (first["emotion"], second["emotion"]) == ("calm", "angry")
    assert first["start"] == pytest.approx(1.4, abs=0.1)
    assert first["end"] == pytest.approx(4.6, abs=0.1)
    assert second["start"] == pytest.approx(6.4, abs=0.1)
    assert second["end"] == pytest.approx(8.6, abs=0.1)
    assert [event["time"] for event in events if event["event"] == "start"] == [
        first["start"],
        second["start"],
    ]
    moments = [event["end"] for event in events if event["event"] == "result"]
    assert moments == [2.5, 3.5, 4.5, 7.5, 8.5]


@pytest.mark.parametrize("piece", [441, 3 * RATE, 10**6])
def test_events_do_not_depend_on_the_pieces(tiny, piece):
    samples = pcm(voice("angry", seconds=2), silence(1.3))
    assert events_of(tiny, samples, piece) == events_of(tiny, samples)


def test_a_piece_that_is_not_finite_is_left_out(tiny):
    samples = np.concatenate([silence(0.5), voice("calm", seconds=2)]).astype(np.float32)
    stream, events = SpeechStream(tiny, RATE), []
    for start in range(0, samples.size, 1600):
        events += stream.feed(samples[start : start + 1600])
        with pytest.raises(NonFiniteAudioError, match="The samples hold nan"):
            stream.feed(np.array([0, np.nan], np.float32))
    assert [*events, *stream.close()] == events_of(tiny, samples)


def test_speech_that_never_pauses_is_cut_and_forgotten(tiny, monkeypatch):
    monkeypatch.setattr("ser.streaming.MAX_STRETCH", 4.0)
    samples = pcm(*[voice("calm", seconds=3)[RATE // 2 : -RATE // 2]] * 2)
    stream, events, most = SpeechStream(tiny, RATE), [], 0
    for start in range(0, samples.size, RATE):
        events += stream.feed(samples[start : start + RATE])
        most = max(most, stream._kept.size)
    events += stream.close()
    first, second = (event for event in events if event["event"] == "end")
    assert 3.5 < first["end"] - first["start"] <= 4
    assert 0 <= second["start"] - first["end"] < 0.5
    assert most <= 5 * RATE < samples.size
    check(tiny, samples, events)


def test_what_is_faint_beside_speech_starts_nothing(tiny):
    """Such as a breath, or another room's voice, after the speech of the one in front."""
    faint = 0.02 * voice("calm", seconds=1)[RATE // 2 : -RATE // 2]
    samples = pcm(voice("angry", seconds=2), silence(0.3), faint, silence(0.5))
    events = events_of(tiny, samples)
    assert [event["event"] for event in events].count("start") == 1
    assert [event["event"] for event in events_of(tiny, pcm(silence(1), faint, silence(1)))]


def test_nothing_happens_where_nobody_speaks(tiny):
    assert events_of(tiny, pcm(silence(2), noise(3, RATE, level=0.01))) == []
    assert SpeechStream(tiny, RATE).close() == []


def test_what_is_no_stream_of_sound_is_refused_in_one_sentence(tiny):
    for rate in (800, 10**6, "16000", None):
        with pytest.raises(
            InvalidSampleRateError, match=rf"of {rate!r} Hz; .* 8000 to 192000 Hz\."
        ):
            SpeechStream(tiny, rate)
    for samples in (np.zeros(9), np.zeros((9, 2), np.int16), [0.5]):
        with pytest.raises(AudioError, match=r"; give int16.* of shape \(n_samples,\)\."):
            SpeechStream(tiny, RATE).feed(samples)
    stream = SpeechStream(tiny, RATE)
    stream.feed(np.zeros(9, np.int16))
    with pytest.raises(AudioError, match=r"float32 .*; give int16 of shape"):
        stream.feed(np.zeros(9, np.float32))
