"""Tables in workbooks of Excel: the cells of the first sheet."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd

from pipeline.data import first_rules
from pipeline.data.cells import UNCOMPUTED
from pipeline.data.header import ABOVE, header_of
from pipeline.errors import UserError
from pipeline.storage import spreadsheet

Row = tuple[Any, ...]


def read(path: Path, reading: int, named: Collection[str] = ()) -> pd.DataFrame:
    """The table of the first sheet.

    By the first rules, columns have the types that pandas guesses. By later ones they have the cells as Python objects:
    None for an empty one, the text that Excel shows for an error, and `UNCOMPUTED` for a formula that no program has
    computed. `named` are the columns that the user names.
    """
    cells, frame = spreadsheet.read(path, first_rules.excel if reading == 1 else _cells)
    if not cells and frame.empty:
        raise UserError(f"The first sheet of {path} is empty", expected="a header and rows", hint="put the table there")
    names = header_of([*cells, *[""] * (frame.shape[1] - len(cells))], str(path), named)
    frame.columns = pd.Index(names, dtype=object)
    return frame


def _cells(file: Path | BytesIO) -> tuple[list[object], pd.DataFrame]:
    rows = list(_rows(file, data_only=True))
    if any(cell is None for row in rows for cell in row):
        rows = [tuple(map(_value, *pair)) for pair in zip(rows, _rows(file, data_only=False), strict=True)]
    above = next((place for place, row in enumerate(rows) if any(map(_is_filled, row))), 0)
    width = max(map(len, rows), default=0)
    filled = [[*row, *[None] * (width - len(row))] for row in rows[above:]]
    frame = pd.DataFrame(filled[1:], columns=range(width), dtype=object)
    frame.attrs[ABOVE] = above
    return (filled[0] if filled else []), frame


def _is_filled(cell: object) -> bool:
    return cell is not None and not (isinstance(cell, str) and not cell.strip())


def _rows(file: Path | BytesIO, *, data_only: bool) -> Iterator[Row]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # openpyxl warns of styles and drop-down lists
        with closing(openpyxl.load_workbook(file, read_only=True, data_only=data_only)) as book:
            sheet = next((each for each in book.worksheets if each.sheet_state == "visible"), book.worksheets[0])
            sheet.reset_dimensions()  # some programs write a wrong size
            yield from sheet.iter_rows(values_only=True)


def _value(computed: object, written: object) -> object:
    """The value of a cell, of which `written` is the formula if it has one."""
    formula = computed is None and written is not None and (not isinstance(written, str) or written.startswith("="))
    return UNCOMPUTED if formula else computed
