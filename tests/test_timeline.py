"""Windows over a recording, and the timeline that they make."""

import json

import numpy as np
import pytest
import soundfile
from signals import noise, speech_like
from tiny_model import voice

from ser import EmotionRecognizer
from ser.errors import NoSpeechError
from ser.timeline import DRAFTS, HOP, WINDOW, Timeline, Window, timeline_steps, window_slices

RATE = 24000


def window(start, end, emotion=None):
    if emotion is None:
        return Window(start, end)
    shares = {"calm": 0.2, "angry": 0.2, emotion: 0.8}
    return Window(start, end, 2.0, emotion, 0.8, shares)


def test_a_short_recording_is_one_window():
    assert window_slices(4 * RATE, RATE) == [slice(0, 4 * RATE)]


@pytest.mark.parametrize("seconds", [4.01, 5.0, 7.3, 60.0])
def test_windows_cover_a_recording_and_end_with_it(seconds):
    n_samples = int(seconds * RATE)
    slices = window_slices(n_samples, RATE)
    assert slices[0].start == 0
    assert slices[-1].stop == n_samples
    assert {part.stop - part.start for part in slices} == {int(WINDOW * RATE)}
    steps = np.diff([part.start for part in slices])
    assert (steps > 0).all()
    assert (steps <= HOP * RATE).all()


def test_ten_minutes_have_no_more_windows_than_five():
    assert len(window_slices(600 * RATE, RATE)) == pytest.approx(600, abs=5)


def test_segments_are_the_stretches_in_which_one_emotion_dominates():
    timeline = Timeline(
        6.0, [window(0, 3, "calm"), window(1, 4, "angry"), window(2, 5, "angry"), window(3, 6)]
    )
    segments = timeline.segments
    assert [segment.emotion for segment in segments] == ["calm", "angry", None]
    assert [segment.start for segment in segments] == [0.0, 2.0, 5.0]
    assert [segment.end for segment in segments] == [2.0, 5.0, 6.0]
    assert segments[0].confidence == pytest.approx((0.8 + 0.8 + 0.5 + 0.5) / 4)


def test_a_moment_gets_the_mean_of_the_windows_that_hold_it():
    edges, curves = Timeline(4.0, [window(0, 3, "calm"), window(1, 4, "angry")]).curves()
    assert edges[0] == 0
    assert edges[-1] == 4
    assert curves[0] == pytest.approx([0.8, 0.2])
    assert curves[3] == pytest.approx([0.5, 0.5])
    assert curves[-1] == pytest.approx([0.2, 0.8])


def test_a_timeline_is_json():
    json.dumps(Timeline(4.0, [window(0, 3, "calm"), window(1, 4)]).to_dict(), allow_nan=False)


def test_a_recording_of_one_window_says_what_the_recogniser_says(recognizer):
    voice = speech_like()
    (only,) = recognizer.timeline((voice, RATE)).windows
    assert only.probabilities == recognizer.predict((voice, RATE)).probabilities
    assert (only.start, only.end) == (0, voice.size / RATE)


def test_pauses_get_no_emotion_and_progress_is_told(recognizer):
    pause = noise(8, level=1e-5)
    recording = np.concatenate([speech_like(), pause]), RATE
    *told, (done, count, timeline) = timeline_steps(recognizer, recording)
    assert done == count
    assert [step[:2] for step in told] == [(number, count) for number in range(count)]
    drafts = [draft for _, _, draft in told if draft]
    assert drafts[0].windows == timeline.windows[:1]
    assert 3 < len(drafts) < DRAFTS + 3
    assert timeline.windows[0].emotion is not None
    assert timeline.windows[-1].emotion is None


def test_a_window_that_catches_the_end_of_a_sentence_does_not_count(recognizer):
    voice = speech_like()
    pause = noise(6, level=1e-5)
    timeline = recognizer.timeline((np.concatenate([voice, pause]), RATE))
    counted = [window for window in timeline.windows if window.emotion]
    assert min(window.speech_duration for window in counted) > 1.5


def test_windows_of_two_half_sentences_do_not_count(recognizer):
    sentence = speech_like()[RATE // 2 : -RATE // 2]
    pause = noise(2.0, level=1e-5)
    recording = np.concatenate([sentence, pause, sentence, pause, sentence])
    counted = [w for w in recognizer.timeline((recording, RATE)).windows if w.emotion]
    assert counted
    assert max(window.speech_duration for window in counted) < 2.5


def test_speech_that_only_a_window_with_less_sound_holds_is_heard(recognizer):
    word, speech = speech_like(0.4)[RATE // 2 :], speech_like(5.0)
    timeline = recognizer.timeline((np.concatenate([word, speech]), RATE))
    assert timeline.segments[0].emotion


def test_a_long_silence_is_no_speech(recognizer):
    with pytest.raises(NoSpeechError):
        recognizer.timeline((np.zeros(10 * RATE, np.float32), RATE))


def test_windows_are_compared_with_those_of_the_recording_that_they_do_not_share(tiny_model):
    recognizer = EmotionRecognizer.from_pretrained(tiny_model)
    long = np.concatenate([voice(emotion, 1, 5.0) for emotion in ("calm", "angry") * 2]), RATE
    *told, (_, count, timeline) = timeline_steps(recognizer, long, same_speaker=True)
    assert timeline.reference == timeline.to_dict()["reference"] == "recording"
    assert [done for done, _, _ in told] == [*range(count), *[count] * count]
    plain = recognizer.timeline(long)
    assert plain.reference is None and len(plain.windows) == len(timeline.windows)
    assert plain.windows != timeline.windows
    short = long[0][: 10 * RATE], RATE
    too_short = recognizer.timeline(short, same_speaker=True)
    assert too_short == recognizer.timeline(short)
    profile = recognizer.voice_profile((voice("calm", 2, 4.0), RATE))
    assert recognizer.timeline(short, voice=profile).reference == "voice"


def test_each_clip_of_a_joined_recording_keeps_its_emotion(recognizer, ravdess_speech):
    """Six clips of one actor, two emotions in turn, ten seconds each."""
    folder = ravdess_speech / "Actor_08"
    angry, calm = (sorted(folder.glob(f"03-01-{code}-*"))[:3] for code in ("05", "02"))
    clips = [clip for pair in zip(angry, calm, strict=True) for clip in pair]
    parts = []
    for clip in clips:
        samples, rate = soundfile.read(clip, dtype="float32", always_2d=True)
        parts.append(np.pad(samples.mean(axis=1), (0, 10 * rate - len(samples))))
    windows = recognizer.timeline((np.concatenate(parts), rate)).windows
    kept = 0
    for index, clip in enumerate(clips):
        start, end = 10 * index, 10 * index + 10
        inside = [w for w in windows if w.emotion and start <= w.start and w.end <= end]
        dominant = max(inside, key=lambda window: window.confidence)
        kept += dominant.emotion == recognizer.predict(clip).emotion
    assert kept >= 5
