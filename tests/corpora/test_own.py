"""People's own speech: folders of emotions, tables, and columns of any names on the Hub."""

import csv
import io
import json
import os
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from made_recordings import recording, samples, write_zip

from ser.corpora.corpus import describe_corpora
from ser.corpora.loading import load_corpus
from ser.corpora.own import Columns
from ser.corpora.sources import Source
from ser.errors import DatasetError

ROWS = [
    {"clip": "ada/1.wav", "mood": "joy", "who": "ada", "sex": "f"},
    {"clip": "ada/2.wav", "mood": "rage", "who": "ada", "sex": "f"},
    {"clip": "bob/1.wav", "mood": "none", "who": "bob", "sex": "Male"},
    {"clip": "bob/2.wav", "mood": "joy", "who": "bob", "sex": "Male"},
    {"clip": "cyd/1.wav", "mood": "rage", "who": "cyd", "sex": ""},
]
COLUMNS = Columns(audio="clip", emotion="mood", speaker="who")


def write_recordings(folder, paths):
    for index, path in enumerate(paths):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(recording(str(index), file.suffix))
    return folder


def write_table(folder, kind, rows=ROWS):
    """Write the rows as a table beside their recordings; Parquet has them in it."""
    write_recordings(folder, [row["clip"] for row in rows])
    file = folder / f"moods.{kind}"
    if kind == "jsonl":
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    elif kind == "parquet":
        embedded = [
            row | {"clip": {"bytes": (folder / row["clip"]).read_bytes(), "path": row["clip"]}}
            for row in rows
        ]
        pq.write_table(pa.Table.from_pylist(embedded), file)
    else:
        with file.open("w", newline="") as out:
            delimiter = {"csv": ",", "tsv": "\t"}[kind]
            writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
            writer.writeheader()
            writer.writerows(rows)
    return file


def labels(corpus):
    return [corpus.labels[number] for number in corpus.clips["emotion"]]


# Folders


@pytest.mark.parametrize("packed", [False, True])
def test_subfolders_are_emotions_and_their_subfolders_speakers(packed, tmp_path):
    paths = ["joy/ada/1.wav", "joy/bob/1.wav", "rage/ada/1.flac", "happy/x.wav", "none/bob/a b.wav"]
    root = write_recordings(tmp_path / "moods", paths)
    if packed:
        members = {f"moods/{path}": (root / path).read_bytes() for path in paths}
        root = write_zip(tmp_path / "moods.zip", members)
    corpus = load_corpus(root)
    assert corpus.labels == ("happy", "joy", "none", "rage")
    assert corpus.about.name == "moods"
    assert corpus.clips["speaker"][:] == [None, "ada", "ada", "bob", "bob"]
    assert corpus.clips["file"][:] == [
        "happy-x", "joy-ada-1", "rage-ada-1", "joy-bob-1", "none-bob-a-b"
    ]  # fmt: skip
    for column in ("sex", "sentence", "intensity", "language"):
        assert set(corpus.clips[column]) == {None}
    first = soundfile.read(io.BytesIO(recording("3")))[0]
    np.testing.assert_array_equal(samples(corpus.clips[0]), first)


def test_folders_around_emotions_are_none(tmp_path):
    write_recordings(tmp_path, ["data/train/angry/1.wav", "data/test/sad/2.wav"])
    corpus = load_corpus(tmp_path)
    assert corpus.labels == ("sad", "angry") and set(corpus.clips["speaker"]) == {None}


def test_an_emotion_of_an_unusual_name_makes_no_emotions_of_splits(tmp_path):
    emotions = ("angry", "bored", "sad")
    paths = [f"{split}/{each}/{split}.wav" for split in ("train", "test") for each in emotions]
    assert set(load_corpus(write_recordings(tmp_path, paths)).labels) == set(emotions)


def test_the_examples_of_a_model_are_no_recordings_of_the_folder_around_it(tmp_path):
    paths = ["angry/1.wav", "sad/2.wav", "model/examples/1-sad.flac"]
    write_recordings(tmp_path, paths)
    (tmp_path / "model" / "model.skops").touch()
    assert load_corpus(tmp_path).labels == ("sad", "angry")


def test_speakers_of_one_emotion_are_no_emotions(tmp_path):
    write_recordings(tmp_path, ["angry/ann/1.wav", "angry/ben/2.wav"])
    with pytest.raises(DatasetError, match="not in subfolders of two or more emotions"):
        load_corpus(tmp_path)


