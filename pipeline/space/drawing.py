"""The configurations of a space: one at random, a stream of distinct ones, or all of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from pipeline.space.values import Domain, Parameter, Real, Space, has, value_at, values_of
from pipeline.trial import Configuration, Scalar, Value

REJECTIONS: Final = 1000  # known configurations drawn in a row, after which the remaining ones are enumerated
ENUMERATED: Final = 1_000_000  # configurations that are enumerated at most to find the remaining ones


def _count(values: Mapping[str, Value], parameter: Parameter) -> int | None:
    """The number of elements of a parameter, given the other values; None for one that does not repeat."""
    if not parameter.per:
        return None
    count = values[parameter.per]
    assert isinstance(count, int)
    return count


def _single_first(space: Space) -> list[Parameter]:
    return sorted(space.parameters, key=lambda parameter: bool(parameter.per))


def sample(space: Space, rng: np.random.Generator) -> Configuration:
    """Draw one configuration: each parameter uniformly on its own scale, so that every depth is equally likely."""
    values: dict[str, Value] = {}
    for parameter in _single_first(space):
        count = _count(values, parameter)
        drawn = tuple(_draw(parameter.domain, rng) for _ in range(1 if count is None else count))
        values[parameter.name] = drawn[0] if count is None else drawn
    return Configuration.of(values)


def _draw(domain: Domain, rng: np.random.Generator) -> Scalar:
    if isinstance(domain, Real):
        return domain.at(float(rng.random()))
    return value_at(domain, int(rng.integers(domain.size)))


def size(space: Space) -> int | None:
    """The number of distinct configurations, or None for infinitely many."""
    counters = {parameter.per for parameter in space.parameters if parameter.per}
    plain = [
        parameter.domain.size for parameter in space.parameters if not parameter.per and parameter.name not in counters
    ]
    total = _product(plain)
    per_counter = []
    for counter in sorted(counters):
        repeated = [parameter.domain.size for parameter in space.parameters if parameter.per == counter]
        counts = [count for count in values_of(space[counter].domain) if isinstance(count, int)]
        terms = [
            _product([None if each is None and count else (each or 1) ** count for each in repeated])
            for count in counts
        ]
        per_counter.append(None if None in terms else sum(term for term in terms if term is not None))
    return _product([total, *per_counter])


def _product(sizes: Sequence[int | None]) -> int | None:
    known = [each for each in sizes if each is not None]
    return math.prod(known) if len(known) == len(sizes) else None


def grid(space: Space) -> Iterator[Configuration]:
    """Every configuration of a finite space once, in a fixed order. Raise ValueError for an infinite space."""
    ordered = _single_first(space)

    def extend(values: dict[str, Value], rest: Sequence[Parameter]) -> Iterator[Configuration]:
        if not rest:
            yield Configuration.of(values)
            return
        parameter, *others = rest
        count = _count(values, parameter)
        options: Iterable[Value] = (
            values_of(parameter.domain)
            if count is None
            else itertools.product(values_of(parameter.domain), repeat=count)
            if count == 0
            else itertools.product(list(values_of(parameter.domain)), repeat=count)
        )
        for option in options:
            yield from extend(values | {parameter.name: option}, others)

    yield from extend({}, ordered)


def stream(space: Space, rng: np.random.Generator, known: Iterable[str]) -> Iterator[Configuration]:
    """Draw distinct configurations whose keys are not known, without end unless a finite space is exhausted.

    A longer stream begins with the shorter one, so that asking for more configurations later keeps the first ones.
    """
    seen = set(known)
    rejected = 0
    while rejected < REJECTIONS:
        drawn = sample(space, rng)
        if drawn.key in seen:
            rejected += 1
            continue
        rejected = 0
        seen.add(drawn.key)
        yield drawn
    if size(space) is None:
        raise RuntimeError("an infinite space repeated itself a thousand times")
    left = [each for each in itertools.islice(grid(space), ENUMERATED) if each.key not in seen]
    for position in rng.permutation(len(left)):
        yield left[int(position)]


def contains(space: Space, configuration: Configuration) -> bool:
    """True if and only if the space could have drawn this configuration."""
    values = configuration.as_dict()
    if set(values) != set(space.names):
        return False
    for parameter in space.parameters:
        value = values[parameter.name]
        if not parameter.per:
            if isinstance(value, tuple) or not has(parameter.domain, value):
                return False
        elif (
            not isinstance(value, tuple)
            or len(value) != values[parameter.per]
            or not all(has(parameter.domain, each) for each in value)
        ):
            return False
    return True
