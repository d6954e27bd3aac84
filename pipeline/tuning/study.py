"""The story of a study: baseline, explore, elite, refine. Free of effects: training and files come in as functions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.ranking.order import recommend
from pipeline.space import Narrowing, Space, contains
from pipeline.trial import Configuration, Evaluate, Stage, Summary, Trial
from pipeline.tuning.elite import Elite, best_of_each_depth
from pipeline.tuning.racing import Race
from pipeline.tuning.stopping import Limits, Spent, unlimited
from pipeline.tuning.strategies import registry
from pipeline.tuning.strategies.strategy import Exploring, Refining, Say, Search, Strategy, cost
from pipeline.tuning.surrogate.belief import Belief

INHERITED = 3  # one configuration in so many of stage 1 is one of the best of the prior


@dataclass(frozen=True, slots=True)
class Plan:
    """What a study does, apart from its data: the numbers that a user sets."""

    space: Space
    baseline: Configuration
    configurations: int  # stage 1
    repeats: int  # trainings of each configuration
    elite: int  # configurations that stage 2 proposes at once, and searches at most
    calls: int  # rounds of proposals
    epochs: int
    seed: int
    max_repeats: int = 0  # trainings of a contender; what is below `repeats` counts as it
    trainings: int = 0  # of both stages together, instead of `configurations` and `calls`; 0 for no such budget
    narrowing: Narrowing = field(default_factory=Narrowing)
    target: float | None = None  # mean objective at which the search ends
    settled: int = 0  # rounds in a row with an expected improvement below the noise, after which it ends; 0 for never
    prior: tuple[Configuration, ...] = ()  # best first, of another study: tried first, and trained like any other
    joint: bool = True  # a search of stage 2 follows the best of its depth; not only what it found by itself
    strategy: str = "two-stage"  # one of `search.strategies.STRATEGIES`
    acquisition: str = "ei"  # of one Gaussian process of the whole space, see `search.plain`

    @property
    def way(self) -> Strategy:
        """How it searches."""
        return registry.load_strategy(self.strategy)

    @property
    def drawn(self) -> int:
        """How many configurations stage 1 has, or what as many take if it trains some with fewer epochs."""
        if not self.trainings:
            return self.configurations
        part = self.way.explored if self.way.proposes or self.race.most > self.repeats else 1.0
        return max(1, int(part * self.trainings) // self.repeats)

    @property
    def race(self) -> Race:
        """How often configurations and contenders are trained."""
        return Race(self.repeats, max(self.repeats, self.max_repeats))

    @property
    def rounds(self) -> int:
        """How often stage 2 proposes at most."""
        return self.trainings or self.calls

    @property
    def proposals(self) -> int:
        """How many configurations stage 2 proposes."""
        if not self.way.proposes:
            return 0
        if self.trainings:
            return max(0, self.trainings - self.drawn * self.repeats) // self.repeats
        return self.calls * self.elite

    def left(self, found: Sequence[Summary]) -> int | None:
        """The trainings that stage 2 has after what stage 1 found; None for as many as it takes."""
        return max(0, self.trainings - cost(found, self.repeats, self.epochs)) if self.trainings else None


Begin = Callable[[Stage, Mapping[str, object]], Sequence[Summary]]
"""Opens a stage and returns what had been measured before it was begun for the first time.

