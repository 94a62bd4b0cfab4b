"""What is drawn and said of a recording over time, without a browser."""

import json
import re
import threading
from html import unescape
from itertools import pairwise

import numpy as np
import pytest
from signals import speech_like

from ser.corpora.emotions import NAMES
from ser.demo import wording
from ser.demo.recognise import stretches
from ser.demo.recognise.following import follow_course, time_left
from ser.demo.recognise.picture import draw_recording, draw_timeline
from ser.demo.recognise.tab import analyse, draw
from ser.timeline import Timeline, Window

RATE = 24000


@pytest.mark.parametrize("seconds", [0.02, 2.0])
def test_a_picture_is_described(seconds):
    waveform = speech_like()[: int(seconds * RATE)]
    picture = draw_recording(waveform, RATE, (0.0, waveform.size / RATE))
    assert 'role="img"' in picture
    assert "was used" in picture
    assert "nan" not in re.sub("base64,[^)]*", "", picture)


def test_a_picture_of_pitch_says_its_range():
    assert "Pitch: mostly 1" in draw_recording(speech_like(pitch=140), RATE)


def test_silence_has_an_empty_picture():
    assert "Pitch: mostly" not in draw_recording(np.zeros(RATE, np.float32), RATE)


def test_a_timeline_is_drawn_with_a_row_an_emotion():
    shares = {"calm": 0.7, "angry": 0.3}
    windows = [Window(0, 3, 2.0, "calm", 0.7, shares), Window(3, 6)]
    picture = draw_timeline(Timeline(6.0, windows))
    assert picture.count("ser-course") == 2
    assert picture.count("<i ") == 1  # nothing stands where nobody speaks
    assert ">calm<" in picture


def test_a_recording_is_shown_at_once_and_its_timeline_after(recognizer):
    shown = analyse(recognizer, (speech_like(seconds=6), RATE))
    result = shown.result
    assert result["duration"] == 7 and shown.picture is None
    picture = draw(shown, RATE).picture
    assert 'data-duration="7.000"' in picture
    used = f"from {wording.clock(result['speech_start'])} to {wording.clock(result['speech_end'])}"
    assert used in picture


def test_a_timeline_is_drawn_from_its_first_windows_on(recognizer):
    long = (speech_like(seconds=11), RATE)
    begun, first, *_, last = follow_course(recognizer, long)
    assert "Following its course…" in begun.waiting
    assert "So far: " in first.course and first.timeline.count("ser-plot") > 2
    assert last.waiting == ""
    assert "ser-play" in last.course and "So far" not in last.course
    *_, last = follow_course(recognizer, (long[0][: 7 * RATE], RATE), same_speaker=True)
    assert "too little speech" in last.waiting


def test_a_timeline_that_is_cancelled_keeps_what_is_known(recognizer):
    cancelled = threading.Event()
    steps = follow_course(recognizer, (speech_like(seconds=14), RATE), cancelled=cancelled)
    next(step for step in steps if "So far" in str(step.course))
    cancelled.set()
    (last,) = steps
    assert "Cancelled at 0:0" in last.waiting
    assert "Until 0:0" in last.course and "ser-play" in last.course
    kept = json.loads(unescape(re.search('data-timeline="([^"]*)"', last.timeline)[1]))
    assert kept["duration"] == kept["windows"][-1][1] == kept["segments"][-1][1] < 14
    assert re.fullmatch(r"Cancelled at 0:0\d: the rest was not followed.", kept["warnings"][-1])


def test_the_drawing_of_ten_minutes_is_small():
    rng = np.random.default_rng(0)
    windows = []
    for number in range(600):
        shares = dict(zip(NAMES, rng.dirichlet(np.ones(len(NAMES))).tolist(), strict=True))
        emotion = max(shares, key=shares.get)
        windows.append(Window(number, number + 3, 3.0, emotion, shares[emotion], shares))
    assert len(draw_timeline(Timeline(602.0, windows))) < 100_000


