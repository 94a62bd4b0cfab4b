"""Reasons for an answer: whether the facts named separate emotions, and the half second matters."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from ser.audio.loading import Recording, read_recording
from ser.corpora.emotions import EVERYDAY, canonical
from ser.errors import DatasetError, NoSpeechError
from ser.features import FeatureExtractor
from ser.model.analysis import Analysis, analyse
from ser.model.classifier import EmotionClassifier
from ser.model.config import ModelConfig
from ser.reasons.comparison import side_of, which
from ser.reasons.facts import ANYONE, FACTS, VOICE, Fact, find_usual, from_own, measure
from ser.reasons.moments import LEAST_CHANGE, leave_out, log_odds, split, stretches_of
from ser.studies.common import OURS, Figures, StudyOptions, Tables, actors_of, load_corpus
from ser.studies.seeds import with_spread
from ser.training.features import CorpusFeatures
from ser.training.fitting import fit_classifier

TITLE = "Reasons"
ABOUT = (
    "What is said of a result. Facts are measured of the voice, η² is the share of their variance "
    "that the emotions explain, of clips as they are and less the mean of the speaker's neutral "
    "ones, and AUC the probability that a clip of an emotion has more of it than a neutral one. A "
    "fact is named if nine in ten neutral clips have less of it, or more, and with it up to three "
    "emotions of which a quarter of the clips or more are like that: the second table tells how "
    "often unseen speakers then have one of these emotions, and how often all their clips do. "
    "Facts in brackets are not used: they separate less, or not alike in both corpora. For the "
    "last table, every half second of clips of unseen speakers is left out in turn. That whose "
    "absence lowers the log odds of the answer most, by 0.5 at least, is compared with the mean of "
    "the others, by the model that chose it and by one that learnt from none of the same speakers."
)
ROWS = {
    "facts": "facts by emotion",
    "named": "facts named for unseen speakers",
    "moments": "half seconds left out",
}
UNUSED = {
    "tempo": Fact({"clip.syllable_rate": 1}, "(Syllables a second)", "", "", str),
    "voice_pieces": Fact({"clip.mean_voiced_segment": 1}, "(Length of voiced pieces)", "", "", str),
    "noise": Fact({"hnr.voiced.mean": 1}, "(Harmonics-to-noise ratio)", "", "", str),
    "jitter": Fact({"clip.jitter": 1}, "(Jitter)", "", "", str),
}
"""Facts that the field names, too, and that are compared with those that we use."""

MEASURED = {**FACTS, **UNUSED}
N_CLIPS = 240
"""Clips of which half seconds are left out."""

FALLS = {
    "chooser": "log odds fall by",
    "chooser_others": "without others, by",
    "other": "of another model, by",
    "other_others": "without others, by",
}
"""Key and heading of the mean fall without the half second that was chosen, and of the others."""


def uses(row: str) -> tuple[str, ...]:
    """Return the code that decides a row."""
    return ("studies.reasons", *OURS, "reasons")


def run(options: StudyOptions) -> Iterator[tuple[str, Figures]]:
    """Yield name and figures of each row.

    Raises
    ------
    DatasetError
        If no clip is neutral, with which all others are compared.
    """
    corpus = load_corpus(options)
    everyday = next((each for each in corpus.labels if canonical(each) == EVERYDAY), None)
    if everyday is None or not (corpus.y == corpus.labels.index(everyday)).any():
        raise DatasetError("No clip is neutral, with which others are compared; add some.")
    model = ModelConfig(corpus.labels, everyday=everyday, speeds=options.config.speeds)
    rows = {"facts": _facts, "named": _named, "moments": _moments}
    for row in options.rows:
        yield row, rows[row](corpus, model, options)


def _facts(corpus: CorpusFeatures, model: ModelConfig, options: StudyOptions) -> Figures:
    """Measure by corpus how far each fact separates emotions."""
    shown = corpus.X[:, : len(model.speeds)]
    is_neutral = corpus.y == model.labels.index(str(model.everyday))
    found: Figures = {name: {} for name in np.unique(corpus.corpora).tolist()}
    for fact, values in measure(options.config.features, shown, MEASURED).items():
        own = from_own(values, actors_of(corpus), is_neutral)
        for name, by_fact in found.items():
            here = corpus.corpora == name
            by_fact[fact] = {
                "eta": eta_squared(values[here], corpus.y[here]),
                "eta_own": eta_squared(own[here], corpus.y[here]),
                "auc": {
                    label: _auc(values[here & is_neutral], values[here & (corpus.y == index)])
                    for index, label in enumerate(model.labels)
                    if label != model.everyday and (here & (corpus.y == index)).any()
                },
            }
    return found


def _auc(neutral: NDArray[np.floating], others: NDArray[np.floating]) -> float | None:
    """Return how probably one of the others is higher than a neutral one; None without any."""
    if neutral.size == 0:
        return None
    is_other = np.repeat([False, True], [neutral.size, others.size])
    return float(roc_auc_score(is_other, np.concatenate([neutral, others])))


def eta_squared(values: NDArray[np.floating], y: NDArray[np.integer]) -> float:
    """Return the share of the variance between emotions, 0 to 1; values may be NaN."""
    known = np.isfinite(values)
    values, y = values[known], y[known]
    if values.size == 0 or values.var() == 0:
        return 0.0
    _, groups, counts = np.unique(y, return_inverse=True, return_counts=True)
    means = np.bincount(groups, values) / counts
    return float(counts @ np.square(means - values.mean()) / values.size / values.var())


def _named(corpus: CorpusFeatures, model: ModelConfig, options: StudyOptions) -> Figures:
    """Tell how often unseen speakers have one of the emotions that are named with a fact."""
    speakers, everyday = actors_of(corpus), str(model.everyday)
    shown, labels = corpus.X[:, : len(model.speeds)], np.array(model.labels)[corpus.y]
    facts = measure(options.config.features, shown)
    own = {name: from_own(values, speakers, labels == everyday) for name, values in facts.items()}
    found: dict[str, dict[str, list[tuple[bool, bool]]]] = {ANYONE: {}, VOICE: {}}
    for train, test in corpus.folds("actors", options.seed):
        usual = find_usual(
            options.config.features, shown[train], corpus.y[train], speakers[train], model
        )
        for kind, by_fact in ((ANYONE, facts), (VOICE, own)):
            for name, values in by_fact.items():
                neutral = usual[kind][name].get(everyday)
                if neutral is None:
                    continue
                told = np.array([side_of(value, neutral) for value in values[test]])
                for side, words in ((1, FACTS[name].more), (-1, FACTS[name].less)):
                    if named := which(usual, name, everyday, side):
                        rows = found[kind].setdefault(f"{FACTS[name].noun}: {words}", [])
                        rows += zip(told == side, np.isin(labels[test], named), strict=True)
    return {
        kind: {words: _how_often(*np.array(rows).T) for words, rows in by_fact.items()}
        for kind, by_fact in found.items()
    }


def _how_often(told: NDArray[np.bool_], is_one: NDArray[np.bool_]) -> Figures:
    """Return how many clips are told something, and how often it is right; None if none is."""
    return {
        "clips": int(told.sum()),
        "right": float(is_one[told].mean()) if told.any() else None,
        "all": float(is_one.mean()),
    }


def _moments(corpus: CorpusFeatures, model: ModelConfig, options: StudyOptions) -> Figures:
    """Measure by corpus what leaving out the half second that was chosen changes."""
    plain = [each for each in options.config.perceptrons if not each.relative]
    config = replace(options.config, perceptrons=plain)
    fold = corpus.folds("actors", options.seed)[0]
    names, speakers = np.unique(actors_of(corpus)[fold.train], return_inverse=True)
    rng = np.random.default_rng(options.seed)
    halves = (rng.permutation(len(names)) % 2)[speakers]  # drawn: in order, men and women alternate
    chooser, other = (
        fit_classifier(corpus, fold.train[halves == half], config, model) for half in (0, 1)
    )
    changes: dict[str, list[list[float]]] = {}
    for clip in np.sort(rng.permutation(fold.test)[:N_CLIPS]).tolist():
        features = features_without(corpus.corpus.clips[clip]["audio"]["path"], options)
        answer = chooser.predict(features[:1])[0]
        first, second = (_falls(each, features, answer) for each in (chooser, other))
        if first.size > 1 and first.max() >= LEAST_CHANGE:
            chosen = int(first.argmax())
            changes.setdefault(str(corpus.corpora[clip]), []).append(
                [figure for each in (first, second) for figure in _against_others(each, chosen)]
            )
    found: Figures = {}
    for corpus_name, rows in changes.items():
        table = np.array(rows)
        means = dict(zip(FALLS, table.mean(axis=0).tolist(), strict=True))
        larger = float((table[:, 2] > table[:, 3]).mean())
        found[corpus_name] = {"clips": len(rows), **means, "larger": larger}
    return found


def features_without(clip: str, options: StudyOptions) -> NDArray[np.float32]:
    """Return the features of a clip and of what is left without each half second of it.

    Returns
    -------
    ndarray, shape (1 + n_stretches, n_speeds, n_features)
        Without stretches that leave no speech.
    """
    extractor = FeatureExtractor(options.config.features)
    recording = read_recording(clip, extractor.config.sample_rate)

    def extract(heard: Recording) -> Analysis:
        return analyse(heard, extractor, options.config.speeds)

    whole = extract(recording)
    part = split(whole.speech_start, whole.speech_end)[0]
    rows = [extract(leave_out(recording, part)).features]
    for stretch in stretches_of(*part):
        with suppress(NoSpeechError):
            rows.append(extract(leave_out(recording, part, stretch)).features)
    return np.array(rows)


def _falls(
    classifier: EmotionClassifier, features: NDArray[np.float32], answer: int
) -> NDArray[np.float64]:
    """Return how far the log odds of an answer fall without each stretch, (n_stretches,)."""
    known = classifier.predict_proba(features) @ (classifier.classes_ == answer)
    certainty = log_odds(known)
    return np.asarray(certainty[0] - certainty[1:])


def _against_others(falls: NDArray[np.float64], chosen: int) -> tuple[float, float]:
    return float(falls[chosen]), float(np.delete(falls, chosen).mean())


def tables(results: Mapping[str, Figures]) -> Tables:
    """Lay the figures out."""
    found: Tables = {}
    for name, by_fact in results.get("facts", {}).items():
        labels = list(next(iter(by_fact.values()))["auc"])
        heading = ["fact", "η² %", "η² % within speakers", *(f"AUC %: {each}" for each in labels)]
        found[f"Facts of clips of {name}"] = [heading] + [
            [
                MEASURED[fact].noun,
                *(with_spread(figures, key) for key in ("eta", "eta_own")),
                *(_percent(figures["auc"][label]) for label in labels),
            ]
            for fact, figures in by_fact.items()
        ]
    for kind, title in ((ANYONE, "against all speakers"), (VOICE, "against their own voice")):
        if by_words := results.get("named", {}).get(kind):
            rows = [["what is said", "clips", "have one of the emotions, %", "of all clips, %"]]
            for words, figures in by_words.items():
                shares = [_percent(figures[key]) for key in ("right", "all")]
                rows.append([words, f"{figures['clips']:.0f}", *shares])
            found[f"Emotions named for clips of unseen speakers, {title}"] = rows
    if by_corpus := results.get("moments"):
        rows = [["corpus", "clips", *FALLS.values(), "larger than of others, % of clips"]]
        for name, figures in by_corpus.items():
            falls = [f"{figures[key]:.2f}" for key in FALLS]
            rows.append([name, f"{figures['clips']:.0f}", *falls, _percent(figures["larger"])])
        found["Half seconds left out of clips of unseen speakers"] = rows
    return found


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f}"
