"""Reading what a sheet says: its rows below a header, wherever people have moved them to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from pipeline.workbook.ooxml import package

TOP: Final = 20  # rows of a sheet among which its headers are looked for: people write titles above them

Cells = Mapping[str, object]
"""A row by header, without its empty cells."""


def rows_below(path: Path, sheet: str, headers: Collection[str]) -> list[tuple[int, Cells]]:
    """The rows `(number, header -> value)` of a sheet below the first row that has all of these headers; else none.

    Raises OSError where the file cannot be read, and one of `package.BROKEN` for what is not such a workbook.
    """
    values = package.values(path, sheet)
    for number, row in enumerate(values[:TOP], 1):
        if set(headers) <= {written(value) for value in row}:
            return records(values, number)
    return []


def records(values: Iterable[Sequence[object]], header: int) -> list[tuple[int, Cells]]:
    """The rows below row `header` (from 1), by header, without empty cells; of two equal headers the first counts."""
    everything = list(values)
    names = [written(value) for value in everything[header - 1]]
    first: dict[str, int] = {}
    for position, name in enumerate(names):
        if name:
            first.setdefault(name, position)
    return [
        (number, {name: row[at] for name, at in first.items() if at < len(row) and row[at] not in (None, "")})
        for number, row in enumerate(everything[header:], header + 1)
    ]


def written(value: object) -> str:
    """What a cell says as text: 3 and 3.0 alike, nothing for an empty one."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
