"""The end of stage 2, and all of it where nothing new is tried: who leads is trained until that is believed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from pipeline.ranking.order import by_mean, ranked
from pipeline.space import contains
from pipeline.trial import Evaluate, Summary
from pipeline.tuning.racing import duel, race, trials_again
from pipeline.tuning.stopping import Limits, unlimited
from pipeline.tuning.strategies.strategy import Open, Refined, Refining, Say

RESERVED = 0.1  # part of a budget of trainings that is kept for it
ENDED = "all its configurations are tried"


def confirm(asked: Refining, begin: Open, evaluate: Evaluate, _: Say) -> Refined:
    """Train the leader and whoever may be better until they are told apart, at most as often as contenders may be.

    Answers are those of full trainings alone. Nothing is trained beyond the limit of trainings.
    """
    if not asked.elite or asked.race.most <= asked.race.repeats:
        return Refined((), asked.found, _ended(asked, asked.found))
    facts = {
        "found": sorted(each.key for each in asked.found),
        "space": str(asked.space),
        "repeats": asked.race.repeats,
        "max_repeats": asked.race.most,
    }
    measured = settle(asked, begin(facts), evaluate)
    within = [each for each in measured if contains(asked.space, each.configuration)]
    return Refined((), measured, _ended(asked, within))


def settle(asked: Refining, measured: Iterable[Summary], evaluate: Evaluate, spent: int = 0) -> tuple[Summary, ...]:
    """Everything measured, with the leader and whoever may be better trained again, until they are told apart.

    `spent` are the trainings that stage 2 has made before.
    """
    known = {each.key: each for each in measured}
    within = {key: each for key, each in known.items() if contains(asked.space, each.configuration)}

    def again(wanted: Sequence[Summary]) -> Sequence[Summary]:
        nonlocal spent
        affordable = wanted[: asked.limits.affordable(spent, len(wanted))]
        spent += len(affordable)
        return evaluate(trials_again(affordable, asked.epochs)) if affordable else ()

    race(within, asked.race.most, _leaders, again, asked.width)
    duel(within, asked.race.most, again, asked.width)
    return tuple((known | within).values())


def sparing(asked: Refining) -> Limits:
    """What is left for trying something new, where a part is kept to train contenders again."""
    limits = asked.limits
    if asked.race.most <= asked.race.repeats:
        return limits
    if limits.trainings is not None:
        limits = replace(limits, trainings=limits.trainings - math.ceil(RESERVED * limits.trainings))
    if limits.spent is not unlimited:
        limits = replace(limits, spent=lambda: asked.limits.spent() / (1.0 - RESERVED))
    return limits


def _ended(asked: Refining, measured: Iterable[Summary]) -> str:
    """Why the search ended: stage 1 leaves this stage its part of the time."""
    over = asked.limits.spent() >= 1.0 - RESERVED
    return asked.limits.met(measured) or ("its time is over" if over else ENDED)


def _leaders(summaries: Iterable[Summary]) -> list[Summary]:
    """The lowest mean, maybe a lucky one, and the one that would be recommended now."""
    every = list(summaries)
    return [*by_mean(every)[:1], *ranked(every)[:1]]
