"""A workbook in memory and its sheets: methods move cells together with everything that belongs to them."""
# ruff: noqa: SLF001 - styles by number, and comments and links by place, are in private attributes of openpyxl only

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from typing import Any, NamedTuple

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.formula.translate import Translator, TranslatorError
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.cell_range import CellRange
from openpyxl.worksheet.dimensions import ColumnDimension

from pipeline.workbook.ooxml.grid import Formula, Grid, Line, Row
from pipeline.workbook.ooxml.looks import ROWS, Layout, Look


class Immovable(Exception):
    """Names a formula that would refer to other cells if its row were moved."""


class Area(NamedTuple):
    """Merged cells, by their first and last row and column."""

    top: int
    left: int
    bottom: int
    right: int

    def hides(self, row: int, column: int) -> bool:
        """True for a cell that is hidden behind the first one of the area."""
        inside = self.top <= row <= self.bottom and self.left <= column <= self.right
        return inside and (row, column) != (self.top, self.left)


class Sheet:
    """A worksheet: its cells, in `grid`, and its other parts."""

    __slots__ = ("_lines", "_quoted", "grid", "worksheet")

    def __init__(self, worksheet: Any, grid: Grid | None = None) -> None:
        self.worksheet = worksheet  # openpyxl's, for this package only; it has only the cells with a comment or a link
        self.grid = Grid() if grid is None else grid
        self._lines: Callable[[], Iterable[Line]] = self.grid.lines
        self._quoted: dict[tuple[int, bool], int] = {}

    @property
    def lines(self) -> Iterable[Line]:
        """The rows to write: those of the grid, or the drawn ones, which can be read only once."""
        return self._lines()

    def draw(self, lines: Iterable[Line]) -> None:
        """Use these rows, which are made while the file is written, so that they are never in memory at once."""
        self._lines = lambda: lines

    # --------------------------------------------------------------------------------------------------------- looks

    def arrange(self, layout: Layout) -> None:
        """Give a new sheet its widths, filter, frozen headers, rules and print layout."""
        sheet = self.worksheet
        for column, width in enumerate(layout.widths, 1):
            sheet.column_dimensions[get_column_letter(column)].width = width
        sheet.freeze_panes = f"{get_column_letter(layout.frozen + 1)}2"
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(layout.widths))}{layout.rows}"
        for first, last, rule in layout.rules:
            sheet.conditional_formatting.add(f"{get_column_letter(first)}2:{get_column_letter(last)}{ROWS}", rule)
        sheet.print_title_rows = "1:1"
        sheet.page_setup.orientation = "landscape"
        sheet.page_setup.paperSize = 8  # A3
        sheet.page_setup.fitToWidth = 1
        sheet.page_setup.fitToHeight = 0
        sheet.sheet_properties.pageSetUpPr.fitToPage = True
        sheet.page_margins.left = sheet.page_margins.right = 0.3
        sheet.page_margins.top = sheet.page_margins.bottom = 0.4
        sheet.sheet_view.zoomScale = 100

    def style(self, look: Look) -> int:
        """The number of the style with this look."""
        cell = Cell(self.worksheet, 1, 1)
        cell.number_format = look.number_format
        for name in ("alignment", "font", "fill", "border"):
            value = getattr(look, name)
            if value is not None:
                setattr(cell, name, value)
        return int(cell.style_id)

    def quoted(self, style: int, quote: bool) -> int:
        """The same style with or without the quote mark."""
        if (style, quote) not in self._quoted:
            styles = self.worksheet.parent._cell_styles  # styling each cell separately takes 20 times as long
            other = copy(styles[style])
            other.quotePrefix = int(quote)
            self._quoted[style, quote] = style if other == styles[style] else styles.add(other)
        return self._quoted[style, quote]

    def widen(self, column: int, width: float) -> None:
        """Set the width of one column; a range that contains it is split, because ranges must not overlap."""
        dimensions = self.worksheet.column_dimensions
        for dimension in list(dimensions.values()):
            first, last = dimension.min, dimension.max
            if first is None or last is None or not first <= column <= last or first == last:
                continue
            names = ("width", "hidden", "outlineLevel", "collapsed", "bestFit")
            about = {name: getattr(dimension, name) for name in names}
            del dimensions[dimension.index]
            for begin, end in ((first, column - 1), (column, column), (column + 1, last)):
                if begin <= end:
                    letter = get_column_letter(begin)
                    part: Any = ColumnDimension(self.worksheet, index=letter, min=begin, max=end, **about)
                    part._style = copy(dimension._style)
                    dimensions[letter] = part
        own = dimensions[get_column_letter(column)]
        own.width, own.hidden = width, False

    # -------------------------------------------------------------------------------------- what stands beside cells

    @property
    def commented(self) -> set[int]:
        """The rows with a comment."""
        return {row for (row, _), cell in self.worksheet._cells.items() if cell.comment is not None}

    @property
    def linked(self) -> set[tuple[int, int]]:
        """The cells `(row, column)` with a link."""
        return {place for place, cell in self.worksheet._cells.items() if cell.hyperlink is not None}

    @property
    def merged(self) -> tuple[Area, ...]:
        """The merged cells."""
        areas = self.worksheet.merged_cells.ranges
        return tuple(Area(area.min_row, area.min_col, area.max_row, area.max_col) for area in areas)

    def link(self, row: int, column: int, target: str | None) -> None:
        """Link a cell to the target, or remove its link; an unchanged link keeps its tooltip."""
        cell = self.worksheet.cell(row, column)
        if target is None:
            cell.hyperlink = None
        elif cell.hyperlink is None or cell.hyperlink.target != target:
            cell.hyperlink = target

    def movable(self, header: int) -> bool:
        """True if whole rows below the header can be moved: no merged cells, no formulas that fill several cells."""
        if any(area.bottom > header for area in self.merged):
            return False
        below = (row for number, row in self.grid.rows.items() if number > header and "f" in row.shape.kinds)
        return not any(isinstance(value, Formula) for row in below for value in row.values)

    def move(self, moves: Mapping[int, int]) -> None:
        """Move rows from old to new numbers, with their formulas, heights, comments and links.

        A row in a new place is replaced, unless it is moved as well. Raise Immovable if a formula cannot be moved; the
        rows are then unchanged.
        """
        grid = self.grid
        rows = {new: _moved(grid.rows[old], old, new) for old, new in moves.items() if old in grid.rows}
        for old in moves:
            grid.rows.pop(old, None)
        attributes = {new: grid.attributes.pop(old) for old, new in moves.items() if old in grid.attributes}
        grid.rows.update(rows)
        grid.attributes.update(attributes)
        cells = self.worksheet._cells
        marked = {place: cells.pop(place) for place in [place for place in cells if place[0] in moves]}
        for (old, column), cell in marked.items():
            cell.row = moves[old]
            if cell.hyperlink is not None:
                cell.hyperlink.ref = cell.coordinate
            cells[moves[old], column] = cell

    def stretch(self, header: int, last: int, width: int) -> None:
        """Extend the filter and the user's tables that begin at the header to row `last`.

        A filter as wide as the sheet was, `width` columns, is also extended to the columns added since. A filter that
        the user removed is not added again.
        """
        about = self.worksheet
        if about.auto_filter.ref:
            about.auto_filter.ref = _reaching(about.auto_filter.ref, header, last, width, self.grid.width)
        for table in about.tables.values():
            table.ref = _reaching(table.ref, header, last, width, width)
            if table.autoFilter is not None and table.autoFilter.ref:
                table.autoFilter.ref = _reaching(table.autoFilter.ref, header, last, width, width)


