"""Training: from a corpus to a model with its figures, card, pictures and examples."""

import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser.corpora.corpus import Corpus, describe_corpora
from ser.corpora.folds import is_speaker_independent
from ser.corpora.folds_in_words import describe_folds
from ser.corpora.loading import load_corpus
from ser.errors import DatasetError
from ser.features import FeatureExtractor
from ser.hub.card import name_in_card, with_links
from ser.hub.repository import Published
from ser.model.calibration import apply_temperature, fit_temperature
from ser.model.config import ModelConfig
from ser.reasons.facts import find_usual
from ser.recognizer import EmotionRecognizer
from ser.storage.audit import audit
from ser.storage.folder import make_model_files
from ser.training.by_corpus import balanced_weights, evaluate_by_corpus
from ser.training.card import make_card
from ser.training.checks import check_names, check_usable, choose_protocols
from ser.training.config import TrainingConfig
from ser.training.examples import keep_apart, make_examples, widget
from ser.training.features import CorpusFeatures, extract_features, known_of_clips
from ser.training.fitting import calibrate, cross_validate, fit_classifier, model_config
from ser.training.metrics import reliability
from ser.training.pictures import draw_figures

logger = logging.getLogger(__name__)

LEAST_TEMPERATURE = 1.0
"""A model is not made more confident than its training made it, even where held-out speakers of the
same corpora would bear it out: on other corpora it is overconfident as it is."""


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """What a training gives.

    Attributes
    ----------
    recognizer : EmotionRecognizer
        Ready to predict; also has the model's ``config``, ``metrics`` and ``files``.
    """

    recognizer: EmotionRecognizer

    @property
    def metrics(self) -> dict[str, Any]:
        """The figures, by protocol."""
        return self.recognizer.metrics

    @property
    def files(self) -> dict[str, bytes]:
        """Every file of the model folder by name."""
        return self.recognizer.files

    def save(
        self, folder: str | Path, *, code: str | None = None, space: str | None = None
    ) -> EmotionRecognizer:
        """Write the model folder, whole or not at all.

        Parameters
        ----------
        folder : str or Path
            Where to write; an older model folder there is replaced.
        code, space : str, optional
            Addresses that the card shows, see `ser.hub.card.with_links`.

        Returns
        -------
        EmotionRecognizer
            The model as it was written.

        Raises
        ------
        SerError
            If `folder` holds anything that does not belong to a model, or cannot be written.
        """
        card = name_in_card(self.files["README.md"].decode(), Path(folder).as_posix())
        card = with_links(card, code=code, space=space)
        files = {**self.files, "README.md": card.encode()}
        recognizer = EmotionRecognizer(audit(files, source=folder), source=str(folder))
        recognizer.save_pretrained(folder)
        return recognizer

    def push_to_hub(self, repo_id: str, **options: Any) -> Published:
        """Publish the model, as `EmotionRecognizer.push_to_hub`."""
        return self.recognizer.push_to_hub(repo_id, **options)


