"""Read space files; each kind of mistake has an error that explains it."""

from __future__ import annotations

import difflib
import math
import reprlib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from pipeline.errors import UserError
from pipeline.space.values import Choice, Domain, Integer, Parameter, Real, Space, ends
from pipeline.trial import Scalar

ELEMENTS: Final = 1000  # most elements of a parameter that repeats
EXACT: Final = 2**53  # integers up to this are exact as floats, with which a surrogate computes
NARROWEST: Final = 1e-9  # smallest width of a range of real numbers, relative to its larger end


def load(path: Path) -> Space:
    """Read a space file. Raise UserError naming the entry that is wrong."""
    return parse(read_toml(path, "space"))


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """Read a TOML file of the user. Raise UserError, calling it the `what` file, if it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Windows editors write a byte order mark
    except OSError as error:
        raise UserError(f"The {what} file {path} cannot be read ({error.strerror})", hint=f"check --{what}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"The {what} file {path} is not UTF-8 text", hint="save it as plain text") from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, brackets in brackets
        raise UserError(f"The {what} file {path} is not valid TOML: {error}", hint="correct that line") from error


def parse(entries: Mapping[str, object]) -> Space:
    """Make a space from the entries of a file. Raise UserError if there are none, or if one is wrong."""
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
            expected=f"an entry {parameter.per} with the number of values",
            hint=f"add {parameter.per}, or remove per from {parameter.name}",
        )
    counter = space[parameter.per]
    if counter.per or not all(
        isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= ELEMENTS
        for count in ends(counter.domain)
    ):
        raise UserError(
            f"{parameter.name} repeats per {parameter.per}, which is not a count",
            expected=f"{parameter.per} to be an integer from 0 to {ELEMENTS} without per",
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
            got=repr(entry),
            hint=f'for a list of values write {name} = {{ type = "choice", values = [...] }}',
        )
    kind = entry.get("type")
    if not isinstance(kind, str) or kind not in _KEYS:
        raise UserError(
            f"The entry {name} of the space has no known type",
            expected=", ".join(_KEYS),
            got=repr(kind) if "type" in entry else "no type",
        )
    unknown = sorted(set(entry) - _KEYS[kind])
    if unknown:
        raise UserError(
            f"The entry {name} of the space has an unknown key {unknown[0]!r}",
            expected=f"for type {kind}: {', '.join(sorted(_KEYS[kind]))}",
            hint=nearest(unknown[0], _KEYS[kind]),
        )
    per = entry.get("per", "")
    if not isinstance(per, str):
        raise UserError(f"per of {name} is not the name of an entry", got=repr(per))
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
            f"The choice {name} has no values", expected="values = [...] with at least one", got=repr(values)
        )
    plain = tuple(_finite(name, value) for value in values)
    if len(set(plain)) < len(plain):
        raise UserError(
            f"The choice {name} names a value twice",
            expected="values that differ (1, 1.0 and true do not)",
            got=repr(values),
            hint="remove the duplicate",
        )
    return Choice(plain)


def _real(name: str, entry: Mapping[str, object]) -> Real:
    low, high = (_number(name, key, entry) for key in ("low", "high"))
    scale = entry.get("scale", "linear")
    if scale not in ("linear", "log"):
        raise UserError(f"The scale of {name} is unknown", expected="linear or log", got=repr(scale))
    _check_order(name, low, high)
    if scale == "log" and low <= 0:
        raise UserError(
            f"{name} has a log scale, but its low end is {low}",
            expected="low > 0",
            hint="raise low, or use a linear scale",
        )
    if not math.isfinite(high - low) or 0 < high - low < NARROWEST * max(abs(low), abs(high)):
        raise UserError(
            f"The range of {name} is too wide or too narrow to search in",
            expected="ends that differ within their first nine digits, or are equal",
            got=f"low = {low}, high = {high}",
        )
    return Real(float(low), float(high), scale == "log")


def _integer(name: str, entry: Mapping[str, object]) -> Integer:
    numbers = [_number(name, key, entry) for key in ("low", "high")] + (
        [_number(name, "step", entry)] if "step" in entry else [1]
    )
    for number in numbers:
        if not isinstance(number, int):
            raise UserError(f"{name} is an integer, but {number} is not", hint='write whole numbers, or type = "real"')
    low, high, step = (int(number) for number in numbers)
    _check_order(name, low, high)
    if step < 1 or (high - low) % step:
        raise UserError(
            f"The step of {name} does not fit",
            expected=f"a step of at least 1 that goes from {low} to {high} exactly",
            got=str(step),
            hint=f"use high = {low + max(0, (high - low) // max(step, 1)) * max(step, 1)}, or another step",
        )
    return Integer(low, high, step)


def _check_order(name: str, low: float, high: float) -> None:
    if low > high:
        raise UserError(
            f"{name} has low > high", expected="low <= high", got=f"low = {low}, high = {high}", hint="swap them"
        )


def _number(name: str, key: str, entry: Mapping[str, object]) -> int | float:
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not _moderate(value):
        raise UserError(
            f"{key} of {name} is not a number",
            expected=f"{key} = a finite number, integers up to 2**53",
            got=reprlib.repr(value) if key in entry else "nothing",
        )
    return value


def _finite(name: str, value: object) -> Scalar:
    if isinstance(value, bool | str) or (isinstance(value, int | float) and _moderate(value)):
        return value + 0.0 if isinstance(value, float) else value
    raise UserError(
        f"A value of {name} is not a finite number, a text or a truth value",
        expected="integers up to 2**53",
        got=reprlib.repr(value),
    )


def _moderate(value: float) -> bool:
    return abs(value) <= EXACT if isinstance(value, int) else math.isfinite(value)


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint for a mistyped word: the closest known one, or an empty text."""
    close = difflib.get_close_matches(word, list(known), 1)
    return f"did you mean {close[0]}?" if close else ""
