"""Spaces narrowed around a configuration, which stage 2 searches."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pipeline.space.values import Choice, Domain, Integer, Parameter, Real, Space, has
from pipeline.trial import Configuration, Scalar, Value

LEAST = 0.1  # smallest fraction of a range that a narrowed space extends up and down


@dataclass(frozen=True, slots=True)
class Narrowing:
    """How far a narrowed space extends from its centre: never less than a tenth of a range or one step."""

    fraction: float = 0.4  # ranges: the centre +- this fraction of the whole range, on the scale of the range
    units: int = 0  # repeated integers (neurons): the centre +- this; 0 to use `fraction`
    units_step: int = 2  # step of repeated integers, unless that of the space is larger

    def scaled(self, factor: float) -> Narrowing:
        """The same extent times a factor, but at least the minimum."""
        return replace(
            self, fraction=min(1.0, max(LEAST, self.fraction * factor)), units=math.ceil(self.units * factor)
        )


def narrow(space: Space, centre: Configuration, by: Narrowing) -> Space:
    """A part of `space` around `centre`, which it always contains, with the depth of the centre.

    Counts (`hidden_layers`) are fixed to those of the centre; choices keep all their values. A repeated parameter
    becomes one for each element, as `units` becomes `units[0]`, `units[1]`, ..., because each layer has its own range;
    `assemble` makes a configuration of `space` again.
    """
    counters = {parameter.per for parameter in space.parameters if parameter.per}
    narrowed: list[Parameter] = []
    for parameter in space.parameters:
        value = centre[parameter.name]
        if parameter.name in counters:
            assert not isinstance(value, tuple)
            narrowed.append(replace(parameter, domain=Choice((value,))))
            continue
        elements = value if isinstance(value, tuple) else (value,)
        for position, element in enumerate(elements):
            name = f"{parameter.name}[{position}]" if parameter.per else parameter.name
            narrowed.append(Parameter(name, _around(parameter, element, by)))
    return Space(tuple(narrowed))


def _around(parameter: Parameter, value: Scalar, by: Narrowing) -> Domain:
    domain = parameter.domain
    if isinstance(domain, Choice):
        return domain
    assert not isinstance(value, str)
    if isinstance(domain, Real):
        unit = domain.unit(value)
        low, high = domain.at(max(0.0, unit - by.fraction)), domain.at(min(1.0, unit + by.fraction))
        return Real(min(low, float(value)), max(high, float(value)), domain.log)
    step = domain.step * max(1, math.ceil(by.units_step / domain.step)) if parameter.per else domain.step
    whole = domain.high - domain.low
    radius = max(by.units, round(LEAST * whole)) if parameter.per and by.units else round(by.fraction * whole)
    reach = max(1, radius // step)
    down, up = min(reach, (int(value) - domain.low) // step), min(reach, (domain.high - int(value)) // step)
    return Integer(int(value) - down * step, int(value) + up * step, step)


def flatten(configuration: Configuration) -> dict[str, Scalar]:
    """The values by the names of a narrowed space: `units` = (37, 41) becomes `units[0]` = 37 and `units[1]` = 41."""
    flat: dict[str, Scalar] = {}
    for name, value in configuration.items:
        if isinstance(value, tuple):
            flat.update({f"{name}[{position}]": element for position, element in enumerate(value)})
        else:
            flat[name] = value
    return flat


def assemble(values: Mapping[str, Scalar], space: Space) -> Configuration:
    """The configuration of `space` with these flattened values; the inverse of `flatten`."""
    whole: dict[str, Value] = {}
    for parameter in space.parameters:
        if parameter.per:
            count = values[parameter.per]
            whole[parameter.name] = tuple(values[f"{parameter.name}[{position}]"] for position in range(int(count)))
        else:
            whole[parameter.name] = values[parameter.name]
    return Configuration.of(whole)


def inside(box: Space, configuration: Configuration) -> bool:
    """True if the flattened configuration lies within a narrowed space; it need not fit the steps."""
    flat = flatten(configuration)
    if set(flat) != set(box.names):
        return False
    return all(_within(parameter.domain, flat[parameter.name]) for parameter in box.parameters)


def _within(domain: Domain, value: Scalar) -> bool:
    if isinstance(domain, Integer):
        return isinstance(value, int) and not isinstance(value, bool) and domain.low <= value <= domain.high
    return has(domain, value)
