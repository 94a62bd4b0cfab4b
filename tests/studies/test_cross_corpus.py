"""Another corpus, judged by a recogniser whose answers are known beforehand."""

import json
from types import SimpleNamespace
from zipfile import ZipFile

import numpy as np
import pytest
import soundfile
from tiny_model import FEATURES, voice

from ser.cli.main import main
from ser.errors import DatasetError, NoSpeechError, VoiceProfileError
from ser.model.voice_profile import VoiceProfile
from ser.studies.cross_corpus import evaluate_corpus, find_clips, format_result

SAID = {"NEU": "neutral", "HAP": "happy", "ANG": "angry"}


class Recognizer:
    """Says what its table says of a file; with a reference it is always right."""

    labels = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
    source = "table"
    knows_voices = True

    def __init__(self, answers=()):
        self.answers = dict(answers)
        self.config = {"datasets": [{"name": "RAVDESS"}]}
        self.profiles = {}

    def voice_profile(self, clips):
        actor = clips[0].name[:4]
        if actor == "1009":
            raise VoiceProfileError("Too little speech.")
        self.profiles[actor] = [clip.name for clip in clips]
        return SimpleNamespace(actor=actor)

    def analyse(self, clip):
        if self.answers.get(clip.stem) == "nothing":
            raise NoSpeechError("No speech.")
        # The clip's place in the reference, so that a test can see what was averaged.
        features = np.eye(100, dtype=np.float32)[None, int(clip.stem[6:8])]
        return SimpleNamespace(features=features, feature_hash=clip.stem[:4], stem=clip.stem)

    def assess(self, analysis, reference=None):
        said = self.answers.get(analysis.stem, {})
        if reference or not said:
            said = {SAID[analysis.stem.split("_")[2]]: 1.0}
        if isinstance(reference, VoiceProfile):
            assert reference.features[int(analysis.stem[6:8])] == 0, "compared with itself"
            assert np.count_nonzero(reference.features) == 16
        speaker = getattr(reference, "actor", None) or getattr(reference, "feature_hash", None)
        assert speaker in (None, analysis.stem[:4]), "compared with someone else"
        warnings = ["It is noisy: ..."] if analysis.stem.endswith("noisy") else []
        probabilities = dict.fromkeys(self.labels, 0.0) | said
        return SimpleNamespace(probabilities=probabilities, warnings=warnings)


@pytest.fixture
def corpus(tmp_path):
    """Two speakers with six neutral and two angry clips each; only their names matter."""
    for actor in (1001, 1002):
        for index in range(8):
            code = "NEU" if index < 6 else "ANG"
            (tmp_path / f"{actor}_S{index:02}_{code}_XX.wav").write_bytes(b"")
    return tmp_path


def test_a_folder_without_recordings_is_said_to_be_one(tmp_path):
    (tmp_path / "clips.zip").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"no audio files .* unpack ZIP or Parquet files"):
        find_clips(tmp_path)


def test_calm_counts_as_neutral(corpus):
    answers = {"1001_S05_NEU_XX": {"calm": 0.3, "neutral": 0.2, "angry": 0.4, "happy": 0.1}}
    result = evaluate_corpus(Recognizer(answers), find_clips(corpus))
    assert result["emotions"] == ["neutral", "angry"]
    assert result["all"]["accuracy"] == 1


def test_surprised_is_left_out_before_the_most_probable_is_chosen(corpus):
    answers = {"1001_S06_ANG_XX": {"surprised": 0.6, "angry": 0.3, "neutral": 0.1}}
    assert evaluate_corpus(Recognizer(answers), find_clips(corpus))["all"]["accuracy"] == 1


def test_profile_is_the_first_four_neutral_clips_and_neither_way_tests_them(corpus):
    wrong = {"angry": 1.0}
    answers = {f"1001_S{index:02}_NEU_XX": wrong for index in range(6)}
    recognizer = Recognizer(answers)
    result = evaluate_corpus(recognizer, find_clips(corpus))
    names = [f"1001_S{index:02}_NEU_XX.wav" for index in range(4)]
    assert recognizer.profiles["1001"] == names == result["profiles"]["1001"]
    ways = result["references"]["profile"]
    assert [figures["clips"] for figures in (result["all"], ways["without"], ways["with"])] == [
        *(16, 8, 8)
    ]
    assert result["all"]["accuracy"] == 10 / 16
    assert ways["without"]["accuracy"] == 6 / 8  # clips 4 and 5 of speaker 1001 are wrong
    assert ways["without"]["unweighted_average_recall"] == (2 / 4 + 4 / 4) / 2
    assert ways["with"]["accuracy"] == 1
    assert ways["gain"]["difference"] == 1 / 4
    assert "others" not in result["references"]  # speakers have fewer clips


def test_sixteen_other_clips_of_the_same_speaker_are_drawn(corpus):
    for index in range(8, 18):
        (corpus / f"1001_S{index:02}_HAP_XX.wav").write_bytes(b"")
    answers = {f"1001_S{index:02}_HAP_XX": {"angry": 1.0} for index in range(8, 18)}
    result = evaluate_corpus(Recognizer(answers), find_clips(corpus))
    ways = result["references"]["others"]
    assert ways["with"]["clips"] == 18 and ways["with"]["accuracy"] == 1
    assert ways["without"]["accuracy"] == 8 / 18
    assert "16 other clips" in format_result(result)


