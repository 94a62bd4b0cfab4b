"""What the page says of its examples and of the model's accuracy, without a browser."""

from dataclasses import replace
from types import SimpleNamespace

from ser import Prediction
from ser.demo import example_shelf
from ser.demo.accuracy import accuracy_line
from ser.demo.result_panel import result_panel

HAPPY = Prediction("happy", 0.9, {"calm": 0.1, "happy": 0.9}, 3.0, 2.0, 0.5, 2.5)


def test_an_example_is_said_to_be_one_and_what_was_acted():
    wrong = example_shelf.Example("a.flac", "Acted: calm", b"", "calm")
    assert "Example. Acted: calm; heard: happy." in result_panel(HAPPY, example=wrong)
    made = example_shelf.Example("b.flac", "Synthetic <voice>", b"")
    assert "Example. Synthetic &lt;voice&gt;." in result_panel(HAPPY, example=made)


def figures(clips, right):
    return {"clips": clips, "accuracy": right}


def test_how_often_the_model_is_right_is_said_of_all_clips_of_new_voices():
    corpora = {"A": figures(1000, 0.8), "B": figures(3000, 0.6)}
    known = {"speaker_independent": False, "corpora": {"A": figures(1000, 1.0)}}
    new = {"speaker_independent": True, "corpora": corpora}
    few = {"lower": 0.0, "upper": 0.9, "clips": 99, "accuracy": 0.5}
    many = {"lower": 0.9, "upper": 1.0, "clips": 100, "accuracy": 0.96}
    metrics = {"protocols": {"random": known, "actors": new}, "confidence": [few, many]}
    model = SimpleNamespace(metrics=metrics, config={})
    said = "Right on 65 of 100 clips of new voices"
    assert accuracy_line(model, 0.95) == f"{said}; when it is this sure, on 96."
    assert accuracy_line(model, 0.5) == f"{said}."
    model.metrics = {"protocols": {"random": known}}
    assert accuracy_line(model, 0.95) == ""


def test_the_accuracy_is_not_that_of_results_with_a_voice_profile():
    result = replace(HAPPY, reference="voice")
    assert "Right on" not in result_panel(result, accuracy="Right on 65 of 100 clips.")


def test_examples_say_who_speaks_and_where_they_are_from():
    table = (
        "file_name,emotion,speaker,source,attribution,license\n"
        'a.flac,happy,C 1,"C, https://c.org/a?b=<i>",Cao,DbCL 1.0\n'
        'b.flac,sad,C 2,"C, https://c.org/a?b=<i>",Cao,DbCL 1.0\n'
    )
    files = {
        "examples/metadata.csv": table.encode(),
        "examples/a.flac": b"",
        "examples/b.flac": b"",
    }
    found = example_shelf.read_examples(files)
    link = '<a href="https://c.org/a?b=&lt;i&gt;">C</a>, Cao, DbCL 1.0.'
    assert example_shelf.credits(found, ["C 1"]) == f"<p>{link}</p>"
    assert "Two voices that the model never heard" in example_shelf.credits(found, ["C 1", "C 2"])
    assert example_shelf.credits([]) == ""
