"""The story of a study: baseline, explore, elite, refine. Free of effects: training and files come in as functions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.search.bayesian import Search, refine
from pipeline.search.elite import Elite, best_of_each_depth
from pipeline.search.sampling import explore
from pipeline.space import Narrowing, Space, contains, size
from pipeline.trial import Configuration, Evaluate, Stage, Summary, Trial


@dataclass(frozen=True, slots=True)
class Plan:
    """What a study does, apart from its data: the numbers that a user sets."""

    space: Space
    baseline: Configuration
    configurations: int  # stage 1
    repeats: int  # trainings of each configuration
    elite: int  # searches of stage 2
    calls: int  # new configurations of each search
    epochs: int
    seed: int
    narrowing: Narrowing = field(default_factory=Narrowing)


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


def run(plan: Plan, evaluate: Evaluate, begin: Begin, say: Say, choose: Elite = best_of_each_depth) -> Result:
    """Run or resume a study; the result depends on the plan and the ledger's past, not on how often it was stopped."""
    begin("baseline", {})
    (baseline,) = evaluate([Trial(plan.baseline, plan.epochs, plan.repeats)])
    earlier, explored = _explore(plan, evaluate, begin, say)
    elite = choose(
        [summary for summary in (*explored, *earlier) if contains(plan.space, summary.configuration)], plan.elite
    )
    drawn = {summary.key for summary in explored}
    if not elite:
        say("Every configuration has a failed repeat, so stage 2 has none to search around: see the ledger.")
    searches = _refine(plan, elite, evaluate, begin, say, drawn=drawn) if plan.calls and elite else ()
    return Result(baseline, explored, elite, searches)


def _explore(plan: Plan, evaluate: Evaluate, begin: Begin, say: Say) -> tuple[tuple[Summary, ...], tuple[Summary, ...]]:
    earlier = tuple(begin("explore", {"space": str(plan.space), "seed": plan.seed}))
    known = {summary.key for summary in earlier}
    drawn = explore(plan.space, plan.configurations, seed=plan.seed, known=known)
    if len(drawn) < plan.configurations:
        say(
            f"The search space is used up: {len(drawn)} of {plan.configurations} left"
            f" (it has {size(plan.space)} configurations, {len(known)} known before). Going on with those."
        )
    return earlier, evaluate([Trial(each, plan.epochs, plan.repeats) for each in drawn])


def _refine(
    plan: Plan, elite: Sequence[Summary], evaluate: Evaluate, begin: Begin, say: Say, *, drawn: Collection[str]
) -> tuple[Search, ...]:
    # Everything that the searches depend on: with other facts they are new searches, which learn from the earlier ones.
    facts = {
        "elite": [each.key for each in elite],
        "space": str(plan.space),
        "repeats": plan.repeats,
        "narrowing": str(plan.narrowing),
    }
    history = begin("refine", facts)

    def answer(configurations: Sequence[Configuration]) -> tuple[Summary, ...]:
        return evaluate([Trial(each, plan.epochs, plan.repeats) for each in configurations])

    return refine(
        plan.space,
        elite,
        history,
        answer,
        known=drawn,
        calls=plan.calls,
        seed=plan.seed,
        narrowing=plan.narrowing,
        say=say,
    )
