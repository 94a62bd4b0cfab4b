"""Recordings of one's own, with labels of one's own: trained, published, pulled and served."""

import csv
import json
import os
import subprocess
import sys
from itertools import product

import pytest
import soundfile
from browser import chromium, missing, open_page
from gradio_client import Client, handle_file
from running_app import ROOT, RunningApp
from signals import speech_like

RATE = 16000
PITCHES = {"joy": 260, "none": 110, "rage": 190}
SPEAKERS = {"Ann": 0, "Bob": 8, "Cleo": 16}


def voice(feeling, speaker, seed):
    pitch = PITCHES[feeling] + SPEAKERS[speaker]
    return speech_like(1.0, RATE, pitch=pitch, seed=seed, level=0.3 if feeling == "rage" else 0.1)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Return a table of recordings: three speakers, three feelings, three clips of each."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "clips").mkdir()
    with (folder / "table.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["recording", "feeling", "who"])
        for seed, (feeling, speaker) in enumerate(product(PITCHES, list(SPEAKERS) * 3)):
            name = f"clips/{seed}.wav"
            soundfile.write(folder / name, voice(feeling, speaker, seed), RATE)
            writer.writerow([name, feeling, speaker])
    return folder / "table.csv"


@pytest.fixture(scope="module")
def published(table, session_hub, tmp_path_factory):
    """Train on the table as its owner would and publish the model.

    Return what was said, what the Hub has then, and the environment to use that Hub in.
    """
    session_hub.go_away()
    session_hub.come_back()
    session_hub.clear()
    home = tmp_path_factory.mktemp("home")
    environment = os.environ | {
        "HF_ENDPOINT": session_hub.url,
        "HF_HOME": str(home),
        "HF_TOKEN": "hf_ada",
        "HF_HUB_DISABLE_XET": "1",
    }
    columns = ("--audio-column=recording", "--emotion-column=feeling", "--speaker-column=who")
    command = (
        *(sys.executable, "-m", "ser", "train", "--dataset", table, *columns, "--jobs", "1"),
        *("--dataset-name", "Our moods", "--licence", "cc-by-4.0", "--name", "Moods"),
        *("--output", home / "moods", "--push-to-hub", "ada/moods"),
    )
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout, session_hub.repos["model", "ada/moods"].files, environment


def test_figures_are_by_speaker_first(published):
    said, files, _ = published
    assert said.index("actors") < said.index("random (same actors on both sides)")
    metrics = json.loads(files["metrics.json"])
    figures = metrics["protocols"]["actors"]["corpora"]["Our moods"]
    assert len(figures["folds"]) == len(SPEAKERS)
    assert figures["labels"] == sorted(PITCHES)
    assert figures["accuracy"] > 0.6


def test_the_card_speaks_of_these_recordings_alone(published):
    _, files, _ = published
    card = files["README.md"].decode()
    assert "Our moods" in card and "CC BY 4.0" in card and "joy, none, rage" in card
    assert "three speakers" in card
    for stranger in ("RAVDESS", "ravdess", "CREMA", "sentences", "English", "women", "acted"):
        assert stranger not in card
    table = files["examples/metadata.csv"].decode()
    assert "speaker" in table and "joy" in table and "ravdess" not in table.lower()


def test_the_app_serves_it_without_a_word_of_others(published, tmp_path):
    _, _, environment = published
    app = RunningApp(tmp_path, **{**environment, "SER_MODEL": "ada/moods"}).wait()
    try:
        client = Client(app.url, verbose=False)
        soundfile.write(tmp_path / "joy.wav", voice("joy", "Ann", 99), RATE)
        answer = client.predict(handle_file(tmp_path / "joy.wav"), api_name="/predict")
        assert set(answer["probabilities"]) == set(PITCHES)
        info = client.predict(api_name="/model_info")
        assert info["model"] == "ada/moods" and info["licence"] == "cc-by-4.0"
        assert "ravdess" not in json.dumps(info).lower()
        if reason := missing():
            pytest.skip(reason)
        with chromium(tmp_path / "joy.wav") as browser:
            page = open_page(browser, app.url)
            bars = page.locator("#ser-result .ser-name").all_inner_texts()
            assert sorted(bars) == sorted(PITCHES)
            page.get_by_role("tab", name="Batch").click()
            counted = page.locator("#ser-batch .ser-count .ser-name").all_inner_texts()
            assert sorted(counted) == sorted([*PITCHES, "no result"])
            page.get_by_role("tab", name="About").click()
            page.get_by_text("How often it is right").wait_for()
            text = page.locator("body").inner_text()
        assert "rage" in text and "ravdess" not in text.lower()
    finally:
        app.kill()
