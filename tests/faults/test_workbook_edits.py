"""What users do to the workbook between two refreshes: by openpyxl here, and really by LibreOffice below."""

import random
import shutil
import subprocess
import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.comments import Comment
from openpyxl.formatting.rule import CellIsRule
from openpyxl.styles import Font, PatternFill
from openpyxl.worksheet.datavalidation import DataValidation

from pipeline.workbook import ooxml
from pipeline.workbook.book import unknown, write
from tests.faults.studies import keep, names, rows, unsound, view

OFFICE = shutil.which("soffice") or ""
FEW = view(30, 3)
MORE = view(45, 3)
KEYS = {summary.key for summary in MORE.ranking}
NEW = KEYS - {summary.key for summary in FEW.ranking}


@pytest.fixture
def path(tmp_path):
    keep(tmp_path / "study", MORE)
    path: Path = tmp_path / "study" / "ledger.xlsx"
    write(path, FEW)
    return path


def column(sheet: Any, header: str, row: int = 1) -> int:
    return next(int(cell.column) for cell in sheet[row] if cell.value == header)


def sort(sheet: Any, header: str, *, with_header: bool = False) -> None:
    """Sort the rows as a spreadsheet does."""
    at = column(sheet, header)
    first = 1 if with_header else 2
    content = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=first)]
    content.sort(key=lambda row: str(row[at - 1]))
    for number, row in enumerate(content, first):
        for place, value in enumerate(row, 1):
            sheet.cell(number, place).value = value


def reorder(sheet: Any) -> None:
    order = list(range(1, sheet.max_column + 1))
    random.Random(3).shuffle(order)
    for row in sheet.iter_rows():
        content = [cell.value for cell in row]
        for cell, place in zip(row, order, strict=True):
            cell.value = content[place - 1]


def overwrite(sheet: Any) -> None:
    for header in ("MAE mean", "MAE std", "neurons", "stage", "rank", "configuration", "model"):
        sheet.cell(3, column(sheet, header)).value = "nonsense"


def formulas(sheet: Any) -> None:
    for row in range(2, sheet.max_row + 1):
        sheet.cell(row, column(sheet, "MAE mean")).value = f"=1/{row}"


def hide(sheet: Any) -> None:
    for letter in "BDF":
        sheet.column_dimensions[letter].hidden = True
    sheet.freeze_panes = "D5"


def merge_beside(sheet: Any) -> None:
    last = sheet.max_column + 2
    sheet.merge_cells(start_row=2, end_row=4, start_column=last, end_column=last)


def titles(sheet: Any) -> None:
    sheet.insert_rows(1, 3)
    sheet["A1"] = "Our networks"


def typed_below(sheet: Any) -> None:
    sheet.cell(sheet.max_row + 3, 2).value = "remark"


SURVIVED: dict[str, Callable[[Any], object]] = {
    "rows deleted": lambda sheet: sheet.delete_rows(3, 4),
    "all rows deleted": lambda sheet: sheet.delete_rows(2, 100),
    "cells of ours overwritten": overwrite,
    "formulas over ours": formulas,
    "columns reordered": reorder,
    "a column renamed": lambda sheet: sheet.cell(1, column(sheet, "MAE std"), "spread"),
    "columns deleted": lambda sheet: sheet.delete_cols(column(sheet, "MAE std"), 3),
    "rank deleted": lambda sheet: sheet.delete_cols(1),
    "rows sorted by key": lambda sheet: sort(sheet, "key"),
    "hidden and frozen": hide,
    "merged beside": merge_beside,
    "titles above": titles,
    "remarks below": typed_below,
    "filter removed": lambda sheet: setattr(sheet.auto_filter, "ref", None),
}


@pytest.mark.parametrize("what", SURVIVED)
def test_an_edit_is_kept_and_the_journal_wins_over_cells_of_ours(path, what):
    book = openpyxl.load_workbook(path)
    SURVIVED[what](book["Configurations"])
    book.save(path)
    for _ in range(2):
        assert write(path, MORE) == path
        assert unsound(path.parent) == []
        assert names(path.parent) == {"ledger.xlsx"}
    assert unknown(path, KEYS, 200).results == ()


