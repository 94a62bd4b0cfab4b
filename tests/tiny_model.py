"""A model of two made-up voices, small and fast but whole."""

import io
from dataclasses import asdict, replace

import numpy as np
import soundfile
from model_files import write_model_folder
from signals import speech_like

from ser.audio.activity import cut_speech
from ser.audio.speed import at_speeds
from ser.corpora.ravdess import ABOUT
from ser.features import FeatureConfig, FeatureExtractor
from ser.model.classifier import EmotionClassifier
from ser.model.config import ModelConfig
from ser.model.learning import LearningSettings
from ser.model.perceptrons import PERCEPTRONS
from ser.training.card import make_card
from ser.training.config import TrainingConfig
from ser.training.metrics import evaluate

LABELS = ("calm", "angry")
FEATURES = FeatureConfig(families=("energy", "pitch", "mfcc"), statistics=("mean", "std"))
LEARNING = LearningSettings(
    hidden_units=16, alpha=0.1, dropout=0.1, learning_rate=0.01, batch_size=8, n_epochs=15
)
PITCH = {"calm": 90.0, "angry": 300.0}  # Hz


def voice(emotion, seed=0, seconds=1.0):
    """Return a waveform at the model's rate: an angry voice is higher, and harsh."""
    rate = FEATURES.sample_rate
    waveform = speech_like(seconds=seconds, sample_rate=rate, pitch=PITCH[emotion], seed=seed)
    return np.tanh(20 * waveform) / 5 if emotion == "angry" else waveform


def metrics(targets, probabilities):
    groups = {"sex": np.where(np.arange(len(targets)) % 3, "men", "women")}
    folds = np.arange(len(targets)) % 4
    figures = evaluate(targets, probabilities, labels=LABELS, folds=folds, groups=groups)
    return {
        "protocols": {
            "random": {
                "description": "same actors",
                "speaker_independent": False,
                "corpora": {ABOUT.name: figures},
            },
            "actors": {
                "description": "other actors",
                "speaker_independent": True,
                "corpora": {ABOUT.name: figures},
            },
        }
    }


def write_tiny_model(folder):
    """Train the model, write its folder, and return it."""
    extractor = FeatureExtractor(FEATURES)
    targets = np.arange(24) % 2
    waveforms = [voice(LABELS[target], seed) for seed, target in enumerate(targets)]
    speech = [cut_speech(waveform, FEATURES.sample_rate) for waveform in waveforms]
    features = np.stack(
        [
            [extractor.extract(each) for each in at_speeds(clip, FEATURES.sample_rate)]
            for clip in speech
        ]
    )
    model = ModelConfig(LABELS, everyday="calm", temperature=0.5)
    settings = TrainingConfig(
        features=FEATURES,
        copies=(),
        perceptrons=[replace(each, n_components=8, learning=LEARNING) for each in PERCEPTRONS],
    )
    classifier = EmotionClassifier(
        model, perceptrons=settings.perceptrons, parts=extractor.parts, everyday=0
    ).fit(features, targets, np.arange(24) // 2 % 4)
    figures = metrics(targets, classifier.predict_proba(features))
    config = {
        "name": "Two voices",
        "model": model.to_dict(),
        "features": FEATURES.to_dict(),
        "feature_hash": extractor.hash,
        "datasets": [
            {
                **{"source": "made up", "clips": len(targets), "speakers": 4, "men": 2, "women": 2},
                **{"sentences": 2, **asdict(ABOUT)},
            }
        ],
        "training": {**settings.describe(), "seconds": 90},
    }
    clip = io.BytesIO()
    soundfile.write(clip, voice("calm", seed=200), FEATURES.sample_rate, format="FLAC")
    files = {
        "confusion-actors.png": b"\x89PNG",
        "reliability-actors.png": b"\x89PNG",
        "examples/metadata.csv": b"file_name,emotion\nclip.flac,calm\n",
        "examples/clip.flac": clip.getvalue(),
    }
    write_model_folder(
        folder,
        model=classifier.pipelines_,
        config=config,
        metrics=figures,
        readme=make_card(config, figures, name=str(folder), files=files),
        files=files,
    )
    return folder
