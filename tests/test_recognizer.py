"""The recogniser gives what the fixed interface promises, and refuses what does not fit it."""

import io
import json
import threading

import numpy as np
import pytest
import soundfile
from model_files import edit_config
from tiny_model import FEATURES, LABELS, voice

from ser import EmotionRecognizer, Prediction, VoiceProfile
from ser.audio.augmentation import add_noise
from ser.errors import (
    AudioError,
    AudioNotFoundError,
    FeatureMismatchError,
    HubError,
    ModelError,
    ModelFormatError,
    ModelNotFoundError,
    SerError,
    VoiceProfileError,
)
from ser.features import FeatureConfig, FeatureExtractor
from ser.model.config import ModelConfig
from ser.storage.folder import read_model_folder

RATE = FEATURES.sample_rate


@pytest.fixture(scope="module")
def recognizer(tiny_model):
    return EmotionRecognizer.from_pretrained(tiny_model)


@pytest.fixture
def copy(recognizer, tmp_path):
    recognizer.save_pretrained(tmp_path / "copy")
    return tmp_path / "copy"


def push(folder):
    return EmotionRecognizer.from_pretrained(folder).push_to_hub("ada/voices", tag="v1")


def predict_from(model, clips):
    recognizer = EmotionRecognizer.from_pretrained(model)
    predictions = [list(recognizer.predict(clip).probabilities.values()) for clip in clips]
    return predictions, recognizer.source, recognizer.revision


def test_a_prediction_holds_what_it_promises(recognizer):
    waveform = voice("angry", seed=100)
    prediction = recognizer.predict((waveform, RATE))
    assert isinstance(prediction, Prediction)
    assert prediction.emotion == "angry"
    assert tuple(prediction.probabilities) == LABELS == recognizer.labels
    assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-9)
    assert prediction.confidence == max(prediction.probabilities.values())
    assert prediction.duration == pytest.approx(waveform.size / RATE)
    assert 0.5 < prediction.speech_duration < prediction.duration
    assert 0 < prediction.speech_start < prediction.speech_end < prediction.duration
    assert prediction.speech_end - prediction.speech_start == pytest.approx(
        prediction.speech_duration
    )
    assert prediction.warnings == []
    assert json.loads(json.dumps(prediction.to_dict())) == prediction.to_dict()


def test_a_clip_that_noise_drowns_draws_a_warning(recognizer):
    noisy = add_noise(voice("angry", seed=100), RATE, 0, np.random.default_rng(0))
    (warning,) = recognizer.predict((noisy, RATE)).warnings
    assert "noisy" in warning


@pytest.mark.parametrize("emotion", LABELS)
def test_every_way_to_give_a_clip_gives_the_same(recognizer, tmp_path, emotion):
    waveform = voice(emotion, seed=101)
    path = tmp_path / "clip.wav"
    soundfile.write(path, waveform, RATE, subtype="FLOAT")
    content = path.read_bytes()
    expected = recognizer.predict((waveform, RATE))
    assert expected.emotion == emotion
    for clip in (path, str(path), content, io.BytesIO(content), {"bytes": content, "path": None}):
        assert recognizer.predict(clip) == expected


def test_gain_changes_nothing(recognizer):
    waveform = voice("calm", seed=102)
    expected = list(recognizer.predict((waveform, RATE)).probabilities.values())
    for decibels in (-18, 6):
        scaled = (waveform * 10 ** (decibels / 20), RATE)
        found = list(recognizer.predict(scaled).probabilities.values())
        np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("emotion", LABELS)
def test_hum_and_an_offset_that_dies_down_change_little(recognizer, emotion):
    waveform = voice(emotion, seed=103)
    expected = recognizer.predict((waveform, RATE))
    times = np.arange(waveform.size) / RATE
    level = np.sqrt(2 * np.mean(waveform**2) / 10)
    for sound in (level * np.sin(2 * np.pi * 50 * times), 0.05 * np.exp(-times / 0.2)):
        heard = recognizer.predict((waveform + sound, RATE))
        assert heard.emotion == expected.emotion
        assert heard.confidence == pytest.approx(expected.confidence, abs=0.1)
        assert heard.warnings == expected.warnings


