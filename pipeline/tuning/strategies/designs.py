"""Designs: strategies that choose all their configurations before the first answer. Random, Sobol, Latin, grid."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from pipeline.space import Choice, Domain, Integer, Parameter, Space, grid, size, stream, value_at
from pipeline.space.unit_cube import axes_of, configuration_at
from pipeline.trial import Configuration, Evaluate, Summary, Trial
from pipeline.tuning.confirming import RESERVED, confirm
from pipeline.tuning.sampling import explore
from pipeline.tuning.strategies.strategy import Exploring, Say, Strategy

BRANCH: Final = 5  # the branch of the study's seed that designs come from
PORTION: Final = 6  # configurations between two looks at the clock and at the target
PATIENCE: Final = 1024  # points of a design in a row that were all known, after which the rest is drawn at random

Design = Callable[[Space, int, int, Collection[str]], Sequence[Configuration]]
"""At most so many different configurations of the space, none of them known, from a seed."""


def designed(
    design: Design, asked: Exploring, evaluate: Evaluate, say: Say, name: str = "search space"
) -> tuple[Summary, ...]:
    """Answers of a design with full trainings, all at once where no limit asks to look up in between."""
    taken = asked.known | {each.key for each in asked.first}
    drawn = (*asked.first, *design(asked.space, asked.configurations - len(asked.first), asked.seed, taken))
    if len(drawn) < asked.configurations:
        say(
            f"The {name} is used up: {len(drawn)} of {asked.configurations} left (it has"
            f" {size(asked.space)} configurations, {len(asked.known)} known before). Going on with those."
            if name == "search space"
            else f"The {name} has {len(drawn)} of the {asked.configurations} configurations: the next finer one has"
            " more, or there is none."
        )
    trials = [Trial(each, asked.epochs, asked.repeats) for each in drawn]
    if asked.limits.unwatched:
        return evaluate(trials)  # at once: the more trainings, the better they share programs and workers
    found: tuple[Summary, ...] = ()
    while len(found) < len(trials) and not (found and asked.over(found)):
        found += evaluate(trials[len(found) : len(found) + PORTION])
    return found


def at_random(asked: Exploring, evaluate: Evaluate, say: Say) -> tuple[Summary, ...]:
    """The first configurations of the study's random stream."""
    return designed(_random, asked, evaluate, say)


def by_sobol(asked: Exploring, evaluate: Evaluate, say: Say) -> tuple[Summary, ...]:
    """The first points of a scrambled Sobol sequence (Owen 1998, doi:10.1006/jcom.1998.0487)."""
    return designed(sobol, asked, evaluate, say)


def by_latin_hypercube(asked: Exploring, evaluate: Evaluate, say: Say) -> tuple[Summary, ...]:
    """A Latin hypercube: each range is cut into as many parts as there are configurations, each part used once."""
    return designed(latin_hypercube, asked, evaluate, say)


def by_grid(asked: Exploring, evaluate: Evaluate, say: Say) -> tuple[Summary, ...]:
    """The finest grid that has no more configurations than asked for, in a random order."""
    return designed(fitted_grid, asked, evaluate, say, "grid")


def _random(space: Space, count: int, seed: int, known: Collection[str]) -> tuple[Configuration, ...]:
    return explore(space, count, seed=seed, known=known)


def sobol(space: Space, count: int, seed: int, known: Collection[str]) -> tuple[Configuration, ...]:
    """See `by_sobol`; each layer's hyperparameters have dimensions of their own."""
    from scipy.stats import qmc  # deferred: it takes a second to import

    dimensions = len(axes_of(space))
    if not dimensions:
        return _filled(space, (), count, seed, known)
    sequence = qmc.Sobol(dimensions, rng=_rng(seed, 0))
    blocks = (sequence.random(PATIENCE) for _ in itertools.count())
    return _filled(space, itertools.chain.from_iterable(blocks), count, seed, known)


def latin_hypercube(space: Space, count: int, seed: int, known: Collection[str]) -> tuple[Configuration, ...]:
    """See `by_latin_hypercube`; points that fall on one configuration are replaced at random."""
    from scipy.stats import qmc

    dimensions = len(axes_of(space))
    points = qmc.LatinHypercube(dimensions, rng=_rng(seed, 0)).random(count) if dimensions and count else ()
    return _filled(space, points, count, seed, known)


def _filled(
    space: Space, points: Iterable[np.ndarray], count: int, seed: int, known: Collection[str]
) -> tuple[Configuration, ...]:
    """The points as configurations, each once; the rest at random where points are lacking or repeat each other."""
    found: dict[str, Configuration] = {}
    missed = 0
    for point in points:
        if len(found) >= count or missed >= PATIENCE:
            break
        each = configuration_at(space, point)
        missed = missed + 1 if each.key in known or each.key in found else 0
        if not missed:
            found[each.key] = each
    rest: Iterator[Configuration] = stream(space, _rng(seed, 1), {*known, *found})
    return (*found.values(), *itertools.islice(rest, count - len(found)))


def fitted_grid(space: Space, count: int, seed: int, known: Collection[str]) -> tuple[Configuration, ...]:
    """See `by_grid`. Ranges are cut into equal parts, whose middles are tried; the coarsest is refined first."""
    levels = dict.fromkeys(space.names, 1)
    refinable = [each.name for each in space.parameters if each.domain.size != 1]
    while refinable:
        name = min(refinable, key=lambda each: (levels[each], space.names.index(each)))
        finer = levels | {name: levels[name] + 1}
        domain = space[name].domain
        if (domain.size or math.inf) >= finer[name] and (size(_reduced(space, finer)) or 0) <= count:
            levels = finer
        else:
            refinable.remove(name)
    points = [each for each in itertools.islice(grid(_reduced(space, levels)), count) if each.key not in known]
    return tuple(points[int(place)] for place in _rng(seed, 0).permutation(len(points)))


def _reduced(space: Space, levels: dict[str, int]) -> Space:
    """The space with so many values of each hyperparameter."""
    return Space(tuple(_coarse(parameter, levels[parameter.name]) for parameter in space.parameters))


def _coarse(parameter: Parameter, levels: int) -> Parameter:
    return replace(parameter, domain=Choice(tuple(_middles(parameter.domain, levels))))


def _middles(domain: Domain, levels: int) -> Iterator[bool | int | float | str]:
    for level in range(levels):
        place = (level + 0.5) / levels
        if isinstance(domain, Integer):
            yield value_at(domain, min(int(place * domain.size), domain.size - 1))
        else:
            yield value_at(domain, level) if isinstance(domain, Choice) else domain.at(place)


def _rng(seed: int, part: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([seed, BRANCH, part]))


WITHOUT: Final = 1.0 - RESERVED
RANDOM: Final = Strategy("random search", at_random, confirm, WITHOUT)
SOBOL: Final = Strategy("a Sobol sequence", by_sobol, confirm, WITHOUT, marks={"design": "sobol"})
LATIN_HYPERCUBE: Final = Strategy(
    "a Latin hypercube", by_latin_hypercube, confirm, WITHOUT, nested=False, marks={"design": "latin-hypercube"}
)
GRID: Final = Strategy("a grid", by_grid, confirm, WITHOUT, nested=False, marks={"design": "grid"})
