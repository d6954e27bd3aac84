"""Who gets more trainings, and who is recommended: a lucky training is no result."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from scipy.special import stdtrit

from pipeline.trial import Summary, Trial, ranked

SCHEDULE: Final = ((0.8, 4), (0.5, 3), (0.0, 2))  # from this part of stage 2 on, the leader's trainings
TRUSTED: Final = 2  # trainings, below which nothing is recommended
POOLED: Final = 20  # the best ones, whose deviations are pooled: those of bad configurations are of another size


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
    order = [each for each in standing(summaries) if not each.failures and each.repeats >= TRUSTED]
    deviation = pooled_deviation(order[:POOLED])
    if len(order) < 2 or not deviation:
        return []
    leader, *others = order
    challenger = min(others, key=lambda each: (each.mean - deviation / math.sqrt(each.repeats), each.key))
    apart = challenger.mean - leader.mean
    if apart > deviation / math.sqrt(challenger.repeats) + deviation / math.sqrt(leader.repeats):
        return []
    return [each for each in (leader, challenger) if trained(each) < most and each.stage != "imported"]


def pooled_deviation(summaries: Iterable[Summary]) -> float:
    """The deviation of one training, from all configurations trained more than once; 0 where there are none."""
    several = [each for each in summaries if each.std is not None]
    freedom = sum(each.repeats - 1 for each in several)
    return math.sqrt(sum((each.repeats - 1) * (each.std or 0.0) ** 2 for each in several) / freedom) if freedom else 0.0


def believed(chosen: Summary, summaries: Iterable[Summary]) -> tuple[float | None, float | None]:
    """The 95 % interval of the mean of a configuration that was chosen as the best of these; None, None without one.

    The best of many means is a lucky one, so the upper end holds for all that competed at once (Bonferroni). The
    deviation is that of the better half: the few trainings of the very best were chosen for lying low, and so together.
    """
    order = [each for each in standing(summaries) if not each.failures and each.repeats >= TRUSTED]
    pooled = order[: max(POOLED, len(order) // 2)]
    freedom = sum(each.repeats - 1 for each in pooled if each.std is not None)
    if not freedom or chosen.repeats < TRUSTED:
        return None, None
    error = pooled_deviation(pooled) / math.sqrt(chosen.repeats)
    lower, upper = stdtrit(freedom, 0.975), stdtrit(freedom, 1.0 - 0.025 / len(order))
    return chosen.mean - float(lower) * error, chosen.mean + float(upper) * error


def standing(summaries: Iterable[Summary]) -> tuple[Summary, ...]:
    """Best first: by mean + pooled deviation / sqrt(repeats), where what was trained once comes after all the others.

    Configurations with a failed training come last; ties break by key.
    """
    order = ranked(summaries)
    deviation = pooled_deviation(order[:POOLED])

    def place(summary: Summary) -> tuple[bool, bool, float, str]:
        failed, mean, key = summary.order
        trusted = summary.repeats >= TRUSTED
        return failed, not trusted, mean + (deviation / math.sqrt(summary.repeats) if trusted else 0.0), key

    return tuple(sorted(order, key=place))


def recommend(summaries: Iterable[Summary]) -> Summary | None:
    """The first of the standing, if it was trained at least twice and never failed; else None."""
    first = next(iter(standing(summaries)), None)
    return first if first is not None and not first.failures and first.repeats >= TRUSTED else None
