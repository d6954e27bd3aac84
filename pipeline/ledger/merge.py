"""Bring a workbook that people work in up to date, and leave what they made of it as it is.

Columns are found by their headers and rows by their identity, wherever the user moved or sorted them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Final

from openpyxl.cell.cell import MergedCell
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.cell_range import CellRange
from openpyxl.worksheet.formula import ArrayFormula, DataTableFormula

from pipeline.ledger.sheets import CONFIGURATIONS, RANK, Cell, Link, Table
from pipeline.ledger.style import dress, dress_header, furnish, put, text

SEARCHED: Final = 20  # rows from the top that may hold the headers: people put titles above

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


def refresh(book: Any, tables: Sequence[Table]) -> None:
    """Write the tables into the workbook; Unmergeable, with the workbook half changed, where that would break it."""
    for table in tables:
        if table.title not in book.sheetnames and table.title == CONFIGURATIONS:
            raise Unmergeable(f"it has no sheet {CONFIGURATIONS}")
        if table.title in book.sheetnames:
            _refresh(book[table.title], table)
        else:
            _add(book.create_sheet(table.title), table)


def _add(sheet: Any, table: Table) -> None:
    furnish(sheet, table)
    for number, column in enumerate(table.columns, 1):
        put(sheet.cell(1, number), column.header)
        dress_header(sheet.cell(1, number), column)
    _fill(sheet, table, locate(sheet, table))


def _refresh(sheet: Any, table: Table) -> None:
    place = locate(sheet, table)
    width = sheet.max_column
    place = _with_columns(sheet, table, place)
    if table.ranked and _ours_to_sort(sheet, place):
        place = _sort(sheet, table, place)
    last = _fill(sheet, table, place)
    _stretch(sheet, place.header, last, width)


def locate(sheet: Any, table: Table) -> _Place:
    """Find the table in a sheet; Unmergeable where an identity column is gone or double, or two rows are alike."""
    header = find_headers(sheet, table.identity)
    if header is None:
        raise Unmergeable(f"the sheet {table.title} has no column {' or '.join(table.identity)} any more")
    columns: dict[str, int] = {}
    for number in range(1, sheet.max_column + 1):
        name = written(sheet.cell(header, number).value)
        if name in table.identity and name in columns:
            raise Unmergeable(f"the sheet {table.title} has two columns {name}")
        columns.setdefault(name, number)
    wanted = [columns[name] for name in table.identity]
    rows: dict[Identity, int] = {}
    for row in range(header + 1, sheet.max_row + 1):
        identity = tuple(written(sheet.cell(row, column).value) for column in wanted)
        if not all(identity):
            continue
        if identity in rows:
            raise Unmergeable(
                f"the rows {rows[identity]} and {row} of the sheet {table.title}"
                f" have the same {' and '.join(table.identity)}"
            )
        rows[identity] = row
    last, width = sheet.max_row, sheet.max_column
    while last > header and _empty(sheet, last, width):
        last -= 1
    return _Place(header, columns, rows, last)


def find_headers(sheet: Any, names: Sequence[str]) -> int | None:
    """The first row among the topmost that holds all the names."""
    top = sheet.iter_rows(min_row=1, max_row=SEARCHED, values_only=True)
    for number, values in enumerate(top, 1):
        if set(names) <= {written(value) for value in values}:
            return number
    return None


def written(value: object) -> str:
    """What a cell says as text: 3 and 3.0 alike, nothing for an empty one."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _identity(table: Table, row: Sequence[Cell]) -> Identity:
    headers = table.headers
    return tuple(text(written(row[headers.index(name)])) for name in table.identity)


def _with_columns(sheet: Any, table: Table, place: _Place) -> _Place:
    """Add the columns of ours that are not there, behind everything else."""
    columns = dict(place.columns)
    after = sheet.max_column + 1
    for column in table.columns:
        if text(column.header) in columns:
            continue
        put(sheet.cell(place.header, after), column.header)
        dress_header(sheet.cell(place.header, after), column)
        sheet.column_dimensions[get_column_letter(after)].width = column.width
        columns[text(column.header)] = after
        after += 1
    return _Place(place.header, columns, place.rows, place.last)


def _ours_to_sort(sheet: Any, place: _Place) -> bool:
    """True while the rows stand in the order of the ranks of the last refresh, and can be moved without loss."""
    column = place.columns[RANK]
    ranks = [sheet.cell(row, column).value for row in sorted(place.rows.values())]
    numbers = [rank for rank in ranks if isinstance(rank, int | float)]
    if numbers != sorted(numbers):
        return False
    if any(area.max_row > place.header for area in sheet.merged_cells.ranges):
        return False
    cells = (cell for row in sheet.iter_rows(min_row=place.header + 1) for cell in row)
    return not any(isinstance(cell.value, ArrayFormula | DataTableFormula) for cell in cells)


