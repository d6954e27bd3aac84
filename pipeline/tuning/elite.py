"""The rules that select the elite, from which stage 2 starts."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.models import LAYERS, Layers
from pipeline.ranking.front import non_dominated
from pipeline.ranking.order import by_mean
from pipeline.trial import Summary, Value

AMONG = 20  # best configurations considered, as in the original two-stage search


def best_of_each_depth(summaries: Sequence[Summary], count: int, layers: Layers = LAYERS) -> tuple[Summary, ...]:
    """The best configuration of each number of hidden layers among the 20 best, at most `count`, best first.

    Configurations with a failed repeat are never elite. Configurations without hidden layers have one depth.
    """
    chosen: dict[Value, Summary] = {}
    for summary in by_mean(summaries)[:AMONG]:
        if summary.failures == 0 and summary.repeats > 0:
            chosen.setdefault(layers.of(summary.configuration)[0] or 0, summary)
    return tuple(chosen.values())[:count]


def elite_of_front(summaries: Sequence[Summary], count: int) -> tuple[Summary, ...]:
    """At most `count` of the non-dominated configurations of the 20 best, evenly along the front, the best one first.

    Their cost is the number of weights, which follows from the configuration. With seconds, each rerun would have
    another elite, and so another stage 2. If no number of weights is known, the front is the best configuration.
    Configurations with a failed repeat are never elite.
    """
    sound = tuple(each for each in by_mean(summaries)[:AMONG] if each.failures == 0 and each.repeats > 0)
    front = non_dominated(sound, lambda each: each.weights) or sound[:1]
    if len(front) <= count or count < 2:
        return front[:count]
    steps = (len(front) - 1) / (count - 1)
    return tuple(front[round(place * steps)] for place in range(count))
