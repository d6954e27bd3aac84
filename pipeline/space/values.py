"""Domains, parameters and spaces as values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.trial import Scalar


@dataclass(frozen=True, slots=True)
class Real:
    """The numbers in [low, high], drawn uniformly on a linear or a logarithmic scale."""

    low: float
    high: float
    log: bool = False

    @property
    def size(self) -> int | None:
        """1 if both ends are equal, None for infinitely many values."""
        return 1 if self.low == self.high else None

    def at(self, unit: float) -> float:
        """The value at `unit` in [0, 1]; never outside [low, high], even if the logarithm is rounded."""
        if self.log:
            value = math.exp(math.log(self.low) + unit * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + unit * (self.high - self.low)
        return min(max(float(value), self.low), self.high)

    def unit(self, value: float) -> float:
        """The position of a value on this scale, in [0, 1] for values within the range."""
        if self.low == self.high:
            return 0.0
        if self.log:
            return (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Integer:
    """The integers low, low + step, ..., high."""

    low: int
    high: int
    step: int = 1

    @property
    def size(self) -> int:
        """The number of values."""
        return (self.high - self.low) // self.step + 1


@dataclass(frozen=True, slots=True)
class Choice:
    """Values without an order; a fixed value is a choice of one."""

    values: tuple[Scalar, ...]

    @property
    def size(self) -> int:
        """The number of values."""
        return len(self.values)


Domain = Real | Integer | Choice


@dataclass(frozen=True, slots=True)
class Parameter:
    """A hyperparameter: one value of its domain, or with `per` a tuple of as many as that parameter's value."""

    name: str
    domain: Domain
    per: str = ""


@dataclass(frozen=True, slots=True)
class Space:
    """Parameters by name; a parameter's `per` names an integer parameter of the same space that does not repeat."""

    parameters: tuple[Parameter, ...]

    def __contains__(self, name: object) -> bool:
        return any(parameter.name == name for parameter in self.parameters)

    def __getitem__(self, name: str) -> Parameter:
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the order of the file."""
        return tuple(parameter.name for parameter in self.parameters)


def value_at(domain: Integer | Choice, position: int) -> Scalar:
    """The value at a position of a finite domain, from 0."""
    return domain.low + domain.step * position if isinstance(domain, Integer) else domain.values[position]


def ends(domain: Domain) -> tuple[Scalar, ...]:
    """The smallest and the largest value of a range; all values of a choice."""
    return domain.values if isinstance(domain, Choice) else (domain.low, domain.high)


def values_of(domain: Domain) -> Iterator[Scalar]:
    """Every value in order. Raise ValueError if there are infinitely many."""
    if isinstance(domain, Real):
        if domain.size is None:
            raise ValueError("a range of real numbers cannot be enumerated")
        yield domain.low
        return
    for position in range(domain.size):
        yield value_at(domain, position)


def has(domain: Domain, value: Scalar) -> bool:
    """True if and only if the domain could have drawn the value, including its type."""
    if isinstance(domain, Choice):
        return any(type(value) is type(each) and value == each for each in domain.values)
    if isinstance(value, bool | str):
        return False
    if isinstance(domain, Real):
        return isinstance(value, float) and domain.low <= value <= domain.high
    return isinstance(value, int) and domain.low <= value <= domain.high and (value - domain.low) % domain.step == 0