def _sort(sheet: Any, table: Table, place: _Place) -> _Place:
    """Move whole rows, with all that the user put into them, so that the table's rows stand in its order."""
    first = place.header + 1
    target = {_identity(table, row): first + offset for offset, row in enumerate(table.rows)}
    moves = {row: target[identity] for identity, row in place.rows.items() if identity in target}
    width = sheet.max_column
    others = [row for row in place.below if row not in moves and not _empty(sheet, row, width)]
    end = first + len(table.rows)
    # Rows that are not the journal's (sums, remarks, a colleague's) follow behind; empty ones need no place.
    moves |= {row: end + offset for offset, row in enumerate(others)}
    _move(sheet, {old: new for old, new in moves.items() if old != new})
    rows = {identity: moves[row] for identity, row in place.rows.items()}
    return _Place(place.header, place.columns, rows, max([place.header, *moves.values()]), packed=True)


def _cells(sheet: Any, row: int, width: int) -> list[Any]:
    # Not `sheet[row]`, which looks through the whole sheet for its width every time.
    return [sheet.cell(row, column) for column in range(1, width + 1)]


def _empty(sheet: Any, row: int, width: int) -> bool:
    return all(cell.value is None and cell.comment is None for cell in _cells(sheet, row, width))


def _move(sheet: Any, moves: Mapping[int, int]) -> None:
    if not moves:
        return
    width = sheet.max_column
    aside = max(sheet.max_row, *moves.values())
    dimensions = {old: sheet.row_dimensions.pop(old) for old in moves if old in sheet.row_dimensions}
    for number, old in enumerate(moves, 1):
        shift = aside + number - old
        sheet.move_range(CellRange(min_col=1, max_col=width, min_row=old, max_row=old), rows=shift, translate=True)
    for number, (old, new) in enumerate(moves.items(), 1):
        row = aside + number
        sheet.move_range(CellRange(min_col=1, max_col=width, min_row=row, max_row=row), rows=new - row, translate=True)
        for cell in _cells(sheet, new, width):
            if cell.hyperlink is not None:
                cell.hyperlink.ref = cell.coordinate
        if old in dimensions:
            dimensions[old].index = new
            sheet.row_dimensions[new] = dimensions[old]


def _fill(sheet: Any, table: Table, place: _Place) -> int:
    """Set the cells of ours, new rows where room was made for them, else behind; the last row is returned."""
    columns = [place.columns[text(column.header)] for column in table.columns]
    first = place.header + 1
    after = place.last
    for offset, row in enumerate(table.rows):
        number = place.rows.get(_identity(table, row))
        if number is None:
            after += not place.packed
            number = first + offset if place.packed else after
            _dress_row(sheet, table, columns, number, first)
        for column, value in zip(columns, row, strict=True):
            _set(sheet, number, column, value)
    return max(after, place.header + len(table.rows) if place.packed else after)


def _set(sheet: Any, row: int, column: int, value: Cell) -> None:
    if value is ...:
        return
    cell = sheet.cell(row, column)
    if isinstance(cell, MergedCell):
        raise Unmergeable(f"cells of row {row} of the sheet {sheet.title} are merged")
    if cell.hyperlink is not None and not isinstance(value, Link):
        cell.hyperlink = None
    put(cell, value)


def _dress_row(sheet: Any, table: Table, columns: Sequence[int], row: int, first: int) -> None:
    """Give a new row the looks of the row above it, which the user may have changed, as Excel does."""
    above = row - 1
    for number, column in zip(columns, table.columns, strict=True):
        cell = sheet.cell(row, number)
        model = sheet.cell(above, number)
        if above >= first and model.has_style:
            # Setting font, fill and format one by one takes 20 times as long.
            cell._style = copy(model._style)  # noqa: SLF001
        else:
            dress(cell, column)


def _stretch(sheet: Any, header: int, last: int, width: int) -> None:
    """Let the filter and the user's tables reach the new rows; a filter that the user took away stays away."""
    added = sheet.max_column
    if sheet.auto_filter.ref:
        sheet.auto_filter.ref = _reaching(sheet.auto_filter.ref, header, last, width, added)
    for table in sheet.tables.values():
        table.ref = _reaching(table.ref, header, last, width, width)
        if table.autoFilter is not None and table.autoFilter.ref:
            table.autoFilter.ref = _reaching(table.autoFilter.ref, header, last, width, width)


def _reaching(ref: str, header: int, last: int, width: int, added: int) -> str:
    area = CellRange(ref)
    if area.min_row != header:
        return ref
    right = added if area.max_col == width else area.max_col
    return CellRange(min_col=area.min_col, min_row=header, max_col=right, max_row=max(last, area.min_row + 1)).coord
