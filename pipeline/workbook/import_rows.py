"""Import of workbook rows that are not in the journal: a colleague's results, or one's own after a lost journal."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.errors import UserError
from pipeline.trial import Configuration, Imported
from pipeline.workbook.columns import (
    CONFUSABLE,
    COUNT,
    ELITE,
    FAILURES,
    GROUP,
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


@dataclass(frozen=True, slots=True)
class Typed:
    """How to read the hyperparameters of typed rows: their columns and types of values."""

    columns: Mapping[str, str]  # header -> name of the hyperparameter
    kinds: Mapping[str, frozenset[type]]  # name -> its types in the sheet's exact configurations
    lists: frozenset[str]  # names of those with a value for each layer


def unknown_results(
    rows: Sequence[tuple[int, Cells]], path: Path, known: Collection[str], epochs: int
) -> tuple[Imported, ...]:
    """The results of unknown configurations in rows `(number, header -> value)`, each configuration once.

    Raise UserError, naming the row, for an incomplete row or a key that does not belong to its configuration.
    """
    typed = learn(rows)
    found: dict[str, Imported] = {}
    for number, cells in rows:
        mean = _float(cells.get(MEAN))
        if mean is None or cells.get(STAGE) == "baseline" or written(cells.get(KEY)) in known:
            continue
        if _count(cells.get(FAILURES)):
            continue  # imported, it would count as one without failures; it is trained here instead
        configuration = configuration_of(cells, typed, f"row {number} of {path}")
        if configuration is not None and configuration.key not in known:
            row = _imported(configuration, mean, cells, epochs, f"{path.name}, row {number}")
            found.setdefault(configuration.key, row)
    return tuple(found.values())


def learn(rows: Sequence[tuple[int, Cells]]) -> Typed:
    """Learn how to read typed rows from the exact configurations of the sheet.

    Without any, the columns left of the mean are hyperparameters.
    """
    exact = [(cells.get(STAGE), each) for _, cells in rows if (each := _exact(cells)) is not None]
    # The default network may define its layers in another way than the space of the others.
    examples = [each for stage, each in exact if stage != "baseline"] or [each for _, each in exact]
    kinds: dict[str, set[type]] = {}
    lists = {name for each in examples for name, value in each.items if isinstance(value, tuple)}
    for each in examples:
        for name, value in each.items:
            kinds.setdefault(name, set()).update(type(v) for v in (value if isinstance(value, tuple) else (value,)))
    headers = [name + CONFUSABLE for name in kinds] + [*kinds, *_NAMES] if kinds else _left_of_mean(rows)
    columns = {header: _NAMES.get(header, header.removesuffix(CONFUSABLE)) for header in headers}
    if kinds:
        columns = {header: name for header, name in columns.items() if name in kinds}
    return Typed(columns, {name: frozenset(types) for name, types in kinds.items()}, frozenset(lists or {"units"}))


def _left_of_mean(rows: Sequence[tuple[int, Cells]]) -> list[str]:
    # Rows leave out empty cells: only all rows together have every header, in the order of the sheet.
    headers: list[str] = []
    for _, cells in rows:
        names = list(cells)
        until = names.index(MEAN) if MEAN in names else 0
        headers.extend(name for name in names[:until] if name not in headers and name not in _PLACE)
    return [name for name in headers if name not in (KEY, JSON, LIMIT, COUNT, STD)]


def configuration_of(cells: Cells, typed: Typed, where: str) -> Configuration | None:
    """The configuration of a row: its exact text, else its columns; None for a row without hyperparameters."""
    key = written(cells.get(KEY))
    if JSON in cells:
        configuration = _exact(cells)
        if configuration is None:
            raise _refused(where, "cannot be read", str(cells[JSON])[:80])
    else:
        configuration = _rebuilt(cells, typed, where)
    if configuration is not None and key and configuration.key != key:
        raise _refused(where, f"has the key {configuration.key}", f"the key {key:.40}")
    return configuration


def _refused(where: str, what: str, got: str) -> UserError:
    return UserError(
        f"The configuration in {where} {what}",
        expected=f"in the column {JSON} the text as it was written, and beside it the key that belongs to that text",
        got=got,
        hint="restore both cells, or empty both (then the columns of the hyperparameters count), or empty the mean",
    )


def _exact(cells: Cells) -> Configuration | None:
    content = cells.get(JSON)
    if not isinstance(content, str) or not content.lstrip().startswith("{"):
        return None
    try:
        return Configuration.from_json(content.replace("_x005F_", "_"))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


def _rebuilt(cells: Cells, typed: Typed, where: str) -> Configuration | None:
    values: dict[str, object] = {}
    for header, name in typed.columns.items():
        if header in cells:
            kinds = typed.kinds.get(name, frozenset())
            several = name in typed.lists
            values[name] = _several(cells[header], kinds) if several else _value(cells[header], kinds)
    if not values:
        return None
    missing = sorted(typed.kinds.keys() - values.keys() - {"hidden_layers"})
    units = values.get("units")
    if isinstance(units, tuple) and ("hidden_layers" in typed.kinds or not typed.kinds):
        values.setdefault("hidden_layers", len(units))
    if missing:
        raise UserError(
            f"The typed configuration in {where} is incomplete",
            expected="a value for every hyperparameter",
            got="no value for " + ", ".join(missing),
            hint="fill in the cells, or empty the mean of the row",
        )
    try:
        return Configuration.of(values)
    except ValueError as error:
        raise UserError(
            f"The typed configuration in {where} cannot be read", got=str(error), hint="correct the cell"
        ) from error


def _value(cell: object, kinds: frozenset[type]) -> object:
    """A typed cell, converted to the type that the hyperparameter has elsewhere; a count if that is unknown."""
    if isinstance(cell, str):
        if str in kinds or not kinds:
            return cell.strip()
        cell = _plain(cell.strip())
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return cell
    if kinds == {float}:
        return float(cell)
    if kinds == {bool} and cell in (0, 1):
        return bool(cell)
    return int(cell) if math.isfinite(cell) and float(cell).is_integer() else cell


def _several(cell: object, kinds: frozenset[type]) -> tuple[object, ...]:
    """Parse one value for each layer, written as `[37, 41, 35]`, `37, 41, 35` or `37`."""
    if not isinstance(cell, str):
        return (_value(cell, kinds),)
    elements = [each.strip("\"'") for each in re.split(r"[\s,;]+", cell.strip(" []")) if each]
    return tuple(_value(each, kinds or frozenset({int, float})) for each in elements)


def _plain(content: str) -> object:
    for kind in (int, float):
        try:
            return kind(content)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(content.lower(), content)


def _imported(configuration: Configuration, mean: float, cells: Cells, epochs: int, source: str) -> Imported:
    return Imported(
        configuration=configuration,
        epochs=_count(cells.get(LIMIT)) or epochs,
        repeats=_count(cells.get(COUNT)) or 1,
        mean=mean,
        std=_float(cells.get(STD)),
        source=source,
    )


def _float(cell: object) -> float | None:
    if isinstance(cell, bool) or not isinstance(cell, int | float) or not math.isfinite(cell):
        return None
    return float(cell)


def _count(cell: object) -> int | None:
    number = _float(cell)
    return int(number) if number is not None and number >= 1 else None
