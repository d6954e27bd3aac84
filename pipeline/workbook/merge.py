"""Bring a workbook that people work in up to date, and leave what they made of it as it is.

Columns are found by their headers and rows by their identity, wherever the user moved or sorted them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openpyxl.formula.translate import Translator, TranslatorError
from openpyxl.worksheet.cell_range import CellRange

from pipeline.workbook.columns import CONFIGURATIONS, RANK, Cell, Link, Table
from pipeline.workbook.ooxml.grid import Cell as Placed
from pipeline.workbook.ooxml.grid import Formula, Grid, Row, Sheet
from pipeline.workbook.ooxml.markup import Line
from pipeline.workbook.ooxml.package import Loaded
from pipeline.workbook.read import TOP, written
from pipeline.workbook.style import Palette, content, furnish, header_height, text, widen

Identity = tuple[str, ...]


class Unmergeable(Exception):
    """The workbook was changed so that its rows or columns cannot be told any more; nothing was written."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a table stands in a sheet."""

    header: int  # row of the headers
    columns: Mapping[str, int]  # header -> column, the first where two are alike
    rows: Mapping[Identity, int]
    last: int  # row with something in it
    packed: bool = False  # every row of the table that is there stands in its place, with room for the others between

    @property
    def below(self) -> range:
        """The rows under the headers."""
        return range(self.header + 1, self.last + 1)


def refresh(book: Loaded, tables: Sequence[Table]) -> None:
    """Write the tables into the workbook; Unmergeable, with the workbook half changed, where that would break it."""
    for table in tables:
        if table.title not in book.sheets and table.title == CONFIGURATIONS:
            raise Unmergeable(f"it has no sheet {CONFIGURATIONS}")
        if table.title in book.sheets:
            _refresh(book.sheets[table.title], table)
        else:
            book.sheets[table.title] = _added(book.content.create_sheet(table.title), table)


def drawn(about: Any, table: Table) -> Iterator[Line]:
    """The rows of a new sheet, made while they are asked for; its links, which are written before, at once."""
    furnish(about, table)
    palette = Palette(about)
    for at, column in enumerate(table.columns, 1):
        if column.kind == "link":
            for number, row in enumerate(table.rows, 2):
                link = row[at - 1]
                if isinstance(link, Link):
                    about.cell(number, at).hyperlink = link.target
    return _lines(table, palette)


def _lines(table: Table, palette: Palette) -> Iterator[Line]:
    columns = range(1, len(table.columns) + 1)
    heads = [content(column.header) for column in table.columns]
    styles = [
        palette.quoted(palette.header(column), head[2]) for column, head in zip(table.columns, heads, strict=True)
    ]
    yield Line(1, header_height(table), columns, styles, [head[0] for head in heads], [head[1] for head in heads])
    styles = [palette.of(column) for column in table.columns]
    for number, row in enumerate(table.rows, 2):
        cells = [content(None if value is ... else value) for value in row]
        own = [palette.quoted(style, cell[2]) for style, cell in zip(styles, cells, strict=True)]
        yield Line(number, (), columns, own, [cell[0] for cell in cells], [cell[1] for cell in cells])


def _added(about: Any, table: Table) -> Sheet:
    grid = Grid()
    for line in drawn(about, table):
        grid.add(line.number, line.columns, line.styles, line.kinds, line.values)
        if line.attributes:
            grid.attributes[line.number] = line.attributes
    return Sheet(about, grid)


def _refresh(sheet: Sheet, table: Table) -> None:
    place = locate(sheet, table)
    width = sheet.grid.width
    palette = Palette(sheet.about)
    place = _with_columns(sheet, table, place, palette)
    if table.ranked and _ours_to_sort(sheet, place):
        place = _sort(sheet, table, place)
    last = _Filling(sheet, table, place, palette).fill()
    _stretch(sheet, place.header, last, width)


