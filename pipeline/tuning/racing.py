"""Racing: which configurations are retrained, so that a single lucky training does not win."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from pipeline.ranking.order import POOLED, TRUSTED, pooled_deviation, ranked
from pipeline.trial import Summary, Trial
from pipeline.tuning.budget import Budget

SCHEDULE: Final = ((0.8, 4), (0.5, 3), (0.0, 2))  # fraction of stage 2, and the leader's trainings from then on


def leader_repeats(budget: Budget, progress: float) -> int:
    """The trainings that the leader needs before anything new is tried, after this fraction of stage 2."""
    wanted = next(count for begin, count in SCHEDULE if progress >= begin)
    return max(budget.repeats, min(budget.contender_repeats, wanted))


def trained(summary: Summary) -> int:
    """The number of trainings of a configuration, including failed ones."""
    return summary.repeats + summary.failures


Leaders = Callable[[Iterable[Summary]], Sequence[Summary]]
"""The leaders, by one ranking or by several."""

Train = Callable[[Sequence[Summary]], Sequence[Summary]]
"""Trains each configuration once more per occurrence, in parallel; returns none if the budget is used up."""


def race(measured: dict[str, Summary], needed: int, leaders: Leaders, train: Train, together: int = 1) -> None:
    """Train the leaders, `together` trainings at once, until the current leaders have `needed` trainings.

    Imported results cannot be retrained, and failed configurations are not.
    """
    while True:
        sound = [each for each in leaders(measured.values()) if not each.failures and each.stage != "imported"]
        asked = _shared(sound, needed, together)
        answers = train(asked) if asked else ()
        if not answers:
            return
        measured |= {each.key: each for each in answers}


def duel(measured: dict[str, Summary], needed: int, train: Train, together: int = 1) -> None:
    """Retrain the leader and its challenger, up to `needed` times each, until their difference is clear.

    The leader has the lowest mean + deviation / sqrt(repeats), the challenger the lowest mean - deviation /
    sqrt(repeats) (LUCB, Kalyanakrishnan et al., ICML 2012). Of the two the one with fewer trainings is next;
    `together` trainings are made at once.
    """
    while True:
        asked = _shared(_undecided(measured.values(), needed), needed, together)
        answers = train(asked) if asked else ()
        if not answers:
            return
        measured |= {each.key: each for each in answers}


def trials_again(asked: Sequence[Summary], epochs: int) -> list[Trial]:
    """The trials that train each of these once more per occurrence."""
    listed = Counter(each.key for each in asked)
    return [
        Trial(each.configuration, epochs, trained(each) + listed[key])
        for key, each in {each.key: each for each in asked}.items()
    ]


def _shared(among: Sequence[Summary], needed: int, together: int) -> list[Summary]:
    """The next `together` trainings: of those with the fewest so far, up to `needed`; ties are broken by order."""
    counts = {each.key: trained(each) for each in among}
    known = {each.key: each for each in among}
    asked: list[Summary] = []
    for _ in range(together):
        fewest = min(counts, key=counts.__getitem__, default="")
        if not fewest or counts[fewest] >= needed:
            break
        counts[fewest] += 1
        asked.append(known[fewest])
    return asked


def _undecided(summaries: Iterable[Summary], needed: int) -> list[Summary]:
    """The leader and its challenger, if they may be retrained; none if their difference is clear."""
    order = [each for each in ranked(summaries) if not each.failures and each.repeats >= TRUSTED]
    deviation = pooled_deviation(order[:POOLED])
    if len(order) < 2 or not deviation:
        return []
    leader, *others = order
    challenger = min(others, key=lambda each: (each.mean - deviation / math.sqrt(each.repeats), each.key))
    apart = challenger.mean - leader.mean
    if apart > deviation / math.sqrt(challenger.repeats) + deviation / math.sqrt(leader.repeats):
        return []
    return [each for each in (leader, challenger) if trained(each) < needed and each.stage != "imported"]