def test_names_of_clips_tell_nothing_of_folders_outside(tmp_path):
    write_recordings(tmp_path, ["home/anna/1.wav", "data/2.wav"])
    table = tmp_path / "data" / "moods.csv"
    table.write_text("audio,emotion\n../home/anna/1.wav,joy\n2.wav,rage\n")
    assert load_corpus(table).clips["file"][:] == ["1", "2"]


def test_tables_in_a_folder_of_emotions_do_not_matter(tmp_path):
    root = write_recordings(tmp_path, ["joy/1.wav", "rage/1.wav"])
    (root / "metadata.csv").write_text("file_name,length\njoy/1.wav,2\n")
    write_table(tmp_path / "other", "parquet")
    (tmp_path / "other" / "moods.parquet").rename(root / "joy" / "moods.parquet")
    shutil.rmtree(tmp_path / "other")
    assert load_corpus(root).labels == ("joy", "rage")


def test_clips_of_one_name_stay_apart(tmp_path):
    write_recordings(tmp_path, ["joy/a-b.wav", "joy/a b.wav", "rage/a-b.wav", "rage/a-b.flac"])
    names = load_corpus(tmp_path).clips["file"][:]
    assert len(set(names)) == 4 and not any(" " in name or "/" in name for name in names)


def test_other_formats_are_taken(tmp_path):
    write_recordings(tmp_path, ["joy/1.ogg", "rage/1.mp3", "rage/2.wav"])
    assert len(load_corpus(tmp_path).clips) == 3


def test_files_that_are_not_clips_are_named_and_skipped(tmp_path, caplog):
    write_recordings(tmp_path, ["joy/1.wav", "rage/1.wav", "loose.wav"])
    (tmp_path / "joy" / "2.wav").write_bytes(b"nothing")
    assert len(load_corpus(tmp_path).clips) == 2
    assert "loose.wav lies in no subfolder" in caplog.text
    assert "2.wav is not audio" in caplog.text


@pytest.mark.parametrize("paths", [[], ["1.wav"], ["joy/1.wav", "joy/2.wav"]])
def test_a_folder_of_anything_else_is_told_what_is_understood(paths, tmp_path):
    write_recordings(tmp_path, paths)
    with pytest.raises(DatasetError, match="a subfolder for each emotion or a ZIP") as error:
        load_corpus(tmp_path)
    for word in ("CSV", "Parquet", "RAVDESS", "TESS"):
        assert word in str(error.value)
    assert "\n" not in str(error.value)


# Tables


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_a_table_says_what_is_known_by_columns_of_any_name(kind, tmp_path):
    corpus = load_corpus(write_table(tmp_path, kind), columns=COLUMNS)
    assert corpus.labels == ("joy", "none", "rage")
    assert labels(corpus) == ["joy", "rage", "none", "joy", "rage"]
    assert corpus.clips["speaker"][:] == ["ada", "ada", "bob", "bob", "cyd"]
    assert corpus.clips["sex"][:] == ["female", "female", "male", "male", None]
    assert corpus.clips["file"][:] == ["ada-1", "ada-2", "bob-1", "bob-2", "cyd-1"]
    assert (corpus.about.name, corpus.origins[0].source) == ("moods", f"moods.{kind}")
    assert describe_corpora(corpus)[0]["speakers"] == 3
    second = soundfile.read(io.BytesIO(recording("1")))[0]
    np.testing.assert_array_equal(samples(corpus.clips[1]), second)


def test_columns_of_the_usual_names_need_no_names(tmp_path):
    write_recordings(tmp_path, ["1.wav", "2.wav"])
    table = tmp_path / "moods.csv"
    table.write_text("audio;emotion;speaker;sentence\n1.wav;joy;1;\n2.wav;angry;2;Hello\n")
    corpus = load_corpus(table)
    assert corpus.labels == ("angry", "joy")
    assert corpus.clips["speaker"][:] == ["1", "2"]
    assert corpus.clips["sentence"][:] == [None, "Hello"]


