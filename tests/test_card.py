"""The card is valid metadata, says what metrics.json says, and its snippet runs as printed."""

import io
import json
import re
from contextlib import chdir, redirect_stdout

import pytest
import soundfile
from huggingface_hub import ModelCard
from tiny_model import FEATURES, voice

from ser.card import make_card, name_in_card
from ser.model_folder import read_model_folder


@pytest.fixture(scope="module")
def parts(tiny_model):
    return read_model_folder(tiny_model)


@pytest.fixture(scope="module")
def card(tiny_model):
    return (tiny_model / "README.md").read_text()


def snippet(card):
    return re.search(r"```python\n(.*?)```", card, re.DOTALL)[1]


def validate(card):
    ModelCard(card).validate()


def push(folder):
    from ser import EmotionRecognizer

    return EmotionRecognizer.from_pretrained(folder).push_to_hub("ada/voices")


def run(code, folder):
    """Run a script in a folder and return what it prints."""
    with redirect_stdout(io.StringIO()) as out, chdir(folder):
        exec(code, {})
    return out.getvalue()


def test_the_metadata_is_what_the_hub_reads(card, hub, machine):
    data = ModelCard(card).data
    assert (data.license, data.language) == ("cc-by-nc-sa-4.0", "en")
    assert (data.library_name, data.pipeline_tag) == ("sklearn", "audio-classification")
    assert data.datasets == ["xbgoose/ravdess"] and "speech-emotion-recognition" in data.tags
    machine.run(validate, card)
    assert "POST /api/validate-yaml" in hub.requests


def test_every_protocol_is_a_result_of_its_own_and_the_random_one_says_so(card, parts):
    results = ModelCard(card).data.eval_results
    for protocol, figures in parts.metrics["protocols"].items():
        found = {one.metric_type: one for one in results if one.dataset_config == protocol}
        assert found["accuracy"].metric_value == round(figures["accuracy"], 4)
        assert found["recall"].metric_value == round(figures["unweighted_average_recall"], 4)
        assert found["f1"].metric_value == round(figures["macro_f1"], 4)
        for one in found.values():
            text = f"{one.dataset_name} {one.metric_name}"
            assert ("speaker-independent" in text) == (protocol == "actors")
            assert ("same actors on both sides" in text) == (protocol == "random")


def test_every_figure_comes_from_the_metrics(parts):
    """Take another accuracy for one emotion, and the card tells the new one alone."""
    before = make_card(parts.config, parts.metrics, name="model")
    changed = json.loads(json.dumps(parts.metrics))
    for figures in changed["protocols"].values():
        figures["accuracy"] = 0.1234
        figures["classes"]["calm"]["recall"] = 0.4321
        figures["slices"]["sex"]["men"]["macro_f1"] = 0.5678
    after = make_card(parts.config, changed, name="model")
    for text in ("12.3", "43.2", "43 %", "56.8", "value: 0.1234"):
        assert text in after and text not in before


def test_pictures_and_the_licence_are_in_it(card):
    assert "](confusion-actors.png)" in card and "](reliability-actors.png)" in card
    for words in ("CC BY-NC-SA 4.0", "livingstone2018ravdess", "article 5(1)(f)", "diagnose"):
        assert words in card


@pytest.mark.parametrize("with_examples", [True, False])
def test_the_snippet_runs_as_printed(tiny_model, parts, card, machine, tmp_path, with_examples):
    if not with_examples:
        soundfile.write(tmp_path / "clip.wav", voice("calm", seed=200), FEATURES.sample_rate)
        card = make_card(parts.config, parts.metrics, name=str(tiny_model))
    assert machine.run(run, snippet(card), tmp_path).startswith("calm {'calm': 0.")


def test_the_published_snippet_runs_where_nothing_is_cached(hub, tiny_model, machine, tmp_path):
    machine.run(push, tiny_model)
    machine.forget()
    published = hub.repos["model", "ada/voices"].files["README.md"].decode()
    assert 'from_pretrained("ada/voices")' in snippet(published)
    assert machine.run(run, snippet(published), tmp_path).startswith("calm {'calm': 0.")


def test_a_name_cannot_break_the_snippet(parts):
    name = 'models\\of "Ada"'
    card = make_card(parts.config, parts.metrics, name=name)
    assert f"from_pretrained({json.dumps(name)})" in snippet(card)
    assert 'from_pretrained("ada/voices")' in snippet(name_in_card(card, "ada/voices"))


def test_the_published_snippet_names_the_repository(card):
    published = name_in_card(card, "ada/voices")
    assert 'EmotionRecognizer.from_pretrained("ada/voices")' in snippet(published)
    assert name_in_card(name_in_card(published, "bob/copy"), "ada/voices") == published


def test_without_figures_it_claims_none(parts):
    card = make_card(parts.config, {"protocols": {}}, name="model")
    assert ModelCard(card).data.eval_results is None
    assert "without an evaluation" in card and " %" not in card
