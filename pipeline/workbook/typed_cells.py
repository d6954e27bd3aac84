"""The cells of a row that somebody typed: its configuration, and the numbers beside it."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.errors import UserError
from pipeline.trial import Configuration
from pipeline.workbook.columns import (
    COUNT,
    ELITE,
    GROUP,
    HYPERPARAMETER,
    JSON,
    KEY,
    LAYERS,
    LIMIT,
    MEAN,
    NEURONS,
    RANK,
    STAGE,
    STD,
)
from pipeline.workbook.read import Cells, written

_NAMES: Final = {LAYERS: "hidden_layers", NEURONS: "units"}
_PLACE: Final = frozenset({RANK, STAGE, ELITE, GROUP})
_NUMBER: Final = re.compile(r"[+-]?(\d+|\d*\.\d+|\d+\.)([eE][+-]?\d+)?", re.ASCII)
_LONGEST: Final = 400  # characters of a number
_WORDS: Final = {float: "a number", int: "a whole number", bool: "true or false", str: "a text"}


class Wrong(Exception):
    """A row that is meant as a result, and is not one: which part of it, and what is wrong with that."""

    def __init__(self, part: str, what: str, *, expected: str = "", got: str = "", hint: str = "") -> None:
        super().__init__(f"the {part} {what}" + (f" ({got})" if got else ""))
        self._part, self._what, self._further = part, what, {"expected": expected, "got": got}
        self._hint = hint or "correct the cell"

    def error(self, where: str, score: str) -> UserError:
        """The error that names the row; `score` is what its sheet calls the column of the score."""
        hint = f"{self._hint}, or empty the {score} of the row: it is a remark then"
        return UserError(f"The {self._part} in {where} {self._what}", **self._further, hint=hint)


# ------------------------------------------------------------------------------------------------------------- numbers


def number(cells: Cells, header: str, name: str) -> float | None:
    """The number in a cell, None where it is empty; Wrong for anything else. `name` is what people see."""
    cell = cells.get(header)
    if cell is None:
        return None
    found = _plain(cell) if isinstance(cell, str) else cell
    if isinstance(found, bool) or not isinstance(found, int | float) or not abs(found) < math.inf:
        expected = "a number, with a point where it is a text, or an empty cell"
        raise Wrong(name, "is not a number", expected=expected, got=_told(cell))
    return float(found)


def whole(cells: Cells, header: str, least: int = 1) -> int | None:
    """The whole number in a cell, None where it is empty; Wrong for anything else."""
    found = number(cells, header, header)
    if found is None:
        return None
    if not found.is_integer() or found < least:
        raise Wrong(header, f"is not a whole number from {least} on", got=_told(cells[header]))
    return int(found)


def _told(cell: object) -> str:
    if isinstance(cell, dt.date | dt.time):
        return f"{cell}, a date or a time"
    return f"the text {cell!r:.60}" if isinstance(cell, str) else f"{cell!r:.60}"


def _plain(content: str) -> object:
    """The number or truth value that a text is, else the text."""
    text = content.strip()
    if len(text) < _LONGEST and _NUMBER.fullmatch(text):
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    return {"true": True, "false": False}.get(text.lower(), text)


# ------------------------------------------------------------------------------------------------------- configurations


@dataclass(frozen=True, slots=True)
class Typed:
    """How to read the hyperparameters of typed rows: their columns and kinds of values."""

    columns: Mapping[str, str]  # header -> name of the hyperparameter
    kinds: Mapping[str, frozenset[type]]  # name -> the types that it has in the sheet's exact configurations
    lists: frozenset[str]  # names of those with a value per layer


def learn(rows: Sequence[tuple[int, Cells]]) -> Typed:
    """How to read typed rows, learnt from the exact configurations of the sheet.

    Without any, the columns left of the mean are hyperparameters.
    """
    exact = [(cells.get(STAGE), each) for _, cells in rows if (each := _exact(cells)) is not None]
    # The default network may give its layers in another way than the space that the others are of.
    examples = [each for stage, each in exact if stage != "baseline"] or [each for _, each in exact]
    kinds: dict[str, set[type]] = {}
    lists = {name for each in examples for name, value in each.items if isinstance(value, tuple)}
    for each in examples:
        for name, value in each.items:
            kinds.setdefault(name, set()).update(type(v) for v in (value if isinstance(value, tuple) else (value,)))
    mark = f" ({HYPERPARAMETER})"
    headers = [name + mark for name in kinds] + [*kinds, *_NAMES] if kinds else _left_of_mean(rows)
    columns = {header: _NAMES.get(header, header.removesuffix(mark)) for header in headers}
    if kinds:
        columns = {header: name for header, name in columns.items() if name in kinds}
    return Typed(columns, {name: frozenset(types) for name, types in kinds.items()}, frozenset(lists or {"units"}))


def _left_of_mean(rows: Sequence[tuple[int, Cells]]) -> list[str]:
    # Rows leave their empty cells out: only all of them together show every header, each in the order of the sheet.
    headers: list[str] = []
    for _, cells in rows:
        names = list(cells)
        until = names.index(MEAN) if MEAN in names else 0
        headers.extend(name for name in names[:until] if name not in headers and name not in _PLACE)
    return [name for name in headers if name not in (KEY, JSON, LIMIT, COUNT, STD)]


def names_one(cells: Cells, typed: Typed) -> bool:
    """True for a row that has a configuration, or a part of one."""
    return JSON in cells or not typed.columns.keys().isdisjoint(cells)


def configuration_of(cells: Cells, typed: Typed) -> Configuration:
    """The configuration of a row that names one: its exact text, else its columns; Wrong where it is none."""
    key = written(cells.get(KEY))
    if JSON in cells:
        configuration = _exact(cells)
        if configuration is None:
            raise _refused("cannot be read", str(cells[JSON])[:80])
    else:
        configuration = _rebuilt(cells, typed)
    if key and configuration.key != key:
        raise _refused(f"has the key {configuration.key}", f"the key {key:.40}")
    return configuration


def _refused(what: str, got: str) -> Wrong:
    return Wrong(
        "configuration",
        what,
        expected=f"in the column {JSON} the text as it was written, and beside it the key that belongs to that text",
        got=got,
        hint="restore both cells, or empty both (then the columns of the hyperparameters count)",
    )


def _exact(cells: Cells) -> Configuration | None:
    content = cells.get(JSON)
    if not isinstance(content, str) or not content.lstrip().startswith("{"):
        return None
    try:
        return Configuration.from_json(content.replace("_x005F_", "_"))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


def _rebuilt(cells: Cells, typed: Typed) -> Configuration:
    values: dict[str, object] = {}
    for header, name in typed.columns.items():
        if header in cells:
            values[name] = _typed_value(header, cells[header], typed.kinds.get(name), several=name in typed.lists)
    missing = sorted(typed.kinds.keys() - values.keys() - {"hidden_layers"})
    if missing:
        raise Wrong(
            "typed configuration",
            "is incomplete",
            expected="a value for every hyperparameter",
            got="no value for " + ", ".join(missing),
            hint="fill in the cells",
        )
    _add_depth(values, typed)
    try:
        return Configuration.of(values)
    except ValueError as error:
        raise Wrong("typed configuration", "cannot be read", got=str(error)) from error


def _add_depth(values: dict[str, object], typed: Typed) -> None:
    """The number of hidden layers is that of the neurons; Wrong where it is said, and another one."""
    units = values.get("units")
    if not isinstance(units, tuple) or (typed.kinds and "hidden_layers" not in typed.kinds):
        return
    if values.setdefault("hidden_layers", len(units)) != len(units):
        raise Wrong(
            "typed configuration",
            "contradicts itself",
            expected="the neurons of each hidden layer",
            got=f"{values['hidden_layers']} hidden layers, and neurons of {len(units)}",
        )


def _typed_value(header: str, cell: object, kinds: frozenset[type] | None, *, several: bool) -> object:
    """A typed cell as the hyperparameter's value, or several of them; Wrong for another kind of value."""
    value = _several(cell, kinds or frozenset()) if several else _value(cell, kinds or frozenset())
    for each in value if isinstance(value, tuple) else (value,):
        if not _fits(each, kinds):
            words = " or ".join(word for kind, word in _WORDS.items() if kind in (kinds or _WORDS))
            expected = f"{words}, one for each hidden layer, such as [37, 41]" if several else words
            raise Wrong(header, "cannot be read", expected=expected, got=_told(cell))
    return value


def _fits(value: object, kinds: frozenset[type] | None) -> bool:
    """True for a value of a kind that the hyperparameter has elsewhere, or of any where nothing says so."""
    allowed = kinds or frozenset(_WORDS)
    return type(value) in allowed or (type(value) is int and float in allowed)


def _value(cell: object, kinds: frozenset[type]) -> object:
    """A typed cell as the kind of value that the hyperparameter has elsewhere; counts where nothing says so."""
    if isinstance(cell, str):
        if str in kinds or not kinds:
            return cell.strip()
        cell = _plain(cell)
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return cell
    if kinds == {float}:
        return float(cell)
    if kinds == {bool} and cell in (0, 1):
        return bool(cell)
    return int(cell) if math.isfinite(cell) and float(cell).is_integer() else cell


def _several(cell: object, kinds: frozenset[type]) -> tuple[object, ...]:
    """One value per layer, written as `[37, 41, 35]`, `37, 41, 35` or `37`."""
    if not isinstance(cell, str):
        return (_value(cell, kinds),)
    elements = [each.strip("\"'") for each in re.split(r"[\s,;]+", cell.strip(" []")) if each]
    return tuple(_value(each, kinds or frozenset({int, float})) for each in elements)