def _moved(row: Row, old: int, new: int) -> Row:
    """A row whose formulas still refer to the same cells of their row."""
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
        raise Immovable(f"the formula {formula:.60} cannot be moved from row {old} to {new}") from error


def _reaching(ref: str, header: int, last: int, width: int, added: int) -> str:
    area = CellRange(ref)
    if area.min_row != header:
        return ref
    right = added if area.max_col == width else area.max_col
    return CellRange(min_col=area.min_col, min_row=header, max_col=right, max_row=max(last, area.min_row + 1)).coord


class Book:
    """A workbook in memory: its sheets by title, and what saving would lose (empty: nothing).

    `gone` names styles and properties that could not be read, and are plain or missing here.
    """

    __slots__ = ("gone", "lost", "sheets", "workbook")

    def __init__(self, workbook: Any, sheets: dict[str, Sheet], lost: str = "", gone: tuple[str, ...] = ()) -> None:
        self.workbook = workbook  # openpyxl's, without the cells; for this package only
        self.sheets = sheets
        self.lost = lost
        self.gone = gone

    @classmethod
    def new(cls, creator: str) -> Book:
        """A new workbook without sheets; `creator` is the name of the program."""
        workbook: Any = Workbook()
        workbook.remove(workbook.active)
        workbook.properties.creator = creator
        return cls(workbook, {})

    def add(self, title: str) -> Sheet:
        """Add a new, empty sheet after the others; its title must be free."""
        self.sheets[title] = Sheet(self.workbook.create_sheet(title))
        return self.sheets[title]
