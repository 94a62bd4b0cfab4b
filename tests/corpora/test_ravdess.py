import io
import logging
import os
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from fake_hub import FakeHub
from signals import noise

from ser.corpora.ravdess import EMOTIONS, ClipName, load_ravdess
from ser.errors import DatasetError

STATEMENTS = {1: "Kids are talking by the door", 2: "Dogs are sitting by the door"}
CLIPS = (
    "03-01-01-01-02-01-01",
    "03-01-05-02-01-01-02",
    "03-01-08-01-01-02-02",
    "03-02-04-01-01-01-02",
    "03-01-03-01-02-01-07",
    "03-01-03-01-02-02-07",
)
SPEECH = [name for name in CLIPS if name != "03-02-04-01-01-01-02"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Keep what the tests derive out of the user's cache."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    return tmp_path / "cache"


def recording(name, suffix=".wav"):
    """A recording of its own for every name, except that actor 7 has one under two names."""
    seed = int(name.replace("-", "").replace("020107", "020207"))
    buffer = io.BytesIO()
    soundfile.write(buffer, noise(0.05, 8000, seed=seed), 8000, format=suffix[1:].upper())
    return buffer.getvalue()


def write_tree(folder, names=CLIPS, suffix=".wav", flat=False):
    for name in names:
        file = folder / ("." if flat else f"Actor_{name[-2:]}") / f"{name}{suffix}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(recording(name, suffix))
    return folder


def write_zip(file, members):
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file


def write_parquet(file, rows):
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), file)
    return file


def named_rows(names=CLIPS):
    return [{"audio": {"bytes": recording(n), "path": None}, "file": f"x/{n}.wav"} for n in names]


def described_rows(names=CLIPS):
    """Rows in the columns of xbgoose/ravdess, without a file name anywhere."""
    rows = []
    for name in names:
        clip = ClipName.parse(name)
        rows.append(
            {
                "audio": {"bytes": recording(name), "path": None},
                "modality": "audio-only",
                "vocal_channel": clip.channel,
                "emotion": clip.emotion,
                "emotional_intensity": clip.intensity,
                "statement": STATEMENTS[clip.statement],
                "repetition": {1: "1st repetition", 2: "2nd repetition"}[clip.repetition],
                "actor": clip.actor,
                "gender": "male" if clip.actor % 2 else "female",
            }
        )
    return rows


def samples(row):
    audio = row["audio"]
    return soundfile.read(audio["path"] or io.BytesIO(audio["bytes"]))[0]


# Names


@pytest.mark.parametrize(
    "text",
    [
        "03-02-06-02-01-02-12",
        "03-02-06-02-01-02-12.wav",
        "03-02-06-02-01-02-12.FLAC",
        "song/Actor_12/03-02-06-02-01-02-12.wav",
        r"C:\song\Actor_12\03-02-06-02-01-02-12.wav",
        Path("song") / "03-02-06-02-01-02-12.wav",
    ],
)
def test_a_name_says_everything_about_a_clip(text):
    name = ClipName.parse(text)
    assert name == ClipName("song", "fearful", "strong", statement=1, repetition=2, actor=12)
    assert str(name) == "03-02-06-02-01-02-12"
    assert name.sex == "women"


def test_odd_actors_are_men():
    assert ClipName.parse("03-01-01-01-01-01-23").sex == "men"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("02-01-06-02-01-02-12.mp4", "modality is '02', not 03"),
        ("01-01-06-02-01-02-12.mp4", "modality is '01', not 03"),
        ("03-03-06-02-01-02-12.wav", "channel is '03', not 01 to 02"),
        ("03-01-09-02-01-02-12.wav", "emotion is '09', not 01 to 08"),
        ("03-01-06-00-01-02-12.wav", "intensity is '00', not 01 to 02"),
        ("03-01-06-02-3-02-12.wav", "statement is '3', not 01 to 02"),
        ("03-01-06-02-01-xx-12.wav", "repetition is 'xx', not 01 to 02"),
        ("03-01-06-02-01-02-25.wav", "actor is '25', not 01 to 24"),
        ("03-01-06-02-01-02-12 (1).wav", "actor is '12 \\(1\\)', not 01 to 24"),
        ("1001_DFA_ANG_XX.wav", "lacks the seven two-digit fields of 03-01-06-01-02-01-12.wav"),
        ("", "lacks the seven"),
    ],
)
def test_a_wrong_name_is_told_which_field_is_wrong(text, complaint):
    with pytest.raises(DatasetError, match=complaint) as error:
        ClipName.parse(text)
    assert str(error.value).startswith(text)


