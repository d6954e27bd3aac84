"""Search spaces as values: which configurations there are, how to draw one, which lie near another.

A space file is TOML with one entry per hyperparameter, either a fixed value or a table:

    batch_size = 32
    learning_rate = { type = "real", low = 1e-4, high = 1e-1, scale = "log" }
    hidden_layers = { type = "integer", low = 1, high = 4 }
    units         = { type = "integer", low = 8, high = 64, step = 2, per = "hidden_layers" }
    activation    = { type = "choice", values = ["relu", "tanh"] }

An entry with `per` repeats: its value is a tuple with as many elements as the named entry says.
"""

from __future__ import annotations

import difflib
import itertools
import math
import reprlib
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from pipeline.errors import UserError
from pipeline.trial import Configuration, Scalar, Value

REJECTIONS: Final = 1000  # draws in a row that were all known, after which what is left is enumerated
ENUMERATED: Final = 1_000_000  # configurations that are looked through at most to find the ones left
ELEMENTS: Final = 1000  # of a parameter that repeats, at most
EXACT: Final = 2**53  # integers up to this are exact as floats, which is what a surrogate computes with
NARROWEST: Final = 1e-9  # of a range of real numbers, as part of its larger end


@dataclass(frozen=True, slots=True)
class Real:
    """The numbers of [low, high], drawn evenly on a linear or a logarithmic scale."""

    low: float
    high: float
    log: bool = False

    @property
    def size(self) -> int | None:
        """1 for a point, None for infinitely many."""
        return 1 if self.low == self.high else None

    def at(self, unit: float) -> float:
        """The value at `unit` in [0, 1]; never outside [low, high], whatever the logarithm rounds."""
        if self.log:
            value = math.exp(math.log(self.low) + unit * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + unit * (self.high - self.low)
        return min(max(float(value), self.low), self.high)

    def unit(self, value: float) -> float:
        """The place of a value in [0, 1] on this scale; values outside the range lie outside [0, 1]."""
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
        """How many there are."""
        return (self.high - self.low) // self.step + 1


@dataclass(frozen=True, slots=True)
class Choice:
    """Values without order; a fixed value is a choice of one."""

    values: tuple[Scalar, ...]

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.values)


Domain = Real | Integer | Choice


@dataclass(frozen=True, slots=True)
class Parameter:
    """A hyperparameter: one value of its domain, or a tuple with one for each of what `per` counts."""

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


# ---------------------------------------------------------------------------------------------------------- reading


