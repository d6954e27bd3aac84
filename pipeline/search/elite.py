"""The rule that picks what stage 2 looks at: any function of this shape can take its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.models.tapered import structure
from pipeline.trial import Summary, Value, ranked

Elite = Callable[[Sequence[Summary], int], tuple[Summary, ...]]
"""From the summaries of stage 1 to at most so many of them, best first."""

AMONG = 20  # the best ones that compete, as in the original two-stage search


def best_of_each_depth(summaries: Sequence[Summary], count: int) -> tuple[Summary, ...]:
    """The best configuration of each number of hidden layers among the 20 best, at most `count`, best first.

    Configurations with a failed repeat are never elite. Configurations without hidden layers have one depth.
    """
    chosen: dict[Value, Summary] = {}
    for summary in ranked(summaries)[:AMONG]:
        if summary.failures == 0 and summary.repeats > 0:
            chosen.setdefault(structure(summary.configuration)[0] or 0, summary)
    return tuple(chosen.values())[:count]
