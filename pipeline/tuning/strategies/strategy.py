"""What a strategy is: how stage 1 explores, and what stage 2 makes of that. Everything else about a study is given."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.space import Narrowing, Space
from pipeline.trial import Configuration, Evaluate, Summary
from pipeline.tuning.racing import Race
from pipeline.tuning.stopping import Limits
from pipeline.tuning.surrogate.belief import Belief

Say = Callable[[str], None]
"""Tells the user something that the run goes on with."""


@dataclass(frozen=True, slots=True)
class Exploring:
    """What stage 1 is asked for. It spends at most the epochs of `configurations` x `repeats` full trainings."""

    space: Space
    configurations: int
    repeats: int
    epochs: int  # of a full training
    seed: int
    first: tuple[Configuration, ...] = ()  # tried before all others, and counted
    known: frozenset[str] = frozenset()  # keys of what was trained in full before: not tried again
    touched: frozenset[str] = frozenset()  # and of what was trained at all
    limits: Limits = field(default_factory=Limits)  # that may end it before
    share: float = 1.0  # part of the time that it may take

    def over(self, found: Iterable[Summary]) -> bool:
        """True when nothing more is to be tried after these answers."""
        return self.limits.spent() >= self.share or bool(self.limits.met(self.full(found)))

    def full(self, found: Iterable[Summary]) -> tuple[Summary, ...]:
        """The answers of full trainings alone: the only ones that may be compared at the end."""
        return tuple(each for each in found if each.epochs == self.epochs)


Explore = Callable[[Exploring, Evaluate, Say], tuple[Summary, ...]]
"""Every answer in the order in which it was asked for; those of fewer epochs are facts, and never compared with others.

No configuration is asked for twice with equal epochs. A space that is used up is said, and no obstacle.
"""


@dataclass(frozen=True, slots=True)
class Search:
    """One search of stage 2: the configuration it set out from, where it looked, and what it tried, in order."""

    elite: Summary
    box: Space
    found: tuple[Summary, ...]


@dataclass(frozen=True, slots=True)
class Refined:
    """What stage 2 leaves: its searches, and the latest summary of everything that it knows."""

    searches: tuple[Search, ...]
    measured: tuple[Summary, ...]
    ended: str = ""  # why stage 2 ended, as the end of a sentence; empty where there was none
    beliefs: tuple[Belief, ...] = ()  # of a search in one dimension, after each evaluation


@dataclass(frozen=True, slots=True)
class Refining:
    """What stage 2 is asked for."""

    space: Space
    elite: tuple[Summary, ...]
    found: tuple[Summary, ...]  # all that is known of full trainings
    race: Race
    epochs: int
    seed: int
    rounds: int  # of proposals
    width: int  # proposals of a round, shared by the searches
    proposals: int  # of a search that makes one at a time
    narrowing: Narrowing
    joint: bool  # a search follows the best of its depth, and not only what it found by itself
    acquisition: str
    limits: Limits  # that may end stage 2 before its rounds are over


Open = Callable[[Mapping[str, object]], Sequence[Summary]]
"""Opens stage 2 with everything that it depends on, and returns what was known of full trainings when it began first.

Equal facts are the same stage 2, resumed; with others it is a new one, which learns from the earlier ones.
"""

Refine = Callable[[Refining, Open, Evaluate, Say], Refined]
"""Stage 2; it opens the stage itself, once, before it asks for anything."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """A whole search. Its proposals follow from what it is asked for and from the answers alone, so a rerun replays it.

    What stage 1 draws first does not depend on how much it draws if it is `nested`; otherwise another number of
    configurations is another stage 1.
    """

    about: str
    explore: Explore
    refine: Refine
    explored: float  # part of a budget of trainings or seconds that stage 1 has
    nested: bool = True
    proposes: bool = False  # stage 2 tries something new
    screens: bool = False  # stage 1 trains with fewer epochs as well
    marks: Mapping[str, object] = field(default_factory=dict)  # facts of stage 1 beside space and seed


def cost(found: Iterable[Summary], repeats: int, epochs: int) -> int:
    """The full trainings, of so many epochs, that take as long as these answers with so many repeats; rounded up."""
    return math.ceil(sum(repeats * each.epochs for each in found) / epochs)
