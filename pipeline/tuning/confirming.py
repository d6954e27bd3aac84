"""The end of stage 2, or all of it if nothing new is tried: contenders are retrained until one leads clearly."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from pipeline.ranking.order import by_mean, ranked
from pipeline.space import contains
from pipeline.trial import Evaluate, Summary
from pipeline.tuning.racing import duel, race, trials_again
from pipeline.tuning.stages import Open, Refined, Refining, Say
from pipeline.tuning.stopping import OUT_OF_TIME, Limits, unlimited

RESERVED = 0.1  # fraction of the trainings or seconds reserved for it
ENDED = "all its configurations have been tried"


def confirm(asked: Refining, begin: Open, evaluate: Evaluate, _: Say) -> Refined:
    """Retrain the leader and its challengers, up to `contender_repeats` times each, until one leads clearly.

    The trainings of the stage are never exceeded. The answers are those of full trainings.
    """
    if not asked.elite or not asked.budget.retrains:
        return Refined((), asked.found, _ended(asked, asked.found))
    facts = {
        "found": sorted(each.key for each in asked.found),
        "space": str(asked.space),
        "repeats": asked.budget.repeats,
        "max_repeats": asked.budget.contender_repeats,
    }
    measured = settle(asked, begin(facts), evaluate)
    within = [each for each in measured if contains(asked.space, each.configuration)]
    return Refined((), measured, _ended(asked, within))


def settle(asked: Refining, measured: Iterable[Summary], evaluate: Evaluate, used: int = 0) -> tuple[Summary, ...]:
    """Everything measured, after retraining the leader and its challengers until one leads clearly.

    `used` is the number of trainings that stage 2 has made before.
    """
    budget = asked.budget
    known = {each.key: each for each in measured}
    within = {key: each for key, each in known.items() if contains(asked.space, each.configuration)}

    def again(wanted: Sequence[Summary]) -> Sequence[Summary]:
        nonlocal used
        affordable = wanted[: asked.limits.affordable(used, len(wanted))]
        used += len(affordable)
        return evaluate(trials_again(affordable, budget.epochs)) if affordable else ()

    race(within, budget.contender_repeats, _leaders, again, budget.elite)
    duel(within, budget.contender_repeats, again, budget.elite)
    return tuple((known | within).values())


def sparing(asked: Refining) -> Limits:
    """The limits for trying something new, if a part is reserved for retraining contenders."""
    limits = asked.limits
    if not asked.budget.retrains:
        return limits
    if limits.trainings is not None:
        limits = replace(limits, trainings=limits.trainings - math.ceil(RESERVED * limits.trainings))
    if limits.elapsed is not unlimited:
        limits = replace(limits, elapsed=lambda: asked.limits.elapsed() / (1.0 - RESERVED))
    return limits


def _ended(asked: Refining, measured: Iterable[Summary]) -> str:
    """The reason why the search ended; stage 1 leaves this stage its part of the time."""
    over = asked.limits.elapsed() >= 1.0 - RESERVED
    return asked.limits.met(measured) or (OUT_OF_TIME if over else ENDED)


def _leaders(summaries: Iterable[Summary]) -> list[Summary]:
    """The configuration with the lowest mean, which may be luck, and the one that would be recommended now."""
    every = list(summaries)
    return [*by_mean(every)[:1], *ranked(every)[:1]]
