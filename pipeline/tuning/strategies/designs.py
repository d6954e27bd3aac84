"""Designs choose all configurations before the first answer: random, Sobol, Latin hypercube, grid."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np

from pipeline.space import Choice, Domain, Integer, Parameter, Space, grid, size, stream, value_at
from pipeline.space.unit_cube import axes_of, configuration_at
from pipeline.trial import Configuration, Evaluate, Summary
from pipeline.tuning.sampling import designed, used_up
from pipeline.tuning.stages import Exploring, Say
from pipeline.tuning.strategies.strategy import Strategy

BRANCH: Final = 5  # the branch of the study's seed for designs
PATIENCE: Final = 1024  # known points of a design in a row, after which the rest is random


def sobol(space: Space, count: int, seed: int, known: Collection[str]) -> tuple[Configuration, ...]:
    """See `Sobol`; each layer's hyperparameters have dimensions of their own."""
    from scipy.stats import qmc  # deferred: it takes a second to import

    dimensions = len(axes_of(space))
    if not dimensions:
        return _filled(space, (), count, seed, known)
    sequence = qmc.Sobol(dimensions, rng=_rng(seed, 0))
    blocks = (sequence.random(PATIENCE) for _ in itertools.count())
    return _filled(space, itertools.chain.from_iterable(blocks), count, seed, known)


def latin_hypercube(space: Space, count: int, seed: int, known: Collection[str]) -> tuple[Configuration, ...]:
    """See `LatinHypercube`; points that fall on one configuration are replaced at random."""
    from scipy.stats import qmc

    dimensions = len(axes_of(space))
    points = qmc.LatinHypercube(dimensions, rng=_rng(seed, 0)).random(count) if dimensions and count else ()
    return _filled(space, points, count, seed, known)


def _filled(
    space: Space, points: Iterable[np.ndarray], count: int, seed: int, known: Collection[str]
) -> tuple[Configuration, ...]:
    """The points as configurations, each once; missing or repeated points are replaced at random."""
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
    """See `Grid`. Ranges are cut into equal parts, and the middles are tried; the coarsest range is refined first."""
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
    """The space with this many values for each hyperparameter."""
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


def _coarse_grid(asked: Exploring, left: int) -> str:
    return (
        f"The grid has {left} of the {asked.configurations} configurations: the next finer one has more, or the search"
        " space has no finer one."
    )


@dataclass(frozen=True)
class RandomSearch(Strategy):
    """The first configurations of the study's random stream, all in full."""

    help: ClassVar[str] = "random search, without stage 2"

    @property
    def facts(self) -> Mapping[str, object]:
        """No facts: all strategies that draw at random have the same stage 1."""
        return {}


@dataclass(frozen=True)
class Sobol(Strategy):
    """The first points of a scrambled Sobol sequence (Owen 1998, doi:10.1006/jcom.1998.0487)."""

    help: ClassVar[str] = "a Sobol sequence, without stage 2"
    design: ClassVar[str] = "a Sobol sequence"

    @property
    def facts(self) -> Mapping[str, object]:
        """The name of the design, which studies store."""
        return {"design": "sobol"}

    def explore(self, asked: Exploring, evaluate: Evaluate, say: Say) -> tuple[Summary, ...]:
        """Train the first points of the sequence."""
        return designed(sobol, asked, evaluate, say, used_up)


@dataclass(frozen=True)
class LatinHypercube(Strategy):
    """A Latin hypercube: each range is cut into as many parts as there are configurations, each used once."""

    help: ClassVar[str] = "a Latin hypercube, without stage 2"
    design: ClassVar[str] = "a Latin hypercube"
    nested: ClassVar[bool] = False

    @property
    def facts(self) -> Mapping[str, object]:
        """The name of the design, which studies store."""
        return {"design": "latin-hypercube"}

    def explore(self, asked: Exploring, evaluate: Evaluate, say: Say) -> tuple[Summary, ...]:
        """Train the points of the hypercube."""
        return designed(latin_hypercube, asked, evaluate, say, used_up)


@dataclass(frozen=True)
class Grid(Strategy):
    """The finest grid that has no more configurations than asked for, in a random order."""

    help: ClassVar[str] = "the finest grid that fits, without stage 2"
    design: ClassVar[str] = "a grid"
    nested: ClassVar[bool] = False

    @property
    def facts(self) -> Mapping[str, object]:
        """The name of the design, which studies store."""
        return {"design": "grid"}

    def explore(self, asked: Exploring, evaluate: Evaluate, say: Say) -> tuple[Summary, ...]:
        """Train the points of the grid."""
        return designed(fitted_grid, asked, evaluate, say, _coarse_grid)
