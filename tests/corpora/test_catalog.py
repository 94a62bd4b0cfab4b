"""The table of corpora: each row reads its names, and recordings are recognised by them."""

import pytest
from made_recordings import recording, write_parquet

from ser.cli.main import main
from ser.corpora.catalog import CORPORA
from ser.corpora.corpus import Clip, describe_corpora
from ser.corpora.emotions import NAMES, adjective, canonical, find_emotion, in_order
from ser.corpora.loading import load_corpus
from ser.errors import DatasetError
from ser.hub.licences import licence_link, licence_name


@pytest.mark.parametrize(
    ("corpus", "path", "clip"),
    [
        (
            "crema-d",
            "AudioWAV/1040_ITH_SAD_LO.wav",
            Clip(
                "1040_ITH_SAD_LO", "sad", "1040", "male", "I think I have a doctor's appointment",
                "low", "en",
            ),
        ),
        (
            "crema-d",
            "1001_DFA_ANG_XX.flac",
            Clip("1001_DFA_ANG_XX", "angry", "1001", "male", "Don't forget a jacket", None, "en"),
        ),
        (
            "emodb",
            "wav/03a01Fa.wav",
            Clip(
                "03a01Fa", "happy", "03", "male", "Der Lappen liegt auf dem Eisschrank", None, "de"
            ),
        ),
        (
            "emodb",
            "16b10Lb.wav",
            Clip(
                "16b10Lb", "bored", "16", "female",
                "Die wird auf dem Platz sein, wo wir sie immer hinlegen", None, "de",
            ),
        ),
        ("savee", "DC_a01.wav", Clip("DC_a01", "angry", "DC", "male", language="en")),
        ("savee", "Data/KL/su15.wav", Clip("KL_su15", "surprised", "KL", "male", language="en")),
        ("savee", r"JE\sa03.wav", Clip("JE_sa03", "sad", "JE", "male", language="en")),
        (
            "tess",
            "OAF_Fear/OAF_back_fear.wav",
            Clip("OAF_back_fear", "fearful", "OAF", "female", "Say the word back", None, "en"),
        ),
        (
            "tess",
            "YAF_pleasant_surprised/YAF_dog_ps.wav",
            Clip("YAF_dog_ps", "surprised", "YAF", "female", "Say the word dog", None, "en"),
        ),
        (
            "tess",
            "OA_bite_neutral.wav",
            Clip("OA_bite_neutral", "neutral", "OAF", "female", "Say the word bite", None, "en"),
        ),
    ],
)  # fmt: skip
def test_a_name_says_what_is_known_of_a_clip(corpus, path, clip):
    assert CORPORA[corpus].read(path) == clip


@pytest.mark.parametrize(
    ("corpus", "path"),
    [
        ("crema-d", "1001_DFA_BOR_XX.wav"),
        ("emodb", "04a01Fa.wav"),
        ("emodb", "03a01Xa.wav"),
        ("savee", "XX_a01.wav"),
        ("savee", "a01.wav"),
        ("tess", "OAF_back_calm.wav"),
        ("tess", "back_angry.wav"),
    ],
)
def test_another_name_is_told_how_names_are(corpus, path):
    with pytest.raises(
        DatasetError, match=f"^{path} is not named as in {CORPORA[corpus].about.name}"
    ):
        CORPORA[corpus].read(path)


@pytest.mark.parametrize("corpus", CORPORA)
def test_a_row_is_whole(corpus):
    row = CORPORA[corpus]
    assert list(row.emotions) == in_order(row.emotions)
    assert row.about.name and row.about.link and row.about.citation
    clip = CORPORA[corpus.partition("-song")[0]].read(row.example)
    assert clip.emotion in row.emotions and clip.language == row.about.language