def test_the_time_that_is_left_is_told_roughly():
    told = [time_left(seconds) for seconds in (2, 13, 58, 130)]
    assert told == [
        "a few seconds left",
        "about 15 seconds left",
        "about 1 minute left",
        "about 2 minutes left",
    ]


def test_silence_is_drawn_without_an_emotion(recognizer):
    shown = analyse(recognizer, (np.zeros(RATE, np.float32), RATE))
    assert "ser-error" in shown.panel
    assert 'role="img"' in draw(shown, RATE).picture
    assert shown.result is None


def timeline_of(*parts):
    """Return a timeline of stretches of so many seconds, each of one emotion or of none."""
    windows, start = [], 0.0
    for seconds, emotion in parts:
        shares = emotion and {name: float(name == emotion) for name in NAMES}
        windows.append(Window(start, start + seconds, seconds, emotion, emotion and 1.0, shares))
        start += seconds
    return Timeline(start, windows)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([(12, "calm")], "Calm throughout"),
        ([(31, "calm"), (16, "angry"), (30, "calm")], "Mostly calm; angry from 0:31 to 0:47"),
        ([(31, "calm"), (1, "sad"), (30, "calm")], "Calm throughout"),
        ([(30, "calm"), (1, None), (30, "angry")], "At first calm; angry from 0:31 to 1:01"),
        ([(1, "happy"), (9, None), (1, "happy")], "Happy throughout"),
        (
            [(16, "calm"), (3, "sad"), (12, "calm"), (4, "happy"), (15, "calm")],
            "Mostly calm; sad from 0:16 to 0:19 and happy from 0:31 to 0:35",
        ),
        (
            [(6, "calm"), (2, "sad")] * 5 + [(6, "calm")],
            "Mostly calm; sad from 0:06 to 0:08, sad from 0:14 to 0:16, sad from 0:22 to 0:24 "
            "and 2 other stretches",
        ),
        (
            [(4, "angry"), (9, "sad"), (4, "angry"), (8, "happy")],
            "At first angry; sad from 0:04 to 0:13, angry from 0:13 to 0:17 and happy from 0:17 "
            "to 0:25",
        ),
        (
            [(2, "angry"), (9, "sad"), (4, "happy"), (2, "angry"), (3, "calm")],
            "Changing; sad for 45\N{NO-BREAK SPACE}% of the speech",
        ),
    ],
)
def test_the_course_of_a_recording_is_one_sentence(parts, said):
    found = stretches.stretches(timeline_of(*parts))
    assert stretches.sentence(found) == said
    for before, after in pairwise(found):
        assert before.end == after.start and before.emotion != after.emotion


def test_a_course_that_the_answer_does_not_fit_says_so():
    timeline = timeline_of((12, "sad"), (3, "angry"))
    told = stretches.card(timeline, whole="angry")
    assert "Judged as a whole it is angry, though part by part it is more often sad" in told
    assert "Judged as a whole" not in stretches.card(timeline, whole="sad")
    even = timeline_of((6, "sad"), (6, "angry"))
    assert "Judged as a whole" not in stretches.card(even, whole="angry")


def test_the_strip_of_a_long_recording_has_the_stretches_of_the_list():
    timeline = timeline_of((6, "sad"), (1, "angry"), (6, "sad"))
    assert draw_timeline(timeline).count("<span>") == 1 == len(stretches.stretches(timeline))


@pytest.mark.parametrize("so_far", [False, True])
def test_little_speech_in_a_long_recording_is_told(so_far):
    silent = [Window(start, start + 3) for start in (0, 3, 6)]
    timeline = Timeline(600, [*silent, Window(9, 12, 2, "happy", 0.9, {"happy": 0.9, "sad": 0.1})])
    assert "appy throughout" in stretches.card(timeline, so_far=so_far)


def test_a_list_of_ten_minutes_can_be_read():
    found = stretches.stretches(timeline_of(*[(2.5, "calm"), (2.5, "angry")] * 120))
    assert 2 <= len(found) <= stretches.MOST
