"""Figures say what made them, and what older code made is told from what still holds."""

import json
import subprocess
from dataclasses import asdict, replace

import pytest
import readme

from ser.errors import SerError
from ser.studies import EVALUATION, SECTIONS, STUDIES, age, comparison, record
from ser.studies.seeds import mean_and_spread

FIGURES = {
    split: {"clips": 9, "accuracy": 0.5, "unweighted_average_recall": 0.25}
    for split in ("random", "strangers")
} | {"values": 3, "training_seconds": 1.0, "clip_seconds": 0.01}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return a small package whose age is asked for, in a repository of its own."""
    package = tmp_path / "ser"
    for name, text in {
        "__init__.py": "",
        "studies/one.py": "import numpy\nfrom ser.audio import loading\nimport ser.hub.cache\n",
        "audio/__init__.py": "",
        "audio/loading.py": "from ser.audio.speed import SPEEDS\n",
        "audio/speed.py": "SPEEDS = 1, 2\n",
        "audio/unused.py": "",
        "hub/cache.py": "",
    }.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    monkeypatch.setattr(age, "PACKAGE", package)
    return package


def stamp_of(section, row, **changes):
    return replace(age.make_stamp(record.study_module(section).uses(row), seeds=[0]), **changes)


def row_of(section, row, figures=FIGURES, **changes):
    changes = {"protocol": "published", **changes}
    return {"stamp": asdict(stamp_of(section, row, **changes)), "figures": figures}


# What made them


def test_code_is_what_a_module_imports_within_the_rooms_that_are_named(package):
    files = age.code_files(("studies.one", "audio"))
    assert {file.relative_to(package).as_posix() for file in files} == {
        "studies/one.py",
        "audio/__init__.py",
        "audio/loading.py",
        "audio/speed.py",
    }


def test_other_code_makes_figures_stale_and_code_that_they_do_not_use_does_not(package):
    uses = ("studies.one", "audio")
    stamp = age.make_stamp(uses)
    for unused in ("audio/unused.py", "hub/cache.py"):
        (package / unused).write_text("CHANGED = True\n")
    (package / "audio" / "speed.py").write_text("# Two of them\nSPEEDS = (1, 2)\n")
    assert age.why_stale(stamp, age.current_code(uses)) is None
    (package / "audio" / "speed.py").write_text("SPEEDS = 1, 3\n")
    assert age.why_stale(stamp, age.current_code(uses)) == "the code has changed since"


def test_figures_of_another_model_are_stale():
    uses = record.study_module("disturbance").uses("clean")
    stamp, code = age.make_stamp(uses), age.current_code(uses)
    assert age.why_stale(stamp, code) is None
    other = replace(stamp, model=age.model_fingerprint(b"{}"))
    assert "another model" in age.why_stale(other, code)


def test_the_commit_tells_whether_the_code_differs_from_it(package):
    def git(*arguments):
        identity = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
        subprocess.run(["git", *identity, *arguments], cwd=package.parent, check=True)

    git("init", "-q")
    assert age.commit() is None  # a repository, but of something else
    git("add", ".")
    git("commit", "-qm", "First")
    clean = age.commit()
    assert clean and not clean.endswith(age.CHANGED)
    (package.parent / "notes.md").write_text("no code")
    assert age.commit() == clean
    (package / "audio" / "speed.py").write_text("SPEEDS = ()\n")
    assert age.commit() == clean + age.CHANGED


def test_recipes_do_not_depend_on_our_features_and_model_and_ours_do():
    ours, svm = (set(age.code_files(comparison.uses(f"eight/{row}"))) for row in ("ours", "svm"))
    assert {"features", "model", "training"} <= {file.parent.name for file in ours}
    assert {file.parent.name for file in svm} == {"audio", "corpora", "studies", "training"}
    assert [file.name for file in svm if file.parent.name == "training"] == ["metrics.py"]


@pytest.mark.parametrize("section", STUDIES)
def test_other_corpora_emotions_and_packings_make_no_study_of_ravdess_old(section):
    module = record.study_module(section)
    for row in module.ROWS:
        files = {
            file.name for file in age.code_files(module.uses(row)) if file.parent.name != "audio"
        }
        unused = {"catalog.py", "crema_d.py", "emotions.py", "sources.py", "tables.py"}
        assert files.isdisjoint(unused)
        assert section == "disturbance" or {"ravdess.py", "loading.py", "folds.py"} <= files


@pytest.mark.parametrize("section", SECTIONS)
def test_every_study_names_its_own_code(section):
    module = record.study_module(section)
    assert module.TITLE and module.ABOUT and callable(module.tables)
    for row in getattr(module, "ROWS", ["crema_d"]):
        files = {file.name for file in age.code_files(module.uses(row))}
        assert f"{SECTIONS[section]}.py" in files and "loading.py" in files
    assert section in STUDIES or section == EVALUATION


# The files


def test_rows_of_older_code_are_marked_whatever_is_written_next(tmp_path):
    output = tmp_path / "studies.md"
    old = stamp_of("comparison", "eight/svm", protocol="published", code="0", commit="abc1234")
    record.add(output, "comparison", "eight/svm", old, FIGURES)
    assert "**Made by older code** (the code has changed since)" in output.read_text()
    new = stamp_of("comparison", "eight/tree", protocol="published")
    record.add(output, "comparison", "eight/tree", new, FIGURES)
    marked, made = (line for line in output.read_text().splitlines() if line.startswith("- "))
    assert "older code" in marked and "commit abc1234" in marked and "`eight/svm`" in marked
    assert made.startswith(f"- Made {new.date}") and "`eight/tree`" in made and "seed 0" in made
    assert all(f"{name} " in made for name in ("Python", "NumPy", "scikit-learn", "librosa"))
    assert output.read_text() == record.to_markdown(record.read(output))


def test_rows_of_another_protocol_are_not_kept_in_the_same_table(tmp_path):
    output = tmp_path / "studies.md"
    for row, protocol in (("eight/svm", "published"), ("eight/tree", "actors")):
        stamp = stamp_of("comparison", row, protocol=protocol)
        record.add(output, "comparison", row, stamp, FIGURES)
    assert record.read(output)["comparison"].keys() == {"eight/tree"}


def test_files_of_another_form_are_refused(tmp_path):
    older = {"comparison": {"protocol": "published", "seed": 0, "rows": {}}}
    (tmp_path / "studies.json").write_text(json.dumps(older))
    with pytest.raises(SerError, match="not written by a study of this version"):
        record.check(tmp_path / "studies.md")
    (tmp_path / "studies.json").write_text("[]")
    with pytest.raises(SerError, match="not a file of figures that a study wrote"):
        record.check(tmp_path / "studies.md")


def test_the_table_in_the_project_marks_what_is_old():
    text = readme.STUDIES.read_text(encoding="utf-8")
    assert text == record.to_markdown(record.read(readme.STUDIES)), "run python tools/readme.py"


# README and card


def test_readme_leaves_stale_rows_out_and_says_how_to_make_them():
    rows = {f"eight/{row}": row_of("comparison", row) for row in comparison.ROWS}
    whole = readme.comparison(rows)
    assert "| ours |" in whole and "python -m ser" not in whole
    rows["eight/ours"] = row_of("comparison", "ours", code="0")
    text = readme.comparison(rows)
    assert "| ours |" not in text and "| mean MFCC, MLP" in text
    assert "study comparison RAVDESS --sets eight --rows ours --output" in text
    assert "--sets eight --output" in readme.comparison({}) and "|" not in readme.comparison({})


def evaluation(recall):
    figures = {
        "clips": 90,
        "unweighted_average_recall": recall,
        "expected_calibration_error": 0.15,
        "classes": {"neutral": {"recall": 0.2}},
    }
    better = {**figures, "unweighted_average_recall": recall + 0.1}
    references = {"others": {"with": better, "without": figures}}
    told = {"speakers": 2, "emotions": ["neutral", "angry"], "heard": False}
    return {**told, "all": figures, "references": references}


def test_readme_has_the_figures_on_another_corpus_unless_they_are_stale():
    shipped = [{"name": "RAVDESS", "clips": 9, "kind": None, "speakers": 2}]

    def limits(row):
        return " ".join(readme.limits(shipped, {"protocols": {}}, {"emodb": row}).split())

    text = limits(row_of(EVALUATION, "emodb", evaluation(0.4), protocol=None))
    assert "90 clips of 2 speakers of emodb" in text
    assert "recall is 40.0 % (guessing: 50.0 %)" in text
    assert "error 0.15; relative to 16 other clips of the speaker it is +10.0 points" in text
    for old in ({"code": "0"}, {"model": "0"}):
        assert "40.0 %" not in limits(
            row_of(EVALUATION, "emodb", evaluation(0.4), protocol=None, **old)
        )


def test_the_card_has_no_comparison_that_older_code_made(monkeypatch):
    rows = {"eight/svm": row_of("comparison", "svm"), "eight/ours": row_of("comparison", "ours")}
    for code, shown in ((rows["eight/ours"]["stamp"]["code"], True), ("0", False)):
        rows["eight/ours"]["stamp"]["code"] = code
        known = {"comparison": rows}
        monkeypatch.setattr(record, "read", lambda path, known=known: known)
        assert ("Comparison with other recipes" in readme.card()) is shown


# Seeds


def test_means_and_spreads_reach_into_what_is_nested():
    runs = [
        {"corpus": "c", "clips": 9, "none": None, "one": {"accuracy": share, "same": 1.0}}
        for share in (0.5, 0.7)
    ]
    combined = mean_and_spread(runs)
    assert combined["one"]["accuracy"] == pytest.approx(0.6)
    assert combined["one"]["spread"] == {"accuracy": pytest.approx(0.02**0.5)}
    assert {key: combined[key] for key in ("corpus", "clips", "none")} == {
        "corpus": "c",
        "clips": 9,
        "none": None,
    }
    assert "spread" not in combined
    assert mean_and_spread(runs[:1]) == runs[0]