# The dataset


def test_rows_say_what_names_say_in_the_order_of_actors(tmp_path):
    dataset = load_ravdess(write_tree(tmp_path / "ravdess"))
    assert dataset["file"][:] == SPEECH
    assert dataset.features["emotion"].names == list(EMOTIONS)
    row = dataset[1]
    np.testing.assert_array_equal(samples(row), soundfile.read(io.BytesIO(recording(SPEECH[1])))[0])
    del row["audio"]
    assert row == {
        "file": "03-01-05-02-01-01-02",
        "channel": "speech",
        "emotion": EMOTIONS.index("angry"),
        "intensity": "strong",
        "statement": 1,
        "repetition": 1,
        "actor": 2,
    }


@pytest.fixture(
    params=[
        "flac",
        "flat",
        "twice",
        "zip",
        "zipped twice",
        "names",
        "columns",
        "bytes",
        "parts",
        "archives",
    ]
)
def source(request, tmp_path):
    """The same recordings in another shape."""
    root = tmp_path / "source"
    members = {f"Actor_{n[-2:]}/{n}.wav": recording(n) for n in CLIPS}
    match request.param:
        case "flac":
            write_tree(root, suffix=".flac")
        case "flat":
            write_tree(root, flat=True)
        case "twice":
            write_tree(root)
            write_tree(root / "audio_speech_actors_01-24")
        case "zip":
            root = write_zip(tmp_path / "Audio_Speech_Actors_01-24.zip", members)
        case "zipped twice":
            copies = {f"audio_speech_actors_01-24/{name}": members[name] for name in members}
            root = write_zip(tmp_path / "archive.zip", members | copies)
        case "names":
            root = write_parquet(tmp_path / "train.parquet", named_rows()[::-1])
        case "columns":
            write_parquet(root / "data" / "train-00000-of-00001.parquet", described_rows()[::-1])
        case "bytes":
            rows = [row | {"audio": row["audio"]["bytes"]} for row in named_rows()]
            root = write_parquet(tmp_path / "train.parquet", rows)
        case "parts":
            write_parquet(root / "fold1" / "train.parquet", named_rows()[:4])
            write_parquet(root / "fold1" / "test.parquet", named_rows()[3:])
            write_parquet(root / "fold2" / "test.parquet", described_rows())
        case "archives":
            root.mkdir()
            for number, name in enumerate(members):
                write_zip(root / f"{number}.zip", {name: members[name]})
    return root


def test_every_source_gives_the_same_dataset(source, tmp_path):
    expected = load_ravdess(write_tree(tmp_path / "tree"), channel="both")
    dataset = load_ravdess(source, channel="both")
    assert dataset.features == expected.features
    assert dataset.remove_columns("audio")[:] == expected.remove_columns("audio")[:]
    for row, other in zip(dataset, expected, strict=True):
        np.testing.assert_allclose(samples(row), samples(other), atol=1e-4)


def test_one_recording_under_two_names_is_two_clips(tmp_path):
    root = write_tree(tmp_path / "ravdess")
    dataset = load_ravdess(root).filter(lambda actor: actor == 7, input_columns="actor")
    assert len(dataset) == 2
    np.testing.assert_array_equal(samples(dataset[0]), samples(dataset[1]))


def test_folders_of_actors_can_be_links(tmp_path):
    root = write_tree(tmp_path / "ravdess")
    linked = tmp_path / "linked"
    linked.mkdir()
    for folder in root.iterdir():
        (linked / folder.name).symlink_to(folder)
    (linked / "circle").symlink_to(linked)
    assert load_ravdess(linked)["file"][:] == load_ravdess(root)["file"][:]


