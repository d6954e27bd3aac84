"""The course of a study: baseline, explore, elite, refine. Without side effects: training and files are arguments."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from pipeline.errors import UserError
from pipeline.models import LAYERS, Layers
from pipeline.ranking.order import recommend
from pipeline.space import Space, contains
from pipeline.trial import Configuration, Evaluate, Stage, Summary, Trial
from pipeline.tuning.budget import Budget
from pipeline.tuning.stages import Exploring, Open, Refining, Say, Search, cost, full
from pipeline.tuning.stopping import Elapsed, Limits, unlimited
from pipeline.tuning.strategies.guard import Guard, summaries
from pipeline.tuning.strategies.strategy import Strategy
from pipeline.tuning.surrogate.posterior_curve import PosteriorCurve
from pipeline.tuning.surrogate.threads import one_thread

INHERITED = 3  # one in three configurations of stage 1 is one of the best of the prior


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a study: what it searches, how, with which budget, and what it begins with."""

    space: Space
    baseline: Configuration
    budget: Budget
    strategy: Strategy
    layers: Layers = LAYERS  # how configurations define their depth
    prior: tuple[Configuration, ...] = ()  # best first, of another study: tried first, and trained like any other
    one_thread: bool = True  # for the linear algebra of proposals, whose last bits depend on the number

    @property
    def configurations(self) -> int:
        """Configurations of stage 1: as in the budget, or as many as the strategy's share of the trainings allows.

        A strategy that trains some with fewer epochs tries more, at the same cost.
        """
        budget, strategy = self.budget, self.strategy
        if not budget.trainings:
            return budget.configurations
        share = strategy.share if strategy.proposes or budget.retrains else 1.0
        return max(1, int(share * budget.trainings) // budget.repeats)

    @property
    def explore_trainings(self) -> int:
        """Full trainings of stage 1."""
        return self.configurations * self.budget.repeats

    @property
    def refine_trainings(self) -> int:
        """Full trainings of new configurations in stage 2; retraining of contenders comes on top."""
        budget = self.budget
        if not self.strategy.proposes:
            return 0
        if budget.trainings:
            return max(0, budget.trainings - self.explore_trainings)
        return budget.calls * budget.elite * budget.repeats

    @property
    def proposals(self) -> int:
        """Configurations that stage 2 proposes."""
        return self.refine_trainings // self.budget.repeats

    @property
    def description(self) -> tuple[str, ...]:
        """Describe the study, one line for each stage and for its limits."""
        budget, strategy = self.budget, self.strategy
        first = strategy.describe_explore(budget, self.configurations)
        second = strategy.describe_refine(budget, self.proposals)
        ends = (
            (budget.seconds > 0, f"after {budget.seconds:g} seconds"),
            (budget.target_score is not None, f"at {budget.target_words or f'an objective of {budget.target_score}'}"),
            (budget.settled > 0, f"after {budget.settled} rounds without an expected gain above the noise"),
        )
        earlier = ", ".join(words for wanted, words in ends if wanted)
        return (
            f"Stage 1: {first}",
            f"Stage 2: {second}, contenders up to {budget.contender_repeats}",
            *((f"Ends earlier: {earlier}",) if earlier else ()),
        )

    def left(self, found: Sequence[Summary]) -> int | None:
        """The trainings left for stage 2 after these answers of stage 1; None without a budget of trainings."""
        return max(0, self.budget.trainings - cost(found, self.budget)) if self.budget.trainings else None


Begin = Callable[[Stage, Mapping[str, object]], Sequence[Summary]]
"""Opens a stage and returns what had been measured before it was first begun.

The facts are what the stage depends on: equal facts mean the same stage, resumed; others a new one.
"""


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a study: summaries in the order of the questions."""

    baseline: Summary
    explored: tuple[Summary, ...]
    elite: tuple[Summary, ...]
    searches: tuple[Search, ...]
    recommended: Summary | None  # None if nothing was trained twice without a failure
    ended: str = ""  # the reason why the search ended, as the end of a sentence
    curves: tuple[PosteriorCurve, ...] = ()  # of a search in one dimension
    screened: tuple[Summary, ...] = ()  # trained with fewer epochs, to select the explored ones; never compared


def run(plan: Plan, evaluate: Evaluate, begin: Begin, say: Say, *, elapsed: Elapsed = unlimited) -> Result:
    """Run or resume a study.

    The result depends on the plan and on the previous contents of the ledger, not on how often the study was stopped.
    With a time limit it depends on the clock as well: another run continues from the results of this one.

    Args:
        plan: The plan of the study.
        evaluate: Answers trials, training only what is not known yet.
        begin: Opens a stage.
        say: Shows the user a sentence.
        elapsed: The fraction of `budget.seconds` that has passed.

    Raises:
        UserError: The strategy asks for something other than trainings of configurations of the space, or one of the
            user's own raises an error.
    """
    budget, strategy, guard = plan.budget, plan.strategy, Guard(plan.strategy)
    answer = _checked(plan, guard.outward(evaluate))
    begin("baseline", {})
    (baseline,) = evaluate([Trial(plan.baseline, budget.epochs, budget.repeats)])
    earlier, tried = _explore(plan, answer, begin, say, limits=Limits(budget, elapsed), guard=guard)
    explored = full(tried, budget)
    competing = [summary for summary in (*explored, *earlier) if contains(plan.space, summary.configuration)]
    with guard.inside():
        elite = summaries(strategy.elite(competing, budget.elite, plan.layers))
    if not elite:
        say(_without_elite(competing))
    asked = Refining(
        space=plan.space,
        budget=budget,
        elite=elite,
        found=(*earlier, *explored),
        proposals=plan.proposals,
        limits=Limits(budget, elapsed, plan.left((*earlier, *tried))),
    )
    with guard.inside(), one_thread() if plan.one_thread else nullcontext():
        refined = strategy.refine(asked, _opening(begin, budget, guard), answer, say)
        summaries(refined.measured)
    within = [each for each in refined.measured if contains(plan.space, each.configuration)]
    screened = tuple(each for each in tried if each.epochs != budget.epochs)
    best = recommend(within)
    if best is not None:
        baseline = _as_often(baseline, best, plan, evaluate, begin)
    return Result(baseline, explored, elite, refined.searches, best, refined.ended, refined.curves, screened)


def _without_elite(competing: Sequence[Summary]) -> str:
    """Why there is nothing that stage 2 could search around."""
    sound = [each for each in competing if each.repeats and not each.failures]
    if sound:
        reason = f"The strategy chose none of {len(sound)} configurations"
    elif competing:
        reason = "Every configuration has a failed repeat"
    else:
        reason = "No configuration of the search space was tried"
    return f"{reason}, so stage 2 has none to search around: see the ledger."


def _opening(begin: Begin, budget: Budget, guard: Guard) -> Open:
    """What a strategy opens stage 2 with; facts that are not JSON values are the strategy's mistake."""
    opened = guard.outward(begin)

    def opening(facts: Mapping[str, object]) -> Sequence[Summary]:
        json.dumps(facts)
        return full(opened("refine", facts), budget)

    return opening


def _checked(plan: Plan, evaluate: Evaluate) -> Evaluate:
    """Answers valid questions of a strategy and refuses others: strategies may be user-defined."""

    def answer(trials: Sequence[Trial]) -> tuple[Summary, ...]:
        for trial in trials:
            inside = contains(plan.space, trial.configuration)
            if not inside or not 1 <= trial.epochs <= plan.budget.epochs or trial.repeats < 1:
                raise UserError(
                    f"The strategy {type(plan.strategy).__name__} asked for a training that this study cannot have",
                    expected=f"a configuration of the search space, 1 to {plan.budget.epochs} epochs, repeats from 1",
                    got=f"{trial.configuration.json:.300}, {trial.epochs} epochs, {trial.repeats} repeats",
                    hint="correct the strategy",
                )
        return evaluate(trials)

    return answer


def _as_often(baseline: Summary, best: Summary, plan: Plan, evaluate: Evaluate, begin: Begin) -> Summary:
    """The default network, trained as often as the recommended one, because they are compared in pairs by seed."""
    wanted = min(best.repeats, plan.budget.contender_repeats)
    if baseline.failures or baseline.stage == "imported" or wanted <= baseline.repeats:
        return baseline
    begin("baseline", {})
    (again,) = evaluate([Trial(plan.baseline, plan.budget.epochs, wanted)])
    return again


def _explore(
    plan: Plan, evaluate: Evaluate, begin: Begin, say: Say, *, limits: Limits, guard: Guard
) -> tuple[tuple[Summary, ...], tuple[Summary, ...]]:
    """The full trainings known before stage 1 was first begun, and every answer of stage 1."""
    budget, strategy = plan.budget, plan.strategy
    with guard.inside():
        facts: dict[str, object] = {"space": str(plan.space), "seed": budget.seed, **strategy.facts}
        json.dumps(facts)
    if plan.prior:
        facts["prior"] = [each.key for each in plan.prior]
    if not strategy.nested:
        facts |= {"configurations": plan.configurations, "repeats": budget.repeats}
    before = begin("explore", facts)
    earlier = full(before, budget)
    known = frozenset(each.key for each in earlier)
    asked = Exploring(
        space=plan.space,
        budget=budget,
        configurations=plan.configurations,
        limits=limits,
        share=strategy.share,
        first=_inherited(plan, known),
        known=known,
        touched=frozenset(each.key for each in before),
    )
    with guard.inside():
        return earlier, summaries(strategy.explore(asked, evaluate, say))


def _inherited(plan: Plan, known: Collection[str]) -> tuple[Configuration, ...]:
    """The best configurations of the prior that are in the space and new to this study: a part of stage 1."""
    fitting = (each for each in plan.prior if contains(plan.space, each) and each.key not in known)
    return tuple(itertools.islice(fitting, -(-plan.configurations // INHERITED)))
