"""Who is best: the one ranking that search, predictors, page and workbook share.

A lucky training is no result: what was trained once ranks behind everything that was trained twice, and a mean counts
for less the fewer trainings it comes from.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from pipeline.trial import Summary

TRUSTED: Final = 2  # trainings, below which nothing is recommended
POOLED: Final = 20  # the best ones, whose deviations are pooled: those of bad configurations are of another size


def by_mean(summaries: Iterable[Summary]) -> tuple[Summary, ...]:
    """The lowest mean first, lucky or not; see `Summary.order`. What stage 1 and its elite go by."""
    return tuple(sorted(summaries, key=lambda summary: summary.order))


def ranked(summaries: Iterable[Summary]) -> tuple[Summary, ...]:
    """The ranking, best first: by mean + pooled deviation / sqrt(repeats); what was trained once ranks behind.

    Configurations with a failed training come last; ties break by key.
    """
    order = by_mean(summaries)
    deviation = pooled_deviation(order[:POOLED])

    def place(summary: Summary) -> tuple[bool, bool, float, str]:
        failed, mean, key = summary.order
        trusted = summary.repeats >= TRUSTED
        return failed, not trusted, mean + (deviation / math.sqrt(summary.repeats) if trusted else 0.0), key

    return tuple(sorted(order, key=place))


def recommend(summaries: Iterable[Summary]) -> Summary | None:
    """The first of the ranking, if it was trained at least twice and never failed; else None."""
    first = next(iter(ranked(summaries)), None)
    return first if first is not None and not first.failures and first.repeats >= TRUSTED else None


def pooled_deviation(summaries: Iterable[Summary]) -> float:
    """The deviation of one training, from all configurations trained more than once; 0 where there are none."""
    several = [each for each in summaries if each.std is not None]
    freedom = sum(each.repeats - 1 for each in several)
    return math.sqrt(sum((each.repeats - 1) * (each.std or 0.0) ** 2 for each in several) / freedom) if freedom else 0.0


def selection_interval(chosen: Summary, summaries: Iterable[Summary]) -> tuple[float | None, float | None]:
    """The 95 % interval of the mean of a configuration that was chosen as the best of these; None, None without one.

    The best of many means is a lucky one, so the upper end holds for all that competed at once (Bonferroni). The
    deviation is that of the better half: the few trainings of the very best were chosen for lying low, and so together.
    """
    from pipeline.ranking.statistics import quantile  # deferred: scipy takes a third of a second, and --help reads this

    order = [each for each in ranked(summaries) if not each.failures and each.repeats >= TRUSTED]
    pooled = order[: max(POOLED, len(order) // 2)]
    freedom = sum(each.repeats - 1 for each in pooled if each.std is not None)
    if not freedom or chosen.repeats < TRUSTED:
        return None, None
    error = pooled_deviation(pooled) / math.sqrt(chosen.repeats)
    lower, upper = quantile(freedom), quantile(freedom, 1.0 - 0.025 / len(order))
    return chosen.mean - lower * error, chosen.mean + upper * error