def test_speech_song_or_both(tmp_path):
    root = write_tree(tmp_path / "ravdess")
    assert load_ravdess(root, channel="speech")["channel"][:] == ["speech"] * 5
    song = load_ravdess(root, channel="song")
    assert song["file"][:] == ["03-02-04-01-01-01-02"]
    assert song.features["emotion"].names == list(EMOTIONS[:6])
    assert len(load_ravdess(root, channel="both")) == 6


def test_a_subset_of_emotions_keeps_their_order(tmp_path):
    root = write_tree(tmp_path / "ravdess")
    dataset = load_ravdess(root, emotions=["surprised", "neutral"])
    assert dataset.features["emotion"].names == ["neutral", "surprised"]
    assert dataset["file"][:] == ["03-01-01-01-02-01-01", "03-01-08-01-01-02-02"]
    assert dataset["emotion"][:] == [0, 1]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"channel": "speach"}, "'speach' is unknown; choose from speech, song, both"),
        ({"emotions": ["happy", "joyful"]}, "no emotion joyful; choose from neutral, calm,"),
        ({"emotions": ["disgust"], "channel": "song"}, "'song' has no emotion disgust"),
        ({"emotions": []}, "No emotion is selected"),
    ],
)
def test_unknown_options_are_answered_with_those_there_are(options, complaint, tmp_path):
    with pytest.raises(DatasetError, match=complaint):
        load_ravdess(write_tree(tmp_path / "ravdess"), **options)


# Files that are not as they should be


def test_wrong_files_are_named_and_skipped(tmp_path, caplog):
    root = write_tree(tmp_path / "ravdess")
    flac = recording("03-01-02-01-01-01-01", ".flac")
    wrong = {
        "Actor_01/03-01-09-01-01-01-01.wav": recording(SPEECH[0]),
        "Actor_01/notes.wav": recording(SPEECH[0]),
        "Actor_01/03-01-02-01-01-01-01.wav": b"",
        "Actor_01/03-01-02-01-01-02-01.wav": b"not a recording at all",
        "Actor_01/03-01-02-01-02-01-01.flac": flac[: len(flac) // 2],
    }
    for name, content in wrong.items():
        (root / name).write_bytes(content)
    (root / "Actor_01" / "._03-01-01-01-02-01-01.wav").write_bytes(b"what macOS leaves behind")
    (root / "__MACOSX").mkdir()
    (root / "__MACOSX" / "03-01-02-01-02-02-01.wav").write_bytes(b"the same")
    (root / "README.md").write_text("no recording")

    dataset = load_ravdess(root)

    assert dataset["file"][:] == SPEECH
    warnings = [
        record.getMessage() for record in caplog.records if record.name == "ser.corpora.ravdess"
    ]
    assert len(warnings) == len(wrong)
    for name in wrong:
        assert sum(str(Path(name)) in warning for warning in warnings) == 1


@pytest.mark.parametrize("again", [False, True])
def test_wrong_recordings_in_archives_are_named_each_time(again, tmp_path, caplog):
    members = {f"{name}.wav": recording(name) for name in SPEECH}
    members["03-01-02-01-01-01-01.wav"] = b"\0" * 100
    members["__MACOSX/._03-01-01-01-02-01-01.wav"] = b"x"
    packed = write_zip(tmp_path / "ravdess.zip", members)
    content = bytearray(packed.read_bytes())
    content[content.index(members[f"{SPEECH[1]}.wav"]) + 60] ^= 0xFF  # its checksum fails
    packed.write_bytes(content)
    rows = named_rows(SPEECH)
    rows[1]["audio"] = None
    rows[2]["audio"]["bytes"] = b"no audio"
    rows[3]["file"] = "someone.wav"
    parquet = write_parquet(tmp_path / "ravdess.parquet", rows)
    if again:
        load_ravdess(packed)
        load_ravdess(parquet)
        caplog.clear()

    assert load_ravdess(packed)["file"][:] == [SPEECH[0], *SPEECH[2:]]
    assert "03-01-02-01-01-01-01" in caplog.text
    assert SPEECH[1] in caplog.text
    assert "MACOSX" not in caplog.text
    assert "._" not in caplog.text
    caplog.clear()
    assert load_ravdess(parquet)["file"][:] == [SPEECH[0], SPEECH[4]]
    assert SPEECH[1] in caplog.text
    assert SPEECH[2] in caplog.text
    assert "row 4 of ravdess" in caplog.text


def test_an_unreadable_copy_gives_way_to_a_good_one(tmp_path):
    root = write_tree(tmp_path / "ravdess")
    (root / "Actor_01" / f"{SPEECH[0]}.wav").write_bytes(b"")
    write_tree(root / "copy")
    assert load_ravdess(root)["file"][:] == SPEECH


def test_members_of_a_zip_stay_inside_the_cache(tmp_path):
    name = "03-01-02-01-01-01-01.wav"
    packed = tmp_path / "in" / "evil.zip"
    packed.parent.mkdir()
    write_zip(packed, {f"../../../{name}": b"x", f"/{name}": recording(SPEECH[0])})
    load_ravdess(packed)
    inside = list((tmp_path / "cache").rglob(name))
    assert list(tmp_path.rglob(name)) == inside
    assert not Path(f"/{name}").exists()


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        ([], "no WAV or FLAC file"),
        (["a.txt"], "no WAV or FLAC file"),
        (["a.wav", "b.wav"], "a.wav is not a RAVDESS file name"),
        (["03-01-01-01-01-01-01.wav"], "03-01-01-01-01-01-01.wav is not audio"),
        (["03-02-01-01-01-01-01.wav"], "none of its 1 recordings has the channel"),
    ],
)
def test_a_source_without_a_usable_clip_is_shown_a_good_name(names, complaint, tmp_path, caplog):
    root = tmp_path / "ravdess"
    root.mkdir()
    for name in names:
        (root / name).write_bytes(b"nothing")
    with pytest.raises(DatasetError, match=complaint) as error:
        load_ravdess(root)
    assert "03-01-06-01-02-01-12.wav" in str(error.value)
    assert "\n" not in str(error.value)
    assert not caplog.records


