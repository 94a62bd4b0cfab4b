"""Emotion in sound that is still coming: where speech starts and ends, and what it sounds like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ser.audio.loading import LOUDEST, SAMPLE_RATE_RANGE
from ser.errors import AudioError, InvalidSampleRateError, NonFiniteAudioError, NoSpeechError

if TYPE_CHECKING:
    from ser.recognizer import EmotionRecognizer

STEP = 0.5
"""Seconds of new sound from one look to the next."""

SPAN = 3.0
"""Seconds that each look goes back, and results as well, but not into a stretch that has ended."""

EVERY = 1.0
"""Seconds from one result to the next while somebody speaks."""

MAX_PAUSE = 0.7
"""Seconds without speech that end a stretch of it."""

MARGIN = 0.1
"""Seconds around its speech that a stretch includes: without them, answers for 150 clips of RAVDESS
and CREMA-D differ from those for the whole clips by 0.07 on average, and with them by 0.001."""

MAX_STRETCH = 30.0
"""Seconds after which a stretch ends while somebody still speaks, so that memory is bounded."""

KINDS = np.dtype(np.int16), np.dtype(np.float32)


class SpeechStream:
    """Finds stretches of speech in a stream of sound and recognises the emotion in them.

    The recogniser's own analysis of the last seconds tells whether and where somebody speaks.
    Events depend on the sound alone, not on the pieces in which it comes. Not for several threads
    at once; any number of streams can share a recogniser.

    Parameters
    ----------
    recognizer : EmotionRecognizer
    sample_rate : int
        Of the stream in Hz.

    Raises
    ------
    InvalidSampleRateError
        If it is outside the range that speech recordings use.
    """

    def __init__(self, recognizer: EmotionRecognizer, sample_rate: int) -> None:
        lowest, highest = SAMPLE_RATE_RANGE
        if not (
            isinstance(sample_rate, int | float | np.number) and lowest <= sample_rate <= highest
        ):
            raise InvalidSampleRateError(
                f"The stream has a sample rate of {sample_rate!r} Hz; "
                f"give one of {lowest} to {highest} Hz."
            )
        self._recognizer = recognizer
        self._rate = sample_rate
        self._step = round(STEP * sample_rate)
        self._kept: NDArray[Any] | None = None
        self._new: list[NDArray[Any]] = []  # pieces after those, joined when there is a look
        self._size = 0  # samples that came
        # All of these count samples from the beginning of the stream.
        self._first = 0  # of those that are kept
        self._looked = 0  # up to here
        self._floor = 0  # no look goes back beyond this
        self._start: int | None = None  # of the stretch that somebody speaks
        self._heard = 0  # where it ends as far as it is known
        self._due = 0  # when the next result is

    def feed(self, samples: NDArray[np.int16] | NDArray[np.float32]) -> list[dict[str, Any]]:
        """Take the next piece of sound.

        Parameters
        ----------
        samples : ndarray of int16 or float32, shape (n_samples,)
            Mono, of any length; full scale of floats at 1. All pieces are of one type.

        Returns
        -------
        list of dict
            What happened up to now, times in seconds from the beginning of the stream:

            - ``{"event": "start", "time"}``, somebody speaks from here on;
            - ``{"event": "result", "start", "end", "emotion", "confidence", "probabilities",
              "warnings"}``, every second while they speak, of the last 3 seconds;
            - ``{"event": "end", …}`` with the same keys, of the whole stretch of speech.

            Each answer is that of `EmotionRecognizer.predict` for the samples from start to end.
            Where a stretch turns out to hold no speech, emotion, confidence and probabilities
            are None, and the warning says why.

        Raises
        ------
        AudioError
            If the samples are of another type or shape, or not finite. They are then left out, as
            if they had not come.
        """
        piece = np.asarray(samples)
        kind = piece.dtype if self._kept is None else self._kept.dtype
        if piece.ndim != 1 or piece.dtype != kind or kind not in KINDS:
            wanted = "int16 or float32" if kind not in KINDS else str(kind)
            raise AudioError(
                f"The samples are of type {piece.dtype} and shape {piece.shape}; "
                f"give {wanted} of shape (n_samples,)."
            )
        if piece.dtype.kind == "f" and not (sound := np.abs(piece) <= LOUDEST).all():  # nor is NaN
            raise NonFiniteAudioError(
                f"The samples hold {piece[~sound][0]:g}; give floats from -1 to 1."
            )
        self._kept = piece[:0].copy() if self._kept is None else self._kept
        self._new.append(piece.copy())  # as callers may fill the same array again
        self._size += piece.size
        events: list[dict[str, Any]] = []
        if self._size - self._looked < self._step:
            return events
        self._join()
        while self._size - self._looked >= self._step:
            events += self._look(self._looked + self._step)
        self._forget()
        return events

    def close(self) -> list[dict[str, Any]]:
        """End the stream, and return the last events as `feed` does."""
        if self._kept is None:
            return []
        self._join()
        events = self._look(self._size) if self._size > self._looked else []
        return events if self._start is None else [*events, self._end(self._heard)]

    def _look(self, now: int) -> list[dict[str, Any]]:
        """Find out what is happening at a sample."""
        self._looked = now
        earliest = max(0, now - round(SPAN * self._rate))
        begin = max(earliest, self._floor)
        try:
            analysis = self._recognizer.analyse(self._clip(begin, now))
            if self._start is None and begin > earliest:
                # Breath or noise that follows speech may pass for speech, but not beside it.
                both = self._recognizer.analyse(self._clip(earliest, now))
                if earliest + round(both.speech_end * self._rate) <= begin:
                    return []
        except NoSpeechError:
            return [] if self._start is None else [self._end(self._heard)]
        last = begin + round(analysis.speech_end * self._rate)
        speaks = now - last < MAX_PAUSE * self._rate
        events: list[dict[str, Any]] = []
        if self._start is None and speaks:
            first = begin + round((analysis.speech_start - MARGIN) * self._rate)
            self._start = max(begin, first)
            self._due = self._start + round(EVERY * self._rate)
            events.append({"event": "start", "time": self._start / self._rate})
        if self._start is None:
            return events
        self._heard = max(self._heard, min(now, last + round(MARGIN * self._rate)))
        longest = self._start + round(MAX_STRETCH * self._rate)
        if not speaks or now >= longest:
            return [*events, self._end(min(self._heard, longest))]
        if now >= self._due:
            self._due = now + round(EVERY * self._rate)
            answer = _answer(self._recognizer.assess(analysis).to_dict())
            events.append(self._event("result", begin, now) | answer)
        return events

    def _end(self, end: int) -> dict[str, Any]:
        """End the stretch of speech, and recognise the whole of it."""
        assert self._start is not None
        start, self._start = self._start, None
        # The last sound of a stretch fades below its end, and is no speech of its own.
        self._floor = max(end, self._looked - self._step)
        try:
            answer = _answer(self._recognizer.predict(self._clip(start, end)).to_dict())
        except NoSpeechError as error:
            nothing = dict.fromkeys(("emotion", "confidence", "probabilities"))
            answer = {**nothing, "warnings": [str(error)]}
        return self._event("end", start, end) | answer

    def _clip(self, start: int, end: int) -> tuple[NDArray[Any], int]:
        assert self._kept is not None
        return self._kept[start - self._first : end - self._first], self._rate

    def _event(self, name: str, start: int, end: int) -> dict[str, Any]:
        return {"event": name, "start": start / self._rate, "end": end / self._rate}

    def _join(self) -> None:
        assert self._kept is not None
        self._kept = np.concatenate([self._kept, *self._new])
        self._new = []

    def _forget(self) -> None:
        """Drop the samples that no later answer can need."""
        assert self._kept is not None
        recent = max(0, self._looked - round(SPAN * self._rate))
        needed = recent if self._start is None else min(recent, self._start)
        self._kept = self._kept[needed - self._first :].copy()
        self._first = needed


def _answer(prediction: dict[str, Any]) -> dict[str, Any]:
    return {key: prediction[key] for key in ("emotion", "confidence", "probabilities", "warnings")}