def test_labels_can_be_mapped_and_chosen(tmp_path):
    table = write_table(tmp_path, "csv")
    options = {"columns": COLUMNS, "mapping": {"joy": "happy", "rage": "angry"}}
    assert load_corpus(table, **options).labels == ("happy", "angry", "none")
    assert labels(load_corpus(table, **options, emotions=["angry"])) == ["angry", "angry"]
    with pytest.raises(DatasetError, match="no emotion joy; choose from happy, angry, none"):
        load_corpus(table, **options, emotions=["joy"])
    with pytest.raises(DatasetError, match="no emotion 'anger' to be mapped; there are joy"):
        load_corpus(table, columns=COLUMNS, mapping={"anger": "angry"})


def test_rows_without_a_clip_are_named_and_skipped(tmp_path, caplog):
    table = write_table(tmp_path, "csv")
    with table.open("a") as out:
        out.write("gone.wav,joy,ada,f\n,joy,ada,f\nada/1.wav,joy,ada,f\n")
    write_recordings(tmp_path, ["mute.wav"])
    with table.open("a") as out:
        out.write("mute.wav,,ada,f\n")
    assert len(load_corpus(table, columns=COLUMNS).clips) == 5
    for words in (
        "gone.wav in row 6 of moods.csv is missing",
        "row 7 of moods.csv names no recording",
        "ada/1.wav in row 8 of moods.csv is listed a second time",
        "mute.wav has no emotion in row 9",
    ):
        assert words in caplog.text


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("a.csv", "", "has no rows"),
        ("a.csv", "audio,emotion\n", "has no rows"),
        ("a.csv", "audio,emotion\nx.wav,joy\n", r"no usable clip: x.wav in row 1 .* is missing"),
        ("a.csv", "file,emotion\nx.wav,joy\n", r"no column 'audio'; it has emotion, file"),
        ("a.jsonl", '{"audio": 1}\nnothing\n', r"line 2 of .*a.jsonl is not JSON"),
        ("a.jsonl", "[1]\n", r"line 1 of .*a.jsonl is not a JSON object"),
        ("a.jsonl", f"{'[' * 100_000}\n", r"line 1 of .*a.jsonl is not JSON"),
        (
            "a.csv",
            'audio,emotion\n"x.wav,joy\n' + "y.wav,joy\n" * 20_000,
            r"Line \d+ of .* is not CSV",
        ),
        (
            "a.csv",
            "\n\naudio,text,emotion\nx.wav,Well, no,joy\n",
            r"Line 4 of .* has 4 values for 3 columns: put quotation marks around text with ','",
        ),
        ("a.csv", "audio,emotion,emotion\nx.wav,joy,sad\n", r"more than one column 'emotion'"),
        ("a.tsv", "audio\none, two, three.wav\n", r"no column 'emotion'; it has audio"),
        ("a.csv", "audio,emotion\n\udcff.wav,joy\n", r"not text in UTF-8 .* save it again"),
    ],
)
def test_a_table_that_cannot_be_used_is_told_why(name, text, complaint, tmp_path):
    (tmp_path / name).write_text(text, errors="surrogateescape")
    with pytest.raises(DatasetError, match=complaint) as error:
        load_corpus(tmp_path / name)
    assert "\n" not in str(error.value)


def test_values_that_are_missing_or_empty_harm_nothing(tmp_path):
    write_recordings(tmp_path, [f"{number}.wav" for number in range(3)])
    (tmp_path / "elsewhere").mkdir()
    table = tmp_path / "elsewhere" / "latest.csv"  # a link to a table beside recordings
    table.symlink_to(tmp_path / "moods.csv")
    table.write_text(
        "audio,emotion,speaker,note,note\n\n0.wav,joy,ada,,\n1.wav,rage\n2.wav,joy,bob,,,,\n"
    )
    assert load_corpus(table).clips["speaker"][:] == [None, "ada", "bob"]


def test_labels_are_lines_of_text_however_they_are_written(tmp_path):
    write_recordings(tmp_path, [f"{number}.wav" for number in range(4)])
    table = tmp_path / "moods.csv"
    table.write_text('\n\naudio, emotion\n0.wav, "so\nsad"\n1.wav,so  sad\n2.wav, ra\0ge\n')
    assert load_corpus(table).labels == ("rage", "so sad")
    apart, whole = "fro\N{COMBINING DIAERESIS}h", "fr\N{LATIN SMALL LETTER O WITH DIAERESIS}h"
    write_recordings(tmp_path / "mac", [f"{apart}/1.wav", "sad/2.wav"])
    assert set(load_corpus(tmp_path / "mac").labels) == {"sad", whole}
    rows = [{"audio": f"{n}.wav", "emotion": text} for n, text in enumerate(["a\ud800", "b\u2028"])]
    text = "\n".join(json.dumps(row) for row in rows).replace("\\u2028", "\u2028")
    (tmp_path / "moods.jsonl").write_text(text)
    assert load_corpus(tmp_path / "moods.jsonl").labels == ("a", "b")


