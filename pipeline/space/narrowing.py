"""Spaces narrowed around a configuration: what stage 2 searches."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pipeline.space.values import Choice, Domain, Integer, Parameter, Real, Space, has
from pipeline.trial import Configuration, Scalar, Value

LEAST = 0.1  # part of a range that a narrowed space reaches up and down at least


@dataclass(frozen=True, slots=True)
class Narrowing:
    """How far a narrowed space reaches from its centre: never less than a tenth of a range or one step."""

    fraction: float = 0.4  # ranges: the centre +- this part of the whole range, on the range's scale
    units: int = 0  # repeated integers (neurons): the centre +- this; 0 for as far as other ranges
    units_step: int = 2  # and in steps of this, or of the space's own step where that is larger

    def scaled(self, factor: float) -> Narrowing:
        """As far again as the factor says, and not less than the least."""
        return replace(
            self, fraction=min(1.0, max(LEAST, self.fraction * factor)), units=math.ceil(self.units * factor)
        )


def narrow(space: Space, centre: Configuration, by: Narrowing) -> Space:
    """A space of one depth around `centre`, which it always contains and which never leaves `space`.

    Counts (`hidden_layers`) are fixed to the centre's; choices keep all their values. A repeated parameter becomes one
    per element, `units` into `units[0]`, `units[1]`, ..., because each layer has a range of its own; `assemble` puts a
    configuration of such a space together again.
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
    """The values as a narrowed space names them: `units` = (37, 41) becomes `units[0]` = 37 and `units[1]` = 41."""
    flat: dict[str, Scalar] = {}
    for name, value in configuration.items:
        if isinstance(value, tuple):
            flat.update({f"{name}[{position}]": element for position, element in enumerate(value)})
        else:
            flat[name] = value
    return flat


def assemble(values: Mapping[str, Scalar], space: Space) -> Configuration:
    """The configuration of `space` that `flatten` gives these values for."""
    whole: dict[str, Value] = {}
    for parameter in space.parameters:
        if parameter.per:
            count = values[parameter.per]
            whole[parameter.name] = tuple(values[f"{parameter.name}[{position}]"] for position in range(int(count)))
        else:
            whole[parameter.name] = values[parameter.name]
    return Configuration.of(whole)


def inside(box: Space, configuration: Configuration) -> bool:
    """True when the flattened configuration lies in a narrowed space, steps aside: its surrogate learns from it."""
    flat = flatten(configuration)
    if set(flat) != set(box.names):
        return False
    return all(_within(parameter.domain, flat[parameter.name]) for parameter in box.parameters)


def _within(domain: Domain, value: Scalar) -> bool:
    if isinstance(domain, Integer):
        return isinstance(value, int) and not isinstance(value, bool) and domain.low <= value <= domain.high
    return has(domain, value)
