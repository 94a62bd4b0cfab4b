"""How a perceptron learns: from rows drawn anew in each epoch, and mixes of them.

Scikit-learn's `MLPClassifier` learns from fixed rows with one class each. Here a row may have
several candidate classes, of which one is right, and the rows of an epoch are drawn by a function:
which clips and copies, relative to which clips of the same speaker. Hidden units are dropped at
random. What is learnt is stored as an `MLPClassifier`, see `ser.model.boxes`.

References
----------
Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 15,
2014.
Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018.
Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015.
Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017
(the cosine schedule).
Jin and Ghahramani, "Learning with Multiple Labels", NeurIPS 2002 (candidate classes).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ser.errors import SerError

Floats = NDArray[np.float32]

Draw = Callable[[np.random.Generator], tuple[Floats, Floats]]
"""Draws the rows of an epoch, shape (n_rows, n_inputs), and 1 for each of their candidate classes,
0 for the others, shape (n_rows, n_classes)."""

FIRST_MOMENT, SECOND_MOMENT, EPSILON = 0.9, 0.999, 1e-8  # of Adam, as its authors suggest


@dataclass(frozen=True)
class Layers:
    """Weights and biases of a perceptron with one hidden layer of rectified linear units.

    Attributes
    ----------
    first, second : ndarray of float32, shapes (n_inputs, n_units) and (n_units, n_classes)
    first_bias, second_bias : ndarray of float32, shapes (n_units,) and (n_classes,)
    """

    first: Floats
    first_bias: Floats
    second: Floats
    second_bias: Floats


@dataclass(frozen=True)
class LearningSettings:
    """How a perceptron learns.

    Attributes
    ----------
    hidden_units : int
    alpha : float
        Strength of the L2 penalty, as in scikit-learn's `MLPClassifier`.
    dropout : float
        Share of the hidden units that are dropped from each row.
    mixup : float
        Parameter of the Beta distribution from which mixing weights are drawn.
    learning_rate : float
        In the first epoch; it falls to zero along a cosine.
    batch_size, n_epochs : int
    """

    hidden_units: int = 512
    alpha: float = 2.0
    dropout: float = 0.4
    mixup: float = 0.4
    learning_rate: float = 1.4e-3
    batch_size: int = 256
    n_epochs: int = 25


def fit_perceptron(draw: Draw, settings: LearningSettings, rng: np.random.Generator) -> Layers:
    """Fit a perceptron.

    Parameters
    ----------
    draw : callable
        See `Draw`.
    settings : LearningSettings
    rng : numpy.random.Generator
        The same state gives the same perceptron.
    """
    network = None
    for epoch in range(settings.n_epochs):
        rate = settings.learning_rate * (1 + np.cos(np.pi * epoch / settings.n_epochs)) / 2
        rows, candidates = draw(rng)
        network = network or _Network(rows.shape[1], candidates.shape[1], settings, rng)
        first, second = rng.permutation(len(rows)), rng.permutation(len(rows))
        weight = rng.beta(settings.mixup, settings.mixup, len(rows)).astype(np.float32)
        # A mix has the candidates of one of its rows, drawn as probable as its weight.
        kept = np.where(rng.random(len(rows)) < weight, first, second)
        for start in range(0, len(rows), settings.batch_size):
            batch = slice(start, start + settings.batch_size)
            of_first = weight[batch, None]
            mixed = rows[first[batch]] * of_first + rows[second[batch]] * (1 - of_first)
            network.step(mixed, candidates[kept[batch]], rate)
    if network is None:
        raise SerError(f"n_epochs is {settings.n_epochs}; give 1 or more.")
    return Layers(*network.parameters)


class _Network:
    """A perceptron during fitting."""

    def __init__(
        self,
        n_inputs: int,
        n_classes: int,
        settings: LearningSettings,
        rng: np.random.Generator,
    ) -> None:
        self.settings, self.rng, self.n_steps = settings, rng, 0
        sizes = [(n_inputs, settings.hidden_units), (settings.hidden_units, n_classes)]
        self.parameters = []
        for size in sizes:
            bound = np.sqrt(6 / sum(size))  # Glorot and Bengio, 2010
            weights = rng.uniform(-bound, bound, size).astype(np.float32)
            self.parameters += [weights, np.zeros(size[1], np.float32)]
        self.first_moments = [np.zeros_like(each) for each in self.parameters]
        self.second_moments = [np.zeros_like(each) for each in self.parameters]

    def step(self, rows: Floats, candidates: Floats, rate: float) -> None:
        """Learn from a batch by one step of Adam."""
        first, first_bias, second, second_bias = self.parameters
        hidden = np.maximum(rows @ first + first_bias, 0)
        keep = np.float32(1 - self.settings.dropout)
        passed = (self.rng.random(hidden.shape, dtype=np.float32) < keep) / keep
        hidden *= passed
        logits = hidden @ second + second_bias
        known = np.exp(logits - logits.max(axis=1, keepdims=True))
        known /= known.sum(axis=1, keepdims=True)
        # The likelihood is that of any candidate: each is right as far as it is held probable.
        wanted = known * candidates + np.finfo(np.float32).tiny * candidates
        wanted /= wanted.sum(axis=1, keepdims=True)
        error = (known - wanted) / np.float32(len(rows))
        back = (error @ second.T) * passed * (hidden > 0)
        decay = np.float32(self.settings.alpha / len(rows))
        self._move(
            [
                rows.T @ back + decay * first,
                back.sum(axis=0),
                hidden.T @ error + decay * second,
                error.sum(axis=0),
            ],
            rate,
        )

    def _move(self, gradients: list[Floats], rate: float) -> None:
        self.n_steps += 1
        correction = np.sqrt(1 - SECOND_MOMENT**self.n_steps) / (1 - FIRST_MOMENT**self.n_steps)
        size = np.float32(rate * correction)
        for values, gradient, first, second in zip(
            self.parameters, gradients, self.first_moments, self.second_moments, strict=True
        ):
            first += np.float32(1 - FIRST_MOMENT) * (gradient - first)
            second += np.float32(1 - SECOND_MOMENT) * (gradient * gradient - second)
            values -= size * first / (np.sqrt(second) + np.float32(EPSILON))
