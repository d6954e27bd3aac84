"""One rule finds the header of a sheet, for files and for sheets in memory alike."""

import openpyxl
import pytest

from pipeline.workbook import ooxml
from pipeline.workbook.read import TOP, below, find_header, rows_below, written

ROWS: list[list[object]] = [
    ["Our networks"],
    [],
    ["key", " name ", None, "key", 3.0, "name"],
    ["a", 1, "x", "b", None, "d"],
    [None, "", None],
    ["c", 0],
]


def test_the_first_row_with_all_the_names_is_the_header():
    header = find_header(enumerate(ROWS, 1), ("name", "key", "3"))
    assert header is not None
    assert header.row == 3
    assert dict(header.columns) == {"key": 1, "name": 2, "3": 5}
    assert header.doubled == {"key", "name"}
    assert below(enumerate(ROWS, 1), header) == [(4, {"key": "a", "name": 1}), (5, {}), (6, {"key": "c", "name": 0})]
    assert find_header(enumerate(ROWS, 1), ("key", "other")) is None


@pytest.mark.parametrize("row", [TOP, TOP + 1])
def test_titles_above_it_may_take_this_many_rows(tmp_path, row):
    """A file and the same file opened for editing have the same header and the same rows."""
    book = openpyxl.Workbook()
    sheet = book.create_sheet("S")
    sheet.cell(1, 1, "title")
    sheet.cell(row, 2, "key")
    sheet.cell(row, 3, "value")
    sheet.cell(row + 1, 2, "a")
    sheet.cell(row + 2, 3, 7)
    path = tmp_path / "book.xlsx"
    book.save(path)
    grid = ooxml.load(path).sheets["S"].grid
    header = find_header(grid.numbered(), ("key",))
    if row > TOP:
        assert header is None
        assert rows_below(path, "S", ("key",)) == []
        return
    assert header is not None
    assert below(grid.numbered(), header) == rows_below(path, "S", ("key",))
    assert rows_below(path, "S", ("key",)) == [(row + 1, {"key": "a"}), (row + 2, {"value": 7})]
    assert rows_below(path, "T", ("key",)) == []


def test_cells_are_compared_by_their_text():
    assert [written(value) for value in (None, 3, 3.0, 3.5, " x ")] == ["", "3", "3", "3.5", "x"]
