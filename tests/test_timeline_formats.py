"""Timelines as files, read back by the programs and libraries that people read them with."""

import html
import json

import pandas
import parselmouth
import pytest
import webvtt
from parselmouth.praat import call

from ser.errors import SerError
from ser.timeline import Timeline, Window
from ser.timeline_formats import FORMATS

ODD = 'r&d <b> "so" --> größer'
"""A label with what means something in a format, and a letter outside of ASCII."""


def window(start, end, **shares):
    if not shares:
        return Window(start, end)
    emotion = max(shares, key=shares.get)
    shares = {ODD if name == "odd" else name: share for name, share in shares.items()}
    return Window(
        start, end, 2.5, ODD if emotion == "odd" else emotion, max(shares.values()), shares
    )


@pytest.fixture(scope="module")
def timeline():
    """Return one that calls for hours, for rounding, and for every kind of escape."""
    late = 3661.2345
    return Timeline(
        late + 3,
        [
            window(0, 3, calm=0.75, odd=0.25),
            window(3, 6),
            window(6, 9.1239, calm=1 / 3, odd=2 / 3),
            window(late, late + 3, calm=0.996, odd=0.004),
        ],
        ["Only part of it was read."],
        "voice",
    )


@pytest.fixture(scope="module")
def saved(timeline, tmp_path_factory):
    folder = tmp_path_factory.mktemp("timelines")

    def save(suffix):
        timeline.save(folder / f"emotions.{suffix}")
        return folder / f"emotions.{suffix}"

    return save


def spoken(timeline):
    return [segment for segment in timeline.segments if segment.emotion]


def seconds(text):
    hours, minutes, rest = text.replace(",", ".").split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(rest)


def test_pandas_reads_every_probability_of_every_window(timeline, saved):
    table = pandas.read_csv(saved("csv"), float_precision="round_trip")
    shares = ["probability_calm", f"probability_{ODD}"]
    assert list(table) == ["start", "end", "speech_duration", "emotion", "confidence", *shares]
    silent = table["emotion"].isna()
    assert list(silent) == [False, True, False, False]
    assert table[silent][["confidence", *shares]].isna().all(axis=None)
    for row, each in zip(table.to_dict("records"), timeline.windows, strict=True):
        assert (row["start"], row["end"]) == (each.start, each.end)
        if each.emotion:
            assert (row["emotion"], row["confidence"]) == (each.emotion, each.confidence)
            assert [row[name] for name in shares] == list(each.probabilities.values())
    assert saved("csv").read_bytes().count(b"\r\n") == saved("csv").read_bytes().count(b"\n") == 5


def test_json_is_what_to_dict_returns(timeline, saved):
    assert json.loads(saved("json").read_bytes()) == timeline.to_dict()


@pytest.mark.parametrize("suffix", ["srt", "vtt"])
def test_subtitles_have_a_line_for_each_segment_with_speech(timeline, saved, suffix):
    path = saved(suffix)
    captions = webvtt.from_srt(path) if suffix == "srt" else webvtt.read(path)
    label = ODD.replace("-->", "->") if suffix == "srt" else ODD
    texts = [each.raw_text if suffix == "srt" else html.unescape(each.text) for each in captions]
    assert texts == ["calm 75%", f"{label} 67%", "calm 100%"]
    for caption, segment in zip(captions, spoken(timeline), strict=True):
        assert seconds(caption.start) == pytest.approx(segment.start, abs=5.1e-4)
        assert seconds(caption.end) == pytest.approx(segment.end, abs=5.1e-4)
    ends = [0.0, *(seconds(caption.end) for caption in captions)]
    assert all(end <= seconds(each.start) for end, each in zip(ends, captions, strict=False))


def test_times_of_subtitles_are_written_as_their_format_says(timeline):
    last = {kind: timeline.to_text(kind).strip().splitlines()[-2] for kind in ("srt", "vtt")}
    assert last["srt"] == "01:01:01,000 --> 01:01:04,234"
    assert last["vtt"] == last["srt"].replace(",", ".")
    assert timeline.to_text("srt").startswith("1\n00:00:00,000 --> 00:00:03,000\ncalm 75%\n\n2\n")
    assert timeline.to_text("vtt").startswith("WEBVTT\n\n00:00:00.000 --> ")


def test_praat_reads_tiers_that_cover_the_recording(timeline, saved):
    grid = parselmouth.read(str(saved("TextGrid")))
    assert isinstance(grid, parselmouth.TextGrid)
    assert (grid.xmin, grid.xmax) == (0, pytest.approx(timeline.duration, abs=1e-9))
    names = [call(grid, "Get tier name", tier) for tier in (1, 2)]
    assert names == ["emotion", "confidence"]
    segments = timeline.segments
    for tier, texts in (
        (1, [each.emotion or "" for each in segments]),
        (2, [f"{each.confidence:.2f}" if each.emotion else "" for each in segments]),
    ):
        assert call(grid, "Get number of intervals", tier) == len(segments)
        for index, (segment, text) in enumerate(zip(segments, texts, strict=True), 1):
            assert call(grid, "Get start time of interval", tier, index) == pytest.approx(
                segment.start, abs=1e-9
            )
            assert call(grid, "Get end time of interval", tier, index) == pytest.approx(
                segment.end, abs=1e-9
            )
            assert call(grid, "Get label of interval", tier, index) == text
    assert "" in [each.emotion or "" for each in segments]


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_holds_the_text_and_replaces_an_older_one(timeline, tmp_path, name):
    path = tmp_path / f"of a clip.{name.upper()}"
    path.write_text("older")
    timeline.save(str(path))
    assert path.read_bytes().decode() == timeline.to_text(name)
    other = tmp_path / "by method"
    text = getattr(timeline, f"to_{name.lower()}")(other)
    assert other.read_bytes().decode() == text == timeline.to_text(name)
    assert set(tmp_path.iterdir()) == {path, other}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("emotions.doc", r"emotions\.doc' does not .*\.csv, \.json, \.srt, \.vtt, \.TextGrid\.$"),
        ("emotions", r"emotions' does not say a format"),
        ("no such/emotions.srt", r"^There is no folder '.*no such'"),
        ("folder.csv", r"folder\.csv' is a folder: give the name of a file\.$"),
        (f"{'x' * 300}.csv", r"x\.csv' cannot be written \(File name too long\)"),
    ],
    ids=["suffix", "none", "folder", "is a folder", "long"],
)
def test_a_name_that_cannot_be_written_is_refused_in_one_sentence(
    timeline, tmp_path, name, sentence
):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(SerError, match=sentence):
        timeline.save(tmp_path / name)
    assert [path.name for path in tmp_path.rglob("*")] == ["folder.csv"]


def test_an_unknown_format_is_refused_in_one_sentence(timeline):
    with pytest.raises(SerError, match=r"^'ass' .*: choose from csv, json, srt, vtt, TextGrid\.$"):
        timeline.to_text("ass")


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_what_is_no_name_is_refused_in_one_sentence(timeline, path):
    with pytest.raises(SerError, match=r"cannot be written \(.*\): give another path\.$"):
        timeline.to_csv(path)


def test_a_failed_write_leaves_the_older_file(timeline, tmp_path, monkeypatch):
    path = tmp_path / "emotions.csv"
    path.write_text("older")

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ser.storage.atomic_folder.os.fsync", full)
    with pytest.raises(SerError, match=r"cannot be written \(No space left on device\)"):
        timeline.save(path)
    assert path.read_text() == "older" and list(tmp_path.iterdir()) == [path]
