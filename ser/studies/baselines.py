"""The usual recipes for RAVDESS, implemented as their authors do, with librosa's own functions.

A recipe is a row of `RECIPES`: features of a clip and a classifier. Features are means over the
whole clip, silence included, at librosa's default rate, unless a recipe says otherwise.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import librosa
import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from ser.audio.loading import load_audio
from ser.training.features import name_seed

SAMPLE_RATE = 22_050  # Hz
TRIMMED_RATE = 16_000  # Hz
TRIMMED_LENGTH = 3.5  # s, to which clips are cut or filled with silence
TRIM = 30  # dB below the loudest moment, from which on it is silence
NOISE = 0.005  # of the largest sample

Waveform = NDArray[np.float32]
Values = NDArray[np.floating]


def _mfcc(waveform: Waveform, sample_rate: int) -> Values:
    return librosa.feature.mfcc(y=waveform, sr=sample_rate, n_mfcc=40)


def _chroma(waveform: Waveform, sample_rate: int) -> Values:
    return librosa.feature.chroma_stft(S=np.abs(librosa.stft(waveform)), sr=sample_rate)


def _mel(waveform: Waveform, sample_rate: int) -> Values:
    return librosa.feature.melspectrogram(y=waveform, sr=sample_rate)


def _contrast(waveform: Waveform, sample_rate: int) -> Values:
    return librosa.feature.spectral_contrast(S=np.abs(librosa.stft(waveform)), sr=sample_rate)


def _tonnetz(waveform: Waveform, sample_rate: int) -> Values:
    return librosa.feature.tonnetz(y=librosa.effects.harmonic(waveform), sr=sample_rate)


MEANS = {
    "mfcc": _mfcc,
    "chroma": _chroma,
    "mel": _mel,
    "contrast": _contrast,
    "tonnetz": _tonnetz,
}
TRIMMED = "trimmed"
"""The family of the 181 features, the only one with copies."""


def extract_family(
    clip: Mapping[str, Any], *, family: str, copies: bool = True, seed: int = 0
) -> Values:
    """Compute the features of one family.

    Parameters
    ----------
    clip : dict
        Row of `ser.corpora.corpus.Corpus.clips`.
    family : str
        Of `MEANS`, or `TRIMMED`.
    copies : bool
        Whether to make the copies for training.
    seed : int
        Of the noise.

    Returns
    -------
    ndarray, shape (n_copies, n_values)
        The first row is of the clip itself.
    """
    if family != TRIMMED:
        waveform = load_audio(clip["audio"]["path"], SAMPLE_RATE)
        return MEANS[family](waveform, SAMPLE_RATE).mean(axis=1)[None]
    waveform, _ = librosa.effects.trim(load_audio(clip["audio"]["path"], TRIMMED_RATE), top_db=TRIM)
    waveforms = [waveform]
    if copies:
        rng = np.random.default_rng([seed, name_seed(clip["file"])])
        noise = rng.standard_normal(waveform.size)
        waveforms += [
            librosa.effects.time_stretch(waveform, rate=0.9),
            librosa.effects.pitch_shift(waveform, sr=TRIMMED_RATE, n_steps=2),
            waveform + (NOISE * np.abs(waveform).max() * noise).astype(np.float32),
        ]
    return np.stack([trimmed_values(waveform) for waveform in waveforms])


def trimmed_values(waveform: Waveform) -> Values:
    """Compute the 181 features of a waveform at `TRIMMED_RATE`.

    MFCC mean, spread and mean of deltas (120), mel bands in dB (48), mean, spread, minimum and
    maximum of centroid, rolloff and zero crossings (12), and mean chroma (1).
    """
    waveform = librosa.util.fix_length(waveform, size=int(TRIMMED_LENGTH * TRIMMED_RATE))
    mfcc = _mfcc(waveform, TRIMMED_RATE)
    mel = librosa.feature.melspectrogram(y=waveform, sr=TRIMMED_RATE, n_mels=48)
    shapes = (
        librosa.feature.spectral_centroid(y=waveform, sr=TRIMMED_RATE),
        librosa.feature.spectral_rolloff(y=waveform, sr=TRIMMED_RATE),
        librosa.feature.zero_crossing_rate(waveform),
    )
    return np.concatenate(
        [
            mfcc.mean(axis=1),
            mfcc.std(axis=1),
            librosa.feature.delta(mfcc).mean(axis=1),
            librosa.power_to_db(mel, ref=np.max).mean(axis=1),
            *([shape.mean(), shape.std(), shape.min(), shape.max()] for shape in shapes),
            [_chroma(waveform, TRIMMED_RATE).mean()],
        ]
    )


@dataclass(frozen=True)
class Recipe:
    """A usual way to recognise emotion.

    Attributes
    ----------
    description : str
    families : tuple of str
        Families of features that it uses, concatenated.
    classifier : callable
        From a seed to a scikit-learn classifier.
    max_clips : int, optional
        Most clips of a class that it trains on.
    """

    description: str
    families: tuple[str, ...]
    classifier: Callable[[int], ClassifierMixin]
    max_clips: int | None = None

    def fit(
        self, features: Values, targets: NDArray[np.integer], *, seed: int
    ) -> Callable[[Values], NDArray[np.integer]]:
        """Fit the classifier to clips and their copies; return a function that recognises others.

        Parameters
        ----------
        features : ndarray of float32, shape (n_clips, n_copies, n_values)
        targets : ndarray of int, shape (n_clips,)
        seed : int

        Returns
        -------
        callable
            From features, shape (n, 1, n_values), to class indices, shape (n,).
        """
        if self.max_clips:
            order = np.random.default_rng(seed).permutation(len(targets))
            kept = [order[targets[order] == t][: self.max_clips] for t in np.unique(targets)]
            features, targets = features[np.concatenate(kept)], targets[np.concatenate(kept)]
        n_copies, n_values = features.shape[1:]
        with warnings.catch_warnings():
            # Some do not converge within the iterations that their authors allow.
            warnings.simplefilter("ignore", ConvergenceWarning)
            classifier = self.classifier(seed).fit(
                features.reshape(-1, n_values), np.repeat(targets, n_copies)
            )
        return partial(_predict, classifier)


def _predict(classifier: ClassifierMixin, rows: Values) -> NDArray[np.integer]:
    return classifier.predict(rows[:, 0])  # at one speed


def _two_layers(seed: int) -> ClassifierMixin:
    mlp = MLPClassifier((256, 128), max_iter=500, random_state=seed)
    return make_pipeline(StandardScaler(), mlp)


def _usual_mlp(seed: int) -> ClassifierMixin:
    # Its authors scale nothing, and their learning rate adapts in name only: Adam ignores it.
    return MLPClassifier(
        (300,),
        alpha=0.01,
        batch_size=256,
        learning_rate="adaptive",
        max_iter=500,
        random_state=seed,
    )


def _scaled_mlp(seed: int) -> ClassifierMixin:
    return make_pipeline(StandardScaler(), _usual_mlp(seed))


def _svm(seed: int) -> ClassifierMixin:
    return make_pipeline(StandardScaler(), SVC(C=10, random_state=seed))


def _forest(seed: int) -> ClassifierMixin:
    return RandomForestClassifier(500, random_state=seed)


def _tree(seed: int) -> ClassifierMixin:
    return DecisionTreeClassifier(random_state=seed)


_USUAL = ("mfcc", "chroma", "mel")

RECIPES = {
    "mfcc": Recipe("mean MFCC, MLP with two hidden layers", ("mfcc",), _two_layers),
    "usual": Recipe("mean MFCC + chroma + mel, MLP (the usual recipe)", _USUAL, _usual_mlp),
    "scaled": Recipe("the same, standardised (unlike its authors)", _USUAL, _scaled_mlp),
    "usual193": Recipe(
        "standardised + contrast + tonnetz, MLP", (*_USUAL, "contrast", "tonnetz"), _scaled_mlp
    ),
    "trimmed181": Recipe(
        "181 features, trimmed and augmented clips, MLP", (TRIMMED,), _two_layers, max_clips=300
    ),
    "svm": Recipe("mean MFCC + chroma + mel, SVM", _USUAL, _svm),
    "forest": Recipe("mean MFCC + chroma + mel, random forest", _USUAL, _forest),
    "tree": Recipe("mean MFCC + chroma + mel, decision tree", _USUAL, _tree),
}
"""Recipes by name."""