def train(
    corpus: Corpus | str | Path, config: TrainingConfig | None = None, *, jobs: int | None = None
) -> TrainedModel:
    """Train a model on a corpus, and evaluate it on held-out clips of it.

    Parameters
    ----------
    corpus : Corpus, str or Path
        As `ser.corpora.loading.load_corpus` returns it, or its source.
    config : TrainingConfig, optional
    jobs : int, optional
        Processes that extract features; one per core by default.

    Raises
    ------
    DatasetError
        If the corpus cannot be read, has fewer than two emotions, or cannot be split as a protocol
        asks.

    Examples
    --------
    >>> model = ser.train("my-recordings")  # doctest: +SKIP
    >>> model.save("my-model")  # doctest: +SKIP
    """
    start, config = time.monotonic(), config or TrainingConfig()
    corpus = corpus if isinstance(corpus, Corpus) else load_corpus(corpus)
    shown = None
    if config.examples_of is not None:
        corpus, shown = keep_apart(corpus, config.examples_of, seed=config.seed)
    if len(set(corpus.clips["emotion"])) < 2:
        raise DatasetError("All clips have the same emotion; give at least two emotions.")
    protocols = choose_protocols(corpus, config)
    jobs = jobs or os.cpu_count() or 1
    check_names(corpus, config)
    features = extract_features(corpus, config, jobs=jobs)
    check_usable(features, protocols, config)
    logger.info("%d clips with %d features each", len(features.y), features.X.shape[2])
    heard = features if shown is None else extract_features(shown, config, jobs=jobs)
    metrics, model, held_out = _evaluate(features, protocols, config)
    logger.info("Training on all clips")
    classifier = fit_classifier(features, np.arange(len(features.y)), config, model)
    if shown is not None:
        held_out = np.zeros((len(heard.y), len(features.labels)))
        held_out[:, classifier.classes_] = classifier.predict_proba(heard.X)
    described = {
        "name": config.name,
        "model": model.to_dict(),
        "features": config.features.to_dict(),
        "feature_hash": FeatureExtractor(config.features).hash,
        "datasets": describe_corpora(features.corpus),
        "training": {
            **_as_fitted(config.describe(), relative=classifier.knows_voices),
            "kept_apart": sorted(set(shown.clips["speaker"])) if shown else [],
            "seconds": round(time.monotonic() - start),
        },
        "usual": find_usual(config.features, features.X, features.y, features.speakers, model),
    }
    files = draw_figures(metrics)
    answers: dict[str, dict[str, float]] = {}
    if held_out is not None and config.examples:
        examples, answers = make_examples(heard.corpus, held_out, seed=config.seed)
        files |= examples
    card = make_card(described, metrics, name="model", files=files, widget=widget(files, answers))
    contents = make_model_files(
        classifier.pipelines_, config=described, metrics=metrics, readme=card, files=files
    )
    return TrainedModel(EmotionRecognizer(audit(contents, source="model"), source="model"))


def _as_fitted(settings: dict[str, Any], *, relative: bool) -> dict[str, Any]:
    """Return settings of a training without those that had no effect, for want of speakers."""
    if relative:
        return settings
    plain = [each | {"exchange": 0.0} for each in settings["perceptrons"] if not each["relative"]]
    return settings | {"perceptrons": plain}


def _evaluate(
    features: CorpusFeatures, protocols: Sequence[str], config: TrainingConfig
) -> tuple[dict[str, Any], ModelConfig, NDArray[np.float64] | None]:
    """Evaluate under each protocol.

    Returns
    -------
    metrics : dict
        For ``metrics.json``: ``protocols``, and ``confidence``, how often clips of new speakers, of
        all corpora, are recognised by the model's own confidence; empty if the first protocol is
        not speaker-independent.
    model : ModelConfig
        With the temperature by which the probabilities of held-out clips are calibrated, at least
        `LEAST_TEMPERATURE`. Of the first protocol, which is speaker-independent if any is: it is to
        hold for strangers.
    held_out : ndarray, shape (n_clips, n_labels), or None
        Calibrated probabilities by a model that had not heard the clip's speaker; None if the
        first protocol is not speaker-independent.
    """
    protocol_metrics: dict[str, Any] = {}
    held_out, as_sure = None, []
    model = model_config(features, config)
    for protocol in protocols:
        probabilities, folds = cross_validate(features, protocol, config)
        calibrated = calibrate(probabilities, features, folds)
        protocol_metrics[protocol] = {
            "description": describe_folds(
                protocol,
                folds.tolist(),
                noun=features.corpus.about.speaker,
                **known_of_clips(features.corpus),
            ),
            "speaker_independent": is_speaker_independent(protocol),
            "corpora": evaluate_by_corpus(
                features.y,
                calibrated,
                labels=features.labels,
                candidates=features.candidates,
                corpora=features.corpora,
                folds=folds,
                groups=features.groups,
                across=protocol == "leave-one-corpus-out",
            ),
        }
        if protocol == protocols[0]:
            weights = balanced_weights(features.corpora)
            fitted = fit_temperature(probabilities, features.candidates, weights)
            model = replace(model, temperature=max(fitted, LEAST_TEMPERATURE))
            if is_speaker_independent(protocol):
                held_out = calibrated
                own = apply_temperature(probabilities, model.temperature)
                as_sure = reliability(features.candidates, own)
    return {"protocols": protocol_metrics, "confidence": as_sure}, model, held_out