def duplicate_row(sheet: Any) -> None:
    last = sheet.max_row + 1
    for cell in sheet[3]:
        sheet.cell(last, cell.column).value = cell.value


def bury_header(sheet: Any, row: int) -> None:
    """Sort the headers among the rows."""
    head = [cell.value for cell in sheet[1]]
    sheet.insert_rows(row)
    for place, value in enumerate(head, 1):
        sheet.cell(row, place).value = value
    sheet.delete_rows(1)


def merge_ours(sheet: Any) -> None:
    at = column(sheet, "MAE mean")
    sheet.merge_cells(start_row=3, end_row=4, start_column=at, end_column=at)


def header_into_rows(sheet: Any) -> None:
    """The headers slip below the first rows, as a sort without the tick `has headers` leaves them."""
    head, second = ([cell.value for cell in sheet[number]] for number in (1, 2))
    for place, (first, other) in enumerate(zip(head, second, strict=True), 1):
        sheet.cell(1, place).value, sheet.cell(2, place).value = other, first


REFUSED: dict[str, tuple[Callable[[Any], object], str]] = {
    "key column renamed": (lambda sheet: sheet.cell(1, column(sheet, "key"), "id"), "no column key"),
    "key column deleted": (lambda sheet: sheet.delete_cols(column(sheet, "key")), "no column key"),
    "key column twice": (lambda sheet: sheet.cell(1, sheet.max_column + 1, "key"), "two columns key"),
    "row duplicated": (duplicate_row, "the same key"),
    "header sorted to the end": (lambda sheet: bury_header(sheet, 60), "no column key"),
    "header sorted among the rows": (lambda sheet: bury_header(sheet, 5), "above the headers"),
    "header among the rows": (header_into_rows, "above the headers"),
    "headers deleted": (lambda sheet: sheet.delete_rows(1), "no column key"),
    "our cells merged": (merge_ours, "merged"),
    "sheet renamed": (lambda sheet: setattr(sheet, "title", "Results"), "no sheet Configurations"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_would_break_is_refused_with_the_reason_and_written_beside(path, what):
    edit, reason = REFUSED[what]
    book = openpyxl.load_workbook(path)
    edit(book["Configurations"])
    book.save(path)
    before = path.read_bytes()
    fresh = path.with_name("ledger.fresh.xlsx")
    for _ in range(2):
        said: list[str] = []
        assert write(path, MORE, said.append) == fresh
        (text,) = said
        assert reason in text
        assert path.read_bytes() == before
        assert unsound(path.parent) == []  # the fresh one has every row
        assert any(reason in str(row["value"]) for row in rows(fresh, "Study"))
    assert names(path.parent) == {"ledger.xlsx", "ledger.fresh.xlsx"}


def convert(path: Path, home: Path) -> None:
    """Open the workbook in LibreOffice and save it in its place."""
    outside, profile = home / "out", f"-env:UserInstallation=file://{home}/profile"
    subprocess.run(
        [OFFICE, profile, "--headless", "--convert-to", "xlsx", "--outdir", outside, path],
        check=True,
        capture_output=True,
        timeout=120,
    )
    (outside / path.name).replace(path)


def decorate(path: Path) -> dict[str, Any]:
    """All that people make of a workbook; returns what to look for afterwards."""
    book: Any = openpyxl.load_workbook(path)
    sheet = book["Configurations"]
    mine = sheet.max_column + 1
    key, mean = column(sheet, "key"), column(sheet, "MAE mean")
    letter = sheet.cell(1, mean).column_letter
    sheet.cell(1, mine, "verdict")
    sheet.cell(1, mine + 1, "twice")
    for row in range(2, sheet.max_row + 1):
        sheet.cell(row, mine, f"v {sheet.cell(row, key).value}")
        sheet.cell(row, mine + 1, f"={letter}{row}*2").number_format = "0.000"
        sheet.cell(row, column(sheet, "notes"), f"n {sheet.cell(row, key).value}")
    marked = sheet.cell(5, key).value
    sheet.cell(5, mine).comment = Comment("look here", "me")
    sheet.cell(5, mine).fill = PatternFill("solid", fgColor="FFFF00")
    sheet.cell(5, mine).font = Font(bold=True, name="Arial", size=13)
    sheet.row_dimensions[5].height = 44
    sheet.cell(6, mine + 2, "see").hyperlink = "https://example.org/"
    linked = sheet.cell(6, key).value
    sheet.column_dimensions["B"].width = 37
    sheet.column_dimensions["D"].hidden = True
    sheet.freeze_panes = "C4"
    sheet.auto_filter.add_filter_column(1, ["explore"])
    over = sheet.cell(1, mine + 1).column_letter
    sheet.conditional_formatting.add(
        f"{over}2:{over}900",
        CellIsRule(operator="greaterThan", formula=["1"], fill=PatternFill(bgColor="FF0000")),
    )
    choice = DataValidation(type="list", formula1='"good,bad"')
    choice.add("AZ2:AZ100")
    sheet.add_data_validation(choice)
    own = book.create_sheet("Mine", 0)
    own["A1"], own["A2"], own["B2"] = "sums", "=1+2", "=SUM(A2:A2)"
    own.merge_cells("C1:D2")
    book.save(path)
    return {"marked": marked, "linked": linked}


def panes(path: Path) -> Any:
    """Where the panes are frozen; LibreOffice without a window drops them."""
    return openpyxl.load_workbook(path)["Configurations"].freeze_panes


def decorated(path: Path, made: dict[str, Any], frozen: Any = "C4") -> None:
    """Everything that `decorate` made is there, each piece beside the configuration to which it was put."""
    book: Any = openpyxl.load_workbook(path)
    assert book.sheetnames[0] == "Mine"
    own = book["Mine"]
    assert (own["A1"].value, own["A2"].value, own["B2"].value) == ("sums", "=1+2", "=SUM(A2:A2)")
    assert [str(area) for area in own.merged_cells.ranges] == ["C1:D2"]
    sheet = book["Configurations"]
    verdict, twice, key = (column(sheet, name) for name in ("verdict", "twice", "key"))
    notes, model = column(sheet, "notes"), column(sheet, "model")
    letter = sheet.cell(1, column(sheet, "MAE mean")).column_letter
    for row in range(2, sheet.max_row + 1):
        name = sheet.cell(row, key).value
        old = name not in NEW
        assert sheet.cell(row, verdict).value == (f"v {name}" if old else None)
        assert sheet.cell(row, notes).value == (f"n {name}" if old else None)
        assert sheet.cell(row, twice).value == (f"={letter}{row}*2" if old else None)
        assert (sheet.cell(row, verdict).comment is not None) == (name == made["marked"])
        assert (sheet.row_dimensions[row].height == pytest.approx(44, abs=1)) == (name == made["marked"])
        link = sheet.cell(row, twice + 1).hyperlink
        assert (link is not None) == (name == made["linked"])
        assert sheet.cell(row, model).hyperlink.target.endswith(f"models/{name}/")
        if name == made["marked"]:
            cell = sheet.cell(row, verdict)
            assert cell.comment is not None
            assert "look here" in cell.comment.text
            assert cell.fill.fgColor.rgb == "FFFFFF00" or cell.fill.fgColor.rgb == "00FFFF00"
            assert (cell.font.name, cell.font.size, cell.font.bold) == ("Arial", 13, True)
    assert sheet.column_dimensions["B"].width == pytest.approx(37, abs=1)
    assert sheet.column_dimensions["D"].hidden
    assert sheet.freeze_panes == frozen
    assert sheet.auto_filter.ref.startswith("A1:")
    assert [each.colId for each in sheet.auto_filter.filterColumn] == [1]
    over = sheet.cell(1, twice).column_letter
    assert any(str(area.sqref).startswith(f"{over}2:{over}") for area in sheet.conditional_formatting)
    assert len(list(sheet.conditional_formatting)) >= 3  # ours too
    assert [str(each.sqref) for each in sheet.data_validations.dataValidation] == ["AZ2:AZ100"]
    widths = sorted((each.min, each.max) for each in sheet.column_dimensions.values() if each.min)
    assert all(first[1] < second[0] for first, second in pairwise(widths))  # Excel repairs these


def test_everything_that_people_make_survives_two_refreshes(path):
    made = decorate(path)
    for shown in (MORE, MORE):
        assert write(path, shown) == path
        decorated(path, made)
        assert unsound(path.parent) == []


@pytest.mark.slow
@pytest.mark.skipif(not OFFICE, reason="LibreOffice (soffice) is not installed")
def test_a_decorated_workbook_that_libreoffice_saved_survives_refreshes(path, tmp_path):
    made = decorate(path)
    convert(path, tmp_path)
    assert not ooxml.untouched(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert unknown(path, KEYS, 200).results == ()
        for _ in range(2):  # what was refreshed is opened and saved once more
            frozen = panes(path)
            assert write(path, MORE) == path
            assert unsound(path.parent) == []
            decorated(path, made, frozen)
            convert(path, tmp_path)
    assert names(path.parent) == {"ledger.xlsx"}


@pytest.mark.slow
@pytest.mark.skipif(not OFFICE, reason="LibreOffice (soffice) is not installed")
@pytest.mark.parametrize("what", ["row duplicated", "key column renamed"])
def test_what_libreoffice_saved_is_refused_for_the_same_reasons(path, tmp_path, what):
    edit, reason = REFUSED[what]
    book = openpyxl.load_workbook(path)
    edit(book["Configurations"])
    book.save(path)
    convert(path, tmp_path)
    before = path.read_bytes()
    said: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert write(path, MORE, said.append).name == "ledger.fresh.xlsx"
    assert reason in said[0]
    assert path.read_bytes() == before


@pytest.mark.slow
@pytest.mark.skipif(not OFFICE, reason="LibreOffice (soffice) is not installed")
def test_libreoffice_computes_the_formulas_of_a_refreshed_workbook(path, tmp_path):
    decorate(path)
    write(path, MORE)
    convert(path, tmp_path)
    sheet = openpyxl.load_workbook(path, data_only=True)["Configurations"]
    twice, mean, key = (column(sheet, name) for name in ("twice", "MAE mean", "key"))
    for row in range(2, sheet.max_row + 1):
        if sheet.cell(row, key).value not in NEW:
            value: Any = sheet.cell(row, mean).value
            assert sheet.cell(row, twice).value == (pytest.approx(2 * value) if value is not None else 0)


def test_a_column_added_within_a_run_of_equal_widths_is_taken_out_of_it(path):
    """LibreOffice writes one width for all columns behind the last; runs that overlap are repaired by Excel."""
    book: Any = openpyxl.load_workbook(path)
    sheet = book["Configurations"]
    sheet.delete_cols(column(sheet, "MAE std"))
    behind = sheet.max_column + 1
    run = sheet.column_dimensions[sheet.cell(1, behind - 1).column_letter]
    run.min, run.max, run.width = behind - 1, 1024, 21
    book.save(path)
    assert write(path, MORE) == path
    found = openpyxl.load_workbook(path)["Configurations"].column_dimensions
    runs = sorted((int(each.min or 0), int(each.max or 0), each.width) for each in found.values())
    assert all(first[1] < second[0] for first, second in pairwise(runs))
    assert (behind - 1, behind - 1, 21) in runs
    assert any(first == last == behind and width != 21 for first, last, width in runs)
    assert (behind + 1, 1024, 21) in runs