def locate(sheet: Sheet, table: Table) -> _Place:
    """Find the table in a sheet; Unmergeable where an identity column is gone or double, or two rows are alike."""
    grid = sheet.grid
    header = find_headers(grid, table.identity)
    if header is None:
        raise Unmergeable(f"the sheet {table.title} has no column {' or '.join(table.identity)} any more")
    columns: dict[str, int] = {}
    for number in range(1, grid.width + 1):
        name = written(grid.value(header, number))
        if name in table.identity and name in columns:
            raise Unmergeable(f"the sheet {table.title} has two columns {name}")
        columns.setdefault(name, number)
    wanted = [columns[name] for name in table.identity]
    rows: dict[Identity, int] = {}
    known = {_identity(table, row) for row in table.rows}
    for row in sorted(grid.rows):
        identity = tuple(written(grid.value(row, column)) for column in wanted)
        if row < header and identity in known:
            raise Unmergeable(f"row {row} of the sheet {table.title} stands above the headers")
        if row <= header or not all(identity):
            continue
        if identity in rows:
            raise Unmergeable(
                f"the rows {rows[identity]} and {row} of the sheet {table.title}"
                f" have the same {' and '.join(table.identity)}"
            )
        rows[identity] = row
    commented = _commented(sheet)
    last = max((row for row in grid.rows.keys() | commented if row in commented or not grid.empty(row)), default=0)
    return _Place(header, columns, rows, max(header, last))


def _commented(sheet: Sheet) -> set[int]:
    cells = sheet.about._cells.items()  # noqa: SLF001
    return {row for (row, _), cell in cells if cell.comment is not None}


def find_headers(grid: Grid, names: Sequence[str]) -> int | None:
    """The first row among the topmost that holds all the names."""
    for number in range(1, TOP + 1):
        row = grid.rows.get(number)
        if row is not None and set(names) <= {written(value) for value in row.values}:
            return number
    return None


def _name(header: str) -> str:
    """What a header of ours is found by."""
    return written(text(header))


def _identity(table: Table, row: Sequence[Cell]) -> Identity:
    headers = table.headers
    return tuple(written(text(written(row[headers.index(name)]))) for name in table.identity)


def _with_columns(sheet: Sheet, table: Table, place: _Place, palette: Palette) -> _Place:
    """Add the columns of ours that are not there, behind everything else."""
    columns = dict(place.columns)
    cells = sheet.grid.cells(place.header)
    after = sheet.grid.width + 1
    for column in table.columns:
        if _name(column.header) in columns:
            continue
        kind, name, quote = content(column.header)
        cells[after] = (palette.quoted(palette.header(column), quote), kind, name)
        widen(sheet.about, after, column.width)
        columns[_name(column.header)] = after
        after += 1
    sheet.grid.put(place.header, cells)
    return _Place(place.header, columns, place.rows, place.last)


def _ours_to_sort(sheet: Sheet, place: _Place) -> bool:
    """True while the rows stand in the order of the ranks of the last refresh, and can be moved without loss."""
    column = place.columns[RANK]
    ranks = [sheet.grid.value(row, column) for row in sorted(place.rows.values())]
    numbers = [rank for rank in ranks if isinstance(rank, int | float)]
    if numbers != sorted(numbers):
        return False
    if any(area.max_row > place.header for area in sheet.about.merged_cells.ranges):
        return False
    below = (row for number, row in sheet.grid.rows.items() if number > place.header and "f" in row.shape.kinds)
    return not any(isinstance(value, Formula) for row in below for value in row.values)


def _sort(sheet: Sheet, table: Table, place: _Place) -> _Place:
    """Move whole rows, with all that the user put into them, so that the table's rows stand in its order."""
    first = place.header + 1
    target = {_identity(table, row): first + offset for offset, row in enumerate(table.rows)}
    moves = {row: target[identity] for identity, row in place.rows.items() if identity in target}
    commented = _commented(sheet)
    others = [row for row in place.below if row not in moves and (row in commented or not sheet.grid.empty(row))]
    end = first + len(table.rows)
    # Rows that are not the journal's (sums, remarks, a colleague's) follow behind; empty ones need no place.
    moves |= {row: end + offset for offset, row in enumerate(others)}
    _move(sheet, {old: new for old, new in moves.items() if old != new})
    rows = {identity: moves[row] for identity, row in place.rows.items()}
    return _Place(place.header, place.columns, rows, max([place.header, *moves.values()]), packed=True)


