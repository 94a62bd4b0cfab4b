"""The perceptrons, on standardised features, fitted to clips and copies of them.

`PERCEPTRONS` names them, a row each. Those that are not relative judge a clip as it is. Relative
ones judge it less the mean of other clips of its speaker, whatever these hold: what is the same in
all recordings of a person, the voice and the microphone, is then gone. In training the other clips
are drawn anew in each epoch, everyday speech alone for half of the rows.

Perceptrons that judge a clip as it is learn that the same is said in many voices: in each epoch
half of the clips are given the voice of another speaker. This is the exchange of statistics between
domains of Zhou et al., "Domain Generalization with MixStyle", ICLR 2021.

The fitted experts are stored as scikit-learn pipelines of plain types,

    plain      StandardScaler -> MinMaxScaler(clip) -> MLPClassifier
    relative   MLPClassifier, on differences between outputs of the first one's scalers

so that the model file opens without trusting anything beyond scikit-learn and NumPy. In training,
the perceptrons see principal components; these are linear, and end up in the weights of the first
layer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from ser.model import boxes
from ser.model.draws import Clips, References, Voices, comparable
from ser.model.learning import Floats, Layers, LearningSettings, fit_perceptron
from ser.threads import one_thread

PLAIN, RELATIVE = "plain", "relative"

SAMPLE = 15_000  # rows that find the components, which hardly differ from those of all
BLOCK = 1000  # rows that are transformed at once


@dataclass(frozen=True)
class PerceptronSettings:
    """A perceptron: what it sees, and how it learns.

    Attributes
    ----------
    relative : bool
        Whether it judges clips relative to others of their speaker. Perceptrons that agree in this
        are averaged.
    part : str or None
        The features that it uses, of `ser.features.FeatureExtractor.parts`; None for all.
    share : float
        Weight of its logits in the average.
    n_components : int
        Principal components that it sees in training.
    whitening : float
        0 keeps the variances of the components, 1 makes them equal.
    exchange : float
        Share of the rows that are given the voice of another speaker in training, chosen from 0,
        0.5 and 1 on held-out RAVDESS. Relative ones never are: in these the voice is gone.
    learning : LearningSettings
    """

    relative: bool = False
    part: str | None = None
    share: float = 1.0
    n_components: int = 800
    whitening: float = 0.25
    exchange: float = 0.5
    learning: LearningSettings = field(default_factory=LearningSettings)


PERCEPTRONS = (
    PerceptronSettings(part="descriptors", share=0.375),
    PerceptronSettings(part="bands", share=0.375),
    PerceptronSettings(part="summaries", share=0.25, n_components=400),
    PerceptronSettings(relative=True, part="descriptors", learning=LearningSettings(256)),
    PerceptronSettings(relative=True, part="bands", learning=LearningSettings(256)),
)

FEATURE_LIMIT = 5.0
"""Standard deviations from the mean beyond which a feature is cut off, so that a single odd value
in a new speaker's clip cannot decide."""