def test_unreadable_archives_are_refused_and_leave_nothing_behind(tmp_path, cache):
    parquet = tmp_path / "parquet"
    write_parquet(parquet / "a.parquet", named_rows())
    (parquet / "b.parquet").write_bytes(b"PAR1 but no more")
    torn = write_zip(tmp_path / "torn.zip", {"a.wav": bytes(1000)})
    torn.write_bytes(torn.read_bytes()[:500])
    plain = write_parquet(tmp_path / "plain.parquet", [{"sound": b"", "label": "happy"}])
    for source, complaint in {
        parquet: "b.parquet is not a readable Parquet file",
        torn: "torn.zip is not a readable ZIP",
        plain: "has the columns sound, label; one named audio",
        Path(__file__): "test_ravdess.py is not a readable ZIP or Parquet file",
    }.items():
        with pytest.raises(DatasetError, match=complaint):
            load_ravdess(source)
    assert not list(cache.rglob("*.wav"))


def test_a_missing_folder_is_said_to_be_missing(tmp_path):
    with pytest.raises(DatasetError, match="no folder, ZIP or Parquet file"):
        load_ravdess(tmp_path / "missing")


# Caches


def extract(path, log):
    with Path(log).open("a") as file:
        file.write(f"{path['path']}\n")
    return {"length": Path(path["path"]).stat().st_size}


def test_what_map_derives_is_cached_until_a_recording_changes(tmp_path):
    root, log = write_tree(tmp_path / "ravdess"), tmp_path / "log"

    def derive():
        log.write_text("")
        load_ravdess(root).map(extract, input_columns="audio", fn_kwargs={"log": str(log)})
        return len(log.read_text().splitlines())

    assert derive() == 5
    assert derive() == 0
    file = root / "Actor_01" / f"{SPEECH[0]}.wav"
    shutil.copy(root / "Actor_02" / f"{SPEECH[1]}.wav", file)
    assert derive() == 5


