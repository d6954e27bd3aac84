"""The inputs and results of the two stages of a strategy."""

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
"""Shows the user a sentence; the run continues."""

Open = Callable[[Mapping[str, object]], Sequence[Summary]]
"""Opens stage 2 with everything that it depends on. Returns the full trainings known when it was first opened.

Equal facts (plain JSON values) mean the same stage 2, resumed; other facts a new one, which learns from the earlier.
"""


@dataclass(frozen=True, slots=True)
class Exploring:
    """The inputs of stage 1. It may use the epochs of `configurations` x `budget.repeats` full trainings."""

    space: Space
    budget: Budget
    configurations: int  # to try: as in the budget, or as many as its trainings allow
    limits: Limits  # that may end stage 1 earlier
    share: float = 1.0  # fraction of the time that it may take
    first: tuple[Configuration, ...] = ()  # tried before all others, and counted
    known: frozenset[str] = frozenset()  # keys of configurations with full trainings: not tried again
    touched: frozenset[str] = frozenset()  # keys of those with any trainings

    def over(self, found: Iterable[Summary]) -> bool:
        """True if nothing more should be tried after these answers."""
        return self.limits.elapsed() >= self.share or bool(self.limits.met(full(found, self.budget)))


def full(found: Iterable[Summary], budget: Budget) -> tuple[Summary, ...]:
    """The summaries of full trainings; those with fewer epochs are never compared with them."""
    return tuple(each for each in found if each.epochs == budget.epochs)


def cost(found: Iterable[Summary], budget: Budget) -> int:
    """The cost of these summaries with all their repeats in full trainings, by epochs, rounded up."""
    return math.ceil(sum(budget.repeats * each.epochs for each in found) / budget.epochs)


@dataclass(frozen=True, slots=True)
class Refining:
    """The inputs of stage 2."""

    space: Space
    budget: Budget
    elite: tuple[Summary, ...]  # of stage 1, best first; empty if every configuration failed
    found: tuple[Summary, ...]  # of all full trainings known
    proposals: int  # of a search that makes them one after the other
    limits: Limits  # that may end stage 2 before all proposals are made


@dataclass(frozen=True, slots=True)
class Search:
    """One search of stage 2: its start, its box, and the configurations that it tried, in order."""

    elite: Summary
    box: Space
    found: tuple[Summary, ...]


@dataclass(frozen=True, slots=True)
class Refined:
    """The result of stage 2: its searches, and the latest summary of every known configuration."""

    searches: tuple[Search, ...]
    measured: tuple[Summary, ...]
    ended: str = ""  # the reason why stage 2 ended, as the end of a sentence
    curves: tuple[PosteriorCurve, ...] = ()  # of a search in one dimension, after each evaluation