# A batch is too small for several threads to share: each perceptron has one of its own instead.
@one_thread()
def fit_experts(
    features: NDArray[np.floating],
    candidates: NDArray[np.bool_],
    classes: NDArray[Any],
    *,
    seed: int,
    perceptrons: Sequence[PerceptronSettings] = PERCEPTRONS,
    limit: float = FEATURE_LIMIT,
    parts: Mapping[str, NDArray[np.integer]] | None = None,
    version_weights: Sequence[float] | None = None,
    clip_weights: NDArray[np.floating] | None = None,
    speakers: NDArray[Any] | None = None,
    everyday: NDArray[np.bool_] | None = None,
) -> dict[str, Pipeline]:
    """Fit the experts.

    Parameters
    ----------
    features : ndarray, shape (n_clips, n_versions, n_features)
        Features of clips and of copies of them.
    candidates : ndarray of bool, shape (n_clips, n_classes)
        Which classes a clip may have.
    classes : ndarray, shape (n_classes,)
        In ascending order.
    seed : int
        The same seed gives the same pipelines.
    perceptrons : sequence of PerceptronSettings
        One whose part is not among `parts` is left out; without `parts`, all see all features.
    limit : float
        As `FEATURE_LIMIT`.
    parts : dict of str to ndarray of int, optional
        As `ser.features.FeatureExtractor.parts`.
    version_weights, clip_weights : sequence of float, shapes (n_versions,) and (n_clips,), optional
        How often each is drawn, relative to others; equal by default.
    speakers : ndarray, shape (n_clips,), optional
        Who speaks. Relative perceptrons learn from clips that are `comparable`, and voices are
        exchanged among their speakers; neither is done without.
    everyday : ndarray of bool, shape (n_clips,), optional
        Which clips are everyday speech; none by default.

    Returns
    -------
    dict of str to sklearn.pipeline.Pipeline
        ``"plain"`` takes features of shape (n, n_features), ``"relative"`` differences between the
        output of its steps but the last; the last step of each has `predict_proba`.
    """
    n_clips, n_versions, n_features = features.shape
    clips = Clips(n_clips, n_versions, candidates, version_weights, clip_weights)
    scaler = StandardScaler()
    for block in _blocks(features):
        scaler.partial_fit(block)

    # As the steps do, but in place, to save memory.
    def prepare(rows: NDArray[np.floating]) -> Floats:
        rows = scaler.transform(rows.astype(np.float32), copy=False)
        return np.clip(rows, -limit, limit, out=rows)

    references = None
    if speakers is not None:
        weights = np.ones(n_clips) if clip_weights is None else clip_weights
        weights = weights * comparable(speakers, candidates, weights)
        if weights.any():
            everyday = np.zeros(n_clips, bool) if everyday is None else everyday
            references = References(speakers, everyday)
            compared = Clips(n_clips, n_versions, candidates, version_weights, weights)
    columns: dict[str | None, NDArray[np.integer]] = {None: np.arange(n_features)}
    columns.update(parts or {})
    if not parts:
        perceptrons = [replace(each, part=None) for each in perceptrons]
    known = [
        each for each in perceptrons if each.part in columns and (references or not each.relative)
    ]
    drawn = np.sort(np.random.default_rng(seed).permutation(n_clips * n_versions)[:SAMPLE])
    sample = prepare(features[drawn // n_versions, drawn % n_versions])
    spaces = {(each.part, each.n_components, each.whitening): each for each in known}
    with Parallel(len(spaces), require="sharedmem") as parallel:
        found = parallel(
            delayed(boxes.find_components)(
                sample, each.n_components, seed=seed, columns=columns[each.part]
            )
            for each in spaces.values()
        )
        del sample
        seen = {
            space: _Components(settings, pca, columns[settings.part], features.shape[:2])
            for (space, settings), pca in zip(spaces.items(), found, strict=True)
        }
        for start, block in enumerate(_blocks(features)):
            prepared = prepare(block)
            parallel(delayed(each.see)(prepared, start * BLOCK) for each in seen.values())

    def learn(number: int, settings: PerceptronSettings) -> Layers:
        components = seen[settings.part, settings.n_components, settings.whitening]
        rng = np.random.default_rng([seed, number])
        voices = None
        if speakers is not None and references and settings.exchange and not settings.relative:
            voices = Voices(components.rows, candidates, speakers, settings.exchange)

        def draw(rng: np.random.Generator) -> tuple[Floats, Floats]:
            chosen, versions = (compared if settings.relative else clips).draw(rng)
            rows = components.rows[chosen, versions]
            if settings.relative and references:
                rows -= references.draw(components.rows, chosen, versions, rng)
            elif voices:
                voices.exchange(rows, chosen, versions, rng)
            return rows, clips.candidates[chosen]

        return components.widen(fit_perceptron(draw, settings.learning, rng), n_features)

    learnt = Parallel(len(known), require="sharedmem")(
        delayed(learn)(*each) for each in enumerate(known)
    )
    steps: list[tuple[str, Any]] = [("scale", scaler), ("limit", boxes.limiter(n_features, limit))]
    pipelines = {}
    for name, relative in ((PLAIN, False), (RELATIVE, True)):
        members = [n for n, settings in enumerate(known) if settings.relative == relative]
        if members:
            perceptron = boxes.average_perceptrons(
                [learnt[n] for n in members], [known[n].share for n in members], classes
            )
            pipelines[name] = Pipeline([*steps, ("mlp", perceptron)])
            steps = []
    return pipelines


class _Components:
    """The principal components of some features, for all clips and versions.

    Parameters
    ----------
    settings : PerceptronSettings
    pca : sklearn.decomposition.PCA
        Of the standardised features.
    columns : ndarray of int
        Which of all features are used.
    shape : tuple of int
        Numbers of clips and versions.

    Attributes
    ----------
    rows : ndarray of float32, shape (n_clips, n_versions, n_components)
        Weighted components, to learn from.
    """

    def __init__(
        self,
        settings: PerceptronSettings,
        pca: PCA,
        columns: NDArray[np.integer],
        shape: tuple[int, ...],
    ) -> None:
        self.columns, self.pca = columns, pca
        # Variances become a power of what they were, 1 on average.
        variance = boxes.floored(self.pca.explained_variance_)
        relative = variance ** (1 - settings.whitening)
        self.weight = np.sqrt(relative / np.mean(relative) / variance)
        # Made here, since threads keep most of what they allocate and free.
        self.rows = np.empty((*shape, len(self.weight)), dtype=np.float32)

    def see(self, rows: Floats, start: int) -> None:
        """Keep the weighted components of some rows, the first of which is `start`."""
        kept = self.rows.reshape(-1, len(self.weight))
        kept[start : start + len(rows)] = self.pca.transform(rows[:, self.columns]) * self.weight

    def widen(self, layers: Layers, n_features: int) -> Layers:
        """Return a perceptron on components as one on all standardised features."""
        components = self.pca.components_ * self.weight[:, None]
        first = layers.first.T @ components
        bias = layers.first_bias - first @ self.pca.mean_
        wide = boxes.widen(first, self.columns, n_features).T
        return replace(layers, first=wide, first_bias=bias)


def _blocks(features: NDArray[np.floating]) -> Iterator[NDArray[np.floating]]:
    """Yield some rows of all versions of all clips at a time, as all are too many to copy."""
    rows = features.reshape(-1, features.shape[2])
    for start in range(0, len(rows), BLOCK):
        yield rows[start : start + BLOCK]
