"""Multi-fidelity search: many configurations are trained for a few epochs, and the better ones for more.

A promoted training starts again with the larger limit of epochs, and all its epochs are charged: the engines do not
keep the state of optimizer and shuffling, and a learning rate schedule depends on the limit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from pipeline.ranking.order import by_mean
from pipeline.space import size
from pipeline.trial import Configuration, Evaluate, Summary, Trial
from pipeline.tuning.sampling import explore
from pipeline.tuning.stages import Exploring, Say
from pipeline.tuning.strategies.strategy import Strategy

ETA: Final = 3  # one in three is promoted, with three times the epochs


@dataclass(frozen=True, slots=True)
class Bracket:
    """The rungs of a bracket: `count` configurations begin at the first of these limits of epochs."""

    count: int
    limits: tuple[int, ...]  # ascending, the last one that of a full training

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many configurations are trained on each rung."""
        return tuple(self.count // ETA**rung for rung in range(len(self.limits)))

    @property
    def epochs(self) -> int:
        """The epochs of all rungs, with one training of each configuration."""
        return sum(many * limit for many, limit in zip(self.sizes, self.limits, strict=True))


def limits_of(epochs: int) -> tuple[int, ...]:
    """The limits of all possible rungs, ascending: a full training, a third of it, and so on, down to one epoch."""
    found = [epochs]
    while found[-1] // ETA >= 1:
        found.append(found[-1] // ETA)
    return tuple(reversed(found))


def fitted(limits: Sequence[int], epochs: int) -> Bracket:
    """The largest bracket of at most these epochs; it begins on a higher rung if too few would arrive at the top."""
    for first in range(len(limits)):
        rungs = tuple(limits[first:])
        count = _most(rungs, epochs)
        if count >= ETA ** (len(rungs) - 1):
            return Bracket(count, rungs)
    return Bracket(0, tuple(limits[-1:]))


def _most(limits: tuple[int, ...], epochs: int) -> int:
    low, high = 0, epochs // limits[0]
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if Bracket(middle, limits).epochs <= epochs else (low, middle - 1)
    return low


@dataclass(frozen=True)
class Halving(Strategy):
    """Successive halving from the lowest rung (Jamieson and Talwalkar 2016, arXiv:1502.07943), with the given epochs.

    On each rung the best third is promoted to three times the epochs.
    """

    help: ClassVar[str] = "most trainings stop after few epochs, the better third continues (successive halving)"
    design: ClassVar[str] = "successive halving"
    nested: ClassVar[bool] = False
    screens: ClassVar[bool] = True

    @property
    def facts(self) -> Mapping[str, object]:
        """The kind of brackets, which studies store."""
        return {"rungs": "halving"}

    def explore(self, asked: Exploring, evaluate: Evaluate, say: Say) -> tuple[Summary, ...]:
        """Run one bracket; the answers are those of all rungs."""
        epochs = asked.budget.epochs
        return _climbed(fitted(limits_of(epochs), asked.configurations * epochs), asked, evaluate, say, set())


@dataclass(frozen=True)
class Hyperband(Strategy):
    """Hyperband (Li et al. 2018, jmlr.org/papers/v18/16-558.html): a bracket from each rung, with equal epochs.

    A single pass of all brackets takes the given epochs, instead of many passes of brackets of a fixed size.
    """

    help: ClassVar[str] = "several runs of successive halving, which begin with few, more and all epochs"
    design: ClassVar[str] = "Hyperband"
    nested: ClassVar[bool] = False
    screens: ClassVar[bool] = True

    @property
    def facts(self) -> Mapping[str, object]:
        """The kind of brackets, which studies store."""
        return {"rungs": "hyperband"}

    def explore(self, asked: Exploring, evaluate: Evaluate, say: Say) -> tuple[Summary, ...]:
        """Run all brackets; the answers are those of all their rungs."""
        limits, left = limits_of(asked.budget.epochs), asked.configurations * asked.budget.epochs
        found: tuple[Summary, ...] = ()
        taken: set[str] = set()
        for first in range(len(limits)):
            bracket = fitted(limits[first:], left // (len(limits) - first))
            if found and asked.over(found):
                break
            found += _climbed(bracket, asked, evaluate, say, taken)
            left -= bracket.epochs
        return found


def _climbed(bracket: Bracket, asked: Exploring, evaluate: Evaluate, say: Say, taken: set[str]) -> tuple[Summary, ...]:
    """The answers of a bracket, rung by rung; the configurations that it begins with are added to `taken`."""
    going = _beginners(bracket.count, asked, say, taken)
    found: tuple[Summary, ...] = ()
    for rung, limit in enumerate(bracket.limits):
        if rung and asked.limits.elapsed() >= asked.share and limit < asked.budget.epochs:
            going = going[:1]  # out of time: the leader is promoted at once
            continue
        if not going:
            break
        answers = evaluate([Trial(each, limit, asked.budget.repeats) for each in going])
        found += answers
        good = [each.configuration for each in by_mean(answers) if not each.failures]
        going = good[: max(1, len(going) // ETA)]
    return found


def _beginners(count: int, asked: Exploring, say: Say, taken: set[str]) -> list[Configuration]:
    """New configurations: those to try first, then those of the study's random stream."""
    first = [each for each in asked.first if each.key not in taken][:count]
    known = asked.touched | taken | {each.key for each in first}
    found = [*first, *explore(asked.space, count - len(first), seed=asked.budget.seed, known=known)]
    taken |= {each.key for each in found}
    if len(found) < count:
        say(
            f"The search space is used up: {len(found)} of {count} configurations are left (it has"
            f" {size(asked.space)}). The search continues with those."
        )
    return found
