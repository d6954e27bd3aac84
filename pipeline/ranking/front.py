"""The Pareto front of score and cost, where cost is the number of weights or the seconds of a training.

A configuration is dominated by one that ranks before it and costs no more; only the order of scores counts (Deb,
Multi-Objective Optimization using Evolutionary Algorithms, 2001, section 2.4).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from pipeline.ranking.order import TRUSTED, with_models
from pipeline.trial import Summary

Cost = Callable[[Summary], float]
"""The cost of a configuration, at least 0; 0 means unknown."""

WEIGHTS, SECONDS = "weights", "seconds"
COSTS: Final[Mapping[str, Cost]] = {WEIGHTS: lambda each: each.weights, SECONDS: lambda each: each.seconds}
"""The costs: the number of trainable numbers, and the mean wall time of a training in seconds."""


def competing(ranking: Sequence[Summary]) -> tuple[Summary, ...]:
    """The configurations that can be on a front: with models and, if there are any such, trained twice."""
    sound = with_models(ranking)
    trusted = tuple(each for each in sound if each.repeats >= TRUSTED)
    return trusted or sound


def front_of(ranking: Sequence[Summary], cost: str = WEIGHTS) -> tuple[Summary, ...]:
    """The configurations of a ranking that are not dominated, from best to cheapest; `cost` is one of `COSTS`."""
    return non_dominated(competing(ranking), COSTS[cost])


def marks(ranking: Sequence[Summary]) -> dict[str, str]:
    """The labels in the ledger, by key: the fronts of a configuration, `weights`, `seconds` or both."""
    found: dict[str, list[str]] = {}
    for cost in COSTS:
        for each in front_of(ranking, cost):
            found.setdefault(each.key, []).append(cost)
    return {key: ", ".join(costs) for key, costs in found.items()}


def non_dominated(ranking: Iterable[Summary], cost: Cost) -> tuple[Summary, ...]:
    """The configurations that cost less than every better one, best first; those with unknown cost are left out.

    `ranking` is best first. The first configuration with a known cost is always on the front, and so is the cheapest.
    """
    front: list[Summary] = []
    cheapest = math.inf
    for each in ranking:
        if 0 < cost(each) < cheapest:
            cheapest = cost(each)
            front.append(each)
    return tuple(front)
