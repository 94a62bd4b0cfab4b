"""Classifiers of a corpus: fitted to clips of it, tested on the others, and calibrated."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from ser.corpora.emotions import EVERYDAY, canonical
from ser.model.calibration import apply_temperature, fit_temperature
from ser.model.classifier import EmotionClassifier
from ser.model.config import ModelConfig
from ser.training.by_corpus import balanced_weights
from ser.training.config import TrainingConfig
from ser.training.features import CorpusFeatures


def fit_classifier(
    features: CorpusFeatures,
    clips: NDArray[np.integer],
    config: TrainingConfig,
    model: ModelConfig | None = None,
) -> EmotionClassifier:
    """Fit a classifier to some clips of a corpus.

    Parameters
    ----------
    features : CorpusFeatures
    clips : ndarray of int
        Indices of them.
    config : TrainingConfig
    model : ModelConfig, optional
        By default without calibration.
    """
    model = model or model_config(features, config)
    y, weights = features.y[clips], config.corpus_weights
    return EmotionClassifier(
        model,
        perceptrons=config.perceptrons,
        limit=config.feature_limit,
        parts=features.parts,
        weights=[version.weight for version in config.versions],
        everyday=model.labels.index(model.everyday) if model.everyday else None,
        seed=config.seed,
    ).fit(
        features.X[clips],
        y,
        None if features.speakers is None else features.speakers[clips],
        candidates=features.candidates[np.ix_(clips, np.unique(y))],
        sample_weight=[weights.get(name, 1.0) for name in features.corpora[clips]],
    )


def model_config(features: CorpusFeatures, config: TrainingConfig) -> ModelConfig:
    """Return what a model has to know of a corpus, without calibration."""
    everyday = next((each for each in features.labels if canonical(each) == EVERYDAY), None)
    return ModelConfig(features.labels, everyday=everyday, speeds=tuple(config.speeds))


def cross_validate(
    features: CorpusFeatures, protocol: str, config: TrainingConfig
) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    """Recognise each clip with a model that was trained without its fold.

    Parameters
    ----------
    features : CorpusFeatures
    protocol : str
        Of `ser.corpora.folds.PROTOCOLS`.
    config : TrainingConfig

    Returns
    -------
    probabilities : ndarray, shape (n_clips, n_labels)
        Not calibrated.
    folds : ndarray of str, shape (n_clips,)
        Name of the fold in which each clip was tested.
    """
    plain = replace(config, perceptrons=[each for each in config.perceptrons if not each.relative])
    probabilities = np.zeros((len(features.y), len(features.labels)))
    names = np.empty(len(features.y), dtype=object)
    folds = features.folds(protocol, config.seed)
    for fold in tqdm(folds, desc=f"Protocol {protocol}", unit="fold"):
        classifier = fit_classifier(features, fold.train, plain)
        known = classifier.predict_proba(features.X[fold.test])
        probabilities[np.ix_(fold.test, classifier.classes_)] = known
        names[fold.test] = fold.name
    return probabilities, names


def calibrate(
    probabilities: NDArray[np.float64], features: CorpusFeatures, folds: NDArray[np.object_]
) -> NDArray[np.float64]:
    """Calibrate each fold's predictions with the temperature that fits all the other folds.

    Each corpus counts the same.

    Parameters
    ----------
    probabilities : ndarray, shape (n_clips, n_labels)
    features : CorpusFeatures
    folds : ndarray, shape (n_clips,)

    Returns
    -------
    ndarray, shape (n_clips, n_labels)
        No fold affects its own temperature.
    """
    calibrated, weights = probabilities.copy(), balanced_weights(features.corpora)
    for fold in np.unique(folds):
        tested = folds == fold
        others = (each[~tested] for each in (probabilities, features.candidates, weights))
        temperature = fit_temperature(*others)
        calibrated[tested] = apply_temperature(probabilities[tested], temperature)
    return calibrated
