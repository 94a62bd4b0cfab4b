"""The card is valid metadata, says what metrics.json says, and its snippet runs as printed."""

import io
import json
import re
from contextlib import chdir, redirect_stdout
from dataclasses import asdict
from itertools import product

import pytest
import soundfile
from huggingface_hub import ModelCard
from signals import speech_like
from tiny_model import FEATURES, voice

from ser.corpora.corpus import About
from ser.corpora.crema_d import CREMA_D
from ser.corpora.emodb import EMODB
from ser.corpora.ravdess import ABOUT as RAVDESS
from ser.hub.card import name_in_card, with_links
from ser.hub.licences import model_licence
from ser.storage.folder import read_model_folder
from ser.training.by_corpus import results_in
from ser.training.card import make_card


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
    assert (data.library_name, data.pipeline_tag) == ("ser", "audio-classification")
    assert data.datasets == ["xbgoose/ravdess"]
    assert {"speech-emotion-recognition", "sklearn", "skops"} <= set(data.tags)
    machine.run(validate, card)
    assert "POST /api/validate-yaml" in hub.requests


def test_every_protocol_is_a_result_of_its_own_and_the_random_one_says_so(card, parts):
    results = ModelCard(card).data.eval_results
    for protocol, _, _, corpus, figures in results_in(parts.metrics):
        assert corpus == "RAVDESS"
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
    for *_, figures in results_in(changed):
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
    assert ModelCard(card).data.metrics is None
    assert "without an evaluation" in card and " %" not in card


def test_code_and_demo_can_be_found_from_the_card(card):
    both = with_links(card, code="https://git.example/ada/ser", space="ada/demo")
    assert "](https://huggingface.co/spaces/ada/demo)" in both
    assert "pip install git+https://git.example/ada/ser`" in both
    assert ModelCard(both).data.to_dict() == ModelCard(card).data.to_dict()
    # The Space has the code as well, and what is given replaces what was there.
    again = with_links(both, space="bob/demo")
    assert "git clone https://huggingface.co/spaces/bob/demo" in again
    assert "ada" not in again.split("## Use")[0].split("# Two voices")[1]
    assert with_links(card) == card


def card_of(parts, dataset, *, protocols=("random", "actors"), slices=True):
    return card_of_several(parts, [dataset], protocols=protocols, slices=slices)


def card_of_several(parts, datasets, *, protocols=("random", "actors"), slices=True):
    chosen = {}
    for name in protocols:
        protocol = parts.metrics["protocols"][name]
        figures = dict(protocol["corpora"]["RAVDESS"])
        figures["slices"] = figures["slices"] if slices else {}
        chosen[name] = {**protocol, "corpora": {each["name"]: figures for each in datasets}}
    described = [{"source": "x", "clips": 24, **each} for each in datasets]
    config = {**parts.config, "name": "Moods", "datasets": described}
    return make_card(config, {"protocols": chosen}, name="model")


def test_recordings_of_ones_own_are_not_called_ravdess(parts):
    own = {**asdict(About("Choir", "mit")), "men": 1, "women": 5, "sentences": 1}
    card = card_of(parts, own)
    data = ModelCard(card).data
    assert (data.license, data.model_name, data.datasets) == ("mit", "Moods", None)
    assert {one.dataset_type for one in data.eval_results} == {"choir"}
    assert "# Moods\n" in card and "24 clips of speech by one man and five women, Choir |" in card
    for text in ("English", "studio", "Livingstone", "CC BY", "xbgoose", "ravdess", "actors on"):
        assert text not in card
    assert "RAVDESS" not in card and "CREMA-D" not in card
    assert "chosen on other recordings than these" in " ".join(card.split())


def test_what_is_not_known_is_not_said(parts):
    card = card_of(parts, asdict(About("Moods")), protocols=("random",), slices=False)
    data = ModelCard(card).data
    assert (data.license, data.language, data.datasets) == (None, None, None)
    assert "| Trained on | 24 clips of speech, Moods |" in card
    for text in (
        "Licence",
        "None",
        "man",
        "sentence",
        "English",
        "learned from",
        "By sex",
        "bibtex",
    ):
        assert text not in card
    assert "may have the same speakers on both sides" in " ".join(card.split())
    assert "random (perhaps the same speakers on both sides)" in card


def test_speakers_of_unknown_sex_are_counted(parts):
    text = " ".join(card_of(parts, {**asdict(CREMA_D.about), "speakers": 91}).split())
    assert "24 clips of acted English speech by 91 actors, [CREMA-D]" in text
    assert "It learned from 91 actors who performed emotions. Spontaneous" in text
    assert "[ODbL 1.0](https://opendatacommons.org/licenses/odbl/1-0/), as CREMA-D is" in text
    assert "with recordings of CREMA-D in view" in text and "RAVDESS" not in text
    assert "Database Contents License" in text