def test_many_clips_lazily_in_order_with_errors_in_place(recognizer):
    read = []

    def clips():
        for index, clip in enumerate(
            [(voice("calm"), RATE), "missing.wav", b"no audio", (voice("angry"), RATE)]
        ):
            read.append(index)
            yield clip

    results = recognizer.predict_many(clips())
    assert read == []
    first = next(results)
    assert first.emotion == "calm" and read == [0]
    missing, unreadable, last = results
    assert isinstance(missing, AudioNotFoundError) and "missing.wav" in str(missing)
    assert isinstance(unreadable, AudioError)
    assert last.emotion == "angry"


def test_one_clip_is_one_result(recognizer):
    (missing,) = recognizer.predict_many("missing.wav")
    assert isinstance(missing, AudioNotFoundError)
    (found,) = recognizer.predict_many((voice("angry", seed=100), RATE))
    assert found.emotion == "angry"
    (refused,) = recognizer.predict_many(voice("angry", seed=100))
    assert isinstance(refused, AudioError) and "type ndarray" in str(refused)


def test_called_it_answers_one_clip_or_a_list_as_a_pipeline_does(recognizer):
    calm, angry = (voice("calm"), RATE), (voice("angry"), RATE)
    assert recognizer(calm) == recognizer.predict(calm)
    for several in ([calm, angry], (clip for clip in (calm, angry))):
        assert recognizer(several) == [recognizer.predict(calm), recognizer.predict(angry)]
    assert recognizer([angry]) == [recognizer.predict(angry)]
    assert recognizer([]) == []
    with pytest.raises(AudioNotFoundError, match=r"missing\.wav"):
        recognizer([calm, "missing.wav"])


def test_one_voice_is_taken_into_account_for_all_clips(recognizer):
    clips = [(voice(label, seed=150), RATE) for label in LABELS]
    everyday = (voice("calm", seed=151, seconds=4.0), RATE)
    profile = recognizer.voice_profile(everyday)
    expected = [recognizer.predict(clip, voice=profile) for clip in clips]
    assert expected != [recognizer.predict(clip) for clip in clips]
    assert list(recognizer.predict_many(clips, voice=everyday)) == expected
    assert recognizer(clips, voice=everyday) == expected
    assert recognizer(clips[0], voice=everyday) == expected[0]


def test_clips_of_one_person_are_judged_relative_to_the_others(recognizer):
    waveforms = [voice(LABELS[seed % 2], seed=seed) for seed in range(160, 165)]
    clips = [(waveform, RATE) for waveform in waveforms]
    read = [*clips[:2], "missing.wav", *clips[2:]]
    results = list(recognizer.predict_many(read, same_speaker=True))
    assert isinstance(results.pop(2), AudioNotFoundError)
    analyses = [recognizer.analyse(clip) for clip in clips]
    for number, found in enumerate(results):
        others = [each for other, each in enumerate(analyses) if other != number]
        mean = VoiceProfile(
            np.mean([each.features for each in others], axis=(0, 1), dtype=np.float64),
            analyses[0].feature_hash,
        )
        expected = recognizer.assess(analyses[number], mean)
        assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-4)
        assert found.reference == "clips" and expected.reference == "voice"
    assert recognizer(clips, same_speaker=True) == results
    assert results != recognizer(clips)


def test_too_few_clips_of_one_person_are_judged_as_any_others(recognizer):
    clips = [(voice("calm", seed=seed), RATE) for seed in range(4)]
    assert recognizer(clips, same_speaker=True) == recognizer(clips)
    assert recognizer([], same_speaker=True) == []


def test_a_voice_and_the_clips_themselves_cannot_both_be_the_reference(recognizer):
    clip = (voice("calm", seconds=4.0), RATE)
    with pytest.raises(VoiceProfileError, match="leave one out"):
        recognizer([clip], voice=clip, same_speaker=True)
    with pytest.raises(VoiceProfileError, match="leave one out"):
        recognizer.timeline(clip, voice=clip, same_speaker=True)


def test_a_voice_that_cannot_be_learnt_stops_many_clips(recognizer):
    with pytest.raises(VoiceProfileError, match="at least 3 s"):
        list(recognizer.predict_many([(voice("calm"), RATE)], voice=(voice("calm"), RATE)))


def test_what_a_person_prints_is_short_and_tells_what_it_is(recognizer):
    clip = (voice("angry", seed=100, seconds=4.0), RATE)
    profile, prediction = recognizer.voice_profile(clip), recognizer.predict(clip)
    for thing, told in (
        (recognizer, (repr(LABELS), recognizer.source)),
        (prediction, ("'angry'", f"{prediction.confidence:.2f}", "warnings=[]")),
        (recognizer.timeline(clip), ("duration=5.0", "'angry'")),
        (profile, (f"n_features={profile.features.size}", profile.feature_hash)),
    ):
        assert repr(thing).startswith(f"{type(thing).__name__}(")
        assert all(word in repr(thing) for word in told)
        assert len(repr(thing)) < 150 + len(str(recognizer.source))
        assert "\n" not in repr(thing) and "array" not in repr(thing)


