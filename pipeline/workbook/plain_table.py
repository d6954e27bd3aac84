"""A table alone as a workbook of one sheet: what people get who ask for an output as .xlsx."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pipeline.errors import UserError
from pipeline.workbook import ooxml
from pipeline.workbook.book import refused
from pipeline.workbook.columns import ROWS, Cell, Column, Table, kind_of, width_of
from pipeline.workbook.merge import draw

_COLUMNS: Final = 16_384  # of a sheet, Excel's own
_BEGIN: Final = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - spreadsheets have no time zones
_FIRST: Final = dt.datetime(1900, 3, 1)  # noqa: DTZ001 - before it Excel counts a day that never was


def write(path: Path, title: str, columns: Mapping[str, Sequence[object]]) -> None:
    """Write columns of equal length as a workbook, replacing the file durably, or leave the file as it is.

    Texts stay texts, whatever they begin with. Numbers and truth values keep their type, moments without a time zone
    are dates of the spreadsheet, other values are texts; None, NaN and infinity are empty cells.

    Raises:
        UserError: A sheet has not that many rows or columns, or another program has the file open.
        OSError: The disk refuses.
    """
    count = max(map(len, columns.values()), default=0)
    if count > ROWS or len(columns) > _COLUMNS:
        raise UserError(
            f"{path} cannot hold {count} rows and {len(columns)} columns",
            expected=f"at most {ROWS} rows and {_COLUMNS} columns, which a sheet has",
            hint="give the output a name that ends in .parquet or .csv",
        )
    if reason := refused(path):
        raise UserError(f"{path} cannot be written: {reason}", hint="close it there, or use another name")
    made = {name: [_cell(value) for value in values] for name, values in columns.items()}
    heads = tuple(_column(name, columns[name], made[name]) for name in columns)
    book = ooxml.Book.new("two-stage-search")
    draw(book.add(title), Table(title, heads, tuple(zip(*made.values(), strict=True)), ()))
    ooxml.save(book, path, ooxml.stamp(path), sealed=False)


def _column(name: str, values: Sequence[object], cells: Sequence[Cell]) -> Column:
    numbers = [each for each in cells if isinstance(each, int | float) and not isinstance(each, bool)]
    if any(isinstance(each, str) for each in cells) or not numbers:
        return Column(name, "text", max(14, width_of(name)), "place")
    if any(isinstance(each, dt.date) for each in values):
        return Column(name, "moment", 20, "place")
    return Column(name, kind_of([each for each in numbers if math.isfinite(each)]), max(14, width_of(name)), "outputs")


def _cell(value: object) -> Cell:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time())
    if isinstance(value, dt.datetime):
        # A missing moment of pandas is one too, and equal to nothing.
        return _serial(value) if value == value else None  # noqa: PLR0124
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)


def _serial(moment: dt.datetime) -> float | str:
    if moment.tzinfo is not None or moment < _FIRST:
        return moment.isoformat(" ")
    return (moment - _BEGIN) / dt.timedelta(days=1)
