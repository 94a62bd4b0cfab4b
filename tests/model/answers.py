"""What the model's code and the shipped model answer, stored in ``answers.json``.

``python -m tests.model.answers`` writes the file anew, after the shipped model was trained again.
"""

import json
from pathlib import Path

import numpy as np

from ser import EmotionRecognizer
from ser.model import perceptrons
from ser.model.classifier import EmotionClassifier
from ser.model.config import ModelConfig

STORED = Path(__file__).with_name("answers.json")


def small_training(model=None):
    """Return answers of a classifier with the settings of `ser.model`, fitted to a made-up corpus.

    The noise in it is a sine of large numbers, the same everywhere.
    """
    n_clips, n_versions, n_features = 80, 3, 110
    clips, features = np.arange(n_clips), np.arange(n_features)
    y, speakers = clips % 4, clips // 4 % 8
    noise = np.sin(12.9898 * np.arange(n_clips * n_versions * n_features) ** 1.1) * 1.5
    X = noise.reshape(n_clips, n_versions, n_features)
    X[..., :30] += 0.6 * np.cos(y[:, None] * features[:30] + 1)[:, None]
    X[..., 30:60] += np.cos(speakers[:, None] * features[30:60])[:, None]
    X[:, 2] += 0.3 * np.sin(features)
    X[:, :, 70] **= 9
    X = X.astype(np.float32)
    fitted = EmotionClassifier(
        model or ModelConfig(("neutral", "happy", "sad", "angry")),
        perceptrons=perceptrons.PERCEPTRONS,
        limit=perceptrons.FEATURE_LIMIT,
        parts={
            "descriptors": np.arange(0, 90),
            "bands": np.arange(20, 110),
            "summaries": np.arange(0, 100),
        },
        weights=(1, 1, 0.35),
        everyday=0,
        seed=1,
    ).fit(X, y, speakers, candidates=np.eye(4)[y] + np.eye(4)[1] * (clips < 20)[:, None])
    odd = X[:6] * np.array([1, 1.1, 1.2, 1.3, 1.5, 2])[:, None, None]
    odd[3:, :, 71] += 12  # beyond the limit of features
    usual = X[speakers == 2].mean(axis=(0, 1))
    plain = fitted.predict_proba(odd)
    return {"plain": plain, "relative": fitted.predict_proba(odd, references=usual)}


def spoken(pitch, seconds, rate):
    """Return a voice of harmonics whose pitch and loudness rise and fall."""
    time = np.arange(int(seconds * rate)) / rate
    phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.2 * np.sin(4 * time))) / rate
    waveform = sum(np.sin(n * phase) / n for n in range(1, 12))
    return (0.1 * waveform * (0.6 + 0.4 * np.sin(11 * time))).astype(np.float32)


def shipped():
    """Return answers of the model that ships to made-up voices."""
    recognizer = EmotionRecognizer.from_pretrained()
    rate = recognizer.sample_rate
    clips = [(spoken(pitch, 2.2, rate), rate) for pitch in (110, 230)]
    voice = recognizer.voice_profile([(spoken(140, 7, rate), rate)])
    predictions = [recognizer.predict(clip) for clip in clips]
    relative = [recognizer.predict(clip, voice=voice) for clip in clips]
    return {
        name: np.array([list(each.probabilities.values()) for each in found])
        for name, found in (("plain", predictions), ("relative", relative))
    }


def main():
    """Write the answers anew."""
    content = {
        part: {name: np.round(values, 5).tolist() for name, values in answers.items()}
        for part, answers in (("small training", small_training()), ("shipped", shipped()))
    }
    STORED.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
