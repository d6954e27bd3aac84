"""Who gets more trainings, and who is recommended: a lucky training is no result."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.ranking.order import POOLED, TRUSTED, pooled_deviation, ranked
from pipeline.trial import Summary, Trial

SCHEDULE: Final = ((0.8, 4), (0.5, 3), (0.0, 2))  # from this part of stage 2 on, the leader's trainings


@dataclass(frozen=True, slots=True)
class Race:
    """How often configurations are trained: all of them `repeats` times, a contender up to `most` times."""

    repeats: int
    most: int

    def needed(self, progress: float) -> int:
        """The trainings that the leader has before anything new is tried, after this part of stage 2."""
        wanted = next(count for begin, count in SCHEDULE if progress >= begin)
        return max(self.repeats, min(self.most, wanted))


def trained(summary: Summary) -> int:
    """How many trainings a configuration has had, the failed ones included."""
    return summary.repeats + summary.failures


Leaders = Callable[[Iterable[Summary]], Sequence[Summary]]
"""Who leads: by one ranking, or by several."""

Train = Callable[[Sequence[Summary]], Sequence[Summary]]
"""Trains each as often again as it is named, side by side; answers without any when there is no more to spend."""


def race(measured: dict[str, Summary], needed: int, leaders: Leaders, train: Train, width: int = 1) -> None:
    """Train the leaders, `width` trainings at once, until they lead with enough of them.

    Rows of a workbook cannot be trained again, and a configuration that failed is not.
    """
    while True:
        sound = [each for each in leaders(measured.values()) if not each.failures and each.stage != "imported"]
        asked = _shared(sound, needed, width)
        answers = train(asked) if asked else ()
        if not answers:
            return
        measured |= {each.key: each for each in answers}


def duel(measured: dict[str, Summary], most: int, train: Train, width: int = 1) -> None:
    """Train the leader and whoever may still be better, up to `most` times, until they can be told apart.

    Who may be better is the one with the lowest mean - deviation / sqrt(repeats); the leader has the lowest sum (LUCB,
    Kalyanakrishnan et al., ICML 2012). Of the two the one with less trainings is next; `width` trainings are made at
    once.
    """
    while True:
        asked = _shared(_undecided(measured.values(), most), most, width)
        answers = train(asked) if asked else ()
        if not answers:
            return
        measured |= {each.key: each for each in answers}


def trials_again(asked: Sequence[Summary], epochs: int) -> list[Trial]:
    """The trials that train each of these as often again as it is named."""
    named = Counter(each.key for each in asked)
    return [
        Trial(each.configuration, epochs, trained(each) + named[key])
        for key, each in {each.key: each for each in asked}.items()
    ]


def _shared(among: Sequence[Summary], most: int, width: int) -> list[Summary]:
    """Who is trained next, up to `width` times in all: whoever has had the fewest, up to `most`; ties go by order."""
    counts = {each.key: trained(each) for each in among}
    known = {each.key: each for each in among}
    asked: list[Summary] = []
    for _ in range(width):
        fewest = min(counts, key=counts.__getitem__, default="")
        if not fewest or counts[fewest] >= most:
            break
        counts[fewest] += 1
        asked.append(known[fewest])
    return asked


def _undecided(summaries: Iterable[Summary], most: int) -> list[Summary]:
    """The leader and its challenger, those that may be trained again; none where the leader is told apart."""
    order = [each for each in ranked(summaries) if not each.failures and each.repeats >= TRUSTED]
    deviation = pooled_deviation(order[:POOLED])
    if len(order) < 2 or not deviation:
        return []
    leader, *others = order
    challenger = min(others, key=lambda each: (each.mean - deviation / math.sqrt(each.repeats), each.key))
    apart = challenger.mean - leader.mean
    if apart > deviation / math.sqrt(challenger.repeats) + deviation / math.sqrt(leader.repeats):
        return []
    return [each for each in (leader, challenger) if trained(each) < most and each.stage != "imported"]
