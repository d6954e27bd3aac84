"""How the workbook looks: number formats, colours and widths, in openpyxl's words."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from copy import copy
from typing import Any, Final

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.formatting.rule import ColorScaleRule, FormulaRule
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.dimensions import ColumnDimension

from pipeline.workbook.columns import CONFIGURATIONS, ELITE, JSON, KEY, NEURONS, RANK, STAGE, Column, Link, Table
from pipeline.workbook.ooxml.grid import Attributes

LIMIT: Final = 32_767  # UTF-16 units of a cell, Excel's own
LAST: Final = 1_048_576  # row of a sheet
FORMATS: Final = {
    "count": "0",
    "plain": "#,##0.00",
    "fraction": "0.0000",
    "scientific": "0.00E+00",
}
FILLS: Final = {
    "place": "263238",
    "hyperparameters": "1F4E79",
    "objective": "1E6B4F",
    "outputs": "4E6B1E",
    "cost": "6B4E1E",
    "exact": "616161",
}
_FORBIDDEN: Final = re.compile("[\ud800-\udfff\ufffe\uffff]")  # not in XML, or not alone
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_RETURNS: Final = re.compile("\r\n?")
_ESCAPED: Final = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


Shown = str | int | float | bool | Link | None


def text(value: str) -> str:
    """The text as a cell can hold it: without characters that XML forbids, at most 32,767 UTF-16 units long.

    Lines end with a line feed: spreadsheets know no other end, and change the others when they save.
    """
    if value.isascii() and value.isprintable() and "_x" not in value and len(value) <= LIMIT:
        return value
    clean = _FORBIDDEN.sub("\ufffd", ILLEGAL_CHARACTERS_RE.sub("", _RETURNS.sub("\n", value)))
    # Excel reads `_x0041_` as an escaped A; an escaped underscore in front keeps it what it is.
    clean = _ESCAPED.sub("_x005F_", clean) if "_x" in clean else clean
    if len(clean) * 2 <= LIMIT:
        return clean
    return clean.encode("utf-16-le")[: 2 * LIMIT].decode("utf-16-le", "ignore")


def content(value: Shown) -> tuple[str, Any, bool]:
    """Kind, value and quote mark of a cell: a text stays a text whatever it begins with, and NaN is nothing.

    Without the quote mark Excel makes a formula of such a text as soon as somebody edits the cell.
    """
    if isinstance(value, Link):
        return "s", text(value.text), False
    if isinstance(value, str):
        clean = text(value)
        return ("s", clean, clean.startswith(_FORMULA)) if clean else ("n", None, False)
    if isinstance(value, bool):
        return "b", str(int(value)), False
    return "n", None if value is None or _wild(value) else value, False


def _wild(value: float) -> bool:
    try:
        return not math.isfinite(value)
    except OverflowError:  # an integer beyond the floats: readers make infinity of it
        return True


class Palette:
    """The numbers of the styles of a workbook, each looked up once."""

    def __init__(self, sheet: Any) -> None:
        self._sheet = sheet
        self._styles = sheet.parent._cell_styles  # noqa: SLF001 - setting fonts and fills cell by cell takes 20 times as long
        self._quoted: dict[tuple[int, bool], int] = {}
        self._own: dict[Column, int] = {}

    def of(self, column: Column) -> int:
        """The style of a new cell in the table's body."""
        if column not in self._own:
            cell = Cell(self._sheet, 1, 1)
            dress(cell, column)
            self._own[column] = int(cell.style_id)
        return self._own[column]

    def header(self, column: Column) -> int:
        """The style of a header."""
        cell = Cell(self._sheet, 1, 1)
        dress_header(cell, column)
        return int(cell.style_id)

    def quoted(self, style: int, quote: bool) -> int:
        """The same style with the quote mark or without."""
        if (style, quote) not in self._quoted:
            other = copy(self._styles[style])
            other.quotePrefix = int(quote)
            self._quoted[style, quote] = style if other == self._styles[style] else self._styles.add(other)
        return self._quoted[style, quote]


def dress(cell: Any, column: Column) -> None:
    """Give a cell of the table's body the looks of its column."""
    kind = column.kind
    cell.number_format = FORMATS.get(kind, "@" if kind in ("text", "wide", "exact") else "General")
    if kind in ("mark", "link") or (kind == "count" and column.group == "place"):
        cell.alignment = Alignment(horizontal="center", vertical="center")
    elif kind == "wide":
        cell.alignment = Alignment(vertical="center", wrap_text=True)
    elif kind == "text" or column.header == KEY:
        cell.alignment = Alignment(horizontal="left", vertical="center", indent=1)
    elif column.header == JSON:
        cell.alignment = Alignment(horizontal="fill", vertical="center")  # ends at the border of its cell
    else:
        cell.alignment = Alignment(vertical="center")
    if kind == "exact":
        cell.font = Font(name="Consolas", size=8, color="808080")
    elif kind == "link":
        cell.font = Font(name="Calibri", size=11, color="0563C1", underline="single")
    elif kind == "mark":
        cell.font = Font(name="Calibri", size=11, color="C77700", bold=True)


