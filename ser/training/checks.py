"""What a training asks of a corpus, checked before hours of work."""

import logging
from collections.abc import Sequence

import numpy as np

from ser.corpora.corpus import Corpus
from ser.corpora.folds import PROTOCOLS
from ser.errors import DatasetError
from ser.model.config import ModelConfig
from ser.model.draws import comparable
from ser.storage.schema import MAX_LINE
from ser.training.config import TrainingConfig
from ser.training.features import CorpusFeatures, corpus_folds

logger = logging.getLogger(__name__)


def check_names(corpus: Corpus, config: TrainingConfig) -> None:
    """Refuse labels and names that no model can have, before hours of work.

    Raises
    ------
    DatasetError
        If there are too many labels, or one of them or a name is no line of text of some length.
    """
    try:
        ModelConfig(corpus.labels)
    except ValueError as error:
        raise DatasetError(
            f"These emotions cannot be those of a model: {error}; check the folders or the column "
            "of emotions."
        ) from error
    for name in (config.name, *(origin.about.name for origin in corpus.origins)):
        if not 0 < len(name) <= MAX_LINE:
            shown = f"{name:.50}…" if name else ""
            raise DatasetError(
                f"The name '{shown}' has {len(name)} characters; give one of 1 to {MAX_LINE}."
            )


def check_usable(
    features: CorpusFeatures, protocols: Sequence[str], config: TrainingConfig
) -> None:
    """Check again what clips without speech, which are left out, may have changed.

    Raises
    ------
    DatasetError
        If fewer than two emotions are left, or they cannot be split as a protocol asks.
    """
    left = [features.labels[each] for each in np.unique(features.y)]
    if len(left) < 2:
        raise DatasetError(
            f"Only clips of '{''.join(left)}' hold speech that can be used: give clips of at least "
            "two emotions."
        )
    known = np.atleast_1d(features.candidates.any(axis=0))
    never = [label for label, is_known in zip(features.labels, known, strict=True) if not is_known]
    if never:
        logger.warning(
            "No clip that can be used is %s: the model will never answer that. Choose among the "
            "others by --emotions.",
            " or ".join(never),
        )
    speakers = features.speakers
    weights = np.array([config.corpus_weights.get(name, 1.0) for name in features.corpora])
    candidates = features.candidates[:, np.unique(features.y)]
    if speakers is not None and not comparable(speakers, candidates, weights).any():
        logger.warning(
            "Most speakers have one clip, or those with several do not show each emotion: the "
            "model will not compare clips with others of their speaker. To have that, add clips "
            "of the same speakers."
        )
    for protocol in protocols:
        corpus_folds(features.corpus, protocol, config.seed)


def choose_protocols(corpus: Corpus, config: TrainingConfig) -> list[str]:
    """Return the protocols by which a model is evaluated, once each, after a check of their folds.

    Speaker-independent ones come first.

    Raises
    ------
    DatasetError
        If a corpus cannot be split as a protocol asks.
    """
    wanted = config.protocols
    if wanted is None:
        wanted = ("actors", "random")
        speakers = set(corpus.clips["speaker"])
        if None in speakers or len(speakers) == 1:
            wanted = ("random",)
            why = "It is not known who speaks in which clip"
            if None not in speakers:
                why = f"All clips are of the speaker {speakers.pop()}"
            logger.warning(
                "%s, so the model can only be tested on a random split: expect less on other "
                "voices.",
                why,
            )
    if unknown := set(wanted) - set(PROTOCOLS):
        raise DatasetError(
            f"Protocol {min(unknown)!r} is unknown; choose from {', '.join(PROTOCOLS)}."
        )
    protocols = [name for name in PROTOCOLS if name in wanted]
    for protocol in protocols:
        corpus_folds(corpus, protocol, config.seed)
    if "leave-one-corpus-out" in protocols:
        _check_shared(corpus)
    return protocols


def _check_shared(corpus: Corpus) -> None:
    """Refuse corpora of which none can be tested by a model of the others."""
    own: dict[str, set[int]] = {}
    for name, emotion in zip(corpus.clips["corpus"], corpus.clips["emotion"], strict=True):
        own.setdefault(name, set()).add(emotion)
    others = {name: set().union(*(own[each] for each in own if each != name)) for name in own}
    if all(len(own[name] & others[name]) < 2 for name in own):
        raise DatasetError(
            f"No two emotions are in several of {', '.join(own)}: leave-one-corpus-out needs that; "
            "leave it out, or give emotions the same names by --map."
        )
