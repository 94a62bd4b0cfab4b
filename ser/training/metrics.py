"""Figures of merit of a classifier's predictions, and the calibration of its confidence.

Conventions
-----------
- A clip is tested once; ``n_clips`` predictions of ``n_classes`` classes.
- Targets are class indices, shape ``(n_clips,)``.
- Probabilities have shape ``(n_clips, n_classes)``; rows sum to 1. The most
  probable class is the recognised one, and its probability is the confidence.
- Figures are shares from 0 to 1, not percentages. Averages over classes are taken
  over those that occur among the targets, so that part of a corpus can be judged.
- Functions are pure. Wrong shapes or values raise a ``ValueError``.

`ser.training.by_corpus` says where ``metrics.json`` has what `evaluate` returns.

References
----------
Guo et al., "On Calibration of Modern Neural Networks", ICML 2017 (expected
calibration error, reliability diagram, temperature).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import (
    accuracy_score,
    classification_report,
    confusion_matrix,
    f1_score,
    recall_score,
)

N_BINS = 15
"""Bins of equal width into which confidence is sorted."""

Compute = Callable[[NDArray[np.integer], NDArray[np.integer]], float]
"""From targets and recognised classes, both of shape (n_clips,), to a share."""


def _macro(score: Callable[..., float]) -> Compute:
    """Average a score of scikit-learn over the classes that occur among the targets."""

    def compute(targets: NDArray[np.integer], recognised: NDArray[np.integer]) -> float:
        present = np.unique(targets)
        return score(targets, recognised, labels=present, average="macro", zero_division=0)

    return compute


@dataclass(frozen=True)
class Metric:
    """A headline figure: a row of `METRICS`.

    Attributes
    ----------
    key : str
        In ``metrics.json``.
    name : str
        In tables.
    hub_type, hub_name : str
        The Hub's identifier of the metric, and its name in the metadata of a model card.
    compute : callable
        From targets and recognised classes to a share; 0 where it is not defined, as it may be for
        clips of one class.
    """

    key: str
    name: str
    hub_type: str
    hub_name: str
    compute: Compute


METRICS = (
    Metric("accuracy", "accuracy", "accuracy", "Accuracy", accuracy_score),
    Metric(
        key="unweighted_average_recall",
        name="unweighted recall",
        hub_type="recall",
        hub_name="Unweighted average recall",
        compute=_macro(recall_score),
    ),
    Metric("macro_f1", "macro-F1", "f1", "Macro-averaged F1", _macro(f1_score)),
)
"""The headline figures of an evaluation, in the order of every table. A row here is all that
another one takes."""


def metrics_in(figures: Mapping[str, Any]) -> list[Metric]:
    """Return the rows of `METRICS` that an evaluation has; one made before a row lacks it."""
    return [metric for metric in METRICS if metric.key in figures]


def percent(share: float | None) -> str:
    """Write a share as a percentage with one decimal; nothing for None."""
    return "" if share is None else f"{100 * share:.1f}"


def in_percent(share: float) -> str:
    """Write a share as a whole percentage, as it stands in a sentence."""
    return f"{100 * share:.0f} %"


def validate(
    targets: NDArray[np.integer], probabilities: NDArray[np.floating], labels: Sequence[str]
) -> None:
    """Raise ValueError unless targets and probabilities fit each other and the labels."""
    if probabilities.shape != (len(targets), len(labels)) or targets.ndim != 1:
        raise ValueError(
            f"probabilities have the shape {probabilities.shape}; {len(targets)} targets and "
            f"{len(labels)} labels need {(len(targets), len(labels))}"
        )
    if len(targets) == 0:
        raise ValueError("there are no predictions to evaluate")
    if targets.min() < 0 or targets.max() >= len(labels):
        raise ValueError(
            f"targets range from {targets.min()} to {targets.max()}; they must be indices from 0 "
            f"to {len(labels) - 1}"
        )
    if not (probabilities >= 0).all() or not np.allclose(probabilities.sum(axis=1), 1, atol=1e-3):
        raise ValueError("probabilities must be non-negative and sum to 1 for each clip")


def evaluate(
    targets: ArrayLike,
    probabilities: ArrayLike,
    *,
    labels: Sequence[str],
    folds: ArrayLike,
    groups: Mapping[str, ArrayLike],
) -> dict[str, Any]:
    """Return all figures about the predictions of one protocol.

    Parameters
    ----------
    targets : array_like of int, shape (n_clips,)
    probabilities : array_like of float, shape (n_clips, n_classes)
    labels : sequence of str
        Names of the classes.
    folds : array_like, shape (n_clips,)
        In which fold each clip was tested.
    groups : dict of str to array_like of str, shape (n_clips,)
        Partitions of the clips to slice by, such as ``{"sex": ["men", "women", ...]}``.

    Returns
    -------
    dict
        Python numbers and strings only, ready for JSON:

        - ``clips``, and the figures of `METRICS` by their keys: over all clips
        - ``folds``: the same for each fold; ``fold_mean`` and ``fold_std`` over the folds
        - ``classes``: for each label ``precision``, ``recall``, ``f1``, ``support``, and
          ``accuracy``, the share of the class's clips that is recognised (its recall)
        - ``slices``: for each group and value, ``clips`` and these figures
        - ``labels`` and ``confusion_matrix``: counts, a row for each target
        - ``expected_calibration_error`` and the ``reliability`` bins that it is made of
    """
    targets, probabilities = np.asarray(targets), np.asarray(probabilities, dtype=float)
    validate(targets, probabilities, labels)
    recognised = probabilities.argmax(axis=1)
    indices = range(len(labels))

    by_fold = list(_slices(targets, recognised, folds).values())
    names = [name for name in by_fold[0] if name != "clips"]
    report = classification_report(
        targets,
        recognised,
        labels=indices,
        target_names=labels,
        output_dict=True,
        zero_division=0,
    )
    bins = reliability(targets, probabilities)
    return {
        **headline_figures(targets, recognised),
        "fold_mean": {name: float(np.mean([fold[name] for fold in by_fold])) for name in names},
        "fold_std": {name: float(np.std([fold[name] for fold in by_fold])) for name in names},
        "folds": by_fold,
        "classes": {
            label: {
                "precision": float(report[label]["precision"]),
                "recall": float(report[label]["recall"]),
                "f1": float(report[label]["f1-score"]),
                "support": int(report[label]["support"]),
                "accuracy": float(report[label]["recall"]),
            }
            for label in labels
        },
        "slices": {name: _slices(targets, recognised, values) for name, values in groups.items()},
        "labels": list(labels),
        "confusion_matrix": confusion_matrix(targets, recognised, labels=indices).tolist(),
        "expected_calibration_error": expected_calibration_error(bins),
        "reliability": bins,
    }


def headline_figures(
    targets: NDArray[np.integer], recognised: NDArray[np.integer]
) -> dict[str, Any]:
    """Return ``clips`` and the figures of `METRICS`, both arrays of shape (n_clips,)."""
    shares = {metric.key: float(metric.compute(targets, recognised)) for metric in METRICS}
    return {"clips": len(targets), **shares}


def _slices(
    targets: NDArray[np.integer], recognised: NDArray[np.integer], values: ArrayLike
) -> dict[str, dict[str, Any]]:
    """Return the headline figures of the clips of each value, in ascending order."""
    values = np.asarray(values)
    if values.shape != targets.shape:
        raise ValueError(f"{len(values)} values given to slice {len(targets)} clips by")
    return {
        str(value): headline_figures(targets[values == value], recognised[values == value])
        for value in np.unique(values)
    }


def reliability(
    targets: NDArray[np.integer] | NDArray[np.bool_], probabilities: NDArray[np.floating]
) -> list[dict[str, Any]]:
    """Sort clips by confidence and compare it with how often they are recognised.

    Parameters
    ----------
    targets : ndarray, shape (n_clips,), or ndarray of bool, shape (n_clips, n_classes)
        Indices of classes, or which classes count as right.
    probabilities : ndarray, shape (n_clips, n_classes)

    Returns
    -------
    list of dict
        `N_BINS` bins of ``lower < confidence <= upper``: how many ``clips``, their mean
        ``confidence`` and their ``accuracy`` (both None in a bin without clips).
    """
    confidence, recognised = np.max(probabilities, axis=1), np.argmax(probabilities, axis=1)
    classes = np.arange(probabilities.shape[1])
    is_right = targets if targets.ndim > 1 else targets[:, None] == classes
    correct = is_right[np.arange(len(targets)), recognised]
    positions = np.clip(np.ceil(confidence * N_BINS) - 1, 0, N_BINS - 1).astype(int)
    bins = []
    for position in range(N_BINS):
        inside = positions == position
        bins.append(
            {
                "lower": position / N_BINS,
                "upper": (position + 1) / N_BINS,
                "clips": int(inside.sum()),
                "confidence": float(confidence[inside].mean()) if inside.any() else None,
                "accuracy": float(correct[inside].mean()) if inside.any() else None,
            }
        )
    return bins


def expected_calibration_error(bins: Sequence[Mapping[str, Any]]) -> float:
    """Return the mean gap between confidence and accuracy, weighted by the clips in each bin."""
    gaps = [
        each["clips"] * abs(each["confidence"] - each["accuracy"]) for each in bins if each["clips"]
    ]
    return sum(gaps) / sum(each["clips"] for each in bins)
