"""Workbooks that spreadsheet programs open: whatever stands beside their cells, the cells are read."""

from __future__ import annotations

import datetime as dt
import io
import re
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.styles import Font

from pipeline.errors import UserError
from pipeline.storage import spreadsheet
from pipeline.storage.spreadsheet import cells_alone
from pipeline.storage.untrusted import Damage

Parts = dict[str, bytes]


def moment(*numbers: int) -> dt.datetime:
    """As workbooks have it, without a zone."""
    return dt.datetime(*numbers)  # type: ignore[arg-type] # noqa: DTZ001


ROWS = [
    ("n", "text", "day", "moment", "truth", "error", "sum"),
    (1.5, "a <b> & 'c'", moment(2020, 1, 13), moment(2020, 1, 2, 3, 4, 5), True, "#DIV/0!", "=A2*2"),
    (-3e-9, "=no formula", moment(1999, 12, 31), moment(2021, 6, 7, 8, 9), False, "#N/A", "=A3*2"),
    (7, "größe\nline two", None, moment(2021, 6, 7, 8, 9), True, None, None),
    (123456789012, " spaces ", moment(2020, 2, 29), None, None, None, None),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A workbook with cells of every kind, and with much beside them."""
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.title = "First & 'best'"
    for each in ROWS:
        sheet.append(each)
    sheet["B3"].data_type = "s"
    for row in range(2, 6):
        sheet.cell(row, 3).number_format = "dd.mm.yyyy"
    sheet["A1"].font = Font(bold=True, color="FF0000")
    sheet["A1"].comment = Comment("mine", "me")
    sheet.auto_filter.ref = "A1:G5"
    chart = BarChart()
    chart.add_data(Reference(sheet, min_col=1, min_row=1, max_row=5))
    sheet.add_chart(chart, "J2")
    book.create_sheet("Second")["B2"] = "here"
    book.save(tmp_path / "book.xlsx")
    return tmp_path / "book.xlsx"


def rows(file: Any, *, data_only: bool = True, sheet: int = 0) -> list[tuple[Any, ...]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(file, read_only=True, data_only=data_only)
        found = book.worksheets[sheet]
        found.reset_dimensions()
        values = [tuple(row) for row in found.iter_rows(values_only=True)]
        book.close()
    return values


def parts_of(path: Path) -> Parts:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def put(path: Path, parts: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def changed(part: str, old: str, new: str) -> Callable[[Parts], Parts]:
    """A part in which a text, which has to be there, is another one everywhere."""

    def change(parts: Parts) -> Parts:
        found, count = re.subn(old.encode(), lambda _: new.encode(), parts[part])
        assert count, parts[part]
        return {**parts, part: found}

    return change


STYLES, SHEET, BOOK = "xl/styles.xml", "xl/worksheets/sheet1.xml", "xl/workbook.xml"
CORE, CUSTOM = "docProps/core.xml", "docProps/custom.xml"
PROPERTIES = (
    '<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties" '
    'xmlns:vt="http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes">'
    '<property fmtid="{D5CDD505-2E9C-101B-9397-08002B2CF9AE}" pid="2" name="a"><vt:filetime>soon</vt:filetime>'
    "</property></Properties>"
)
RULE = '<conditionalFormatting sqref="A1"><cfRule type="cellIs" priority="1" operator="odd"/></conditionalFormatting>'

# What real programs write, that openpyxl gives up at, or may in some version.
ODD: dict[str, Callable[[Parts], Parts]] = {
    "an empty fill": changed(STYLES, "<fill>.*?</fill>", "<fill/>"),
    "a font of no size": changed(STYLES, r'<sz val="11" ?/>', '<sz val="big"/>'),
    "a colour that is none": changed(STYLES, 'rgb="00FF0000"', 'rgb="red"'),
    "a border of no style": changed(STYLES, "<left ?/>", '<left style="wavy"/>'),
    "a style of another font": changed(STYLES, 'fontId="0"', 'fontId="99"'),
    "an alignment of no kind": changed(STYLES, "<cellXfs", '<cellStyleXfs><xf fontId="x"/></cellStyleXfs><cellXfs'),
    "a date of creation that is none": changed(CORE, r"(?<=W3CDTF\">)[^<]*", "yesterday"),
    "no date of creation": changed(CORE, r"(?<=W3CDTF\">)[^<]*", ""),
    "no properties": lambda parts: {name: each for name, each in parts.items() if not name.startswith("docProps")},
    "properties of the user's own": lambda parts: {**parts, CUSTOM: PROPERTIES.encode()},
    "a name of nothing": changed(
        BOOK,
        "<sheets>",
        '<definedNames><definedName hidden="perhaps" name="x">#REF!</definedName></definedNames><sheets>',
    ),
    "a name for the print area": changed(
        BOOK,
        "<calcPr",
        '<definedNames><definedName name="_xlnm.Print_Area" localSheetId="0">#REF!</definedName></definedNames><calcPr',
    ),
    "a view of no kind": changed(BOOK, r'visibility="visible"', 'visibility="seldom"'),
    "a rule of no kind": changed(SHEET, "<pageMargins", RULE + "<pageMargins"),
    "a filter of no kind": changed(
        SHEET,
        '<autoFilter ref="A1:G5" ?/>',
        '<autoFilter ref="A1:G5"><filterColumn colId="0"><customFilters>'
        '<customFilter operator="equal" val="a b*"/><customFilter operator="like" val=""/></customFilters>'
        "</filterColumn></autoFilter>",
    ),
    "an extension": changed(
        SHEET, "</worksheet>", '<extLst><ext uri="{unknown}"><c><v>9</v></c></ext></extLst></worksheet>'
    ),
    "margins of no size": changed(SHEET, 'left="0.75"', 'left="wide"'),
    "columns of no width": changed(
        SHEET, "<sheetData>", '<cols><col min="1" max="1.5" width="wide"/></cols><sheetData>'
    ),
    "a size of the sheet that is wrong": changed(SHEET, '<dimension ref="[^"]*" ?/>', '<dimension ref="A1"/>'),
    "no size of the sheet": changed(SHEET, '<dimension ref="[^"]*" ?/>', ""),
    "names with backslashes": lambda parts: {
        name.replace("/", "\\") if "worksheets" in name else name: each for name, each in parts.items()
    },
    "a strict document": lambda parts: {name: strict(each) for name, each in parts.items()},
    "no parts of drawings": lambda parts: {name: each for name, each in parts.items() if "drawing" not in name},
    "truth values as words": changed(SHEET, r'(?<=t="b"><v>)1', "true"),
    "a prefix for all names": lambda parts: {**parts, SHEET: prefixed(parts[SHEET])},
}


def strict(content: bytes) -> bytes:
    """As Excel writes it for "Strict Open XML Spreadsheet"."""
    pairs = (
        (
            b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
            b"http://purl.oclc.org/ooxml/spreadsheetml/main",
        ),
        (
            b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
            b"http://purl.oclc.org/ooxml/officeDocument/relationships",
        ),
    )
    for old, new in pairs:
        content = content.replace(old, new)
    return content


def prefixed(content: bytes) -> bytes:
    content = re.sub(rb"<(/?)(\w)", rb"<\1x:\2", content)
    return content.replace(b"xmlns=", b"xmlns:x=")


@pytest.mark.parametrize("what", ODD)
def test_cells_are_read_whatever_stands_beside_them(path: Path, what: str) -> None:
    plain, formulas = rows(path), rows(path, data_only=False)
    put(path, ODD[what](parts_of(path)))
    assert spreadsheet.read(path, rows) == plain
    assert rows(cells_alone(path)) == plain
    assert rows(cells_alone(path), sheet=1)[1][1] == "here"
    written = rows(cells_alone(path), data_only=False)
    assert written == formulas
    with zipfile.ZipFile(cells_alone(path)) as archive:
        assert archive.testzip() is None


def test_a_workbook_of_which_nothing_is_odd_is_read_as_it_is(path: Path) -> None:
    assert spreadsheet.read(path, lambda given: given.getvalue()) == path.read_bytes()


def test_titles_and_days_since_1904_stay(path: Path) -> None:
    put(path, changed(BOOK, "<workbookPr ?/>", '<workbookPr date1904="true"/>')(parts_of(path)))
    book = openpyxl.load_workbook(cells_alone(path))
    assert book.sheetnames == ["First & 'best'", "Second"]
    assert rows(cells_alone(path))[1][2] == rows(path)[1][2] == moment(2024, 1, 14)


def cell(markup: str) -> Callable[[Parts], Parts]:
    """Another first cell in the second row."""
    return changed(SHEET, r'<c r="A2".*?</c>', markup)


CELLS = {
    '<c r="A2"><v>NaN</v></c>': "NaN",
    '<c r="A2"><v>-1.#IND</v></c>': "-1.#IND",
    '<c r="A2"><v>1,5</v></c>': "1,5",
    '<c r="A2" t="n"><v> 2.50 </v></c>': 2.5,
    '<c r="A2"><v></v></c>': None,
    '<c r="A2"/>': None,
    '<c r="A2" t="b"><v>TRUE</v></c>': True,
    '<c r="A2" t="b"><v>perhaps</v></c>': "perhaps",
    '<c r="A2" t="d"><v>2020-01-13T10:11:12.500Z</v></c>': moment(2020, 1, 13, 10, 11, 12, 500000),
    '<c r="A2" t="d"><v>2020-01-13</v></c>': dt.date(2020, 1, 13),
    '<c r="A2" t="d"><v>13.01.2020</v></c>': "13.01.2020",
    '<c r="A2" t="inlineStr"><is><r><rPr><sz val="x"/></rPr><t>two </t></r><r><t>fonts</t></r></is></c>': "two fonts",
    '<c r="A2" t="str"><f>A1</f><v>text</v></c>': "text",
    '<c r="A2" t="wide"><v>text</v></c>': "text",
    '<c r="A2" s="x"><v>4</v></c>': 4,
    '<c t="n" r="A2"><v>0.1000000000000000055</v></c>': 0.1,
}


@pytest.mark.parametrize("markup", CELLS)
def test_a_cell_that_is_not_of_its_kind_is_a_text_and_the_others_are_what_they_are(path: Path, markup: str) -> None:
    others = [row[1:] for row in rows(path)]
    put(path, cell(markup)(parts_of(path)))
    found = spreadsheet.read(path, rows)
    assert (found[1][0], [row[1:] for row in found]) == (CELLS[markup], others)
    assert rows(cells_alone(path)) == found


@pytest.mark.parametrize(("number", "text"), [(0, "a b"), (1, "c_d")])
def test_texts_of_several_fonts_and_spoken_japanese_are_their_letters(path: Path, number: int, text: str) -> None:
    parts = cell(f'<c r="A2" t="s"><v>{number}</v></c>')(parts_of(path))
    shared = (
        '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><r><rPr><sz val="x"/></rPr>'
        '<t xml:space="preserve">a </t></r><r><t>b</t></r><rPh sb="0" eb="1"><t>spoken</t></rPh></si>'
        "<si><t>c_x005F_d</t></si></sst>"
    )
    put(path, shared_by_cells(parts, shared.encode()))
    assert rows(cells_alone(path))[1][0] == text
    assert spreadsheet.read(path, rows) == rows(cells_alone(path))


def shared_by_cells(parts: Parts, texts: bytes) -> Parts:
    """With texts that cells refer to by their number."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    named = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    return changed("[Content_Types].xml", "</Types>", named)({**parts, "xl/sharedStrings.xml": texts})


NO_WORKBOOK: dict[str, bytes] = {"text": b"my notes", "nothing": b"", "zeros": bytes(1000)}


@pytest.mark.parametrize("what", NO_WORKBOOK)
def test_what_is_no_workbook_is_refused_as_before(tmp_path: Path, what: str) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(NO_WORKBOOK[what])
    with pytest.raises(zipfile.BadZipFile):
        spreadsheet.read(path, rows)
    with pytest.raises(Damage):
        cells_alone(path)


SHARED = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>x</t></si></sst>'


def harmed(path: Path, name: str, content: bytes) -> None:
    put(path, {**parts_of(path), name: content})


def test_damage_of_rows_and_documents_with_a_type_of_their_own_are_refused(path: Path) -> None:
    put(path, cell('<c r="A2" t="s"><v>0</v></c>')(shared_by_cells(parts_of(path), SHARED)))
    assert rows(cells_alone(path))[1][0] == "x"
    whole = path.read_bytes()
    sheet = parts_of(path)[SHEET]
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    for name, content in {
        SHEET: sheet[:-30],
        "xl/sharedStrings.xml": b"<sst/>",  # a cell has the first of these texts
        BOOK: bomb + parts_of(path)[BOOK].partition(b"?>")[2],
    }.items():
        path.write_bytes(whole)
        harmed(path, name, content)
        with pytest.raises(Damage):
            cells_alone(path)
    path.write_bytes(whole)
    harmed(path, SHEET, bomb + sheet.partition(b"?>")[2] if b"?>" in sheet else bomb + sheet)
    with pytest.raises(Damage, match="document type"):
        cells_alone(path)


def test_an_archive_that_claims_to_unpack_to_too_much_is_refused_before_it_is_unpacked(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreadsheet, "LARGEST", 10_000)
    with pytest.raises(Damage, match="unpacks to more than"):
        cells_alone(path)
    monkeypatch.setattr(spreadsheet, "LARGEST", 2 << 30)
    monkeypatch.setattr(spreadsheet, "_SMALL", 100)
    with pytest.raises(Damage, match="too large"):
        cells_alone(path)


def test_a_letter_is_no_workbook(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    put(path, {"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>"})
    with pytest.raises(Damage):
        cells_alone(path)


def test_errors_of_the_disk_and_of_the_reader_itself_come_out(path: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        spreadsheet.read(tmp_path / "none.xlsx", rows)

    def refuse(_: object) -> None:
        raise UserError("no header")

    with pytest.raises(UserError, match="no header"):
        spreadsheet.read(path, refuse)


def test_bytes_of_cells_do_not_depend_on_the_time(path: Path) -> None:
    def names(file: io.BytesIO) -> list[str]:
        with zipfile.ZipFile(file) as archive:
            return archive.namelist()

    assert names(cells_alone(path)) == names(cells_alone(path))
