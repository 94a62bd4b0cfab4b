"""From a recording to what a classifier needs of it, so that it need not be kept."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ser.audio.activity import find_activity
from ser.audio.loading import Recording
from ser.audio.quality import recording_warnings
from ser.audio.rumble import remove_rumble
from ser.audio.speech_check import check_speech, clarity
from ser.audio.speed import at_speeds
from ser.features import FeatureExtractor


@dataclass(frozen=True, eq=False)
class Analysis:
    """What is known of a recording before an emotion is sought in it.

    Attributes
    ----------
    features : ndarray of float32, shape (n_speeds, n_features)
        Of its speech at each speed.
    feature_hash : str
        Which features these are.
    duration : float
        Of the recording in seconds.
    speech_duration : float
        From the first to the last speech in it, in seconds.
    speech_start, speech_end : float
        Where the first speech begins and the last one ends, in seconds.
    sound_duration : float
        Seconds of sound, pauses not counted.
    warnings : tuple of str
        Reasons to doubt that all of it was read and is speech, and defects of the recording; a
        sentence each.
    """

    features: NDArray[np.float32]
    feature_hash: str
    duration: float
    speech_duration: float
    speech_start: float
    speech_end: float
    sound_duration: float
    warnings: tuple[str, ...]


def analyse(recording: Recording, extractor: FeatureExtractor, speeds: Sequence[float]) -> Analysis:
    """Find the speech of a recording and extract its features.

    Parameters
    ----------
    recording : Recording
        At the sample rate of `extractor`.
    extractor : FeatureExtractor
    speeds : sequence of float
        At which the model processes clips.

    Raises
    ------
    NoSpeechError
        If it holds no speech.
    """
    waveform, rate = recording.waveform, recording.sample_rate
    activity = find_activity(waveform, rate)
    filtered = remove_rumble(waveform, rate)
    spoken = filtered[activity.kept]
    tracks = [extractor.tracks(each) for each in at_speeds(spoken, rate, speeds)]
    doubts = check_speech(tracks[0])
    defects = recording_warnings(
        waveform, rate, activity.span, clarity=clarity(tracks[0]), filtered=filtered
    )
    return Analysis(
        features=np.stack([extractor.summarise(each) for each in tracks]),
        feature_hash=extractor.hash,
        duration=waveform.size / rate,
        speech_duration=(activity.span.stop - activity.span.start) / rate,
        speech_start=activity.span.start / rate,
        speech_end=activity.span.stop / rate,
        sound_duration=activity.sound_duration,
        warnings=(*recording.notes, *doubts, *defects),
    )
