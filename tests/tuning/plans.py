"""Small plans of studies, and how tests change them."""

from dataclasses import fields, replace

from pipeline.space import Space
from pipeline.trial import Configuration, Summary
from pipeline.tuning.budget import Budget
from pipeline.tuning.stages import Exploring, Refining
from pipeline.tuning.stopping import Limits
from pipeline.tuning.strategies.registry import DEFAULT, load_strategy
from pipeline.tuning.study import Plan
from tests.fakes import few

SMALL_BUDGET = Budget(configurations=6, repeats=2, elite=2, calls=3, epochs=10)
IN_BUDGET = {each.name for each in fields(Budget)}


def plan_of(space: Space, baseline: Configuration, strategy: str = DEFAULT, **changes: object) -> Plan:
    """A small plan with the options of a built-in strategy; see `changed`."""
    return changed(Plan(space, baseline, SMALL_BUDGET, load_strategy(strategy)), **changes)


def changed(plan: Plan, **changes: object) -> Plan:
    """The plan with other numbers of its budget, other options of its strategy, or another space, baseline or prior."""
    budget = {name: value for name, value in changes.items() if name in IN_BUDGET}
    own = {name: value for name, value in changes.items() if name in ("space", "baseline", "prior", "strategy")}
    options = {name: value for name, value in changes.items() if name not in {*budget, *own}}
    plan = replace(plan, budget=replace(plan.budget, **budget), **own)  # type: ignore[arg-type]
    return replace(plan, strategy=replace(plan.strategy, **options))


def exploring(space: Space | None = None, *, limits: Limits | None = None, **changes: object) -> Exploring:
    """Stage 1 of a small budget; changes are those of the budget, or other fields."""
    budget = replace(SMALL_BUDGET, **{name: value for name, value in changes.items() if name in IN_BUDGET})  # type: ignore[arg-type]
    others = {name: value for name, value in changes.items() if name not in IN_BUDGET}
    return Exploring(space or few(), budget, budget.configurations, limits or Limits(budget), **others)  # type: ignore[arg-type]


def refining(
    space: Space, best: tuple[Summary, ...], found: tuple[Summary, ...], /, *, proposals: int = 0, **changes: object
) -> Refining:
    """Stage 2 around the best of what was found; changes are those of the budget, or `trainings_left` and `elapsed`."""
    limits = {
        name: changes.pop(given)
        for given, name in (("trainings_left", "trainings"), ("elapsed", "elapsed"))
        if given in changes
    }
    budget = replace(SMALL_BUDGET, **changes)  # type: ignore[arg-type]
    return Refining(space, budget, best, found, proposals, Limits(budget, **limits))  # type: ignore[arg-type]