def dress_header(cell: Any, column: Column) -> None:
    """Give a header its looks: its colour says which group the column belongs to."""
    cell.font = Font(name="Calibri", size=11, bold=True, color="FFFFFF")
    cell.fill = PatternFill("solid", fgColor=FILLS[column.group])
    cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
    cell.border = Border(left=Side("thin", color="FFFFFF"), right=Side("thin", color="FFFFFF"))


def header_height(table: Table) -> Attributes:
    """What a file says of the row of the headers."""
    return (("ht", "48" if table.title == CONFIGURATIONS else "32"), ("customHeight", "1"))


def furnish(sheet: Any, table: Table) -> None:
    """Set everything of a new sheet that is not a cell: widths, frozen header, filter, colours, print layout."""
    for number, column in enumerate(table.columns, 1):
        sheet.column_dimensions[get_column_letter(number)].width = column.width
    headers = table.headers
    frozen = headers.index(NEURONS) + 2 if NEURONS in headers else 2
    sheet.freeze_panes = f"{get_column_letter(frozen)}2"
    last = get_column_letter(len(headers))
    sheet.auto_filter.ref = f"A1:{last}{len(table.rows) + 1}"
    sheet.print_title_rows = "1:1"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = 8  # A3
    sheet.page_setup.fitToWidth = 1
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.page_margins.left = sheet.page_margins.right = 0.3
    sheet.page_margins.top = sheet.page_margins.bottom = 0.4
    sheet.sheet_view.zoomScale = 100
    if table.title == CONFIGURATIONS:
        _colour(sheet, headers, next(column.header for column in table.columns if column.group == "objective"))


def widen(sheet: Any, column: int, width: float) -> None:
    """Set the width of one column, taken out of the run of columns that it may stand in: runs must not overlap."""
    dimensions = sheet.column_dimensions
    for dimension in list(dimensions.values()):
        first, last = dimension.min, dimension.max
        if first is None or last is None or not first <= column <= last or first == last:
            continue
        about = {name: getattr(dimension, name) for name in ("width", "hidden", "outlineLevel", "collapsed", "bestFit")}
        del dimensions[dimension.index]
        for begin, end in ((first, column - 1), (column, column), (column + 1, last)):
            if begin <= end:
                letter = get_column_letter(begin)
                part: Any = ColumnDimension(sheet, index=letter, min=begin, max=end, **about)
                part._style = copy(dimension._style)  # noqa: SLF001
                dimensions[letter] = part
    own = dimensions[get_column_letter(column)]
    own.width, own.hidden = width, False


def _colour(sheet: Any, headers: Sequence[str], objective: str) -> None:
    # Rules over whole columns, not painted cells: they hold when the user sorts, and when rows are added.
    def letter(header: str) -> str:
        return get_column_letter(headers.index(header) + 1)

    mean = letter(objective)
    sheet.conditional_formatting.add(
        f"{mean}2:{mean}{LAST}",
        ColorScaleRule(  # type: ignore[no-untyped-call]
            start_type="min",
            start_color="63BE7B",
            mid_type="percentile",
            mid_value=50,
            mid_color="FFEB84",
            end_type="percentile",  # one wild configuration must not paint all others green
            end_value=90,
            end_color="F8696B",
        ),
    )
    rank, stage, elite = letter(RANK), letter(STAGE), letter(ELITE)
    whole = f"A2:{get_column_letter(headers.index(objective))}{LAST}"
    rules = (
        (f'${stage}2="baseline"', PatternFill(bgColor="D6E4F0"), Font(italic=True)),
        (f"AND(ISNUMBER(${rank}2),${rank}2<=3)", PatternFill(bgColor="C6E7CE"), Font(bold=True)),
        (f'${elite}2<>""', PatternFill(bgColor="FFF4CC"), None),
        (f'AND(${stage}2<>"",ISBLANK(${mean}2))', None, Font(color="9E9E9E", italic=True)),
    )
    for formula, fill, font in rules:
        rule = FormulaRule([formula], fill=fill, font=font)  # type: ignore[no-untyped-call]
        sheet.conditional_formatting.add(whole, rule)
