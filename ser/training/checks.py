"""What a training asks of a corpus, checked before hours of work."""

import logging

from ser.corpora.corpus import Corpus
from ser.corpora.folds import PROTOCOLS
from ser.errors import DatasetError
from ser.model.config import ModelConfig
from ser.storage.schema import MAX_LINE
from ser.training.config import TrainingConfig
from ser.training.features import corpus_folds

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
            raise DatasetError(
                f"The name '{name:.50}…' has {len(name)} characters; give one of 1 to {MAX_LINE}."
            )


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
    return protocols
