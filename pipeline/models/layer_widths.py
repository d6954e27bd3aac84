"""Hidden layers by proportion: the first is a fraction of a base width, each further one of the one before it.

Two numbers define the whole structure, after the neuron percentage and neuron shrinkage of J. Heaton's course
(Applications of Deep Neural Networks, arXiv:2009.05673, section 8.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pipeline.models.model import Layers
from pipeline.trial import Configuration, Value

NAMES: Final = ("base_units", "neuron_percentage", "shrinkage", "min_units", "max_layers")


def is_tapered(values: Mapping[str, Value]) -> bool:
    """True if an assignment gives its layers by proportion."""
    return "neuron_percentage" in values


def widths(values: Mapping[str, Value]) -> tuple[int, ...]:
    """The units of each hidden layer, the first always there: base width x percentage x shrinkage ^ layer, rounded.

    Further layers follow while they have at least `min_units` and there are fewer than `max_layers`. The values are
    all of `NAMES`, in their ranges.
    """
    base, part, shrinkage, least, most = (_number(values[name]) for name in NAMES)
    found = [max(1, round(base * part))]
    while len(found) < most and (units := round(base * part * shrinkage ** len(found))) >= least:
        found.append(max(1, units))
    return tuple(found)


def _number(value: Value) -> float:
    assert isinstance(value, int | float)
    return value


def structure(configuration: Configuration) -> tuple[Value | None, Value | None]:
    """The number of hidden layers and the units of each, however a configuration defines them; None if it does not."""
    values = configuration.as_dict()
    if is_tapered(values) and all(name in values for name in NAMES):
        units = widths(values)
        return len(units), units
    return values.get("hidden_layers"), values.get("units")


LAYERS: Final = Layers(("hidden_layers", "units", *NAMES), structure)
"""Layers with the names of this program, which a user-defined function may use as well."""
