"""The parts of a recogniser, made from a model folder and checked to fit each other."""

from typing import Any

from ser.errors import FeatureConfigError, FeatureMismatchError, ModelFormatError
from ser.features import FeatureConfig, FeatureExtractor
from ser.model.classifier import EmotionClassifier
from ser.model.config import ModelConfig
from ser.storage.audit import ModelFolder

LEAST_HOP = 0.0025  # s from frame to frame; a quarter of the usual one, and four times its memory


def make_extractor(config: dict[str, Any], source: str) -> FeatureExtractor:
    """Make the extractor of the features that a model was trained on.

    Parameters
    ----------
    config : dict
        Contents of ``config.json``.
    source : str
        Where the model is from, for messages.

    Raises
    ------
    FeatureMismatchError
        If this version extracts other features.
    """
    try:
        settings = FeatureConfig.from_dict(config["features"])
    except FeatureConfigError as error:
        raise FeatureMismatchError(
            f"The model '{source}' (features {config['feature_hash']}) needs features that this "
            f"version does not have: {str(error)[:200]}"
        ) from error
    if settings.hop < LEAST_HOP:
        raise FeatureMismatchError(
            f"The model '{source}' asks for frames {1000 * settings.hop:g} ms apart, and models "
            f"may ask for {1000 * LEAST_HOP:g} ms at least, since clips would take too much: train "
            "it again with longer ones."
        )
    extractor = FeatureExtractor(settings)
    if extractor.hash != config["feature_hash"]:
        raise FeatureMismatchError(
            f"The model '{source}' was trained on features {config['feature_hash']}, but this "
            f"version extracts features {extractor.hash}: train it again, or use the version of "
            "ser that trained it."
        )
    return extractor


def make_classifier(folder: ModelFolder, n_features: int, source: str) -> EmotionClassifier:
    """Restore the classifier of a model.

    Parameters
    ----------
    folder : ModelFolder
    n_features : int
        How many its extractor gives.
    source : str
        Where the model is from, for messages.

    Raises
    ------
    ModelFormatError
        If features, classifier and labels do not fit each other.
    """
    try:
        config = ModelConfig.from_dict(folder.config["model"])
        classifier = EmotionClassifier.restore(folder.model, config)
        classifier.check(n_features)
    except Exception as error:
        raise ModelFormatError(
            f"The classifier of '{source}' does not fit its features and labels: it is not a "
            "model of ser; train it again with train.py."
        ) from error
    return classifier
