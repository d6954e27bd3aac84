"""Read a sheet: its header, and the rows below it, wherever users have moved them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.workbook import ooxml

TOP: Final = 20  # topmost rows that may be the header: users write titles above it

Cells = Mapping[str, object]
"""A row: header -> value, without empty cells."""

Rows = Iterable[tuple[int, Sequence[object]]]
"""Rows of a sheet from top to bottom: their numbers, from 1, and their values from the first column on."""


@dataclass(frozen=True, slots=True)
class Header:
    """The header row of a sheet."""

    row: int
    columns: Mapping[str, int]  # name -> column, from 1; of two equal names the first counts
    doubled: frozenset[str]  # names of more than one column


def find_header(rows: Rows, names: Collection[str]) -> Header | None:
    """The first of the topmost rows that has all of these names; None if there is none."""
    for number, values in rows:
        if number > TOP:
            return None
        written_there = [written(value) for value in values]
        if set(names) <= set(written_there):
            columns: dict[str, int] = {}
            doubled = {name for at, name in enumerate(written_there, 1) if name and columns.setdefault(name, at) != at}
            return Header(number, columns, frozenset(doubled))
    return None


def below(rows: Rows, header: Header) -> list[tuple[int, Cells]]:
    """The rows below the header, as `(number, name -> value)`."""
    places = [(name, column - 1) for name, column in header.columns.items()]
    return [
        (number, {name: row[at] for name, at in places if at < len(row) and row[at] not in (None, "")})
        for number, row in rows
        if number > header.row
    ]


def rows_below(path: Path, sheet: str, names: Collection[str]) -> list[tuple[int, Cells]]:
    """The rows of a sheet below the header that has all of these names; empty if there is no such header.

    Raise OSError if the file cannot be read, and one of `ooxml.BROKEN` if it is not a workbook.
    """
    return rows_of_sheets(path, {sheet: names})[sheet]


def rows_of_sheets(path: Path, names: Mapping[str, Collection[str]]) -> dict[str, list[tuple[int, Cells]]]:
    """The same for several sheets and the names of their headers: the workbook is opened once."""
    found = {}
    for sheet, values in ooxml.values(path, names).items():
        header = find_header(enumerate(values, 1), names[sheet])
        found[sheet] = [] if header is None else below(enumerate(values, 1), header)
    return found


def written(value: object) -> str:
    """The text of a cell: the same for 3 and 3.0, empty for an empty cell."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
