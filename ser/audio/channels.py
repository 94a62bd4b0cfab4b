"""The channels of a recording as recordings of their own: the two sides of a call."""

import numpy as np

from ser.audio.clips import Clip, clip_name, open_clip
from ser.audio.loading import MAX_DURATION, Recording, read_recording
from ser.errors import AudioError, AudioTooLongError


def split_channels(
    clip: Clip, sample_rate: int, *, max_duration: float = MAX_DURATION
) -> list[Recording]:
    """Read each channel of a clip as `ser.audio.loading.read_recording` reads a clip in mono.

    Parameters
    ----------
    clip, sample_rate, max_duration
        As for `read_recording`.

    Returns
    -------
    list of Recording
        A channel each, in order; one of a clip in mono.

    Raises
    ------
    AudioError
        As for `read_recording`; also if files with different channels or sample rates were joined.
    """
    name = clip_name(clip)
    blocks, seconds = [], 0.0
    with open_clip(clip) as source:
        for rate, block in source.blocks():
            blocks.append((rate, block))
            seconds += len(block) / rate
            if seconds > max_duration:
                raise AudioTooLongError(
                    f"{name} is longer than the limit of {max_duration:g} s; cut it to the part "
                    "that matters."
                )
    if len({(rate, block.shape[1]) for rate, block in blocks}) > 1:
        raise AudioError(
            f"{name} changes its channels or its sample rate on the way, so that these cannot be "
            "told apart; give the files that it was joined from."
        )
    rate, waveform = blocks[0][0], np.concatenate([block for _, block in blocks])
    notes = tuple(source.notes)
    return [
        Recording(read_recording((channel, rate), sample_rate).waveform, sample_rate, notes)
        for channel in waveform.T
    ]
