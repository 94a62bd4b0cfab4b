"""The answer for a clip as flat rows of a table: one, or one for each part or channel of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from ser.audio.channels import split_channels
from ser.errors import SerError
from ser.hub.errors import one_line
from ser.timeline_formats import share_column

if TYPE_CHECKING:  # so that the demo, which shows rows, starts without these
    from ser.model.prediction import Prediction
    from ser.model.voice_profile import VoiceProfile
    from ser.recognizer import EmotionRecognizer
    from ser.timeline import Segment, Timeline, Window

Row = dict[str, Any]
"""Values by column; without those that are not known."""


@dataclass(frozen=True)
class Item:
    """A clip of a collection.

    Attributes
    ----------
    path : str
        What to call it.
    clip : Any
        As `ser.audio.loading.read_recording` takes it.
    speaker : str or None
    """

    path: str
    clip: Any
    speaker: str | None = None


@dataclass(frozen=True)
class Settings:
    """What is asked of every clip.

    Attributes
    ----------
    timeline : "windows", "segments" or None
        A row for each of these of a recording's timeline; by default one for the recording.
    channels : "mix" or "each"
        Whether the channels of a recording are answered for one by one.
    """

    timeline: Literal["windows", "segments"] | None = None
    channels: Literal["mix", "each"] = "mix"

    def __post_init__(self) -> None:
        for name, allowed in (
            ("timeline", (None, "windows", "segments")),
            ("channels", ("mix", "each")),
        ):
            if (value := getattr(self, name)) not in allowed:
                raise SerError(f"{name} is {value!r}; give {' or '.join(map(repr, allowed))}.")


@dataclass(frozen=True)
class Voices:
    """What clips are judged relative to.

    Attributes
    ----------
    by_speaker : dict of str to VoiceProfile
        Everyday voices of speakers.
    others : VoiceProfile, optional
        For the clips of all who are not among them.
    """

    by_speaker: Mapping[str, VoiceProfile]
    others: VoiceProfile | None = None

    def of(self, speaker: str | None) -> VoiceProfile | None:
        """Return the voice of a speaker, if it is known."""
        return self.by_speaker.get(speaker or "", self.others)


NO_VOICES = Voices({})


def answer_clips(
    recognizer: EmotionRecognizer,
    items: Iterable[Item],
    settings: Settings,
    voices: Voices,
) -> Iterator[list[Row]]:
    """Answer for one clip after another.

    Parameters
    ----------
    recognizer : EmotionRecognizer
    items : iterable of Item
    settings : Settings
    voices : Voices

    Yields
    ------
    list of dict
        The rows of a clip, in which a clip that fails is one row with its error.
    """
    for item in items:
        named: Row = {"path": printable(item.path)}
        if item.speaker is not None:
            named["speaker"] = printable(item.speaker)
        rows = _answer(recognizer, item.clip, settings, voices.of(item.speaker))
        yield [named | row for row in rows]


def _answer(
    recognizer: EmotionRecognizer, clip: Any, settings: Settings, voice: VoiceProfile | None
) -> Iterator[Row]:
    if settings.channels == "mix":
        yield from _answer_one(recognizer, clip, settings, voice)
        return
    try:
        channels = split_channels(clip, recognizer.sample_rate)
    except Exception as error:
        yield _failed(error)
        return
    for number, channel in enumerate(channels, start=1):
        for row in _answer_one(recognizer, channel, settings, voice):
            yield {"channel": number, **row}


def _answer_one(
    recognizer: EmotionRecognizer, clip: Any, settings: Settings, voice: VoiceProfile | None
) -> list[Row]:
    try:
        if settings.timeline:
            return timeline_rows(recognizer.timeline(clip, voice=voice), settings.timeline)
        return [result_row(recognizer.predict(clip, voice=voice))]
    except Exception as error:
        return [_failed(error)]


def _failed(error: Exception) -> Row:
    """Put an error into a row: a fault of ours in one clip must not end the work for all others."""
    if isinstance(error, SerError):
        return result_row(error)
    return {"error": f"{type(error).__name__}: {one_line(error)}"}


def result_row(result: Prediction | SerError) -> Row:
    """Put a result, or the error in its place, into one row.

    Parameters
    ----------
    result : Prediction or AudioError
        As `EmotionRecognizer.predict_many` gives it.
    """
    if isinstance(result, SerError):
        return {"error": str(result)}
    return {
        "emotion": result.emotion,
        "confidence": result.confidence,
        **_shares(result.probabilities),
        "speech_start": result.speech_start,
        "speech_end": result.speech_end,
        "duration": result.duration,
        "reference": result.reference,
        "doubts": _doubts(result.warnings),
    }


def timeline_rows(timeline: Timeline, parts: Literal["windows", "segments"]) -> list[Row]:
    """Put a timeline into a row for each of its windows, or of its segments."""
    found: list[Window] | list[Segment]
    found = timeline.windows if parts == "windows" else timeline.segments
    rows = []
    for part in found:
        row = asdict(part)
        row |= _shares(row.pop("probabilities", None) or {})
        rows.append(
            row
            | {
                "duration": timeline.duration,
                "reference": timeline.reference,
                "doubts": _doubts(timeline.warnings),
            }
        )
    return rows


def _shares(probabilities: Mapping[str, float]) -> Row:
    return {share_column(label): share for label, share in probabilities.items()}


def _doubts(warnings: Iterable[str]) -> str | None:
    return " ".join(warnings) or None


def printable(name: str) -> str:
    """Return a name that every table can hold: names of files are bytes, not always UTF-8."""
    return name.encode(errors="backslashreplace").decode()
