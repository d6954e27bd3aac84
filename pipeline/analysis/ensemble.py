"""Ensembles of the best models: networks selected on validation rows only, and the scores of their mean.

Predictions are averaged in original units, or as probabilities. The greedy selection is ensemble selection with
replacement (Caruana et al., ICML 2004, doi:10.1145/1015330.1015432).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pipeline.data.rows import Part
from pipeline.ranking.statistics import Bounded, over_rows, resampled
from pipeline.tasks import Target, objective_of_units, scores

MEAN, GREEDY = "mean", "greedy"
NAMES: Final = (MEAN, GREEDY)
STEPS: Final = 50  # selections, with repetition; the best first part of them is kept

Chosen = Mapping[str, tuple[int, ...]]
"""Name of an ensemble -> count of each network of the library."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """Networks that enter an ensemble together: their positions in the library, and their predictions.

    Predictions (rows, predicted), in units, are for rows that none of the networks was trained with.
    """

    members: tuple[int, ...]
    predictions: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Ensemble:
    """The mean of several networks, some of which may count several times, on the test rows."""

    name: str  # one of `NAMES`
    members: tuple[tuple[str, int], ...]  # key of the configuration and number of the repeat, best first
    times: tuple[int, ...]  # count of each in the mean, at least 1
    validation: float  # objective on the rows on which it was selected
    predictions: np.ndarray  # (test rows, predicted), in units
    objective: Bounded  # over the test rows
    gain: Bounded  # mean objective of single networks of the best configuration minus this one, paired by row
    scores: Mapping[str, Mapping[str, float]]  # of the task's metrics, on the test rows


def mean_of(units: np.ndarray, times: Sequence[int]) -> np.ndarray:
    """The mean (rows, predicted) of predictions (networks, rows, predicted) with these counts."""
    mean: np.ndarray = np.repeat(units, times, axis=0).mean(axis=0)
    return mean


def choose(
    candidates: Sequence[Candidate], measured: np.ndarray, weights: np.ndarray, target: Target
) -> dict[str, tuple[tuple[int, ...], float]]:
    """Choose the ensembles: for each, the count of each network of the library, and the objective on these rows.

    Measured values (rows, columns) and weights (rows,) belong to the rows that the candidates predict. Empty if there
    are fewer than two networks.
    """
    if sum(len(each.members) for each in candidates) < 2:
        return {}
    predictions = np.stack([each.predictions for each in candidates])

    def error(units: np.ndarray) -> float:
        return objective_of_units(target, measured, units, weights)

    counts = {MEAN: (1,) * len(candidates), GREEDY: greedy(predictions, error)}
    size = 1 + max(place for each in candidates for place in each.members)
    return {name: (_times(candidates, each, size), error(mean_of(predictions, each))) for name, each in counts.items()}


def _times(candidates: Sequence[Candidate], counts: Sequence[int], size: int) -> tuple[int, ...]:
    times = [0] * size
    for candidate, count in zip(candidates, counts, strict=True):
        for place in candidate.members:
            times[place] += count
    return tuple(times)


def greedy(predictions: np.ndarray, error: Callable[[np.ndarray], float]) -> tuple[int, ...]:
    """Select from `predictions` (candidates, rows, predicted), and return the count of each, in lowest terms.

    Each step adds the candidate with which the mean has the lowest error (the first one of equals). Of all beginnings
    of this sequence the best one is kept (the shortest one of equals). So the result is never worse than the best
    single candidate, and at least one candidate is selected.
    """
    total = np.zeros(predictions.shape[1:])
    counts, kept, lowest = [0] * len(predictions), [0] * len(predictions), math.inf
    for step in range(1, STEPS + 1):
        errors = [error((total + each) / step) for each in predictions]
        taken = int(np.argmin(errors))
        total = total + predictions[taken]
        counts[taken] += 1
        if errors[taken] < lowest:
            lowest, kept = errors[taken], list(counts)
    common = math.gcd(*kept)
    return tuple(count // common for count in kept)


def examined(
    name: str,
    library: Sequence[tuple[str, int]],
    times: Sequence[int],
    validation: float,
    *,
    predictions: np.ndarray,
    best: np.ndarray,
    part: Part,
    target: Target,
) -> Ensemble:
    """Score an ensemble on the test rows.

    `predictions` are those of the library (networks, rows, predicted) and `best` those of the best configuration
    (repeats, rows, predicted), all in units.
    """
    taken = [place for place, count in enumerate(times) if count]
    counts = tuple(times[place] for place in taken)
    units = mean_of(predictions[taken], counts)
    objective, gain = _over_rows(units, best, part, target)
    return Ensemble(
        name=name,
        members=tuple(library[place] for place in taken),
        times=counts,
        validation=validation,
        predictions=units,
        objective=objective,
        gain=gain,
        scores=scores(target, part.measured, units, part.weights),
    )


def _over_rows(units: np.ndarray, best: np.ndarray, part: Part, target: Target) -> tuple[Bounded, Bounded]:
    """The objective of predictions, and how much lower it is than the mean one of single networks, paired by row."""
    measured = part.measured
    if target.task.measure is None:  # a mean over the rows
        errors = target.row_errors(measured, units)
        single = np.mean([target.row_errors(measured, each) for each in best], axis=0)
        return over_rows(errors, part.weights), over_rows(single - errors, part.weights)

    def ours(weights: np.ndarray) -> float:
        return objective_of_units(target, measured, units, weights)

    def gained(weights: np.ndarray) -> float:
        return float(np.mean([objective_of_units(target, measured, each, weights) for each in best])) - ours(weights)

    return resampled(ours, part.weights), resampled(gained, part.weights)
