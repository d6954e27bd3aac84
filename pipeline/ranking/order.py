"""The ranking of configurations, which the search, predictors, page and workbook share.

A single lucky training is not a result: a configuration that was trained once ranks behind all that were trained twice,
and the fewer trainings a mean is taken over, the larger the allowance that is added to it.

Imported results stand in it, too, and may be ahead of everything else, but they have no networks here: *the best* of a
study is the first of `with_models`, wherever a best is named, counted from or reloaded.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
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


def with_models(ranking: Iterable[Summary]) -> tuple[Summary, ...]:
    """The configurations of a ranking that were trained here without a failure, best first: they have saved networks.

    The first of them is the best of the study.
    """
    return tuple(each for each in ranking if each.stage != "imported" and each.repeats and not each.failures)


def ahead(ranking: Sequence[Summary]) -> tuple[Summary, ...]:
    """The imported results of a ranking that stand before the best with models, best first."""
    best = next(iter(with_models(ranking)), None)
    before = itertools.takewhile(lambda each: each is not best, ranking)
    return tuple(each for each in before if each.stage == "imported")


def ahead_in_words(ranking: Sequence[Summary]) -> str:
    """How many imported results are `ahead`, and of how many if not of all, as in "2 of 3 imported results"."""
    few, many = len(ahead(ranking)), sum(each.stage == "imported" for each in ranking)
    plural = "" if many == 1 else "s"
    return f"{few} {f'of {many} ' if few < many else ''}imported result{plural}"


def ranks(ranking: Iterable[Summary]) -> dict[str, int]:
    """The rank of each configuration, by key, from 1 for the best with models; imported results have none."""
    return {each.key: rank for rank, each in enumerate((each for each in ranking if each.stage != "imported"), 1)}


def recommend(summaries: Iterable[Summary]) -> Summary | None:
    """The best with models, if it was trained at least twice; else None."""
    best = next(iter(with_models(ranked(summaries))), None)
    return best if best is not None and best.repeats >= TRUSTED else None


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

    order = [each for each in with_models(ranked(summaries)) if each.repeats >= TRUSTED]
    pooled = order[: max(POOLED, len(order) // 2)]
    freedom = sum(each.repeats - 1 for each in pooled if each.std is not None)
    if not freedom or chosen.repeats < TRUSTED:
        return None, None
    error = pooled_deviation(pooled) / math.sqrt(chosen.repeats)
    lower, upper = quantile(freedom), quantile(freedom, 1.0 - 0.025 / len(order))
    return chosen.mean - lower * error, chosen.mean + upper * error
