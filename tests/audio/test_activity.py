"""Where the speech in a recording is."""

import numpy as np
import pytest
from signals import noise, speech_like

from ser.audio.activity import cut_speech, find_speech, sound_duration
from ser.audio.augmentation import add_noise
from ser.errors import NoSpeechError

RATE = 16000


def silence(seconds):
    return np.zeros(int(seconds * RATE), np.float32)


def voice(seconds=1.5, level=0.1):
    """Speech without pauses at its edges."""
    pause = RATE // 2
    return speech_like(seconds, RATE, level=level)[pause:-pause]


def found(waveform):
    speech = find_speech(waveform, RATE)
    return speech.start / RATE, speech.stop / RATE


def test_silent_edges_are_cut_off():
    start, stop = found(np.concatenate([silence(1), voice(1.5), silence(2)]))
    assert start == pytest.approx(1, abs=0.05)
    assert stop == pytest.approx(2.5, abs=0.05)


def test_pauses_inside_are_kept():
    start, stop = found(np.concatenate([silence(1), voice(1), silence(3), voice(1)]))
    assert start == pytest.approx(1, abs=0.05)
    assert stop == pytest.approx(6, abs=0.05)


def test_level_does_not_matter():
    clip = np.concatenate([silence(1), voice(1.5), silence(1)])
    assert found(clip) == found(clip / 100)


def test_an_offset_is_no_sound():
    clip = np.concatenate([silence(1), voice(1.5, level=0.01), silence(1)])
    assert found(clip + 0.5) == found(clip)


@pytest.mark.parametrize("moment", [0.2, 1.5, 3.3])
def test_a_click_changes_nothing(moment):
    clip = np.concatenate([silence(1), voice(1.5, level=0.01), silence(1)])
    clicked = clip.copy()
    clicked[int(moment * RATE) :][:30] = 0.99
    assert found(clicked) == found(clip)


@pytest.mark.parametrize(
    "clip",
    [silence(2), silence(2) + 0.3, noise(2, RATE, level=1e-5), np.eye(1, 2 * RATE, 9000)[0]],
    ids=["digital", "offset", "hiss of 16 bits", "one click"],
)
def test_silence_is_refused(clip):
    with pytest.raises(NoSpeechError, match=r"is silent; .*\.$"):
        find_speech(clip, RATE)


@pytest.mark.parametrize("seconds", [0, 0.01, 0.1, 0.25])
def test_less_than_three_tenths_of_a_second_is_refused(seconds):
    for clip in (voice(2)[: int(seconds * RATE)], voice(2, level=0.3)[: int(seconds * RATE)]):
        with pytest.raises(NoSpeechError, match=r"only 0\.\d\d s of sound; .*\.$"):
            find_speech(clip, RATE)


def test_a_short_word_is_accepted():
    start, stop = found(np.concatenate([silence(1), voice(0.4), silence(1)]))
    assert 0.3 <= stop - start <= 0.5


def test_little_is_lost_of_a_clip_without_pauses():
    start, stop = found(voice(1))
    assert start <= 0.05
    assert stop >= 0.95


@pytest.mark.parametrize("snr", [10, 20])
def test_noise_before_and_after_speech_is_cut_off(snr):
    clip = np.concatenate([silence(1), voice(1.5), silence(2)])
    start, stop = found(add_noise(clip, RATE, snr, np.random.default_rng(0)))
    assert start == pytest.approx(1, abs=0.15)
    assert stop == pytest.approx(2.5, abs=0.15)


def test_long_pauses_are_cut_short_and_others_are_kept():
    def cut(pause):
        recording = np.concatenate([silence(1), voice(1), silence(pause), voice(1), silence(1)])
        return cut_speech(recording, RATE).size / RATE

    assert cut(0.8) == pytest.approx(1 + 0.8 + 1, abs=0.1)
    assert cut(3) == cut(30) == pytest.approx(1 + 0.25 + 1, abs=0.1)


def test_sound_is_counted_without_pauses():
    recording = np.concatenate([voice(1), silence(3), voice(1)])
    assert sound_duration(recording, RATE) == pytest.approx(2, abs=0.2)


def quiet_room(seconds=1.0):
    return 1e-4 * noise(seconds, RATE, level=1.0)


def in_a_quiet_room():
    return np.concatenate([quiet_room(), voice(1.5), quiet_room()]).astype(np.float32)


@pytest.mark.parametrize("at", [0.0, 0.005, 0.018, 0.1, -0.005, -0.02])
@pytest.mark.parametrize("kind", ["click", "thump"])
def test_a_click_is_no_speech_wherever_it_is(kind, at):
    clip = in_a_quiet_room()
    length = RATE // 200
    sounds = {
        "click": np.random.default_rng(0).uniform(-0.1, 0.1, length),
        "thump": 0.3 * np.sin(np.pi * np.arange(length) / length),
    }
    clicked = clip.copy()
    start = int(at * RATE) % clip.size
    clicked[start : start + length] += sounds[kind][: clip.size - start]
    assert found(clicked) == found(clip)


@pytest.mark.parametrize(
    "disturbance",
    [
        lambda times: np.full_like(times, 0.05),
        lambda times: 0.05 * np.exp(-times / 0.2),
        lambda times: 0.04 * np.sin(2 * np.pi * 50 * times),
        lambda times: 0.04 * np.sin(2 * np.pi * 60 * times),
    ],
    ids=["offset", "dying offset", "hum 50", "hum 60"],
)
def test_what_lies_below_the_voice_does_not_move_its_edges(disturbance):
    clip = in_a_quiet_room()
    disturbed = (clip + disturbance(np.arange(clip.size) / RATE)).astype(np.float32)
    assert found(disturbed) == pytest.approx(found(clip), abs=0.1)
