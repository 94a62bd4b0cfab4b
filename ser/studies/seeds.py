"""How much figures vary with the seed: their mean over several seeds, and its spread."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import mean, stdev
from types import ModuleType
from typing import Any

from ser.studies.common import StudyOptions
from ser.training.metrics import percent

SPREAD = "spread"
"""Key beside figures under which their standard deviations over seeds are."""


def run_seeds(
    study: ModuleType, options: StudyOptions, seeds: Sequence[int]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Run a study with each seed, and yield name and figures of one row after another.

    Parameters
    ----------
    study : module
        See `ser.studies`.
    options : StudyOptions
        Their seed is replaced.
    seeds : sequence of int

    Yields
    ------
    tuple of (str, dict)
        See `mean_and_spread`.
    """
    runs = (study.run(replace(options, seed=seed)) for seed in seeds)
    for rows in zip(*runs, strict=True):  # row by row, so that each is there early
        yield rows[0][0], mean_and_spread([figures for _, figures in rows])


def mean_and_spread(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Combine the figures of runs that differ in their seed.

    Parameters
    ----------
    results : sequence of dict
        With the same keys, dicts in them included, such as the rows of studies or the entries of
        protocols in ``metrics.json``.

    Returns
    -------
    dict
        Numbers are means; of everything else the first. Beside numbers that differ there is a dict
        `SPREAD` of their standard deviations (of a sample: divided by one less than the number of
        runs).
    """
    combined = {key: _combine([each[key] for each in results]) for key in results[0]}
    spread = {
        key: stdev(values)
        for key in results[0]
        if _are_numbers(values := [each[key] for each in results]) and len(set(values)) > 1
    }
    return {**combined, SPREAD: spread} if spread else combined


def _combine(values: Sequence[Any]) -> Any:
    if all(isinstance(value, Mapping) for value in values):
        return mean_and_spread(values)
    if _are_numbers(values) and len(set(values)) > 1:
        return mean(values)
    return values[0]


def _are_numbers(values: Sequence[Any]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def with_spread(figures: Mapping[str, Any], key: str) -> str:
    """Write a share as a percentage, ± its standard deviation over seeds if there are several."""
    spread = figures.get(SPREAD, {}).get(key)
    return percent(figures[key]) + (f" ± {percent(spread)}" if spread is not None else "")
