"""The tab for many files, without a browser."""

import csv
import io

import pytest
import soundfile
from gradio_client.utils import strip_invalid_filename_characters
from signals import speech_like

from ser import EmotionRecognizer, Prediction
from ser.corpora.emotions import NAMES
from ser.demo.batch.run import BatchRun
from ser.demo.batch.tab import draw, find_truths
from ser.demo.batch.table import row, rows_html, summary_html, to_csv
from ser.demo.batch.truth import Truth, agreement, truths_in_table
from ser.errors import AudioError, DatasetError, UnreadableAudioError, VoiceProfileError

RATE = 24000


def prediction(**shares):
    shares = {"calm": 0.0, "happy": 0.0, "disgust": 0.0} | shares
    emotion = max(shares, key=shares.get)
    return Prediction(emotion, shares[emotion], shares, 3.2, 1.9, 0.5, 2.4, ["It is <10 dB."])


def batch(results, truths=(), state="done"):
    paths = [f"/tmp/{name}" for name in results]
    run = BatchRun(paths, None, False, dict(truths), NAMES, state)
    run.results, run.n_heard = list(results.values()), len(results)
    return run


@pytest.fixture(scope="module")
def tiny(tiny_model):
    return EmotionRecognizer.from_pretrained(tiny_model)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Return five voices, and a file among them that is none."""
    folder = tmp_path_factory.mktemp("batch")
    found = []
    for seed in range(5):
        found.append(str(folder / f"{seed}.wav"))
        soundfile.write(found[-1], speech_like(pitch=110 + 30 * seed, seed=seed), RATE)
    (folder / "notes.wav").write_text("not a recording")
    return [*found[:2], str(folder / "notes.wav"), *found[2:]]


def test_why_there_is_no_result_stands_where_a_phone_shows_it():
    html = rows_html(batch({"a.wav": UnreadableAudioError("'a.wav' is silent.")}))
    assert 'no result<small class="ser-why-not">&#x27;a.wav&#x27; is silent.</small>' in html


def test_a_name_cannot_be_markup():
    drawn = draw(batch({"<b>.wav": UnreadableAudioError("<b>.wav is not audio.")}))
    assert "<b>" not in "".join(map(str, drawn[:3]))


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1"])
def test_cells_that_a_spreadsheet_would_run_are_defused(cell):
    (read,) = csv.DictReader(io.StringIO(to_csv([row(cell, prediction(happy=1.0))])))
    assert read["file"] == f"'{cell}"


def test_the_csv_has_all_that_is_known_of_results_and_errors():
    good = row("a.wav", prediction(happy=0.6, calm=0.4), Truth("calm"))
    bad = row("b.wav", UnreadableAudioError("b.wav is not audio."))
    one, other = csv.DictReader(io.StringIO(to_csv([bad, good])))
    assert (one["file"], one["emotion"], one["error"]) == ("b.wav", "", "b.wav is not audio.")
    assert (other["emotion"], other["second choice"], other["error"]) == ("happy", "calm", "")
    assert float(other["probability_calm"]) == pytest.approx(0.4)
    assert other["true emotion"] == "calm"


def test_results_are_counted_and_can_be_downloaded_once_no_more_are_to_come():
    results = {
        "a.wav": prediction(happy=1.0),
        "b.wav": prediction(happy=1.0),
        "c.wav": AudioError("c.wav is silent."),
    }
    for state, can in (("running", False), ("cancelled", True), ("done", True)):
        drawn = summary_html(batch(results, state=state), NAMES)
        assert ('download="emotions.csv"' in drawn) == can
        assert (
            'happy</span><span class="ser-track" aria-hidden="true"><i></i></span><span>2' in drawn
        )
        assert ("1 without a result" in drawn) == can
    assert rows_html(batch(results)).count('data-emotion="no result"') == 1


@pytest.mark.parametrize("same_speaker", [False, True])
def test_a_batch_says_what_the_library_says(tiny, paths, same_speaker):
    run = BatchRun(paths, None, same_speaker, {}, tiny.labels)
    seen = [(run.n_heard, len(run.results)) for _ in run.steps(tiny)]
    assert [heard for heard, _ in seen] == [1, 2, 3, 4, 5, 6]
    assert seen[2][1] == (0 if same_speaker else 3)
    expected = tiny.predict_many(paths, same_speaker=same_speaker)
    for result, other in zip(run.results, expected, strict=True):
        assert type(result) is type(other)
        assert isinstance(result, AudioError) or result == other
    assert run.state == "done"
    assert ("relative to the others" in summary_html(run, tiny.labels)) == same_speaker


def test_a_voice_is_used_and_said(tiny, paths):
    profile = tiny.voice_profile(paths[3:])
    run = BatchRun(paths[:2], profile, False, {}, tiny.labels)
    for _ in run.steps(tiny):
        assert "Relative to your voice" in summary_html(run, tiny.labels)
    assert run.results == list(tiny.predict_many(paths[:2], voice=profile))


def test_a_model_that_cannot_compare_says_so_before_the_first_recording(tiny, paths, monkeypatch):
    monkeypatch.setattr(EmotionRecognizer, "knows_voices", False)
    run = BatchRun(paths, None, True, {}, tiny.labels)
    with pytest.raises(VoiceProfileError):
        next(run.steps(tiny))


@pytest.mark.parametrize("same_speaker", [False, True])
def test_what_was_done_before_a_batch_is_cancelled_stays(tiny, paths, same_speaker):
    run = BatchRun(paths, None, same_speaker, {}, tiny.labels)
    for _ in run.steps(tiny):
        if run.n_heard == 2:
            run.end("cancelled")
    assert len(run.results) == 2
    summary, rows, *_ = draw(run)
    assert "Cancelled: 2 of 6 recordings" in summary
    assert "download=" in summary
    assert rows.count("<tr") == 2


def test_a_fault_of_ours_in_one_recording_is_said_and_the_others_are_recognised(
    tiny, paths, monkeypatch
):
    analyse = EmotionRecognizer.analyse
    monkeypatch.setattr(
        EmotionRecognizer,
        "analyse",
        lambda self, path: 1 / 0 if path == paths[1] else analyse(self, path),
    )
    run = BatchRun(paths[:2] + paths[3:4], None, False, {}, tiny.labels)
    assert len(list(run.steps(tiny))) == 3
    assert run.state == "done"
    assert str(run.results[1]) == "1.wav cannot be recognised (ZeroDivisionError)."
    assert run.results[2].emotion in tiny.labels


def test_what_has_gone_from_the_server_is_asked_for_again(tiny, paths, tmp_path):
    run = BatchRun([paths[0], str(tmp_path / "gone.wav")], None, False, {}, NAMES)
    list(run.steps(tiny))
    assert str(run.results[-1]) == "gone.wav is no longer on the server; choose it again."
    with pytest.raises(DatasetError, match=r"gone.csv is no longer on the server; choose it"):
        truths_in_table(tmp_path / "gone.csv", ["a.wav"], NAMES)


def test_names_of_corpora_tell_true_emotions(tmp_path):
    names = ["03-01-05-01-01-01-01.wav", "1001_DFA_NEU_XX.flac", "1002_DFA_SAD_XX.flac", "mine.wav"]
    truths, sentence = find_truths([f"/tmp/{name}" for name in names], None, NAMES)
    assert [truth.emotion for truth in truths.values()] == ["angry", "neutral", "sad"]
    assert "3 of 4 recordings" in sentence
    answers = zip(names, ("angry", "calm", "happy", "calm"), strict=True)
    said = agreement(list(answers), truths)
    assert said.startswith("2 of 3 right (67")
    assert "Calm counts as neutral" in said  # CREMA-D does not tell them apart
    table = tmp_path / "labels.csv"
    table.write_text(f"file,emotion\n{names[1]},neutral\n")
    told, _ = find_truths([f"/tmp/{name}" for name in names], str(table), NAMES)
    assert told == truths  # which says no more
    said = agreement([(names[0], "calm"), (names[1], None), ("mine.wav", None)], truths)
    assert said.startswith("0 of 1 right") and said.endswith("Not counted: 1 without a result.")


def test_a_table_that_tells_two_emotions_of_a_file_is_told_so(tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("file,emotion\na.wav,sad\na.wav,happy\na.wav,sad\n")
    truths, problem = truths_in_table(table, ["a.wav"], NAMES)
    assert truths["a.wav"].emotion == "sad"
    assert "1 row names a file of which an earlier row says something else ('a.wav')" in problem


def test_a_table_names_a_file_with_double_quotes_as_it_is_called(tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text('file,emotion\n"say ""hi"".wav",sad\n')
    sent = strip_invalid_filename_characters("say %22hi%22.wav")
    assert list(truths_in_table(table, [sent], NAMES)[0]) == [sent]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_tells_true_emotions(tmp_path, separator):
    lines = (("Path", "Label"), ("x/a.wav", "anger"), ("b", "Happiness"), ("c.wav", "sad"))
    table = tmp_path / "labels.csv"
    table.write_text("\n".join(map(separator.join, lines)), encoding="utf-8-sig")
    truths, sentence = find_truths([f"/tmp/{name}.wav" for name in "abc"], str(table), NAMES)
    assert {name: truth.emotion for name, truth in truths.items()} == {
        "a.wav": "angry",
        "b.wav": "happy",
        "c.wav": "sad",
    }
    assert "3 of 3 recordings, from labels.csv" in sentence


def test_a_table_is_used_in_part_and_goes_before_names(tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("file,emotion\n1001_DFA_SAD_XX.wav,happy\na.wav,bored\nz.wav,sad\nz,sad\n")
    paths = ["/tmp/1001_DFA_SAD_XX.wav", "/tmp/a.wav"]
    truths, sentence = find_truths(paths, str(table), NAMES)
    assert truths == {"1001_DFA_SAD_XX.wav": Truth("happy")}
    assert "2 rows name a file that is not among the recordings" in sentence
    assert "1 row has an emotion that is none of neutral, calm" in sentence
    assert "bored" in sentence


def test_a_table_tells_nothing_of_recordings_that_have_one_name(tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("file,emotion\nanna/01.wav,happy\nben/01.wav,sad\nben/02.wav,sad\n")
    truths, sentence = find_truths(["/a/01.wav", "/b/01.wav", "/b/02.wav"], str(table), NAMES)
    assert truths == {"02.wav": Truth("sad")}
    assert "2 rows name a file whose name several recordings have" in sentence


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"RIFF\xff\xfe\x00", "not text in UTF-8"),
        (b"", "has no rows"),
        (b"just words\nand more", "has no column 'file', only 'just words'"),
        (b"file,feeling\na.wav,sad", "has no column 'emotion', only 'file', 'feeling'"),
        (b"file,emotion\na.wav,bored", "emotion that is none of neutral"),
        (b"file,emotion\nz.wav,sad", "not among the recordings ('z.wav')"),
        (b'file,emotion\n"a.wav,sad', "tells nothing of these recordings"),
        (b"file,emotion\n" + b"a,b\n" * 600_000, "has more than 2 MB: give a table of these"),
    ],
)
def test_a_table_that_will_not_do_is_said_in_a_sentence(tmp_path, content, sentence):
    table = tmp_path / "labels.csv"
    table.write_bytes(content)
    with pytest.raises(DatasetError) as refused:
        truths_in_table(table, ["a.wav"], NAMES)
    said = str(refused.value)
    assert sentence in said
    assert said.startswith("labels.csv ") and said.endswith(".") and str(tmp_path) not in said
    truths, shown = find_truths(["/tmp/03-01-05-01-01-01-01.wav"], str(table), NAMES)
    assert not truths and "ser-bad" in shown
