"""Voice profiles: what is kept of a person's voice, from everyday speech or from other clips."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser.audio.activity import cut_speech
from ser.audio.clips import Clip
from ser.audio.loading import load_audio
from ser.audio.speech_check import check_speech
from ser.audio.speed import at_speeds, change_speed
from ser.errors import VoiceProfileError
from ser.features import FeatureExtractor
from ser.model.analysis import Analysis

MIN_SPEECH = 3.0
"""Seconds of speech that a profile needs."""

PIECE = 2.5
"""Seconds: longer speech is cut into pieces of about the length of the clips in training, since
the spread of descriptors depends on the duration."""

MIN_REFERENCE = 4
"""Other clips of a person that a clip is compared with at least: the mean of fewer says more about
them than about the person."""

TOO_FEW = (
    f"These are too few recordings to compare each with the others: that takes {MIN_REFERENCE + 1}."
)
"""What to say of clips that could not be judged relative to each other."""


@dataclass(frozen=True, eq=False)
class VoiceProfile:
    """A summary of someone's speech; no recording can be made from it.

    Attributes
    ----------
    features : ndarray of float32, shape (n_features,)
        Mean over pieces of the speech.
    feature_hash : str
        Which features these are.
    everyday : bool
        Whether it is everyday, neutral speech; else whatever the person said in other clips.
    """

    features: np.ndarray
    feature_hash: str
    everyday: bool = True

    def __repr__(self) -> str:
        return (
            f"VoiceProfile(n_features={self.features.size}, feature_hash={self.feature_hash!r}, "
            f"everyday={self.everyday})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the profile as a dict that `json.dumps` takes."""
        return {
            "features": self.features.tolist(),
            "feature_hash": self.feature_hash,
            "everyday": self.everyday,
        }

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any]) -> "VoiceProfile":
        """Make the profile that `to_dict` wrote."""
        try:
            features = np.array(entries["features"], dtype=np.float32)
            feature_hash = str(entries["feature_hash"])
            everyday = entries["everyday"]
            # No recording has values beyond these; products would overflow.
            if features.ndim != 1 or not (np.abs(features) < 1e6).all():
                raise ValueError("not a list of numbers in the range of recordings")
            if type(everyday) is not bool:
                raise ValueError("not a kind of speech")
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise VoiceProfileError(
                "This is not a voice profile: give what VoiceProfile.to_dict returned."
            ) from error
        return cls(features, feature_hash, everyday)


class OwnSpeech:
    """Clips of one person, whatever they hold: each is compared with the mean of the others.

    Parameters
    ----------
    clips : sequence of Analysis
        All by one extractor.
    """

    def __init__(self, clips: Sequence[Analysis]) -> None:
        self._n_clips = len(clips)
        self._feature_hash = clips[0].feature_hash if clips else ""
        self._features = _sum(clips)

    def others(self, *left_out: Analysis) -> VoiceProfile | None:
        """Return the profile of all but some of the clips.

        Parameters
        ----------
        *left_out : Analysis
            Of the clips of this object.

        Returns
        -------
        VoiceProfile or None
            None if fewer than `MIN_REFERENCE` are left.
        """
        n_clips = self._n_clips - len(left_out)
        if n_clips < MIN_REFERENCE:
            return None
        return VoiceProfile(
            ((self._features - _sum(left_out)) / n_clips).astype(np.float32),
            self._feature_hash,
            everyday=False,
        )


def _sum(clips: Sequence[Analysis]) -> NDArray[np.float64]:
    """Return the sum of the features of clips, averaged over speeds."""
    return sum((clip.features.mean(axis=0, dtype=np.float64) for clip in clips), np.zeros(1))


def learn_profile(
    clips: Iterable[Clip], extractor: FeatureExtractor, speeds: Sequence[float]
) -> VoiceProfile:
    """Average the features of someone's everyday speech.

    Parameters
    ----------
    clips : iterable of clips
        As `ser.audio.loading.load_audio` takes them; at least `MIN_SPEECH` of speech in all.
    extractor : FeatureExtractor
    speeds : sequence of float
        At which the model processes clips.

    Raises
    ------
    AudioError
        If a clip cannot be read or has no speech in it.
    VoiceProfileError
        If there is too little speech.
    """
    sample_rate = extractor.config.sample_rate
    pieces: list[NDArray[np.float32]] = []
    for clip in clips:
        speech = cut_speech(load_audio(clip, sample_rate), sample_rate)
        check_speech(extractor.tracks(change_speed(speech, sample_rate, speeds[0])))
        pieces += np.array_split(speech, max(1, round(speech.size / (PIECE * sample_rate))))
    seconds = sum(piece.size for piece in pieces) / sample_rate
    if seconds < MIN_SPEECH:
        raise VoiceProfileError(
            f"The clips hold {seconds:.1f} s of speech in all; give at least {MIN_SPEECH:g} s of "
            "everyday speech."
        )
    features = [
        [extractor.extract(version) for version in at_speeds(piece, sample_rate, speeds)]
        for piece in pieces
    ]
    return VoiceProfile(
        np.array(features).mean(axis=(0, 1), dtype=np.float64).astype(np.float32),
        extractor.hash,
        everyday=True,
    )


def check_use(knows_voices: bool, model: str, *, has_voice: bool = False) -> None:
    """Refuse to judge clips relative to a voice, or to each other, where that is impossible.

    Parameters
    ----------
    knows_voices : bool
        Whether the model can.
    model : str
        Where it is from.
    has_voice : bool
        Whether clips that are to be compared with each other come with a voice.

    Raises
    ------
    VoiceProfileError
        If the model cannot, or with two references.
    """
    if has_voice:
        raise VoiceProfileError(
            "Both a voice and same_speaker are given, but a clip is judged relative to one of "
            "them: leave one out."
        )
    if not knows_voices:
        raise VoiceProfileError(
            f"The model '{model}' cannot use a voice profile: it was trained without "
            "several clips of each speaker."
        )


def check_profile(profile: VoiceProfile, extractor: FeatureExtractor, model: str) -> None:
    """Refuse a profile that does not suit a model.

    Parameters
    ----------
    profile : VoiceProfile
    extractor : FeatureExtractor
        Of the model.
    model : str
        Where the model is from.

    Raises
    ------
    VoiceProfileError
        If the profile has other features, or is damaged.
    """
    if profile.feature_hash != extractor.hash:
        raise VoiceProfileError(
            f"The voice profile has features {profile.feature_hash}, but the model '{model}' uses "
            f"features {extractor.hash}: make the profile again with this model."
        )
    if profile.features.shape != (len(extractor.names),):
        raise VoiceProfileError(
            f"The voice profile has {profile.features.size} features, but '{model}' needs "
            f"{len(extractor.names)}: it is damaged; make it again."
        )
