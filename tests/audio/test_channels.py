"""The two sides of a call as recordings of their own."""

import io

import numpy as np
import pytest
import soundfile
from signals import speech_like

from ser.audio.channels import split_channels
from ser.audio.loading import read_recording
from ser.errors import AudioError, AudioTooLongError

RATE = 24000
SIDES = [speech_like(0.5, seed=1), speech_like(0.5, seed=2, level=0.02)]


def wav(waveform, subtype="PCM_16"):
    buffer = io.BytesIO()
    soundfile.write(buffer, waveform, RATE, format="WAV", subtype=subtype)
    return buffer.getvalue()


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "FLOAT"])
def test_a_channel_is_what_it_would_be_in_a_file_of_its_own(subtype):
    found = split_channels(wav(np.stack(SIDES, axis=1), subtype), 16000)
    for channel, side in zip(found, SIDES, strict=True):
        alone = read_recording(wav(side, subtype), 16000).waveform
        np.testing.assert_array_equal(channel.waveform, alone)


def test_what_is_said_of_a_damaged_file_is_said_of_each_channel():
    stereo = wav(np.stack(SIDES, axis=1))
    found = split_channels(stereo[: len(stereo) // 2], RATE)
    assert [len(channel.notes) for channel in found] == [1, 1]


def test_channels_that_come_and_go_or_last_too_long_are_refused():
    with pytest.raises(AudioError, match="changes its channels"):
        split_channels(wav(SIDES[0]) + wav(np.stack(SIDES, axis=1)), RATE)
    with pytest.raises(AudioTooLongError):
        split_channels(wav(SIDES[0]), RATE, max_duration=1.0)
