"""Bring a workbook up to date and keep everything that users changed in it.

Columns are found by their headers and rows by their identity, wherever the user moved or sorted them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.workbook.columns import CONFIGURATIONS, RANK, Cell, Table
from pipeline.workbook.ooxml import Book, Immovable, Line, Link, Sheet, content, height, text
from pipeline.workbook.ooxml import Cell as Placed
from pipeline.workbook.read import find_header, written
from pipeline.workbook.style import Palette, header_height, layout

Identity = tuple[str, ...]


class Unmergeable(Exception):
    """The workbook was changed so that its rows or columns can no longer be identified; nothing was written."""


@dataclass(frozen=True, slots=True)
class _Place:
    """The position of a table in a sheet."""

    header: int  # row of the headers
    columns: Mapping[str, int]  # header -> column, the first one of equal headers
    rows: Mapping[Identity, int]
    last: int  # last row that is not empty
    packed: bool = False  # existing rows of the table are in place, with room for the new ones between them

    @property
    def below(self) -> range:
        """The rows below the headers."""
        return range(self.header + 1, self.last + 1)


def refresh(book: Book, tables: Sequence[Table]) -> None:
    """Write the tables into the workbook. Raise Unmergeable if that would break it; it is then partly changed."""
    for table in tables:
        if table.title not in book.sheets and table.title == CONFIGURATIONS:
            raise Unmergeable(f"it has no sheet {CONFIGURATIONS}")
        if table.title in book.sheets:
            _refresh(book.sheets[table.title], table)
        else:
            draw(book.add(table.title), table)


def draw(sheet: Sheet, table: Table) -> None:
    """Fill a new sheet; rows are made while they are written, links in advance because they are written first."""
    sheet.arrange(layout(table))
    for at, column in enumerate(table.columns, 1):
        if column.kind == "link":
            for number, row in enumerate(table.rows, 2):
                link = row[at - 1]
                if isinstance(link, Link):
                    sheet.link(number, at, link.target)
    sheet.draw(_lines(sheet, table))


def _lines(sheet: Sheet, table: Table) -> Iterator[Line]:
    palette = Palette(sheet)
    columns = range(1, len(table.columns) + 1)
    heads = [content(column.header) for column in table.columns]
    styles = [sheet.quoted(palette.header(column), head[2]) for column, head in zip(table.columns, heads, strict=True)]
    tall = height(header_height(table))
    yield Line(1, tall, columns, styles, [head[0] for head in heads], [head[1] for head in heads])
    styles = [palette.of(column) for column in table.columns]
    for number, row in enumerate(table.rows, 2):
        cells = [content(None if value is ... else value) for value in row]
        own = [sheet.quoted(style, cell[2]) for style, cell in zip(styles, cells, strict=True)]
        yield Line(number, (), columns, own, [cell[0] for cell in cells], [cell[1] for cell in cells])


def _refresh(sheet: Sheet, table: Table) -> None:
    place = locate(sheet, table)
    width = sheet.grid.width
    palette = Palette(sheet)
    place = _with_columns(sheet, table, place, palette)
    if table.ranked and _ours_to_sort(sheet, place):
        place = _sort(sheet, table, place)
    last = _Filling(sheet, table, place, palette).fill()
    sheet.stretch(place.header, last, width)


def locate(sheet: Sheet, table: Table) -> _Place:
    """Find the table in a sheet. Raise Unmergeable if an identity column is missing or double, or a row is."""
    grid = sheet.grid
    header = find_header(grid.numbered(), table.identity)
    if header is None:
        raise Unmergeable(f"the sheet {table.title} has no column {' or '.join(table.identity)} any more")
    for name in table.identity:
        if name in header.doubled:
            raise Unmergeable(f"the sheet {table.title} has two columns {name}")
    wanted = [header.columns[name] for name in table.identity]
    rows: dict[Identity, int] = {}
    known = {_identity(table, row) for row in table.rows}
    for row in sorted(grid.rows):
        identity = tuple(written(grid.value(row, column)) for column in wanted)
        if row < header.row and identity in known:
            raise Unmergeable(f"row {row} of the sheet {table.title} is above the headers")
        if row <= header.row or not all(identity):
            continue
        if identity in rows:
            raise Unmergeable(
                f"the rows {rows[identity]} and {row} of the sheet {table.title}"
                f" have the same {' and '.join(table.identity)}"
            )
        rows[identity] = row
    commented = sheet.commented
    last = max((row for row in grid.rows.keys() | commented if row in commented or not grid.empty(row)), default=0)
    return _Place(header.row, header.columns, rows, max(header.row, last))


def _name(header: str) -> str:
    """The text by which a header is found."""
    return written(text(header))


def _identity(table: Table, row: Sequence[Cell]) -> Identity:
    headers = table.headers
    return tuple(written(text(written(row[headers.index(name)]))) for name in table.identity)


def _with_columns(sheet: Sheet, table: Table, place: _Place, palette: Palette) -> _Place:
    """Add the missing columns of the table after all others."""
    columns = dict(place.columns)
    cells = sheet.grid.cells(place.header)
    after = sheet.grid.width + 1
    for column in table.columns:
        if _name(column.header) in columns:
            continue
        kind, name, quote = content(column.header)
        cells[after] = (sheet.quoted(palette.header(column), quote), kind, name)
        sheet.widen(after, column.width)
        columns[_name(column.header)] = after
        after += 1
    sheet.grid.put(place.header, cells)
    return _Place(place.header, columns, place.rows, place.last)


def _ours_to_sort(sheet: Sheet, place: _Place) -> bool:
    """True if the rows are in the order of the ranks of the last refresh and can be moved without loss."""
    column = place.columns[RANK]
    ranks = [sheet.grid.value(row, column) for row in sorted(place.rows.values())]
    numbers = [rank for rank in ranks if isinstance(rank, int | float)]
    return numbers == sorted(numbers) and sheet.movable(place.header)


def _sort(sheet: Sheet, table: Table, place: _Place) -> _Place:
    """Move whole rows, with everything that the user put into them, into the order of the table."""
    first = place.header + 1
    target = {_identity(table, row): first + offset for offset, row in enumerate(table.rows)}
    moves = {row: target[identity] for identity, row in place.rows.items() if identity in target}
    commented = sheet.commented
    others = [row for row in place.below if row not in moves and (row in commented or not sheet.grid.empty(row))]
    end = first + len(table.rows)
    # Rows that are not in the journal (sums, remarks, a colleague's) follow at the end; empty ones are left out.
    moves |= {row: end + offset for offset, row in enumerate(others)}
    try:
        sheet.move({old: new for old, new in moves.items() if old != new})
    except Immovable as error:
        raise Unmergeable(str(error)) from error
    rows = {identity: moves[row] for identity, row in place.rows.items()}
    return _Place(place.header, place.columns, rows, max([place.header, *moves.values()]), packed=True)


class _Filling:
    """Sets the cells of the table; new rows go where room was made for them, otherwise to the end."""

    def __init__(self, sheet: Sheet, table: Table, place: _Place, palette: Palette) -> None:
        self._sheet = sheet
        self._table = table
        self._place = place
        self._palette = palette
        self._columns = [place.columns[_name(column.header)] for column in table.columns]
        self._links = sheet.linked
        self._merged = [area for area in sheet.merged if area.bottom > place.header]

    def fill(self) -> int:
        """Set all cells. Return the last row."""
        place, first = self._place, self._place.header + 1
        after = place.last
        for offset, row in enumerate(self._table.rows):
            number = place.rows.get(_identity(self._table, row))
            cells = self._sheet.grid.cells(number) if number is not None else None
            if number is None:
                after += not place.packed
                number = first + offset if place.packed else after
            self._set(number, self._dressed(number, first) if cells is None else cells, row)
        return max(after, place.header + len(self._table.rows) if place.packed else after)

    def _dressed(self, number: int, first: int) -> dict[int, Placed]:
        """Give a new row the format of the row above it, which the user may have changed, as Excel does."""
        cells = self._sheet.grid.cells(number)
        above = self._sheet.grid.cells(number - 1) if number > first else {}
        for at, column in zip(self._columns, self._table.columns, strict=True):
            style = above[at][0] if at in above else 0
            cells[at] = (style or self._palette.of(column), "n", None)
        return cells

    def _set(self, number: int, cells: dict[int, Placed], row: Sequence[Cell]) -> None:
        for at, value in zip(self._columns, row, strict=True):
            if value is ...:
                continue
            if any(area.hides(number, at) for area in self._merged):
                raise Unmergeable(f"cells of row {number} of the sheet {self._table.title} are merged")
            kind, plain, quote = content(value)
            style = cells[at][0] if at in cells else 0
            cells[at] = (self._sheet.quoted(style, quote), kind, plain)
            if isinstance(value, Link) or (number, at) in self._links:
                self._sheet.link(number, at, value.target if isinstance(value, Link) else None)
        self._sheet.grid.put(number, cells)
