"""A workbook with parts that openpyxl cannot read is no damage: it is read, refreshed or left, never put aside."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill

from pipeline.storage.spreadsheet import cells_alone
from pipeline.workbook import ooxml
from pipeline.workbook.book import unknown, write
from pipeline.workbook.columns import JSON, KEY, MEAN
from tests.storage.test_spreadsheet import (
    BOOK,
    CORE,
    CUSTOM,
    PROPERTIES,
    RULE,
    SHEET,
    STYLES,
    Parts,
    changed,
    parts_of,
    put,
    strict,
)
from tests.workbook.test_book import column, configuration, known, names, view

COLOURS = '<colors><mruColors><color rgb="red"/></mruColors></colors>'
# What is mended, and what is said to be plain or gone.
MENDED: dict[str, tuple[Callable[[Parts], Parts], str]] = {
    "an empty fill": (changed(STYLES, "<fill><patternFill ?/></fill>", "<fill/>"), ""),
    "a fill of no kind": (changed(STYLES, 'patternType="gray125"', 'patternType="paisley"'), "fill"),
    "a font of no size": (changed(STYLES, r'<sz val="13" ?/>', '<sz val="big"/>'), "font"),
    "a border of no style": (changed(STYLES, "<left ?/>", '<left style="wavy"/>'), "border"),
    "a style of no font": (changed(STYLES, "<cellXfs", '<cellStyleXfs><xf fontId="x"/></cellStyleXfs><cellXfs'), "xf"),
    "colours of no kind": (changed(STYLES, "</styleSheet>", COLOURS + "</styleSheet>"), "colors"),
    "a date of creation that is none": (changed(CORE, r"(?<=W3CDTF\">)[^<]*", "yesterday"), "created, modified"),
    "a property of the user's own": (lambda parts: {**parts, CUSTOM: PROPERTIES.encode()}, "property"),
}
# What is left as it is, and the results stand beside it.
LEFT: dict[str, Callable[[Parts], Parts]] = {
    "a rule of no kind": changed(SHEET, "<pageMargins", RULE + "<pageMargins"),
    "margins of no size": changed(SHEET, 'left="[0-9.]*"', 'left="wide"'),
    "a view of no kind": changed(BOOK, 'visibility="visible"', 'visibility="seldom"'),
    "a strict document": lambda parts: {name: strict(each) for name, each in parts.items()},
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger in which a user wrote a note, a comment, a result and a sheet."""
    path = tmp_path / "ledger.xlsx"
    write(path, view())
    book: Any = openpyxl.load_workbook(path)
    sheet = book["Configurations"]
    sheet.cell(2, column(sheet, "notes")).value = "mine"
    sheet.cell(3, column(sheet, "notes")).comment = Comment("look here", "me")
    typed = configuration(77)
    row = sheet.max_row + 1
    for header, value in ((KEY, typed.key), (JSON, typed.json), (MEAN, 0.25)):
        sheet.cell(row, column(sheet, header)).value = value
    book.create_sheet("Mine")["A1"] = 1
    book["Mine"]["A1"].font = Font(size=13, bold=True)
    book["Mine"]["A1"].fill = PatternFill("solid", fgColor="FFEE00")
    book.save(path)
    return path


def keys(path: Path) -> list[str]:
    return [each.configuration.key for each in unknown(path, known(view()), 200).results]


def note(path: Path, key: str) -> object:
    sheet: Any = openpyxl.load_workbook(path)["Configurations"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    at, of = rows[0].index("key"), rows[0].index("notes")
    return next(row[of] for row in rows if row[at] == key)


def test_the_typed_row_is_the_only_one_that_the_journal_does_not_know(path: Path) -> None:
    assert keys(path) == [configuration(77).key]


@pytest.mark.parametrize("what", MENDED)
def test_looks_and_properties_are_mended_and_all_that_people_made_survives(path: Path, what: str) -> None:
    change, gone = MENDED[what]
    key = view().ranking[0].key
    assert note(path, key) == "mine"
    put(path, change(parts_of(path)))
    assert keys(path) == [configuration(77).key]
    said: list[str] = []
    assert write(path, view(range(9)), said.append) == path
    assert names(path) == ["ledger.xlsx"]
    assert note(path, key) == "mine"
    book: Any = openpyxl.load_workbook(path)
    assert book["Mine"]["A1"].value == 1
    assert book["Mine"]["A1"].font.bold
    assert book["Mine"]["A1"].fill.fgColor.rgb == "00FFEE00"
    assert [cell.comment.text for row in book["Configurations"] for cell in row if cell.comment] == ["look here"]
    told = f"{path} had looks or properties that cannot be read ({gone}): they are plain or gone now."
    assert said == [told] * bool(gone)
    said.clear()
    assert write(path, view(range(10)), said.append) == path
    assert said == []


@pytest.mark.parametrize("what", LEFT)
def test_what_cannot_be_edited_is_left_and_said_and_the_results_stand_beside_it(path: Path, what: str) -> None:
    put(path, LEFT[what](parts_of(path)))
    before = path.read_bytes()
    assert keys(path) == [configuration(77).key]
    said: list[str] = []
    fresh = write(path, view(range(9)), said.append)
    assert fresh == path.with_name("ledger.fresh.xlsx")
    assert path.read_bytes() == before
    (text,) = said
    assert text.startswith(f"{path} was left as it is, because a part of it cannot be read (")
    assert names(path) == ["ledger.fresh.xlsx", "ledger.xlsx"]


def test_damage_is_told_from_what_one_library_cannot_read(path: Path) -> None:
    whole = parts_of(path)
    put(path, {**whole, SHEET: whole[SHEET][:-40]})
    assert not ooxml.is_workbook(path)
    said: list[str] = []
    assert write(path, view(), said.append) == path
    assert "is not a workbook any more" in said[0]
    assert names(path) == ["ledger.damaged-1.xlsx", "ledger.xlsx"]


def test_a_drawn_workbook_is_its_cells(path: Path) -> None:
    assert zipfile.ZipFile(cells_alone(path)).testzip() is None
    book = openpyxl.load_workbook(cells_alone(path), data_only=True)
    plain = openpyxl.load_workbook(path, data_only=True)
    for title in plain.sheetnames:
        assert [*book[title].values] == [*plain[title].values]
