"""The reasons for an answer, put together."""

from dataclasses import asdict, dataclass
from typing import Any

from ser.audio.loading import read_recording
from ser.features import FeatureConfig
from ser.model.config import ModelConfig
from ser.model.prediction import Prediction
from ser.model.voice_profile import VoiceProfile
from ser.reasons.comparison import Finding, stand_out
from ser.reasons.facts import ANYONE, VOICE, of_clip, read_usual
from ser.reasons.moments import Moment, find_moment
from ser.recognizer import EmotionRecognizer
from ser.threads import one_thread


@dataclass(frozen=True)
class Explanation:
    """Why a recogniser answered as it did.

    Attributes
    ----------
    prediction : Prediction
        The answer.
    compared_with : str or None
        What facts were compared with: ``"anyone"``, everyday speech of all speakers in training, or
        ``"voice"``, that of this speaker; None if the model does not say what is usual.
    facts : list of Finding
        What stands out of the voice against that.
    moment : Moment or None
        The half second that drove the answer, if one did.
    """

    prediction: Prediction
    compared_with: str | None
    facts: list[Finding]
    moment: Moment | None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict that `json.dumps` takes."""
        return asdict(self)


@one_thread()
def explain(
    recognizer: EmotionRecognizer,
    clip: Any,
    prediction: Prediction | None = None,
    *,
    voice: VoiceProfile | Any = None,
) -> Explanation:
    """Say why a recogniser answers as it does for a clip.

    It takes ten times as long as the answer or more, as parts of the clip are recognised again.

    Parameters
    ----------
    recognizer : EmotionRecognizer
    clip : clip
        As `EmotionRecognizer.predict` takes it.
    prediction : Prediction, optional
        The recogniser's answer for the clip, if it is there already.
    voice : VoiceProfile, or clip or clips, optional
        As for `EmotionRecognizer.predict`, and the same as for `prediction`.

    Raises
    ------
    AudioError
        If a clip cannot be read or has no speech in it.
    VoiceProfileError
        As for `EmotionRecognizer.voice_profile`.
    """
    reference = recognizer.reference(voice)
    recording = read_recording(clip, recognizer.sample_rate)
    analysis = recognizer.analyse(recording)
    prediction = prediction or recognizer.assess(analysis, reference)
    usual, config = read_usual(recognizer.config), FeatureConfig(**recognizer.config["features"])
    own = None
    if reference is not None and reference.everyday and VOICE in usual:
        own = of_clip(config, reference.features[None])
    everyday = ModelConfig.from_dict(recognizer.config["model"]).everyday
    values = of_clip(config, analysis.features)
    return Explanation(
        prediction,
        compared_with=(ANYONE if own is None else VOICE) if usual else None,
        facts=stand_out(values, own, usual, everyday, prediction.emotion),
        moment=find_moment(recognizer, recording, prediction, reference),
    )
