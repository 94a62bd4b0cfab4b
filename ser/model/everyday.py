"""Learn a voice profile from recordings of everyday speech."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser.audio.activity import cut_speech
from ser.audio.loading import load_audio
from ser.audio.speech_check import check_speech
from ser.audio.speed import at_speeds
from ser.errors import VoiceProfileError
from ser.features import FeatureExtractor
from ser.model.voice_profile import MIN_SPEECH, VoiceProfile, average, pieces, speech_level


def learn_profile(
    clips: Iterable[Any], extractor: FeatureExtractor, speeds: Sequence[float]
) -> VoiceProfile:
    """Average the features of someone's everyday speech.

    Parameters
    ----------
    clips : iterable of clips
        As `ser.audio.loading.load_audio` takes them; at least `MIN_SPEECH` of speech in all.
    extractor : FeatureExtractor
    speeds : sequence of float
        At which the model processes clips.

    Returns
    -------
    VoiceProfile

    Raises
    ------
    AudioError
        If a clip cannot be read or has no speech in it.
    VoiceProfileError
        If there is too little speech.
    """
    sample_rate = extractor.config.sample_rate
    parts: list[NDArray[np.float32]] = []
    for clip in clips:
        speech = cut_speech(load_audio(clip, sample_rate), sample_rate)
        check_speech(extractor.tracks(at_speeds(speech, sample_rate, speeds[:1])[0]))
        parts += pieces(speech, sample_rate)
    seconds = sum(part.size for part in parts) / sample_rate
    if seconds < MIN_SPEECH:
        raise VoiceProfileError(
            f"The clips hold {seconds:.1f} s of speech in all; give at least {MIN_SPEECH:g} s of "
            "everyday speech."
        )
    versions = [at_speeds(part, sample_rate, speeds) for part in parts]
    return average(
        [[extractor.extract(version) for version in each] for each in versions],
        [speech_level(part) for part in parts],
        extractor.hash,
    )
