"""Stage 1 with full trainings: configurations chosen before the first answer, at random or by a design."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

import numpy as np

from pipeline.space import Space, size, stream
from pipeline.trial import Configuration, Evaluate, Summary, Trial
from pipeline.tuning.stages import Exploring, Say

STREAM: Final = 1  # the branch of the study's seed for random configurations
PORTION: Final = 6  # configurations between two checks of the clock and the target

Design = Callable[[Space, int, int, Collection[str]], Sequence[Configuration]]
"""Maps a space, a number, a seed and keys to at most that many distinct configurations with none of the keys."""


def explore(space: Space, count: int, *, seed: int, known: Iterable[str]) -> tuple[Configuration, ...]:
    """The first `count` unknown configurations of the study's random stream; fewer if the space is exhausted.

    `known` are the keys of those left out. A larger count begins with the same configurations.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, STREAM]))
    return tuple(itertools.islice(stream(space, rng, known), count))


def at_random(asked: Exploring, evaluate: Evaluate, say: Say) -> tuple[Summary, ...]:
    """Train the first configurations of the study's random stream."""
    return designed(_random, asked, evaluate, say, used_up)


def _random(space: Space, count: int, seed: int, known: Collection[str]) -> tuple[Configuration, ...]:
    return explore(space, count, seed=seed, known=known)


def used_up(asked: Exploring, left: int) -> str:
    """The sentence for a space with fewer new configurations than stage 1 should try."""
    return (
        f"The search space is used up: {left} of {asked.configurations} configurations are left (it has"
        f" {size(asked.space)}, {len(asked.known)} of them already known). The search continues with those."
    )


def designed(
    design: Design, asked: Exploring, evaluate: Evaluate, say: Say, lacking: Callable[[Exploring, int], str]
) -> tuple[Summary, ...]:
    """Train the configurations of a design in full, all at once unless a limit has to be checked in between.

    `lacking` makes the sentence for a design with fewer configurations than asked for.
    """
    taken = asked.known | {each.key for each in asked.first}
    count = asked.configurations - len(asked.first)
    configurations = (*asked.first, *design(asked.space, count, asked.budget.seed, taken))
    if len(configurations) < asked.configurations:
        say(lacking(asked, len(configurations)))
    trials = [Trial(each, asked.budget.epochs, asked.budget.repeats) for each in configurations]
    if asked.limits.unwatched:
        return evaluate(trials)  # at once: more trainings share programs and workers better
    found: tuple[Summary, ...] = ()
    while len(found) < len(trials) and not (found and asked.over(found)):
        found += evaluate(trials[len(found) : len(found) + PORTION])
    return found