def test_threads_may_share_it(recognizer):
    clips = [(voice(LABELS[seed % 2], seed), RATE) for seed in range(8)]
    expected = [recognizer.predict(clip) for clip in clips]
    found = [None] * len(clips)

    def work(index):
        found[index] = recognizer.predict(clips[index])

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(clips))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == expected


def test_saving_writes_the_same_folder_again(recognizer, tiny_model, tmp_path):
    recognizer.save_pretrained(tmp_path / "again")
    assert read_model_folder(tmp_path / "again").files == read_model_folder(tiny_model).files
    assert {"confusion-actors.png", "examples/clip.flac"} < recognizer.files.keys()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("")
    with pytest.raises(SerError, match=r"notes\.txt"):
        recognizer.save_pretrained(tmp_path / "other")


def test_it_says_where_it_is_from(recognizer, tiny_model):
    assert recognizer.source == str(tiny_model) and recognizer.revision is None
    assert recognizer.config["model"]["labels"] == list(LABELS)
    assert set(recognizer.metrics["protocols"]) == {"actors", "random"}


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(ModelNotFoundError, match=r"no model folder .*, or the OWNER/NAME of"):
        EmotionRecognizer.from_pretrained(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("source", "match"),
    [
        (
            None,
            r"pretrained' stands for a folder, which has no revision 'v7': leave out the revision",
        ),
        ("ada/voices", r"'ada/voices' stands for a folder, which has no revision 'v7'"),
        ("ada/others@v1", r"'ada/others@v1' is not at the revision 'v7': give one of the two"),
    ],
)
def test_a_revision_that_cannot_be_is_refused(tmp_path, monkeypatch, source, match):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ada" / "voices").mkdir(parents=True)
    with pytest.raises(ModelError, match=match):
        EmotionRecognizer.from_pretrained(source, revision="v7")


def test_a_misspelt_folder_is_not_only_looked_for_on_the_hub(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    with pytest.raises(HubError, match=r"^There is no folder 'models/mine', and on the Hub: The"):
        EmotionRecognizer.from_pretrained(
            "models/mine", local_files_only=True, cache_dir=tmp_path / "cache"
        )


def test_other_features_are_refused_with_both_hashes(copy, recognizer):
    edit_config(copy, feature_hash="0123456789abcdef")
    with pytest.raises(FeatureMismatchError) as caught:
        EmotionRecognizer.from_pretrained(copy)
    assert "0123456789abcdef" in str(caught.value)
    assert recognizer.config["feature_hash"] in str(caught.value)
    edit_config(copy, features=FEATURES.to_dict() | {"families": ["mfcc", "aura"]})
    with pytest.raises(FeatureMismatchError, match="aura"):
        EmotionRecognizer.from_pretrained(copy)


FEWER = FeatureConfig(families=("energy",))


@pytest.mark.parametrize(
    "changes",
    [
        {"model": ModelConfig(("calm", "angry"), temperature=2.0).to_dict() | {"speeds": 1}},
        {"features": FEWER.to_dict(), "feature_hash": FeatureExtractor(FEWER).hash},
        {"features": FEATURES.to_dict() | {"window": 10**400}},
    ],
    ids=["settings", "features", "numbers"],
)
def test_parts_that_do_not_fit_each_other_are_refused(copy, changes):
    edit_config(copy, **changes)
    with pytest.raises((ModelFormatError, FeatureMismatchError), match=str(copy)):
        EmotionRecognizer.from_pretrained(copy)


def test_from_the_hub_it_answers_as_before(recognizer, tiny_model, hub, machine):
    published = machine.run(push, tiny_model)
    machine.forget()
    clips = [(voice(LABELS[seed % 2], seed), RATE) for seed in range(300, 310)]
    expected = [list(recognizer.predict(clip).probabilities.values()) for clip in clips]
    for model in ("ada/voices", "ada/voices@v1", f"ada/voices@{published.revision}"):
        found, source, revision = machine.run(predict_from, model, clips)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
        assert (source, revision) == ("ada/voices", published.revision)
