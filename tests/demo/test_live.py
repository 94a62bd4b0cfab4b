"""A live session and its panel, without a browser."""

import base64
import csv
import io
import json
import re
import threading
from concurrent.futures import wait

import numpy as np
import pytest
import soundfile
from signals import speech_like

from ser import EmotionRecognizer
from ser.demo.live.panel import live_panel, summary_panel
from ser.demo.live.session import MAX_BYTES, LiveSession, read_once
from ser.errors import AudioError
from ser.timeline import Timeline, Window

RATE = 24000


def test_a_session_keeps_three_seconds_and_updates_twice_a_second(recognizer):
    session, voice = LiveSession(), speech_like(seconds=5)
    pieces = np.split(voice, np.arange(RATE // 10, voice.size, RATE // 10))
    updates = 0
    for piece in pieces:
        updates += session.add(recognizer, piece, RATE)
        if session.running is not None:
            wait([session.running])
    assert updates == len(session.windows) == 11
    assert session.waveform.size == 3 * RATE
    assert session.windows[0] == Window(0.0, 0.5)  # silence
    assert (session.windows[-1].start, session.windows[-1].end) == (2.5, 5.5)
    assert session.result.emotion in live_panel(session.result, session.windows, recognizer.labels)


def test_a_session_loses_no_sound_while_a_slow_recogniser_works(recognizer):
    may_answer, asked = threading.Event(), []

    class Slow:
        knows_voices, assess = recognizer.knows_voices, recognizer.assess

        def analyse(self, clip):
            asked.append(clip)
            may_answer.wait()
            return recognizer.analyse(clip)

    session, voice = LiveSession(), speech_like(seconds=1)
    pieces = np.array_split(voice, 20)
    updates = [session.add(Slow(), piece, RATE) for piece in pieces]
    may_answer.set()
    wait([session.running])
    assert not any(updates)
    np.testing.assert_array_equal(session.waveform, voice)
    assert len(asked) == 1  # what has become old is not recognised any more
    assert session.add(Slow(), np.zeros(1, np.float32), RATE)
    assert len(session.windows) == 1
    wait([session.running])
    assert asked[1][0].size == voice.size + 1


def test_a_session_compares_with_what_was_said_before(tiny_model):
    recognizer = EmotionRecognizer.from_pretrained(tiny_model)
    session, voice = LiveSession(), np.tile(speech_like(seconds=2), 6)
    told = []
    for piece in np.split(voice, np.arange(RATE, voice.size, RATE)):
        if session.add(recognizer, piece, RATE) and session.result:
            told.append(session.result.reference)
        wait([session.running])
    assert told == [None] * (len(told) - 3) + ["clips"] * 3
    assert "what you said before" in live_panel(session.result, [], recognizer.labels)
    for _ in range(5):  # a pause at the end
        session.add(recognizer, np.zeros(RATE, np.float32), RATE)
        wait([session.running])
    assert session.result is None
    assert "what you said before" in summary_panel(session.timeline())
    # What was relative to something else only in the end is not said of the whole.
    session.references.add("voice")
    assert session.timeline().reference is None
    assert "elative to" not in summary_panel(session.timeline())


def test_a_pause_is_said_and_what_was_heard_before_it_stays():
    windows = [Window(0, 3, 2, "happy", 0.6, {"happy": 0.6}), Window(0.5, 3.5)]
    silent = live_panel(None, windows, ["happy"])
    stopped = live_panel(None, windows, ["happy"], "Press Record and talk.")
    assert ">Listening<" in silent
    assert ">Not listening<" in stopped
    assert "Press Record and talk." in stopped
    assert silent.count("<i style=") == stopped.count("<i style=") == len(windows)


def heard(start, emotion):
    shares = dict.fromkeys(("calm", "happy"), 0.1) | {emotion: 0.9}
    return Window(start, start + 3, 2.0, emotion, 0.9, shares)


def test_a_summary_gives_shares_of_the_time_with_speech_and_can_be_saved():
    timeline = Timeline(15.0, [heard(0, "calm"), heard(3, "calm"), Window(6, 9), heard(9, "happy")])
    panel = summary_panel(timeline)
    assert ">Mostly calm<" in panel
    assert "15.0\N{NO-BREAK SPACE}s" in panel
    assert re.findall(r'"ser-share">(.*?)<', panel) == [
        "67\N{NO-BREAK SPACE}%",
        "33\N{NO-BREAK SPACE}%",
    ]
    table, document = (
        base64.b64decode(content).decode("utf-8-sig")
        for content in re.findall(r'download="[^"]+" href="data:[^,]+;base64,([^"]+)"', panel)
    )
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["emotion"] for row in rows] == ["calm", "calm", "", "happy"]
    assert [each["emotion"] for each in json.loads(document)["segments"]] == [
        "calm",
        None,
        "happy",
        None,
    ]


def test_a_session_in_which_nobody_spoke_has_no_summary(recognizer):
    session = LiveSession()
    for _ in range(3):
        session.add(recognizer, np.zeros(RATE, np.float32), RATE)
        wait([session.running])
    assert len(session.windows) == 2
    assert session.timeline() is None


def test_a_session_of_one_rate_takes_no_other(recognizer):
    session = LiveSession()
    session.add(recognizer, np.zeros(10, np.float32), RATE)
    with pytest.raises(AudioError, match=r"from 24000 to 48000 Hz"):
        session.add(recognizer, np.zeros(10, np.float32), 48000)


def test_a_piece_is_read_and_deleted(tmp_path):
    path = tmp_path / "audio.wav"
    soundfile.write(path, np.full((4800, 2), 0.25), 48000)
    samples, rate = read_once(str(path))
    assert (samples.size, rate) == (4800, 48000)
    assert samples == pytest.approx(0.25, abs=1e-4)
    assert read_once(str(path)) is read_once(None) is None


@pytest.mark.parametrize(
    ("kind", "seconds", "rate", "said"),
    [
        ({"format": "FLAC"}, 300, 48000, "not WAV with plain samples"),
        ({"format": "OGG"}, 1, 48000, "not WAV with plain samples"),
        ({"format": "WAV", "subtype": "IMA_ADPCM"}, 1, 48000, "not WAV with plain samples"),
        ({"format": "WAV"}, 10.5, 8000, "lasts 10.5 s; at most 10 s"),
        ({"format": "WAV"}, 2, 1000, "1000 Hz; send one of 8000"),
        ({"format": "WAV"}, 1, MAX_BYTES // 2, f"send at most {MAX_BYTES}"),
    ],
)
def test_what_no_browser_sends_is_refused_and_deleted(tmp_path, kind, seconds, rate, said):
    path = tmp_path / "audio.wav"
    soundfile.write(path, np.zeros(int(seconds * rate)), rate, **kind)
    with pytest.raises(AudioError, match=re.escape(said)):
        read_once(str(path))
    assert not path.exists()


def test_a_damaged_piece_is_refused_in_a_sentence(tmp_path):
    path = tmp_path / "audio.wav"
    path.write_bytes(b"RIFF" + bytes(100))
    with pytest.raises(AudioError, match=r"damaged WAV: press Stop and Record again\.$"):
        read_once(str(path))
