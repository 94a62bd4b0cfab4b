"""What lies below the voice is removed, and the voice is not."""

import numpy as np
import pytest
from signals import speech_like, tone

from ser.audio.rumble import BLOCK, MARGIN, remove_rumble

RATE = 24000
MIDDLE = slice(RATE // 2, -RATE // 2)


def decibels(waveform, reference):
    return 10 * np.log10(np.mean(waveform[MIDDLE] ** 2) / np.mean(reference[MIDDLE] ** 2))


@pytest.mark.parametrize(("frequency", "least"), [(20, 60), (40, 60), (50, 45), (60, 25)])
def test_hum_and_rumble_are_removed(frequency, least):
    sound = tone(2, RATE, frequency)
    assert decibels(remove_rumble(sound, RATE), sound) < -least


@pytest.mark.parametrize("frequency", [90, 120, 1000])
def test_a_voice_stays_as_it_is_and_where_it_is(frequency):
    sound = tone(2, RATE, frequency)
    np.testing.assert_allclose(remove_rumble(sound, RATE)[MIDDLE], sound[MIDDLE], atol=0.01)


def test_a_constant_offset_leaves_nothing_behind():
    clip = speech_like()
    np.testing.assert_allclose(
        remove_rumble(clip + 0.05, RATE), remove_rumble(clip, RATE), atol=1e-6
    )


def test_blocks_of_a_long_recording_fit_together():
    clip = np.tile(speech_like(), 12)
    seam = int(BLOCK * RATE)
    assert clip.size > seam
    around = slice(seam - RATE, seam + RATE)
    whole = remove_rumble(clip[around], RATE)
    middle = slice(int(2 * MARGIN * RATE), -int(2 * MARGIN * RATE))
    np.testing.assert_allclose(remove_rumble(clip, RATE)[around][middle], whole[middle], atol=1e-5)


@pytest.mark.parametrize("size", [0, 1, 100])
def test_any_length_is_taken(size):
    assert remove_rumble(np.ones(size, np.float32), RATE).shape == (size,)
