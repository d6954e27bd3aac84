"""The non-dominated set: what costs less than everything that is better.

Where nothing is told of scores but their order, a configuration is dominated by one that stands before it and costs no
more (Pareto front; Deb, Multi-Objective Optimization using Evolutionary Algorithms, 2001, section 2.4).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from pipeline.search.elite import AMONG
from pipeline.trial import Summary, ranked

Cost = Callable[[Summary], float]
"""What a configuration costs, from 0 on; 0 where it is not known."""


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


def elite_of_front(summaries: Sequence[Summary], count: int) -> tuple[Summary, ...]:
    """At most `count` of the non-dominated configurations of the 20 best, evenly along the front, the best one first.

    What they cost is their number of weights: that is a function of the configuration. Seconds are not, and another
    elite at every rerun would make a stage 2 of its own of each. Configurations with a failed repeat are never elite.
    """
    sound = [each for each in ranked(summaries)[:AMONG] if each.failures == 0 and each.repeats > 0]
    front = non_dominated(sound, lambda each: each.weights)
    if len(front) <= count or count < 2:
        return front[:count]
    steps = (len(front) - 1) / (count - 1)
    return tuple(front[round(place * steps)] for place in range(count))
