"""The look of cells and new sheets, in openpyxl's public types of fonts, fills, borders and rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from openpyxl.formatting.rule import Rule
from openpyxl.styles import Alignment, Border, Font, PatternFill

ROWS: Final = 1_048_576  # of a sheet, Excel's own


@dataclass(frozen=True, slots=True)
class Look:
    """The look of a cell; None is the default of a new workbook."""

    number_format: str = "General"
    alignment: Alignment | None = None
    font: Font | None = None
    fill: PatternFill | None = None
    border: Border | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything of a new sheet except its cells; it is printed on A3 landscape, one page wide."""

    widths: tuple[float, ...]  # characters of each column, from the first
    rows: int  # with the headers: the filter covers them
    frozen: int  # columns that stay visible, like the headers
    rules: tuple[tuple[int, int, Rule], ...] = ()  # (first column, last column, rule): all rows below the headers