def load(path: Path) -> Space:
    """Read a space file; UserError says which entry is wrong and how."""
    return parse(read_toml(path, "space"))


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """The entries of a TOML file of the user's; UserError says why it cannot be read, naming it the `what` file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Windows editors put a mark before the text
    except OSError as error:
        raise UserError(f"The {what} file {path} cannot be read ({error.strerror})", todo=f"check --{what}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"The {what} file {path} is not UTF-8 text", todo="save it as plain text") from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, brackets in brackets
        raise UserError(f"The {what} file {path} is not valid TOML: {error}", todo="mend that line") from error


def parse(entries: Mapping[str, object]) -> Space:
    """Build a space from the entries of a file, at least one; UserError for unknown or contradictory ones."""
    if not entries:
        raise UserError("The search space is empty", expected="at least one hyperparameter")
    space = Space(tuple(_parameter(name, entry) for name, entry in entries.items()))
    for parameter in space.parameters:
        if parameter.per:
            _check_per(space, parameter)
    return space


def _check_per(space: Space, parameter: Parameter) -> None:
    if parameter.per not in space:
        raise UserError(
            f"{parameter.name} repeats per {parameter.per}, but the space has no {parameter.per}",
            expected=f"an entry {parameter.per} that says how many",
            todo=f"add {parameter.per}, or remove per from {parameter.name}",
        )
    counter = space[parameter.per]
    if counter.per or not all(
        isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= ELEMENTS
        for count in ends(counter.domain)
    ):
        raise UserError(
            f"{parameter.name} repeats per {parameter.per}, which does not count anything",
            expected=f"{parameter.per} to be an integer from 0 to {ELEMENTS} that does not repeat itself",
        )


_KEYS: Final[Mapping[str, frozenset[str]]] = {
    "real": frozenset({"type", "low", "high", "scale", "per"}),
    "integer": frozenset({"type", "low", "high", "step", "per"}),
    "choice": frozenset({"type", "values", "per"}),
    "fixed": frozenset({"type", "value", "per"}),
}


def _parameter(name: str, entry: object) -> Parameter:
    if isinstance(entry, bool | int | float | str):
        return Parameter(name, Choice((_finite(name, entry),)))
    if not isinstance(entry, Mapping):
        raise UserError(
            f"The entry {name} of the space is neither a value nor a table",
            expected='a fixed value, or { type = "real" | "integer" | "choice" | "fixed", ... }',
            came=repr(entry),
            todo=f'for a list of values write {name} = {{ type = "choice", values = [...] }}',
        )
    kind = entry.get("type")
    if not isinstance(kind, str) or kind not in _KEYS:
        raise UserError(
            f"The entry {name} of the space has no known type",
            expected=", ".join(_KEYS),
            came=repr(kind) if "type" in entry else "no type",
        )
    unknown = sorted(set(entry) - _KEYS[kind])
    if unknown:
        raise UserError(
            f"The entry {name} of the space has an unknown key {unknown[0]!r}",
            expected=f"for type {kind}: {', '.join(sorted(_KEYS[kind]))}",
            todo=nearest(unknown[0], _KEYS[kind]),
        )
    per = entry.get("per", "")
    if not isinstance(per, str):
        raise UserError(f"per of {name} is not the name of an entry", came=repr(per))
    return Parameter(name, _domain(name, kind, entry), per)


def _domain(name: str, kind: str, entry: Mapping[str, object]) -> Domain:
    if kind == "real":
        return _real(name, entry)
    if kind == "integer":
        return _integer(name, entry)
    if kind == "fixed":
        return Choice((_finite(name, entry.get("value")),))
    values = entry.get("values")
    if not isinstance(values, list) or not values:
        raise UserError(
            f"The choice {name} has no values", expected="values = [...] with at least one", came=repr(values)
        )
    plain = tuple(_finite(name, value) for value in values)
    if len(set(plain)) < len(plain):
        raise UserError(
            f"The choice {name} names a value twice",
            expected="values that differ (1, 1.0 and true do not)",
            came=repr(values),
            todo="remove the duplicate",
        )
    return Choice(plain)


def _real(name: str, entry: Mapping[str, object]) -> Real:
    low, high = (_number(name, key, entry) for key in ("low", "high"))
    scale = entry.get("scale", "linear")
    if scale not in ("linear", "log"):
        raise UserError(f"The scale of {name} is unknown", expected="linear or log", came=repr(scale))
    _check_order(name, low, high)
    if scale == "log" and low <= 0:
        raise UserError(
            f"{name} has a log scale, but its low end is {low}",
            expected="low > 0",
            todo="raise low, or use a linear scale",
        )
    if not math.isfinite(high - low) or 0 < high - low < NARROWEST * max(abs(low), abs(high)):
        raise UserError(
            f"The range of {name} is too wide or too narrow to search in",
            expected="ends that differ in the ninth digit at the latest, or not at all",
            came=f"low = {low}, high = {high}",
        )
    return Real(float(low), float(high), scale == "log")


def _integer(name: str, entry: Mapping[str, object]) -> Integer:
    numbers = [_number(name, key, entry) for key in ("low", "high")] + (
        [_number(name, "step", entry)] if "step" in entry else [1]
    )
    for number in numbers:
        if not isinstance(number, int):
            raise UserError(
                f"{name} is an integer, but {number} is not one", todo='write whole numbers, or type = "real"'
            )
    low, high, step = (int(number) for number in numbers)
    _check_order(name, low, high)
    if step < 1 or (high - low) % step:
        raise UserError(
            f"The step of {name} does not fit",
            expected=f"a step of at least 1 that leads from {low} to {high} exactly",
            came=str(step),
            todo=f"use high = {low + max(0, (high - low) // max(step, 1)) * max(step, 1)}, or another step",
        )
    return Integer(low, high, step)


def _check_order(name: str, low: float, high: float) -> None:
    if low > high:
        raise UserError(
            f"{name} has low > high", expected="low <= high", came=f"low = {low}, high = {high}", todo="swap them"
        )


def _number(name: str, key: str, entry: Mapping[str, object]) -> int | float:
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not _moderate(value):
        raise UserError(
            f"{key} of {name} is not a number",
            expected=f"{key} = a finite number, integers up to 2**53",
            came=reprlib.repr(value) if key in entry else "nothing",
        )
    return value


def _finite(name: str, value: object) -> Scalar:
    if isinstance(value, bool | str) or (isinstance(value, int | float) and _moderate(value)):
        return value + 0.0 if isinstance(value, float) else value
    raise UserError(
        f"A value of {name} is not a finite number, a text or a truth value",
        expected="integers up to 2**53",
        came=reprlib.repr(value),
    )


def _moderate(value: float) -> bool:
    return abs(value) <= EXACT if isinstance(value, int) else math.isfinite(value)


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint for a mistyped word, or nothing."""
    close = difflib.get_close_matches(word, list(known), 1)
    return f"did you mean {close[0]}?" if close else ""


# --------------------------------------------------------------------------------------------------- configurations


def _count(values: Mapping[str, Value], parameter: Parameter) -> int | None:
    """How many elements the parameter has beside these values; None for one that does not repeat."""
    if not parameter.per:
        return None
    count = values[parameter.per]
    assert isinstance(count, int)
    return count


def _single_first(space: Space) -> list[Parameter]:
    return sorted(space.parameters, key=lambda parameter: bool(parameter.per))