def test_an_archive_is_unpacked_once_until_it_changes(tmp_path, cache):
    packed = tmp_path / "ravdess.zip"

    def unpacked():
        load_ravdess(packed)
        return {file: file.stat().st_mtime_ns for file in cache.rglob("*.wav")}

    write_zip(packed, {f"{name}.wav": recording(name) for name in SPEECH[:2]})
    first = unpacked()
    assert len(first) == 2
    assert unpacked() == first
    write_zip(packed, {f"{name}.wav": recording(name) for name in SPEECH})
    assert load_ravdess(packed)["file"][:] == SPEECH


# The Hub


@pytest.fixture(scope="module")
def hub():
    hub = FakeHub()
    yield hub
    hub.go_away()


def load_from_hub(hub, cache, repo_id):
    """Load in a process of its own, since huggingface_hub reads the address when imported."""
    script = (
        "import sys\n"
        "from ser.errors import DatasetError\n"
        "from ser.corpora.ravdess import load_ravdess\n"
        "try:\n"
        "    print(*load_ravdess(sys.argv[1], channel='both')['file'][:])\n"
        "except DatasetError as error:\n"
        "    print(error)\n"
    )
    environment = os.environ | {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(cache),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    return subprocess.run(
        [sys.executable, "-c", script, repo_id],
        cwd=Path(__file__).parents[2],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_mirrors_on_the_hub_are_fetched_and_then_serve_without_it(hub, tmp_path):
    parquet = write_parquet(tmp_path / "train.parquet", described_rows()).read_bytes()
    files = {"data/train.parquet": parquet, "README.md": b"# RAVDESS", "clip.mp4": b"video"}
    hub.add("ada/parquet", files, kind="dataset")
    waves = {f"Actor_{n[-2:]}/{n}.wav": recording(n) for n in CLIPS}
    hub.add("ada/waves", waves, kind="dataset")

    assert load_from_hub(hub, tmp_path, "ada/parquet").split() == list(CLIPS)
    assert load_from_hub(hub, tmp_path, "ada/waves").split() == list(CLIPS)
    assert not any("mp4" in request for request in hub.requests)
    unknown = load_from_hub(hub, tmp_path, "ada/nothing")
    assert "no folder, ZIP or Parquet file ada/nothing" in unknown
    assert "no repository 'ada/nothing' on the Hub" in unknown
    hub.go_away()
    assert load_from_hub(hub, tmp_path, "ada/parquet").split() == list(CLIPS)
    answer = load_from_hub(hub, tmp_path / "other", "ada/parquet")
    assert "The Hub cannot be reached" in answer
    assert "\n" not in answer


# The real recordings


def test_real_recordings_are_all_there(shared, caplog):
    root = shared / "ravdess"
    with caplog.at_level(logging.WARNING):
        speech, both = load_ravdess(root), load_ravdess(root, channel="both")
    assert not caplog.records
    assert len(speech) == 1440
    assert len(both) == 2452
    emotions = Counter(map(speech.features["emotion"].int2str, speech["emotion"][:]))
    assert emotions == {emotion: 96 if emotion == "neutral" else 192 for emotion in EMOTIONS}
    assert set(Counter(speech["actor"][:]).values()) == {60}
    assert set(both["actor"][:]) == set(range(1, 25))


def test_real_recordings_are_the_same_from_a_folder_and_from_parquet(shared, tmp_path):
    folder = load_ravdess(shared / "ravdess" / "speech" / "Actor_07")
    rows = []
    for row in folder:
        file = Path(row["audio"]["path"])
        audio = {"bytes": file.read_bytes(), "path": file.name}
        rows.append({"audio": audio, "emotion": EMOTIONS[row["emotion"]], "actor": row["actor"]})
    packed = load_ravdess(write_parquet(tmp_path / "ravdess.parquet", rows[::-1]))
    assert packed.remove_columns("audio")[:] == folder.remove_columns("audio")[:]
    np.testing.assert_array_equal(samples(packed[17]), samples(folder[17]))
