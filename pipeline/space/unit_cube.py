"""Configurations as rows of numbers, with which the surrogate computes.

A row has one coordinate for each hyperparameter that varies, and one for each element of those that repeat. Ranges are
scaled to [0, 1]; choices are numbered. An element that a configuration does not have (the third layer of two) is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.space import Choice, Domain, Integer, Real, Space, assemble, ends, flatten, value_at
from pipeline.trial import Configuration, Scalar


@dataclass(frozen=True, slots=True)
class Axis:
    """One coordinate: a hyperparameter, or one element of one that repeats."""

    name: str  # as in `flatten`
    domain: Domain

    def coordinate(self, value: Scalar) -> float:
        """The coordinate of a value. Raise ValueError for a choice that the domain does not have."""
        if isinstance(self.domain, Choice):
            return float(position_of(self.domain, value))
        assert not isinstance(value, str)
        if isinstance(self.domain, Integer):
            return (value - self.domain.low) / (self.domain.high - self.domain.low)
        return self.domain.unit(float(value))


def position_of(domain: Choice, value: Scalar) -> int:
    """The position of a value in a choice, where 1, 1.0 and true differ. Raise ValueError if it is not in it."""
    for position, each in enumerate(domain.values):
        if type(each) is type(value) and each == value:
            return position
    raise ValueError(f"{value!r} is not one of {domain.values}")


def axes_of(space: Space) -> tuple[Axis, ...]:
    """The coordinates of a space, in its order; fixed values have none."""
    found: list[Axis] = []
    for parameter in space.parameters:
        if parameter.domain.size == 1:
            continue
        if not parameter.per:
            found.append(Axis(parameter.name, parameter.domain))
            continue
        most = max(count for count in ends(space[parameter.per].domain) if isinstance(count, int))
        found += [Axis(f"{parameter.name}[{position}]", parameter.domain) for position in range(most)]
    return tuple(found)


def row_of(axes: Sequence[Axis], configuration: Configuration) -> np.ndarray | None:
    """(axes,) coordinates; None for a configuration of another space. Numbers may lie outside the ranges."""
    flat = flatten(configuration)
    try:
        return np.array([axis.coordinate(flat[axis.name]) if axis.name in flat else np.nan for axis in axes])
    except (ValueError, AssertionError):
        return None


def configuration_at(space: Space, point: Sequence[float] | np.ndarray) -> Configuration:
    """The configuration at a point (axes,) of the unit cube; a uniform point gives a uniform configuration.

    Coordinates of elements that it does not have are ignored.
    """
    return assembled(
        space, {axis.name: _at(axis.domain, float(unit)) for axis, unit in zip(axes_of(space), point, strict=True)}
    )


def _at(domain: Domain, unit: float) -> Scalar:
    if isinstance(domain, Real):
        return domain.at(unit)
    return value_at(domain, min(int(unit * domain.size), domain.size - 1))


def assembled(space: Space, values: Mapping[str, Scalar]) -> Configuration:
    """The configuration with these values on the axes, and the fixed values of the space."""
    whole = dict(values)
    only = [parameter for parameter in space.parameters if parameter.domain.size == 1]
    whole |= {parameter.name: ends(parameter.domain)[0] for parameter in only if not parameter.per}
    for parameter in only:
        count = int(whole[parameter.per]) if parameter.per else 0
        whole |= {f"{parameter.name}[{place}]": ends(parameter.domain)[0] for place in range(count)}
    return assemble(whole, space)


def features(axes: Sequence[Axis], rows: np.ndarray) -> np.ndarray:
    """(rows, features): a column for each range, with 0.5 for missing values, and one for each value of a choice.

    Two different choices have the distance 1, like the two ends of a range.
    """
    columns: list[np.ndarray] = []
    for axis, column in zip(axes, rows.T, strict=True):
        if isinstance(axis.domain, Choice):
            columns += [(column == position) * np.sqrt(0.5) for position in range(axis.domain.size)]
        else:
            columns.append(np.where(np.isnan(column), 0.5, column))
    return np.column_stack(columns).astype(float)


def groups(axes: Sequence[Axis]) -> np.ndarray:
    """(features,) the position of the axis to which each column of `features` belongs."""
    widths = [axis.domain.size or 1 if isinstance(axis.domain, Choice) else 1 for axis in axes]
    return np.repeat(np.arange(len(axes)), widths)