@pytest.mark.parametrize(
    ("corpus", "names"),
    [
        ("crema-d", ["1001_DFA_ANG_XX", "1001_DFA_NEU_XX", "1002_IEO_SAD_HI"]),
        ("emodb", ["03a01Fa", "03a01Wa", "08b02La"]),
        ("savee", ["DC_a01", "DC_n01", "KL_su02"]),
        ("savee", ["DC/a01", "DC/n01", "KL/su02"]),
        ("tess", ["OAF_back_angry", "YAF_back_ps", "YAF_bar_fear"]),
    ],
)
def test_a_folder_is_recognised_by_the_names_in_it(corpus, names, tmp_path, caplog):
    for index, name in enumerate([*names, "notes"]):
        file = tmp_path / f"{name}.wav"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(recording(str(index)))
    found = load_corpus(tmp_path)
    row = CORPORA[corpus]
    assert (found.about, found.labels) == (row.about, row.emotions)
    assert len(found.clips) == 3
    (known,) = describe_corpora(found)
    assert (known["clips"], known["source"], known["name"]) == (3, tmp_path.name, row.about.name)
    assert f"notes.wav is not named as in {row.about.name}" in caplog.text


def test_a_copy_in_parquet_is_read_by_its_original_names(tmp_path):
    rows = [
        {"audio": {"bytes": recording(str(n)), "path": path}, "file": file, "major_emotion": mood}
        for n, (path, file, mood) in enumerate(
            [
                ("1001_DFA_ANG_XX.wav", None, "anger"),
                (None, "AudioWAV/1002_IEO_SAD_HI.wav", "sadness"),
            ]
        )
    ]
    write_parquet(tmp_path / "train.parquet", rows)
    found = load_corpus(tmp_path)
    assert found.about == CORPORA["crema-d"].about
    assert found.clips["file"][:] == ["1001_DFA_ANG_XX", "1002_IEO_SAD_HI"]
    assert found.clips["sex"][:] == ["male", "female"]


def test_numbers_that_are_not_known_are_not_given(tmp_path):
    for index, name in enumerate(["1101_DFA_ANG_XX", "1002_DFA_NEU_XX"]):
        (tmp_path / f"{name}.wav").write_bytes(recording(str(index)))
    corpus = load_corpus(tmp_path)
    (known,) = describe_corpora(corpus)
    assert (known["speakers"], known["men"], known["women"]) == (2, None, None)
    assert known["sentences"] == 1


def test_a_corpus_that_is_not_in_the_table_is_answered_with_those_that_are(tmp_path):
    with pytest.raises(DatasetError, match="'iemocap' is unknown; choose from ravdess, "):
        load_corpus(tmp_path, corpus="iemocap")


def test_labels_mean_one_emotion_however_they_are_spelt():
    assert [canonical(label) for label in ("Joy", "RAGE", "pleasant_surprise", "none")] == [
        "happy", "angry", "surprised", "none"
    ]  # fmt: skip
    assert in_order(["tense", "none", "surprised", "calm", "none"]) == [
        "calm", "surprised", "none", "tense"
    ]  # fmt: skip
    assert (adjective("disgust"), adjective("joy"), adjective("bored")) == (
        "disgusted", "joy", "bored"
    )  # fmt: skip
    colours = {(find_emotion(name).light, find_emotion(name).dark) for name in NAMES}
    assert len(colours) == len(NAMES)
    assert find_emotion("tense") is None


@pytest.mark.parametrize(
    ("licence", "name", "link"),
    [
        (
            "cc-by-nc-sa-4.0",
            "CC BY-NC-SA 4.0",
            "https://creativecommons.org/licenses/by-nc-sa/4.0/",
        ),
        ("odbl", "ODbL 1.0", "https://opendatacommons.org/licenses/odbl/1-0/"),
        ("mit", "mit", None),
    ],
)
def test_licences_have_the_names_that_people_know(licence, name, link):
    assert (licence_name(licence), licence_link(licence)) == (name, link)


@pytest.mark.parametrize(("command", "option"), [("train", "--corpus"), ("evaluate", "--on")])
def test_a_row_is_named_where_people_look_for_it(command, option, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "10000")
    with pytest.raises(SystemExit):
        main([command, "--help"])
    line = next(each for each in capsys.readouterr().out.splitlines() if f"  {option} " in each)
    for name, row in CORPORA.items():
        assert (name if command == "train" else f"{row.about.name} ({row.example})") in line