def sample(space: Space, rng: np.random.Generator) -> Configuration:
    """Draw one configuration: each parameter evenly on its own scale, so that every depth is equally likely."""
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


def value_at(domain: Integer | Choice, position: int) -> Scalar:
    """The value number `position` of a finite domain, from 0."""
    return domain.low + domain.step * position if isinstance(domain, Integer) else domain.values[position]


def ends(domain: Domain) -> tuple[Scalar, ...]:
    """Values between which all others of the domain lie; of a choice all."""
    return domain.values if isinstance(domain, Choice) else (domain.low, domain.high)


def _values(domain: Domain) -> Iterator[Scalar]:
    if isinstance(domain, Real):
        if domain.size is None:
            raise ValueError("a range of real numbers cannot be enumerated")
        yield domain.low
        return
    for position in range(domain.size):
        yield value_at(domain, position)


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
        counts = [count for count in _values(space[counter].domain) if isinstance(count, int)]
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
    """Every configuration of a finite space once, in a fixed order; ValueError for an infinite one."""
    ordered = _single_first(space)

    def extend(values: dict[str, Value], rest: Sequence[Parameter]) -> Iterator[Configuration]:
        if not rest:
            yield Configuration.of(values)
            return
        parameter, *others = rest
        count = _count(values, parameter)
        options: Iterable[Value] = (
            _values(parameter.domain)
            if count is None
            else itertools.product(_values(parameter.domain), repeat=count)
            if count == 0
            else itertools.product(list(_values(parameter.domain)), repeat=count)
        )
        for option in options:
            yield from extend(values | {parameter.name: option}, others)

    yield from extend({}, ordered)


def stream(space: Space, rng: np.random.Generator, known: Iterable[str]) -> Iterator[Configuration]:
    """Draw configurations for ever, each once and none whose key is known; ends when a finite space is used up.

    A longer stream begins with the shorter one, so asking for more configurations later keeps the first ones.
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
    """True exactly when the space could have drawn this configuration."""
    values = configuration.as_dict()
    if set(values) != set(space.names):
        return False
    for parameter in space.parameters:
        value = values[parameter.name]
        if not parameter.per:
            if isinstance(value, tuple) or not _has(parameter.domain, value):
                return False
        elif (
            not isinstance(value, tuple)
            or len(value) != values[parameter.per]
            or not all(_has(parameter.domain, each) for each in value)
        ):
            return False
    return True


def _has(domain: Domain, value: Scalar) -> bool:
    if isinstance(domain, Choice):
        return any(type(value) is type(each) and value == each for each in domain.values)
    if isinstance(value, bool | str):
        return False
    if isinstance(domain, Real):
        return isinstance(value, float) and domain.low <= value <= domain.high
    return isinstance(value, int) and domain.low <= value <= domain.high and (value - domain.low) % domain.step == 0


# ---------------------------------------------------------------------------------------------------------- narrowing


@dataclass(frozen=True, slots=True)
class Narrowing:
    """How far a narrowed space reaches from its centre."""

    units: int = 10  # repeated integers (neurons): the centre +- this
    units_step: int = 2  # and in steps of this, or of the space's own step where that is larger
    fraction: float = 0.2  # all other ranges: the centre +- this part of the whole range, on the range's scale


def narrow(space: Space, centre: Configuration, group: Sequence[Configuration], by: Narrowing) -> Space:
    """A space of one depth around `centre`, which it always contains and which never leaves `space`.

    Counts (`hidden_layers`) are fixed to the centre's; choices keep the values that the group (the elite, the centre
    included) has. A repeated parameter becomes one per element, `units` into `units[0]`, `units[1]`, ..., because each
    layer has a range of its own; `assemble` puts a configuration of such a space together again.
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
        used = [each[parameter.name] for each in group]
        flat = {scalar for one in used for scalar in (one if isinstance(one, tuple) else (one,))}
        for position, element in enumerate(elements):
            name = f"{parameter.name}[{position}]" if parameter.per else parameter.name
            narrowed.append(Parameter(name, _around(parameter, element, flat, by)))
    return Space(tuple(narrowed))


def _around(parameter: Parameter, value: Scalar, used: set[Scalar], by: Narrowing) -> Domain:
    domain = parameter.domain
    if isinstance(domain, Choice):
        return Choice(tuple(each for each in domain.values if each == value or each in used))
    assert not isinstance(value, str)
    if isinstance(domain, Real):
        unit = domain.unit(value)
        low, high = domain.at(max(0.0, unit - by.fraction)), domain.at(min(1.0, unit + by.fraction))
        return Real(min(low, float(value)), max(high, float(value)), domain.log)
    radius = by.units if parameter.per else round(by.fraction * (domain.high - domain.low))
    step = domain.step * max(1, math.ceil(by.units_step / domain.step)) if parameter.per else domain.step
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
    return _has(domain, value)
