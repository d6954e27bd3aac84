"""The story of a study: baseline, explore, elite, refine. Free of effects: training and files come in as functions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.search.belief import Belief
from pipeline.search.elite import Elite, best_of_each_depth
from pipeline.search.plain import Calls, optimise
from pipeline.search.racing import Race, recommend
from pipeline.search.refining import Effort, Refined, Search, refine
from pipeline.search.sampling import explore
from pipeline.search.stopping import Limits, Spent, unlimited
from pipeline.space import Narrowing, Space, contains, size
from pipeline.trial import Configuration, Evaluate, Stage, Summary, Trial

EXPLORED = 0.3  # part of a budget of trainings or seconds that stage 1 has
PORTION = 6  # configurations of stage 1 between two looks at the clock and at the target
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
    acquisition: str = ""  # of one search of the whole space in place of stage 2, see `search.plain`; "" for stage 2

    @property
    def drawn(self) -> int:
        """How many configurations stage 1 draws."""
        return max(1, int(EXPLORED * self.trainings) // self.repeats) if self.trainings else self.configurations

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
        """How many configurations the search of the whole space proposes."""
        if self.trainings:
            return max(0, self.trainings - self.drawn * self.repeats) // self.repeats
        return self.calls * self.elite

    def left(self, found: Sequence[Summary]) -> int | None:
        """The trainings that stage 2 has after what stage 1 found; None for as many as it takes."""
        return max(0, self.trainings - len(found) * self.repeats) if self.trainings else None


Begin = Callable[[Stage, Mapping[str, object]], Sequence[Summary]]
"""Opens a stage and returns what had been measured before it was begun for the first time.

The facts name what the stage depends on: equal facts are the same stage, resumed; others are a new one.
"""

Say = Callable[[str], None]
"""Tells the user something that the run goes on with."""


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
    earlier, explored = _explore(plan, evaluate, begin, say, limits)
    elite = choose(
        [summary for summary in (*explored, *earlier) if contains(plan.space, summary.configuration)], plan.elite
    )
    if not elite:
        say("Every configuration has a failed repeat, so stage 2 has none to search around: see the ledger.")
    second = _optimise if plan.acquisition else _refine
    refined = second(plan, evaluate, begin, say, elite=elite, found=(*earlier, *explored), limits=limits)
    within = [each for each in refined.measured if contains(plan.space, each.configuration)]
    best = recommend(within)
    return Result(baseline, explored, elite, refined.searches, best, refined.ended, refined.beliefs)


def _explore(
    plan: Plan, evaluate: Evaluate, begin: Begin, say: Say, limits: Limits
) -> tuple[tuple[Summary, ...], tuple[Summary, ...]]:
    facts: dict[str, object] = {"space": str(plan.space), "seed": plan.seed}
    if plan.prior:
        facts["prior"] = [each.key for each in plan.prior]
    earlier = tuple(begin("explore", facts))
    known = {summary.key for summary in earlier}
    first = _inherited(plan, known)
    taken = known | {each.key for each in first}
    drawn = (*first, *explore(plan.space, plan.drawn - len(first), seed=plan.seed, known=taken))
    if len(drawn) < plan.drawn:
        say(
            f"The search space is used up: {len(drawn)} of {plan.drawn} left"
            f" (it has {size(plan.space)} configurations, {len(known)} known before). Going on with those."
        )
    asked = [Trial(each, plan.epochs, plan.repeats) for each in drawn]
    if plan.target is None and limits.spent is unlimited:
        return earlier, evaluate(asked)  # at once: the more trainings, the better they share programs and workers
    explored: tuple[Summary, ...] = ()
    while len(explored) < len(asked) and not (explored and limits.spent() >= EXPLORED) and not limits.met(explored):
        explored += evaluate(asked[len(explored) : len(explored) + PORTION])
    return earlier, explored


def _inherited(plan: Plan, known: Collection[str]) -> tuple[Configuration, ...]:
    """The best of the prior that the space has and this study does not know: a part of stage 1."""
    fitting = (each for each in plan.prior if contains(plan.space, each) and each.key not in known)
    return tuple(itertools.islice(fitting, -(-plan.drawn // INHERITED)))


def _optimise(
    plan: Plan,
    evaluate: Evaluate,
    begin: Begin,
    say: Say,
    *,
    elite: Sequence[Summary],
    found: Sequence[Summary],
    limits: Limits,
) -> Refined:
    """One search of the whole space in place of stage 2: the initial points are those of stage 1."""
    facts = {
        "initial": sorted(each.key for each in found),
        "space": str(plan.space),
        "repeats": plan.repeats,
        "acquisition": plan.acquisition,
    }
    history = begin("refine", facts)
    asked = Calls(plan.proposals if elite else 0, plan.epochs, plan.repeats, plan.acquisition, limits)
    return optimise(plan.space, history, evaluate, asked, seed=plan.seed, say=say)


def _refine(
    plan: Plan,
    evaluate: Evaluate,
    begin: Begin,
    say: Say,
    *,
    elite: Sequence[Summary],
    found: Sequence[Summary],
    limits: Limits,
) -> Refined:
    race = plan.race
    if not elite or not (plan.rounds or race.most > race.repeats):
        return Refined((), tuple(found), limits.met(found) or "there was no stage 2")
    # Everything that the searches depend on: with other facts they are new searches, which learn from the earlier ones.
    facts = {
        "elite": [each.key for each in elite],
        "space": str(plan.space),
        "repeats": plan.repeats,
        "max_repeats": race.most,
        "narrowing": str(plan.narrowing),
    }
    if not plan.joint:
        facts["joint"] = False  # unsaid where it is as it always was
    history = begin("refine", facts)
    effort = Effort(
        race, plan.epochs, plan.rounds, plan.elite, replace(limits, trainings=plan.left(found)), joint=plan.joint
    )
    return refine(
        plan.space,
        elite,
        history,
        evaluate,
        effort,
        known={each.key for each in found},
        seed=plan.seed,
        narrowing=plan.narrowing,
        say=say,
    )
