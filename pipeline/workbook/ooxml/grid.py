"""The cells of a sheet in compact form: a row is a tuple of values, and a shape that similar rows share.

A workbook of 20,000 rows has a million cells. As objects they would take half a gigabyte, in this form a tenth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

Cell = tuple[int, str, Any]
"""Number of the style, kind and value.

Kinds: `n` number (None: empty), `s` text, `r` text of several fonts, `f` formula (a text with its `=`, or `Formula`),
and, as written in the file, `b` truth value, `e` error, `d` date.
"""

Attributes = tuple[tuple[str, str], ...]
"""The attributes of a whole row: height, hidden, style; see `height`."""


def height(points: float) -> Attributes:
    """The attributes of a row of this height."""
    return (("ht", f"{points:g}"), ("customHeight", "1"))


class Line(NamedTuple):
    """A row to write, with its cells from left to right."""

    number: int
    attributes: Attributes
    columns: Sequence[int]
    styles: Sequence[int]
    kinds: Sequence[str]
    values: Sequence[Any]


class Shape(NamedTuple):
    """The columns and styles of the cells of a row."""

    columns: tuple[int, ...]
    styles: tuple[int, ...]
    kinds: str


class Row(NamedTuple):
    """The cells of a row from left to right."""

    shape: Shape
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that fills several cells, kept as written in the file; it cannot be moved."""

    text: str
    attributes: Attributes

    def __str__(self) -> str:
        return f"={self.text}"


class Grid:
    """Rows by their number, from 1."""

    __slots__ = ("_shapes", "attributes", "rows")

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}
        self.attributes: dict[int, Attributes] = {}
        self._shapes: dict[Shape, Shape] = {}

    @property
    def last(self) -> int:
        """The last row, 0 of an empty sheet."""
        return max(self.rows, default=0)

    @property
    def width(self) -> int:
        """The last column."""
        shapes = {id(row.shape): row.shape for row in self.rows.values()}
        return max((max(shape.columns, default=0) for shape in shapes.values()), default=0)

    def cells(self, row: int) -> dict[int, Cell]:
        """The cells of a row by column, a new dictionary."""
        found = self.rows.get(row)
        if found is None:
            return {}
        (columns, styles, kinds), values = found
        return dict(zip(columns, zip(styles, kinds, values, strict=True), strict=True))

    def put(self, row: int, cells: Mapping[int, Cell]) -> None:
        """Replace a row."""
        columns = sorted(cells)
        ordered = [cells[column] for column in columns]
        self.add(
            row, columns, [cell[0] for cell in ordered], [cell[1] for cell in ordered], [cell[2] for cell in ordered]
        )

    def add(
        self, row: int, columns: Iterable[int], styles: Iterable[int], kinds: Iterable[str], values: Iterable[Any]
    ) -> None:
        """Replace a row; its cells come from left to right."""
        shape = Shape(tuple(columns), tuple(styles), "".join(kinds))
        self.rows[row] = Row(self._shapes.setdefault(shape, shape), tuple(values))

    def value(self, row: int, column: int) -> Any:
        """The value of a cell, None for an empty one."""
        found = self.rows.get(row)
        if found is None or column not in found.shape.columns:
            return None
        return found.values[found.shape.columns.index(column)]

    def empty(self, row: int) -> bool:
        """True for a row without a value."""
        found = self.rows.get(row)
        return found is None or all(value is None for value in found.values)

    def numbered(self) -> Iterator[tuple[int, list[Any]]]:
        """The rows `(number, values)` from top to bottom, the values from the first column on."""
        for number in sorted(self.rows):
            (columns, _, _), found = self.rows[number]
            values: list[Any] = [None] * max(columns, default=0)
            for column, value in zip(columns, found, strict=True):
                values[column - 1] = value
            yield number, values

    def lines(self) -> Iterator[Line]:
        """The rows to write, from top to bottom."""
        for number in sorted(self.rows.keys() | self.attributes.keys()):
            row = self.rows.get(number)
            columns, styles, kinds = row.shape if row else ((), (), "")
            yield Line(number, self.attributes.get(number, ()), columns, styles, kinds, row.values if row else ())