def test_a_card_of_two_corpora_names_both_and_keeps_their_figures_apart(parts):
    ravdess = {**asdict(RAVDESS), "speakers": 24, "men": 12, "women": 12, "sentences": 2}
    crema_d = {**asdict(CREMA_D.about), "speakers": 67, "sentences": 12}
    crema_d["partial"] = {"calm": ["calm", "angry"], "bored": ["bored", "calm"]}
    card = card_of_several(parts, [ravdess, crema_d])
    data, text = ModelCard(card).data, " ".join(card.split())
    assert (data.license, data.language) == ("cc-by-nc-sa-4.0", "en")
    assert data.datasets == ["xbgoose/ravdess", "AbstractTTS/CREMA-D"]
    assert {"ravdess", "crema-d"} <= set(data.tags)
    found = {(one.dataset_type, one.dataset_config) for one in data.eval_results}
    hub = ("xbgoose/ravdess", "AbstractTTS/CREMA-D")
    assert found == set(product(hub, ("actors", "random")))
    for said in (
        "| Licence | CC BY-NC-SA 4.0, like RAVDESS |",
        "RAVDESS is under [CC BY-NC-SA 4.0]",
        "CREMA-D is under [ODbL 1.0]",
        "The model contains information from CREMA-D, which is made available under the Open",
        "Weakest emotions of CREMA-D:",
        "RAVDESS, under `actors`",
        "CREMA-D, under `actors`",
        "A clip of CREMA-D is drawn 0.25 times as often",
        "a calm clip of CREMA-D may be calm or angry, as nobody",
        "subtracted, and the weight of CREMA-D's clips (from 0.1 to 1).",
        "with two English sentences; from 67 actors who performed emotions, with twelve Engl",
        "livingstone2018ravdess",
        "cao2014cremad",
    ):
        assert said in text, said
    assert "bored" not in text


def test_sentences_are_english_only_in_english(parts):
    german = {**asdict(EMODB.about), "speakers": 10, "men": 5, "women": 5, "sentences": 10}
    text = " ".join(card_of(parts, german).split())
    assert (
        "five men and five women who performed emotions in an anechoic chamber, with ten sen"
        in text
    )
    assert "English" not in text and "Licence" not in text and "burkhardt2005emodb" in text


def train_and_load(*arguments, cache):
    import datasets

    from ser.cli.main import main

    datasets.config.HF_DATASETS_CACHE = cache
    options = ["--push-to-hub", "ada/six", "--emotions", "neutral", "angry", *arguments]
    assert main(["train", *options]) == 0
    return ModelCard.load("ada/six").content


def test_the_card_of_a_model_trained_on_six_actors_says_so(hub, machine, tmp_path):
    clips = {}
    for emotion, actor in product((1, 5), range(1, 7)):
        file = io.BytesIO()
        pitch = 10 * actor + (250 if emotion == 5 else 100)
        soundfile.write(file, speech_like(1.0, 16000, pitch, actor), 16000, format="WAV")
        clips[f"03-01-{emotion:02}-01-01-01-{actor:02}.wav"] = file.getvalue()
    pinned = hub.add("bob/voices", clips, kind="dataset").commits[-1].sha
    hub.add("bob/voices", {}, kind="dataset")
    card = machine.run(
        train_and_load,
        *("--dataset", f"bob/voices@{pinned}", "--protocol", "actors", "--jobs", "1"),
        *("--output", str(tmp_path / "model"), "--tag", "v1", "--space", "ada/demo"),
        cache=tmp_path / "cache",
    )
    data = ModelCard(card).data
    assert (data.library_name, data.datasets) == ("ser", ["bob/voices"])
    for result in data.eval_results:
        assert (result.dataset_type, result.dataset_revision) == ("bob/voices", pinned)
    published = hub.repos["model", "ada/six"].files
    assert len(data.widget) == 2
    for example in data.widget:
        assert example["src"] in published and example["example_title"] in ("neutral", "angry")
        assert {answer["label"] for answer in example["output"]} == {"neutral", "angry"}
        assert sum(answer["score"] for answer in example["output"]) == pytest.approx(1, abs=1e-3)
    text = " ".join(card.split())
    assert "three folds of two actors, one man and one woman, none of them in training" in text
    assert "12 clips of acted English speech by three men and three women" in text
    assert "three women who performed emotions in one studio, with one English sentence." in text
    assert "six folds" not in text and "two English sentences" not in text
    assert (
        f"[bob/voices](https://huggingface.co/datasets/bob/voices) at revision `{pinned}`" in text
    )
    assert f"{hub.url}/spaces/ada/demo" in text
    assert hub.repos["model", "ada/six"].tags.keys() == {"v1"}


@pytest.mark.parametrize(
    ("licences", "chosen"),
    [
        (["odbl", "cc-by-nc-sa-4.0"], "cc-by-nc-sa-4.0"),
        (["cc-by-4.0", "cc-by-nc-4.0"], "cc-by-nc-4.0"),
        (["cc-by-sa-4.0", "cc-by-nc-4.0"], "cc-by-nc-4.0"),
        (["cc-by-4.0", "cc-by-sa-4.0"], "cc-by-sa-4.0"),
        ([None, "cc-by-4.0"], "cc-by-4.0"),
        ([None], None),
    ],
)
def test_a_model_forbids_what_its_recordings_forbid(licences, chosen):
    assert model_licence(licences) == chosen