def test_names_that_no_file_can_have_are_missing(tmp_path, caplog):
    table = write_table(tmp_path, "csv")
    with table.open("a") as out:
        out.write(f"{'x' * 300}.wav,joy,ada,f\n")
    assert len(load_corpus(table, columns=COLUMNS).clips) == 5
    assert "in row 6 of moods.csv is missing" in caplog.text
    with pytest.raises(DatasetError, match="There is no folder"):
        load_corpus("x" * 5000)


def test_a_table_full_of_missing_files_does_not_flood(tmp_path, caplog):
    table = write_table(tmp_path, "csv")
    with table.open("a") as out:
        out.writelines(f"gone-{number}.wav,joy,ada,f\n" for number in range(1000))
    load_corpus(table, columns=COLUMNS)
    assert len(caplog.records) < 200
    assert "900 more" in caplog.text


def test_clips_have_names_that_fit_into_a_file_system(tmp_path):
    long = "x" * 250
    write_recordings(tmp_path, [f"joy/{long}.wav", f"joy/1/{long}.wav", "rage/1.wav"])
    names = load_corpus(tmp_path).clips["file"][:]
    assert len(set(names)) == 3 and max(map(len, names)) < 200


def test_links_to_nowhere_and_names_that_are_no_text_are_skipped(tmp_path, caplog):
    write_recordings(tmp_path, ["joy/1.wav", "rage/1.wav"])
    (tmp_path / "joy" / "2.mp3").symlink_to("nowhere")
    (tmp_path / "joy" / os.fsdecode(b"\xff.wav")).write_bytes(recording("3"))
    assert len(load_corpus(tmp_path).clips) == 2
    assert "2.mp3 is not audio" in caplog.text and "not a name in UTF-8" in caplog.text


def test_classes_have_names_beside_nested_features(tmp_path):
    rows = [{"audio": {"bytes": recording(str(n)), "path": None}, "emotion": n} for n in range(2)]
    features = {
        "words": [{"dtype": "string", "_type": "Value"}],
        "emotion": {"names": ["joy", "rage"], "_type": "ClassLabel"},
    }
    table = pa.Table.from_pylist(rows)
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    pq.write_table(table.replace_schema_metadata(metadata), tmp_path / "a.parquet")
    assert load_corpus(tmp_path / "a.parquet").labels == ("joy", "rage")


def test_a_column_that_is_not_there_is_answered_with_those_that_are(tmp_path):
    for kind in ("csv", "parquet"):
        with pytest.raises(DatasetError, match="no column 'label'; it has clip, mood, sex, who"):
            load_corpus(write_table(tmp_path, kind), columns=Columns("clip", "label"))


def test_columns_do_not_go_with_folders_or_with_a_corpus(tmp_path):
    write_recordings(tmp_path, ["joy/1.wav", "rage/1.wav"])
    with pytest.raises(DatasetError, match="no table with columns"):
        load_corpus(tmp_path, columns=Columns())
    with pytest.raises(DatasetError, match="leave the columns out"):
        load_corpus(tmp_path, corpus="tess", columns=Columns())
    with pytest.raises(DatasetError, match=r"is a table.* leave the corpus out"):
        load_corpus(write_table(tmp_path, "csv"), corpus="tess")


def test_what_is_said_of_the_recordings_can_be_told(tmp_path):
    table = write_table(tmp_path, "csv")
    about = {"name": "Choir", "licence": "cc-by-4.0", "language": "de", "link": None}
    told = load_corpus(table, columns=COLUMNS, about=about).about
    assert (told.name, told.licence, told.language, told.link) == ("Choir", "cc-by-4.0", "de", None)


def test_a_table_of_paths_is_one_in_parquet_too(tmp_path):
    names = ["1001_DFA_ANG_XX.wav", "1001_DFA_NEU_XX.wav"]  # as in CREMA-D
    write_recordings(tmp_path / "clips", names)
    columns = {"audio": [f"clips/{name}" for name in names], "emotion": ["ANG", "NEU"]}
    for kind in (pa.string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())):
        paths = pa.array(columns["audio"]).cast(kind)
        pq.write_table(pa.table(columns | {"audio": paths}), tmp_path / "moods.parquet")
        assert set(load_corpus(tmp_path / "moods.parquet").labels) == {"ANG", "NEU"}
    with pytest.raises(DatasetError, match="table of paths, leave the name of a corpus out"):
        load_corpus(tmp_path / "moods.parquet", corpus="crema-d")


