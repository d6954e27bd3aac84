"""The style of the workbook: number formats, colours and widths of the columns.

It uses openpyxl's public values for fonts, fills and rules; only `ooxml` applies them to a sheet.
"""

from __future__ import annotations

from typing import Final

from openpyxl.formatting.rule import ColorScaleRule, FormulaRule, Rule
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

from pipeline.workbook.columns import CONFIGURATIONS, ELITE, JSON, KEY, NEURONS, NOTES, RANK, STAGE, Column, Table
from pipeline.workbook.ooxml import Layout, Look, Sheet

FORMATS: Final = {
    "count": "0",
    "plain": "#,##0.00",
    "fraction": "0.0000",
    "scientific": "0.00E+00",
    "moment": "yyyy-mm-dd hh:mm:ss",
}
FILLS: Final = {
    "place": "263238",
    "hyperparameters": "1F4E79",
    "objective": "1E6B4F",
    "outputs": "4E6B1E",
    "cost": "6B4E1E",
    "exact": "616161",
}
_WITH_OWN_LOOK: Final = (KEY, JSON, NOTES)  # headers


class Palette:
    """The numbers of the styles of a sheet, each looked up once: openpyxl takes longer for a style than for a row."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._own: dict[tuple[str, bool, str], int] = {}
        self._headers: dict[str, int] = {}

    def of(self, column: Column) -> int:
        """The style of a new cell in the table's body."""
        # All that `look` depends on.
        alike = (column.kind, column.group == "place", column.header if column.header in _WITH_OWN_LOOK else "")
        if alike not in self._own:
            self._own[alike] = self._sheet.style(look(column))
        return self._own[alike]

    def header(self, column: Column) -> int:
        """The style of a header."""
        if column.group not in self._headers:
            self._headers[column.group] = self._sheet.style(header_look(column))
        return self._headers[column.group]


def look(column: Column) -> Look:
    """The look of a cell in the table's body."""
    number_format = FORMATS.get(column.kind, "@" if column.kind in ("text", "wide", "exact") else "General")
    return Look(number_format, alignment=_alignment(column), font=_font(column))


def _alignment(column: Column) -> Alignment:
    kind = column.kind
    if kind in ("mark", "link") or (kind == "count" and column.group == "place"):
        return Alignment(horizontal="center", vertical="center")
    if kind == "wide":
        # Rows are one line high, and LibreOffice draws a second line over the next row; only the user's cells wrap.
        return Alignment(vertical="center", wrap_text=column.header == NOTES or None)
    if kind == "text" or column.header == KEY:
        return Alignment(horizontal="left", vertical="center", indent=1)
    if column.header == JSON:
        return Alignment(horizontal="fill", vertical="center")  # cut at the border of the cell
    return Alignment(vertical="center")


def _font(column: Column) -> Font | None:
    if column.kind == "exact":
        return Font(name="Consolas", size=8, color="808080")
    if column.kind == "link":
        return Font(name="Calibri", size=11, color="0563C1", underline="single")
    if column.kind == "mark":
        return Font(name="Calibri", size=11, color="C77700", bold=True)
    return None


def header_look(column: Column) -> Look:
    """The look of a header; its colour shows the group of the column."""
    return Look(
        alignment=Alignment(horizontal="center", vertical="center", wrap_text=True),
        font=Font(name="Calibri", size=11, bold=True, color="FFFFFF"),
        fill=PatternFill("solid", fgColor=FILLS[column.group]),
        border=Border(left=Side("thin", color="FFFFFF"), right=Side("thin", color="FFFFFF")),
    )


def header_height(table: Table) -> float:
    """The height of the header row, in points."""
    return 48 if table.title == CONFIGURATIONS else 32


def layout(table: Table) -> Layout:
    """The layout of a new sheet: everything except the cells."""
    headers = table.headers
    return Layout(
        widths=tuple(column.width for column in table.columns),
        rows=len(table.rows) + 1,
        frozen=headers.index(NEURONS) + 1 if NEURONS in headers else 1,
        rules=_rules(table) if table.title == CONFIGURATIONS else (),
    )


def _rules(table: Table) -> tuple[tuple[int, int, Rule], ...]:
    # Rules for whole columns instead of coloured cells, so that they survive sorting and new rows.
    # The marks end before the objective, which has its own colour scale.
    headers = table.headers
    objective = 1 + next(at for at, column in enumerate(table.columns) if column.group == "objective")
    rank, stage, elite = (get_column_letter(headers.index(name) + 1) for name in (RANK, STAGE, ELITE))
    mean = get_column_letter(objective)
    scale = ColorScaleRule(  # type: ignore[no-untyped-call]
        start_type="min",
        start_color="63BE7B",
        mid_type="percentile",
        mid_value=50,
        mid_color="FFEB84",
        end_type="percentile",  # a single outlier must not colour all others green
        end_value=90,
        end_color="F8696B",
    )
    marks = (
        (f'${stage}2="baseline"', PatternFill(bgColor="D6E4F0"), Font(italic=True)),
        (f"AND(ISNUMBER(${rank}2),${rank}2<=3)", PatternFill(bgColor="C6E7CE"), Font(bold=True)),
        (f'${elite}2<>""', PatternFill(bgColor="FFF4CC"), None),
        (f'AND(${stage}2<>"",ISBLANK(${mean}2))', None, Font(color="9E9E9E", italic=True)),
    )
    rules = [FormulaRule([formula], fill=fill, font=font) for formula, fill, font in marks]  # type: ignore[no-untyped-call]
    return ((objective, objective, scale), *((1, objective - 1, rule) for rule in rules))
