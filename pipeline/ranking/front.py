"""Score against cost: the configurations of which no better one is cheaper, by number of weights or by seconds.

Only the order of the scores counts: a configuration is dominated by one that ranks before it and costs no more (Pareto
front; Deb, Multi-Objective Optimization using Evolutionary Algorithms, 2001, section 2.4).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from pipeline.ranking.order import TRUSTED
from pipeline.trial import Summary

Cost = Callable[[Summary], float]
"""What a configuration costs, from 0 on; 0 where it is not known."""

WEIGHTS, SECONDS = "weights", "seconds"
COSTS: Final[Mapping[str, Cost]] = {WEIGHTS: lambda each: each.weights, SECONDS: lambda each: each.seconds}
"""What may be saved: the number of trainable numbers, and the mean wall time of a training in seconds."""


def competing(ranking: Sequence[Summary]) -> tuple[Summary, ...]:
    """Those of a ranking that can be on a front: no failure, and trained twice where anything was."""
    sound = [each for each in ranking if not each.failures and each.repeats]
    trusted = tuple(each for each in sound if each.repeats >= TRUSTED)
    return trusted or tuple(sound)


def front_of(ranking: Sequence[Summary], cost: str = WEIGHTS) -> tuple[Summary, ...]:
    """The non-dominated configurations of a ranking, best first, cheapest last; `cost` is one of `COSTS`."""
    return non_dominated(competing(ranking), COSTS[cost])


def marks(ranking: Sequence[Summary]) -> dict[str, str]:
    """What the ledger says of each configuration on a front, by key: on which, `weights`, `seconds` or both."""
    found: dict[str, list[str]] = {}
    for cost in COSTS:
        for each in front_of(ranking, cost):
            found.setdefault(each.key, []).append(cost)
    return {key: ", ".join(costs) for key, costs in found.items()}


def non_dominated(ranking: Iterable[Summary], cost: Cost) -> tuple[Summary, ...]:
    """The configurations, best first, that cost less than each one before them; none whose cost is not known.

    `ranking` is best first. The first with a known cost is always one, the cheapest of all is one, and each has a lower
    cost than the one before it.
    """
    front: list[Summary] = []
    cheapest = math.inf
    for each in ranking:
        if 0 < cost(each) < cheapest:
            cheapest = cost(each)
            front.append(each)
    return tuple(front)
