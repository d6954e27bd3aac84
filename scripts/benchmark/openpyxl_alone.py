"""The workbook made with openpyxl's public interface: write-only mode for a new one, load-edit-save for an old one.

Cells, styles, widths, filters, rules, links and durability are the product's, so that only the method differs.
"""
# ruff: noqa: SLF001 - styles are copied as openpyxl copies them itself; without that it would look worse than it is

from __future__ import annotations

import os
import warnings
import zipfile
from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils import get_column_letter

from pipeline.workbook.columns import Cell, Column, Table
from pipeline.workbook.ooxml import Link, Look, content
from pipeline.workbook.read import find_header, written
from pipeline.workbook.style import header_height, header_look, layout, look


def draw(path: Path, tables: Sequence[Table]) -> None:
    """A new workbook in write-only mode."""
    book = openpyxl.Workbook(write_only=True)
    for table in tables:
        sheet = book.create_sheet(table.title)
        _arrange(sheet, table)
        sheet.append([_dressed(sheet, column.header, header_look(column)) for column in table.columns])
        looks = [_Copied(sheet, column) for column in table.columns]
        for row in table.rows:
            sheet.append([each.cell(value) for each, value in zip(looks, row, strict=True)])
    _replace(book, path)


def _arrange(sheet: Any, table: Table) -> None:
    arrangement = layout(table)
    for at, width in enumerate(arrangement.widths, 1):
        sheet.column_dimensions[get_column_letter(at)].width = width
    sheet.row_dimensions[1].height = header_height(table)
    sheet.freeze_panes = f"{get_column_letter(arrangement.frozen + 1)}2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(table.columns))}{arrangement.rows}"
    for first, last, rule in arrangement.rules:
        sheet.conditional_formatting.add(f"{get_column_letter(first)}2:{get_column_letter(last)}1048576", rule)
    sheet.print_title_rows = "1:1"
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", 8
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True


def _dressed(sheet: Any, value: str | None, looks: Look) -> Any:
    cell = WriteOnlyCell(sheet, value)
    cell.number_format = looks.number_format
    for name in ("alignment", "font", "fill", "border"):
        if getattr(looks, name) is not None:
            setattr(cell, name, getattr(looks, name))
    return cell


class _Copied:
    """Cells of a column; their style is looked up once, as in the product: styling each takes 20 times as long."""

    def __init__(self, sheet: Any, column: Column) -> None:
        self._sheet = sheet
        self._style = _dressed(sheet, None, look(column))._style

    def cell(self, value: Cell) -> Any:
        """A cell with the value, a text as a text."""
        cell: Any = WriteOnlyCell(self._sheet)
        cell._style = self._style
        _fill(cell, None if value is ... else value)
        return cell


def _fill(cell: Any, value: str | float | Link | None) -> None:
    kind, plain, quote = content(value)
    cell.value = bool(int(plain)) if kind == "b" else plain
    if quote:
        cell.data_type = "s"
        cell.style = copy(cell.style)
        cell.quotePrefix = True
    if isinstance(value, Link) and (cell.hyperlink is None or cell.hyperlink.target != value.target):
        cell.hyperlink = value.target
        cell.value = plain


def edit(path: Path, tables: Sequence[Table]) -> None:
    """Bring a workbook up to date with `load_workbook`; unlike in the product, the rows are not sorted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(path, rich_text=True)
    for table in tables:
        _update(book[table.title], table)
    _replace(book, path)


def _update(sheet: Any, table: Table) -> None:
    header = find_header(enumerate(sheet.iter_rows(values_only=True), 1), table.identity)
    if header is None:
        raise ValueError(f"the sheet {table.title} has no header")
    wanted = [header.columns[name] for name in table.identity]
    rows = {
        tuple(written(sheet.cell(row, column).value) for column in wanted): row
        for row in range(header.row + 1, sheet.max_row + 1)
    }
    at = [table.headers.index(name) for name in table.identity]
    columns = [header.columns[name] for name in table.headers]
    for row in table.rows:
        number = rows.get(tuple(written(row[each]) for each in at))
        above = None
        if number is None:
            above = sheet.max_row
            number = above + 1
        for column, value in zip(columns, row, strict=True):
            cell = sheet.cell(number, column)
            if above is not None:
                cell._style = copy(sheet.cell(above, column)._style)
            if value is not ...:
                _fill(cell, value)
    if sheet.auto_filter.ref:
        sheet.auto_filter.ref = f"A{header.row}:{get_column_letter(sheet.max_column)}{sheet.max_row}"


def _replace(book: Any, path: Path) -> None:
    """Save durably or not at all, like the product."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("xb") as file:
        book.save(file)
        file.flush()
        os.fsync(file.fileno())
    with zipfile.ZipFile(temporary) as archive:
        if archive.testzip() is not None:
            raise OSError(f"{temporary} is broken")
    temporary.replace(path)
