"""The ranking of configurations, which the search, predictors, page and workbook share.

A single lucky training is not a result: a configuration that was trained once ranks behind all that were trained twice,
and the fewer trainings a mean is taken over, the larger the allowance that is added to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from pipeline.trial import Summary

TRUSTED: Final = 2  # least trainings of a configuration that is recommended
POOLED: Final = 20  # best configurations whose deviations are pooled; bad ones have other deviations


def by_mean(summaries: Iterable[Summary]) -> tuple[Summary, ...]:
    """Sort by mean, lowest first, whatever the number of trainings; see `Summary.order`. Used by stage 1."""
    return tuple(sorted(summaries, key=lambda summary: summary.order))


def ranked(summaries: Iterable[Summary]) -> tuple[Summary, ...]:
    """Sort by mean + pooled deviation / sqrt(repeats), lowest first; those trained once come after the others.

    Configurations with a failed training come last; ties are broken by key.
    """
    order = by_mean(summaries)
    deviation = pooled_deviation(order[:POOLED])

    def place(summary: Summary) -> tuple[bool, bool, float, str]:
        failed, mean, key = summary.order
        trusted = summary.repeats >= TRUSTED
        return failed, not trusted, mean + (deviation / math.sqrt(summary.repeats) if trusted else 0.0), key

    return tuple(sorted(order, key=place))


def recommend(summaries: Iterable[Summary]) -> Summary | None:
    """The first configuration of the ranking, if it was trained at least twice and never failed; else None."""
    first = next(iter(ranked(summaries)), None)
    return first if first is not None and not first.failures and first.repeats >= TRUSTED else None


def pooled_deviation(summaries: Iterable[Summary]) -> float:
    """The standard deviation of a training, pooled over all configurations trained more than once; 0 without any."""
    several = [each for each in summaries if each.std is not None]
    freedom = sum(each.repeats - 1 for each in several)
    return math.sqrt(sum((each.repeats - 1) * (each.std or 0.0) ** 2 for each in several) / freedom) if freedom else 0.0


def selection_interval(chosen: Summary, summaries: Iterable[Summary]) -> tuple[float | None, float | None]:
    """The 95 % interval of the mean of a configuration that was chosen as the best of these; None, None without one.

    The best of many means is too low by chance, so the upper end is corrected for the number of configurations
    (Bonferroni). The deviation is that of the better half: the few trainings of the best configuration were selected
    for low scores, and therefore scatter too little.
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