The facts name what the stage depends on: equal facts are the same stage, resumed; others are a new one.
"""


@dataclass(frozen=True, slots=True)
class Result:
    """What was found: summaries in the order in which they were asked for."""

    baseline: Summary
    explored: tuple[Summary, ...]
    elite: tuple[Summary, ...]
    searches: tuple[Search, ...]
    recommended: Summary | None  # None where nothing was trained twice without a failure
    ended: str = ""  # why the search ended, as the end of a sentence
    beliefs: tuple[Belief, ...] = ()  # of a search in one dimension
    screened: tuple[Summary, ...] = ()  # trained with fewer epochs: what chose the explored ones, never compared


def run(
    plan: Plan,
    evaluate: Evaluate,
    begin: Begin,
    say: Say,
    choose: Elite = best_of_each_depth,
    *,
    spent: Spent = unlimited,
) -> Result:
    """Run or resume a study; the result depends on the plan and the ledger's past, not on how often it was stopped.

    With limited time it depends on the clock as well: another run goes on from what this one has found.
    """
    limits = Limits(target=plan.target, settled=plan.settled, spent=spent)
    begin("baseline", {})
    (baseline,) = evaluate([Trial(plan.baseline, plan.epochs, plan.repeats)])
    earlier, tried = _explore(plan, evaluate, begin, say, limits)
    explored = tuple(each for each in tried if each.epochs == plan.epochs)
    elite = choose(
        [summary for summary in (*explored, *earlier) if contains(plan.space, summary.configuration)], plan.elite
    )
    if not elite:
        say("Every configuration has a failed repeat, so stage 2 has none to search around: see the ledger.")
    asked = Refining(
        space=plan.space,
        elite=elite,
        found=(*earlier, *explored),
        race=plan.race,
        epochs=plan.epochs,
        seed=plan.seed,
        rounds=plan.rounds,
        width=plan.elite,
        proposals=plan.proposals,
        narrowing=plan.narrowing,
        joint=plan.joint,
        acquisition=plan.acquisition,
        limits=replace(limits, trainings=plan.left((*earlier, *tried))),
    )
    refined = plan.way.refine(asked, lambda facts: _full(begin("refine", facts), plan), evaluate, say)
    within = [each for each in refined.measured if contains(plan.space, each.configuration)]
    screened = tuple(each for each in tried if each.epochs != plan.epochs)
    best = recommend(within)
    if best is not None:
        baseline = _as_often(baseline, best, plan, evaluate, begin)
    return Result(baseline, explored, elite, refined.searches, best, refined.ended, refined.beliefs, screened)


def _as_often(baseline: Summary, best: Summary, plan: Plan, evaluate: Evaluate, begin: Begin) -> Summary:
    """The default network, trained as often as the recommended one: they are compared in pairs of equal seeds."""
    wanted = min(best.repeats, plan.race.most)
    if baseline.failures or baseline.stage == "imported" or wanted <= baseline.repeats:
        return baseline
    begin("baseline", {})
    (again,) = evaluate([Trial(plan.baseline, plan.epochs, wanted)])
    return again


def _full(summaries: Sequence[Summary], plan: Plan) -> tuple[Summary, ...]:
    """Those of full trainings: what was trained for fewer epochs is never compared with them."""
    return tuple(each for each in summaries if each.epochs == plan.epochs)


def _explore(
    plan: Plan, evaluate: Evaluate, begin: Begin, say: Say, limits: Limits
) -> tuple[tuple[Summary, ...], tuple[Summary, ...]]:
    """What was known of full trainings before stage 1 was first begun, and every answer of stage 1."""
    facts: dict[str, object] = {"space": str(plan.space), "seed": plan.seed, **plan.way.marks}
    if plan.prior:
        facts["prior"] = [each.key for each in plan.prior]
    if not plan.way.nested:
        facts |= {"configurations": plan.drawn, "repeats": plan.repeats}
    before = begin("explore", facts)
    earlier = _full(before, plan)
    known = frozenset(each.key for each in earlier)
    asked = Exploring(
        space=plan.space,
        configurations=plan.drawn,
        repeats=plan.repeats,
        epochs=plan.epochs,
        seed=plan.seed,
        first=_inherited(plan, known),
        known=known,
        touched=frozenset(each.key for each in before),
        limits=limits,
        share=plan.way.explored,
    )
    return earlier, plan.way.explore(asked, evaluate, say)


def _inherited(plan: Plan, known: Collection[str]) -> tuple[Configuration, ...]:
    """The best of the prior that the space has and this study does not know: a part of stage 1."""
    fitting = (each for each in plan.prior if contains(plan.space, each) and each.key not in known)
    return tuple(itertools.islice(fitting, -(-plan.drawn // INHERITED)))