def test_confidence_and_warnings_are_held_against_the_errors(corpus):
    (corpus / "1001_S05_NEU_XX.wav").rename(corpus / "1001_S05_NEU_noisy.wav")
    answers = {"1001_S05_NEU_noisy": {"angry": 0.5, "neutral": 0.4, "surprised": 0.1}}
    result = evaluate_corpus(Recognizer(answers), find_clips(corpus))
    assert result["all"]["auc"] == 1  # the only wrong answer is the only unsure one
    assert result["warnings"]["noisy"] == {"clips": 1, "with": 1.0, "without": 0.0}
    assert result["warnings"]["clipped"]["with"] is None


def test_speakers_without_a_profile_are_named_and_not_compared(corpus):
    for file in sorted(corpus.glob("1002_*NEU*"))[3:]:
        file.unlink()
    for index in range(4):
        (corpus / f"1009_S{index:02}_NEU_XX.wav").write_bytes(b"")
    result = evaluate_corpus(Recognizer(), find_clips(corpus))
    assert result["no_profile"] == {
        "1002": "3 neutral clips, 4 are needed",
        "1009": "Too little speech.",
    }
    assert (
        result["all"]["clips"] == 8 + 5 + 4
        and result["references"]["profile"]["with"]["clips"] == 4
    )
    assert "no profile for 1002: 3 neutral clips" in format_result(result)


def test_no_speaker_with_a_profile_still_gives_figures(corpus):
    for file in corpus.glob("*NEU*"):
        file.rename(file.with_name(file.name.replace("NEU", "HAP")))
    result = evaluate_corpus(Recognizer(), find_clips(corpus))
    assert result["references"] == {}
    text = format_result(result)
    assert "none" in text and "4 neutral clips" not in text.split("no profile")[0]


def test_clips_that_fail_are_counted_and_listed(corpus):
    result = evaluate_corpus(Recognizer({"1002_S07_ANG_XX": "nothing"}), find_clips(corpus))
    assert result["failed"] == [{"file": "1002_S07_ANG_XX.wav", "error": "No speech."}]
    assert result["all"]["clips"] == 15
    assert "1 failed" in format_result(result) and "learned from" not in format_result(result)
    assert "learned from this corpus" in format_result(result | {"heard": True})
    assert "failed: 1002_S07_ANG_XX.wav: No speech." in format_result(result)


def test_emotions_that_the_model_does_not_know_are_left_out(corpus):
    (corpus / "1001_S09_HAP_XX.wav").write_bytes(b"")
    recognizer = Recognizer()
    recognizer.labels = ("calm", "angry")
    result = evaluate_corpus(recognizer, find_clips(corpus))
    assert result["emotions"] == ["neutral", "angry"] and result["unshared"] == 1
    recognizer.labels = ("surprised",)
    with pytest.raises(DatasetError, match="share no emotion"):
        evaluate_corpus(recognizer, find_clips(corpus))


def test_other_files_are_no_clips(corpus, tmp_path_factory):
    for name in ("1001_S01_BOR_XX.wav", "notes.wav", "1001_S01_ANG_XX.txt", "._1001_S1_ANG_X.wav"):
        (corpus / name).write_bytes(b"")
    assert len(find_clips(corpus)) == 16
    empty = tmp_path_factory.mktemp("empty")
    (empty / "clip.wav").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"half of the 1 audio .*CREMA-D \(1001_DFA_ANG_XX"):
        find_clips(empty)
    for missing in (empty / "missing", "~nobody/clips"):
        with pytest.raises(DatasetError, match="There is no folder"):
            find_clips(missing)
    with ZipFile(empty / "clips.zip", "w") as archive:
        archive.writestr("1001_DFA_ANG_XX.wav", b"")
    (empty / "clip.wav").unlink()
    with pytest.raises(DatasetError, match="unpack ZIP or Parquet files"):
        find_clips(empty)


def test_the_command_on_a_whole_model(tiny_model, tmp_path, capsys):
    for emotion, code in (("calm", "NEU"), ("angry", "ANG")):
        for index in range(3):
            path = tmp_path / f"1001_S{index:02}_{code}_XX.flac"
            soundfile.write(path, voice(emotion, seed=300 + index), FEATURES.sample_rate)
    (tmp_path / "1001_S09_ANG_XX.wav").write_text("no audio")
    assert main(["evaluate", str(tiny_model), "--on", str(tmp_path), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["all"]["clips"] == 6 and len(result["failed"]) == 1
    assert result["all"]["unweighted_average_recall"] > 0.9
    assert np.sum(result["all"]["confusion_matrix"]) == 6
    output = tmp_path / "docs" / "studies.md"
    given = ["--on", str(tmp_path), "--output", str(output)]
    assert main(["evaluate", str(tiny_model), *given]) == 0
    row = json.loads(output.with_suffix(".json").read_text())["evaluation"][tmp_path.name]
    assert row["figures"] == result and row["stamp"]["code"] and row["stamp"]["seeds"] == []
    assert "another model than the one that ships" in output.read_text()
    assert f"### {tmp_path.name}: 6 clips of 1 speakers; 1 failed" in output.read_text()
    capsys.readouterr()
    next(tmp_path.glob("*.flac")).unlink()
    assert main(["evaluate", str(tiny_model), *given]) == 0
    assert "of another model or other recordings, is replaced" in capsys.readouterr().err
    assert main(["evaluate", str(tiny_model), "--on", str(tmp_path / "missing")]) == 1
    assert capsys.readouterr().err.startswith("error: There is no folder")
