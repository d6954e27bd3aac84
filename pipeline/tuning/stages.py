"""What the two stages of a strategy are given, and what they return."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.space import Space
from pipeline.trial import Configuration, Summary
from pipeline.tuning.budget import Budget
from pipeline.tuning.stopping import Limits
from pipeline.tuning.surrogate.posterior_curve import PosteriorCurve

Say = Callable[[str], None]
"""Shows the user a sentence; the run goes on."""

Open = Callable[[Mapping[str, object]], Sequence[Summary]]
"""Opens stage 2 with everything that it depends on, and returns the full trainings known when it was first opened.

Equal facts (plain JSON values) are the same stage 2, resumed; other facts are a new one, which learns from the earlier.
"""


@dataclass(frozen=True, slots=True)
class Exploring:
    """What stage 1 is given. It may use the epochs of `configurations` x `budget.repeats` full trainings."""

    space: Space
    budget: Budget
    configurations: int  # to try: those of the budget, or what its trainings pay for
    limits: Limits  # that may end stage 1 before
    share: float = 1.0  # of the time that it may take
    first: tuple[Configuration, ...] = ()  # tried before all others, and counted
    known: frozenset[str] = frozenset()  # keys of configurations with full trainings: not tried again
    touched: frozenset[str] = frozenset()  # and of those with any trainings

    def over(self, found: Iterable[Summary]) -> bool:
        """True when nothing more is to be tried after these answers."""
        return self.limits.elapsed() >= self.share or bool(self.limits.met(full(found, self.budget)))


def full(found: Iterable[Summary], budget: Budget) -> tuple[Summary, ...]:
    """The summaries of full trainings: those with fewer epochs are never compared with them."""
    return tuple(each for each in found if each.epochs == budget.epochs)


def cost(found: Iterable[Summary], budget: Budget) -> int:
    """How many full trainings have as many epochs as these summaries with all their repeats; rounded up."""
    return math.ceil(sum(budget.repeats * each.epochs for each in found) / budget.epochs)


@dataclass(frozen=True, slots=True)
class Refining:
    """What stage 2 is given."""

    space: Space
    budget: Budget
    elite: tuple[Summary, ...]  # of stage 1, best first; empty where every configuration failed
    found: tuple[Summary, ...]  # of all full trainings known
    proposals: int  # of a search that makes one after the other
    limits: Limits  # that may end stage 2 before all proposals are made


@dataclass(frozen=True, slots=True)
class Search:
    """One search of stage 2: the configuration that it started from, where it looked, and what it tried, in order."""

    elite: Summary
    box: Space
    found: tuple[Summary, ...]


@dataclass(frozen=True, slots=True)
class Refined:
    """What stage 2 returns: its searches, and the latest summary of everything that it knows."""

    searches: tuple[Search, ...]
    measured: tuple[Summary, ...]
    ended: str = ""  # why stage 2 ended, as the end of a sentence
    curves: tuple[PosteriorCurve, ...] = ()  # of a search in one dimension, after each evaluation
