"""Stage 1 of full trainings: configurations that are chosen before the first answer, at random or by a design."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

import numpy as np

from pipeline.space import Space, size, stream
from pipeline.trial import Configuration, Evaluate, Summary, Trial
from pipeline.tuning.stages import Exploring, Say

STREAM: Final = 1  # the branch of the study's seed that the random configurations come from
PORTION: Final = 6  # configurations between two looks at the clock and at the target

Design = Callable[[Space, int, int, Collection[str]], Sequence[Configuration]]
"""From a space, a number, a seed and keys: at most that many different configurations, none with one of the keys."""


def explore(space: Space, count: int, *, seed: int, known: Iterable[str]) -> tuple[Configuration, ...]:
    """The first `count` configurations of the study's random stream, none of them known; fewer when the space ends.

    `known` are keys of configurations that are left out. A larger count begins with the same configurations.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, STREAM]))
    return tuple(itertools.islice(stream(space, rng, known), count))


def at_random(asked: Exploring, evaluate: Evaluate, say: Say) -> tuple[Summary, ...]:
    """Train the first configurations of the study's random stream."""
    return designed(_random, asked, evaluate, say, used_up)


def _random(space: Space, count: int, seed: int, known: Collection[str]) -> tuple[Configuration, ...]:
    return explore(space, count, seed=seed, known=known)


def used_up(asked: Exploring, left: int) -> str:
    """The sentence for a space that has fewer new configurations than stage 1 was to try."""
    return (
        f"The search space is used up: {left} of {asked.configurations} configurations are left (it has"
        f" {size(asked.space)}, {len(asked.known)} of them known before). Going on with those."
    )


def designed(
    design: Design, asked: Exploring, evaluate: Evaluate, say: Say, lacking: Callable[[Exploring, int], str]
) -> tuple[Summary, ...]:
    """Train the configurations of a design in full, all at once where no limit asks to look up in between.

    `lacking` words what the user reads where the design has fewer configurations than asked for.
    """
    taken = asked.known | {each.key for each in asked.first}
    count = asked.configurations - len(asked.first)
    configurations = (*asked.first, *design(asked.space, count, asked.budget.seed, taken))
    if len(configurations) < asked.configurations:
        say(lacking(asked, len(configurations)))
    trials = [Trial(each, asked.budget.epochs, asked.budget.repeats) for each in configurations]
    if asked.limits.unwatched:
        return evaluate(trials)  # at once: the more trainings, the better they share programs and workers
    found: tuple[Summary, ...] = ()
    while len(found) < len(trials) and not (found and asked.over(found)):
        found += evaluate(trials[len(found) : len(found) + PORTION])
    return found
