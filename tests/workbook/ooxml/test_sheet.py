"""Sheets in memory: what stands beside the cells moves with them, and a file holds what was asked for."""

import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.comments import Comment
from openpyxl.worksheet.formula import ArrayFormula
from openpyxl.worksheet.table import Table

from pipeline.workbook import ooxml


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A workbook that people made: five rows below a header, one of them with everything that can stand beside."""
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.title = "S"
    sheet.append(["name", "value", "twice"])
    for row in range(2, 7):
        sheet.append([f"n{row}", row, f"=B{row}*2"])
    sheet["A3"].comment = Comment("look", "me")
    sheet["B4"].hyperlink = "https://example.org/"
    sheet["B4"].hyperlink.tooltip = "there"
    sheet.row_dimensions[3].height = 40
    sheet.auto_filter.ref = "A1:C6"
    sheet.add_table(Table(displayName="T", ref="A1:C6"))
    file = tmp_path / "book.xlsx"
    book.save(file)
    return file


def saved(book: ooxml.Book, path: Path) -> Any:
    """The sheet as openpyxl reads it after a save."""
    ooxml.save(book, path, ooxml.stamp(path), sealed=False)
    return openpyxl.load_workbook(path)["S"]


def test_a_row_moves_with_its_formula_height_comment_and_link(path):
    book = ooxml.load(path)
    sheet = book.sheets["S"]
    assert (sheet.commented, sheet.linked, sheet.movable(1)) == ({3}, {(4, 2)}, True)
    sheet.move({3: 4, 4: 3})
    assert (sheet.commented, sheet.linked) == ({4}, {(3, 2)})
    after = saved(book, path)
    assert [after.cell(row, 1).value for row in range(1, 7)] == ["name", "n2", "n4", "n3", "n5", "n6"]
    assert [after.cell(row, 3).value for row in range(2, 7)] == [f"=B{row}*2" for row in range(2, 7)]
    assert after["A4"].comment.text == "look"
    assert (after["B3"].hyperlink.target, after["B3"].hyperlink.tooltip) == ("https://example.org/", "there")
    assert (after.row_dimensions[4].height, after.row_dimensions[3].height) == (40, None)


def test_a_formula_that_cannot_follow_leaves_every_row_where_it_was(path):
    book = openpyxl.load_workbook(path)
    book["S"]["C3"] = "=B1+B3"
    book.save(path)
    sheet = ooxml.load(path).sheets["S"]
    before = dict(sheet.grid.rows)
    with pytest.raises(ooxml.Immovable, match="cannot be moved from row 3 to 2"):
        sheet.move({2: 3, 3: 2})
    assert sheet.grid.rows == before


@pytest.mark.parametrize("what", ["merged", "array"])
def test_rows_that_hang_together_are_not_movable(path, what):
    book: Any = openpyxl.load_workbook(path)
    if what == "merged":
        book["S"].merge_cells("A3:A4")
    else:
        book["S"]["C3"] = ArrayFormula("C3:C4", "=B3:B4*2")
    book.save(path)
    sheet = ooxml.load(path).sheets["S"]
    assert not sheet.movable(1)
    assert sheet.movable(4)
    (*_, area) = (ooxml.Area(0, 0, 0, 0), *sheet.merged)
    hidden = [row for row in (2, 3, 4, 5) if area.hides(row, 1)]
    assert hidden == ([4] if what == "merged" else [])


def test_the_filter_reaches_new_columns_and_a_table_only_new_rows(path):
    book = ooxml.load(path)
    sheet = book.sheets["S"]
    sheet.grid.put(1, {**sheet.grid.cells(1), 4: (0, "s", "more")})
    sheet.stretch(1, 9, 3)
    after = saved(book, path)
    assert after.auto_filter.ref == "A1:D9"
    assert after.tables["T"].ref == "A1:C9"


def test_a_link_that_leads_there_already_keeps_its_tooltip(path):
    book = ooxml.load(path)
    sheet = book.sheets["S"]
    sheet.link(4, 2, "https://example.org/")
    sheet.link(5, 2, "https://example.org/5")
    assert saved(book, path)["B4"].hyperlink.tooltip == "there"
    sheet.link(4, 2, None)
    after = saved(book, path)
    assert after["B4"].hyperlink is None
    assert after["B5"].hyperlink.target == "https://example.org/5"


def test_drawn_rows_are_made_while_the_file_is_written(tmp_path):
    book = ooxml.Book.new("me")
    sheet = book.add("S")
    asked: list[int] = []

    def lines():
        for number in range(1, 4):
            asked.append(number)
            yield ooxml.Line(number, ooxml.height(33), (1, 3), (0, 0), "ns", (number, "x"))

    sheet.draw(lines())
    assert asked == []
    after = saved(book, tmp_path / "new.xlsx")
    assert asked == [1, 2, 3]
    assert list(after.values) == [(1, None, "x"), (2, None, "x"), (3, None, "x")]
    assert after.row_dimensions[2].height == 33


def test_a_sheet_is_found_by_its_title_wherever_it_stands(tmp_path):
    key = "0123456789abcdef"
    book = ooxml.Book.new("me")
    for title, text in (("First", "fedcba9876543210"), ("Zwei & <drei>", key)):
        book.add(title).draw([ooxml.Line(1, (), (1,), (0,), "s", (text,))])
    file = tmp_path / "new.xlsx"
    ooxml.save(book, file, None, sealed=True)
    assert ooxml.knows_only(file, "First", {"fedcba9876543210"})
    assert not ooxml.knows_only(file, "First", {key})
    assert not ooxml.knows_only(file, "Second", {key})
    assert ooxml.values(file, ["Zwei & <drei>"]) == {"Zwei & <drei>": [(key,)]}


def test_a_file_that_arrived_otherwise_is_not_put_in_its_place(path, monkeypatch):
    """The disk's copy is compared with what was written, part by part."""
    before = path.read_bytes()
    book = ooxml.load(path)
    other = path.with_name("other.xlsx")
    openpyxl.Workbook().save(other)

    class Swapped(zipfile.ZipFile):
        def __init__(self, file, mode="r", *rest, **options):
            super().__init__(other if mode == "r" else file, mode, *rest, **options)

    monkeypatch.setattr(zipfile, "ZipFile", Swapped)
    with pytest.raises(OSError, match="differs from what was written"):
        ooxml.save(book, path, ooxml.stamp(path), sealed=False)
    assert path.read_bytes() == before
    assert not path.with_name(f".{path.name}.tmp").exists()
