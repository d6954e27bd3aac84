"""Who is trained again: a single lucky training does not make a leader."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from pipeline.ranking.order import POOLED, TRUSTED, pooled_deviation, ranked
from pipeline.trial import Summary, Trial
from pipeline.tuning.budget import Budget

SCHEDULE: Final = ((0.8, 4), (0.5, 3), (0.0, 2))  # from this share of stage 2 on, the leader's trainings


def leader_repeats(budget: Budget, progress: float) -> int:
    """The trainings that the leader has before anything new is tried, after this share of stage 2."""
    wanted = next(count for begin, count in SCHEDULE if progress >= begin)
    return max(budget.repeats, min(budget.contender_repeats, wanted))


def trained(summary: Summary) -> int:
    """How many trainings a configuration has had, the failed ones included."""
    return summary.repeats + summary.failures


Leaders = Callable[[Iterable[Summary]], Sequence[Summary]]
"""Who leads: by one ranking, or by several."""

Train = Callable[[Sequence[Summary]], Sequence[Summary]]
"""Trains each once more for each time that it is listed, side by side; returns none when the budget is used up."""


def race(measured: dict[str, Summary], needed: int, leaders: Leaders, train: Train, together: int = 1) -> None:
    """Train the leaders, `together` trainings at once, until those that lead have `needed` of them.

    Rows of a workbook cannot be trained again, and a configuration that failed is not.
    """
    while True:
        sound = [each for each in leaders(measured.values()) if not each.failures and each.stage != "imported"]
        asked = _shared(sound, needed, together)
        answers = train(asked) if asked else ()
        if not answers:
            return
        measured |= {each.key: each for each in answers}


def duel(measured: dict[str, Summary], needed: int, train: Train, together: int = 1) -> None:
    """Train the leader and its challenger, up to `needed` times each, until their difference is clear.

    The challenger is the one with the lowest mean - deviation / sqrt(repeats); the leader has the lowest sum (LUCB,
    Kalyanakrishnan et al., ICML 2012). Of the two the one with fewer trainings is next; `together` trainings are made
    at once.
    """
    while True:
        asked = _shared(_undecided(measured.values(), needed), needed, together)
        answers = train(asked) if asked else ()
        if not answers:
            return
        measured |= {each.key: each for each in answers}


def trials_again(asked: Sequence[Summary], epochs: int) -> list[Trial]:
    """The trials that train each of these once more for each time that it is listed."""
    listed = Counter(each.key for each in asked)
    return [
        Trial(each.configuration, epochs, trained(each) + listed[key])
        for key, each in {each.key: each for each in asked}.items()
    ]


def _shared(among: Sequence[Summary], needed: int, together: int) -> list[Summary]:
    """Who is trained next, `together` times in all: whoever has had the fewest, up to `needed`; ties go by order."""
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
    """The leader and its challenger, those of them that may be trained again; none where the difference is clear."""
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