def _move(sheet: Sheet, moves: Mapping[int, int]) -> None:
    grid = sheet.grid
    rows = {new: _moved(grid.rows.pop(old), old, new) for old, new in moves.items() if old in grid.rows}
    attributes = {new: grid.attributes.pop(old) for old, new in moves.items() if old in grid.attributes}
    grid.rows.update(rows)
    grid.attributes.update(attributes)
    cells = sheet.about._cells  # noqa: SLF001
    marked = {place: cells.pop(place) for place in [place for place in cells if place[0] in moves]}
    for (old, column), cell in marked.items():
        cell.row = moves[old]
        if cell.hyperlink is not None:
            cell.hyperlink.ref = cell.coordinate
        cells[moves[old], column] = cell


def _moved(row: Row, old: int, new: int) -> Row:
    """A row whose formulas still mean the cells beside them."""
    if "f" not in row.shape.kinds:
        return row
    values = [
        _translated(value, old, new) if kind == "f" else value
        for kind, value in zip(row.shape.kinds, row.values, strict=True)
    ]
    return Row(row.shape, tuple(values))


def _translated(formula: str, old: int, new: int) -> str:
    try:
        origin = Translator(formula, f"A{old}")
        return str(origin.translate_formula(row_delta=new - old))
    except TranslatorError as error:
        raise Unmergeable(f"the formula {formula:.60} cannot be moved from row {old} to {new}") from error


class _Filling:
    """Sets the cells of ours, in new rows where room was made for them, else behind."""

    def __init__(self, sheet: Sheet, table: Table, place: _Place, palette: Palette) -> None:
        self._sheet = sheet
        self._table = table
        self._place = place
        self._palette = palette
        self._columns = [place.columns[_name(column.header)] for column in table.columns]
        cells = sheet.about._cells.items()  # noqa: SLF001
        self._links = {place for place, cell in cells if cell.hyperlink is not None}
        self._merged = [area for area in sheet.about.merged_cells.ranges if area.max_row > place.header]

    def fill(self) -> int:
        """The last row is returned."""
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
        """Give a new row the looks of the row above it, which the user may have changed, as Excel does."""
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
            if self._merged and self._covered(number, at):
                raise Unmergeable(f"cells of row {number} of the sheet {self._table.title} are merged")
            kind, plain, quote = content(value)
            style = cells[at][0] if at in cells else 0
            cells[at] = (self._palette.quoted(style, quote), kind, plain)
            if isinstance(value, Link) or (number, at) in self._links:
                self._link(number, at, value)
        self._sheet.grid.put(number, cells)

    def _covered(self, row: int, column: int) -> bool:
        return any(
            area.min_row <= row <= area.max_row
            and area.min_col <= column <= area.max_col
            and (row, column) != (area.min_row, area.min_col)
            for area in self._merged
        )

    def _link(self, row: int, column: int, value: Cell) -> None:
        cell = self._sheet.about.cell(row, column)
        if not isinstance(value, Link):
            cell.hyperlink = None
        elif cell.hyperlink is None or cell.hyperlink.target != value.target:
            cell.hyperlink = value.target


def _stretch(sheet: Sheet, header: int, last: int, width: int) -> None:
    """Let the filter and the user's tables reach the new rows; a filter that the user took away stays away."""
    added = sheet.grid.width
    about = sheet.about
    if about.auto_filter.ref:
        about.auto_filter.ref = _reaching(about.auto_filter.ref, header, last, width, added)
    for table in about.tables.values():
        table.ref = _reaching(table.ref, header, last, width, width)
        if table.autoFilter is not None and table.autoFilter.ref:
            table.autoFilter.ref = _reaching(table.autoFilter.ref, header, last, width, width)


def _reaching(ref: str, header: int, last: int, width: int, added: int) -> str:
    area = CellRange(ref)
    if area.min_row != header:
        return ref
    right = added if area.max_col == width else area.max_col
    return CellRange(min_col=area.min_col, min_row=header, max_col=right, max_row=max(last, area.min_row + 1)).coord