def test_other_recordings_that_are_named_like_a_corpus_are_not_it(tmp_path):
    write_recordings(tmp_path, ["1001_DFA_ANG_XX.wav", "1001_DFA_NEU_XX.wav"])
    assert load_corpus(tmp_path, about={"licence": "mit"}).about.attribution
    for name in ("set.1", "set.2"):
        write_recordings(tmp_path, [f"{name}/joy/1.wav", f"{name}/rage/2.wav"])
        assert load_corpus(tmp_path / name).about.name == name
    told = load_corpus(tmp_path, about={"name": "Choir"}).about
    assert (told.name, told.licence, told.attribution, told.link) == ("Choir", None, None, None)


# The Hub


def load_from_hub(source, columns, cache):
    import datasets

    datasets.config.HF_DATASETS_CACHE = cache
    corpus = load_corpus(source, columns=columns)
    return labels(corpus), corpus.clips["speaker"][:], corpus.about


def hub_parquet(rows, names):
    """Return rows as `push_to_hub` of `datasets` writes them: classes are numbers."""
    features = {"mood": {"names": names, "_type": "ClassLabel"}, "who": {"dtype": "float64"}}
    features["who"]["_type"] = "Value"
    table = pa.Table.from_pylist(rows)
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    file = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(metadata), file)
    return file.getvalue()


def test_a_dataset_on_the_hub_needs_only_the_names_of_its_columns(hub, machine, tmp_path):
    rows = [
        {"clip": {"bytes": recording(str(n)), "path": "audio.wav"}, "mood": n % 2, "who": n / 2}
        for n in range(0, 6, 2)
    ]
    rows[1]["mood"] = 1
    files = {
        "data/train-0.parquet": hub_parquet(rows, ["joy", "rage"]),
        "data/test-0.parquet": hub_parquet([{**rows[0], "mood": -1}], ["joy", "rage"]),
    }
    commit = hub.add("ada/moods", files, kind="dataset").commits[-1].sha
    columns = Columns("clip", "mood", "who")
    said, speakers, about = machine.run(load_from_hub, "ada/moods", columns, tmp_path / "cache")
    assert (said, speakers) == (["joy", "rage", "joy"], ["0", "1", "2"])
    assert (about.name, about.repo_id, about.revision) == ("ada/moods", "ada/moods", commit)
    with pytest.raises(DatasetError, match="no column 'audio'; it has clip, mood, who"):
        machine.run(load_from_hub, "ada/moods", Columns(), tmp_path / "cache")


def test_a_folder_with_metadata_is_read_as_datasets_does(hub, machine, tmp_path):
    files = {"train/1.wav": recording("1"), "train/2.wav": recording("2")}
    files["train/metadata.csv"] = b"file_name,label\n1.wav,joy\n2.wav,rage\n"
    hub.add("ada/moods", files, kind="dataset")
    columns = Columns("file_name", "label")
    said, speakers, _ = machine.run(load_from_hub, "ada/moods", columns, tmp_path / "cache")
    assert (said, speakers) == (["joy", "rage"], [None, None])


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_on_the_hub_reads_no_file_of_this_machine(kind, tmp_path, caplog):
    folder = tmp_path / "snapshot"
    write_recordings(tmp_path, ["mine.wav", "snapshot/1.wav", "snapshot/2.wav"])
    paths = ["1.wav", "2.wav", "../mine.wav", str(tmp_path / "mine.wav")]
    rows = [{"file_name": path, "label": f"mood {n}"} for n, path in enumerate(paths)]
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), folder / "a.parquet")
    else:
        lines = [",".join(row.values()) for row in rows]
        (folder / "metadata.csv").write_text("\n".join(["file_name,label", *lines]))
    source = Source("eve/moods", folder, "eve/moods", "0" * 40)
    corpus = load_corpus(source, columns=Columns("file_name", "label"))
    assert corpus.labels == ("mood 0", "mood 1")
    assert "row 3" in caplog.text and "row 4" in caplog.text
