"""Things that people put into a workbook: how to add each one, and how to check whether it is still there."""
# ruff: noqa: SLF001 - openpyxl shows charts, images and pivot tables that it has read in private attributes only

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import openpyxl
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.drawing.image import Image
from openpyxl.formatting.rule import CellIsRule
from openpyxl.pivot.cache import CacheDefinition
from openpyxl.pivot.record import RecordList
from openpyxl.pivot.table import TableDefinition
from openpyxl.styles import PatternFill
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.xml.functions import fromstring

SHEET: Final = "Configurations"
OWN: Final = "Mine"
_NAMES: Final = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_RELATIONS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


@dataclass(frozen=True, slots=True)
class Thing:
    """`make` adds it to the workbook, `there` checks whether it is still in it."""

    make: Callable[[Path], None]
    there: Callable[[Path], bool]


def opened(path: Path, **options: Any) -> Any:
    """The workbook as openpyxl reads it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return openpyxl.load_workbook(path, **options)


def _edited(change: Callable[[Any], object]) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        book = opened(path)
        change(book)
        book.save(path)

    return make


def _seen(look: Callable[[Any], object]) -> Callable[[Path], bool]:
    return lambda path: bool(look(opened(path)))


def _parts(change: Callable[[dict[str, bytes]], None]) -> Callable[[Path], None]:
    """Change parts of the file that openpyxl cannot make."""

    def make(path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        change(parts)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, part in parts.items():
                archive.writestr(name, part)

    return make


def _has(pattern: str) -> Callable[[Path], bool]:
    """True while a part's name or content matches."""

    def there(path: Path) -> bool:
        with zipfile.ZipFile(path) as archive:
            return any(
                re.search(pattern.encode(), name.encode() + b"\n" + archive.read(name)) for name in archive.namelist()
            )

    return there


def column(sheet: Any, header: str) -> int:
    """The column below a header of the first row."""
    return next(int(cell.column) for cell in sheet[1] if cell.value == header)


def note(book: Any) -> None:
    """A remark in the column for notes."""
    sheet = book[SHEET]
    sheet.cell(2, column(sheet, "notes")).value = "mine"


def formulas(book: Any) -> None:
    """A column of formulas after the others."""
    sheet = book[SHEET]
    mine = sheet.max_column + 1
    sheet.cell(1, mine).value = "twice"
    for row in range(2, sheet.max_row + 1):
        sheet.cell(row, mine).value = f"=A{row}*2"


def chart(book: Any) -> None:
    """A new sheet with a chart of the ranks."""
    own = book.create_sheet(OWN)
    picture = BarChart()
    picture.add_data(Reference(book[SHEET], min_col=1, min_row=1, max_row=20), titles_from_data=True)
    own.add_chart(picture, "B2")


def image(book: Any) -> None:
    """A picture on the sheet."""
    from PIL import Image as Picture

    held = io.BytesIO()
    Picture.new("RGB", (8, 8), "red").save(held, "PNG")
    held.seek(0)
    book[SHEET].add_image(Image(held), "AZ2")


def name(book: Any) -> None:
    """A name for a column."""
    book.defined_names["ranks"] = DefinedName("ranks", attr_text=f"{SHEET}!$A$2:$A$20")


def rule(book: Any) -> None:
    """A conditional format."""
    red = CellIsRule(operator="equal", formula=['"mine"'], fill=PatternFill(bgColor="FF0000"))  # type: ignore[no-untyped-call]
    book[SHEET].conditional_formatting.add("B2:B99", red)


def choice(book: Any) -> None:
    """A drop-down list."""
    validation = DataValidation(type="list", formula1='"good,bad"')
    validation.add("AZ2:AZ100")
    book[SHEET].add_data_validation(validation)


def comment(book: Any) -> None:
    """A comment at a cell."""
    book[SHEET]["A3"].comment = Comment("look here", "me")


def hidden(book: Any) -> None:
    """A hidden column."""
    book[SHEET].column_dimensions["C"].hidden = True


def pivot(book: Any) -> None:
    """A pivot table of two columns of the user's."""
    own = book.create_sheet(OWN)
    for row in (("kind", "value"), ("a", 1), ("b", 2)):
        own.append(row)
    items = '<item x="0"/><item x="1"/><item t="default"/>'
    definition: Any = TableDefinition
    cache: Any = CacheDefinition
    records: Any = RecordList
    table = definition.from_tree(
        fromstring(
            f'<pivotTableDefinition {_NAMES} name="P" cacheId="1" dataCaption="Values" applyNumberFormats="0"'
            ' applyBorderFormats="0" applyFontFormats="0" applyPatternFormats="0" applyAlignmentFormats="0"'
            ' applyWidthHeightFormats="1"><location ref="D1:E4" firstHeaderRow="1" firstDataRow="1" firstDataCol="1"/>'
            f'<pivotFields count="2"><pivotField axis="axisRow" showAll="0"><items count="3">{items}</items>'
            '</pivotField><pivotField dataField="1" showAll="0"/></pivotFields><rowFields count="1"><field x="0"/>'
            '</rowFields><rowItems count="1"><i><x/></i></rowItems><colItems count="1"><i/></colItems>'
            '<dataFields count="1"><dataField name="Sum" fld="1"/></dataFields></pivotTableDefinition>'
        )
    )
    table.cache = cache.from_tree(
        fromstring(
            f'<cacheDefinition {_NAMES} xmlns:r="{_RELATIONS}" r:id="rId1" recordCount="2"><cacheSource'
            f' type="worksheet"><worksheetSource ref="A1:B3" sheet="{OWN}"/></cacheSource><cacheFields count="2">'
            '<cacheField name="kind" numFmtId="0"><sharedItems count="2"><s v="a"/><s v="b"/></sharedItems>'
            "</cacheField>"
            '<cacheField name="value" numFmtId="0"><sharedItems containsNumber="1" minValue="1" maxValue="2"/>'
            "</cacheField></cacheFields></cacheDefinition>"
        )
    )
    table.cache.records = records.from_tree(
        fromstring(
            f'<pivotCacheRecords {_NAMES} count="2"><r><x v="0"/><n v="1"/></r><r><x v="1"/><n v="2"/></r>'
            "</pivotCacheRecords>"
        )
    )
    own.add_pivot(table)


def _cached(path: Path) -> None:
    _edited(formulas)(path)

    def change(parts: dict[str, bytes]) -> None:
        part = "xl/worksheets/sheet1.xml"
        parts[part] = parts[part].replace(b"*2</f><v />", b"*2</f><v>2</v>").replace(b"*2</f><v/>", b"*2</f><v>2</v>")

    _parts(change)(path)


def _cached_there(path: Path) -> bool:
    sheet = opened(path, data_only=True)[SHEET]
    return sheet.cell(2, column(sheet, "twice")).value is not None


def _added(part: str, content: str, extension: str = "") -> Callable[[Path], None]:
    def change(parts: dict[str, bytes]) -> None:
        parts[part] = content.encode()
        sheet = "xl/worksheets/sheet1.xml"
        parts[sheet] = parts[sheet].replace(b"</worksheet>", extension.encode() + b"</worksheet>")

    return _parts(change)


def _boxed(path: Path) -> None:
    """A chart's drawing with a text box in it."""
    _edited(chart)(path)
    box = (
        "<xdr:sp><xdr:nvSpPr><xdr:cNvPr id='9' name='box'/><xdr:cNvSpPr/></xdr:nvSpPr><xdr:spPr/></xdr:sp>"
        "<xdr:clientData/>"
    )
    cell = "<xdr:col>1</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>1</xdr:row><xdr:rowOff>0</xdr:rowOff>"

    def change(parts: dict[str, bytes]) -> None:
        part = "xl/drawings/drawing1.xml"
        names = 'xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"'
        corners = f"<xdr:from>{cell}</xdr:from><xdr:to>{cell}</xdr:to>"
        anchor = f"<xdr:twoCellAnchor {names}>{corners}{box}</xdr:twoCellAnchor>"
        parts[part] = re.sub(rb"</(\w*:?)wsDr>", anchor.encode() + rb"</\1wsDr>", parts[part])

    _parts(change)(path)


_SPARK: Final = (
    '<extLst><ext uri="{05C60535-1F16-4fd2-B633-F4F36F0B64E0}"><x14:sparklineGroups'
    ' xmlns:x14="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main"/></ext></extLst>'
)

# What openpyxl can make comes first; the rest needs Excel, and is put into the file part by part.
THINGS: Final[Mapping[str, Thing]] = {
    "note": Thing(
        _edited(note), _seen(lambda book: any(cell.value == "mine" for row in book[SHEET].rows for cell in row))
    ),
    "formula column": Thing(
        _edited(formulas), _seen(lambda book: str(book[SHEET].cell(2, book[SHEET].max_column).value).startswith("=A"))
    ),
    "formulas' cached values": Thing(_cached, _cached_there),
    "comment": Thing(
        _edited(comment), _seen(lambda book: any(cell.comment for row in book[SHEET].rows for cell in row))
    ),
    "sheet with a chart": Thing(_edited(chart), _seen(lambda book: book[OWN]._charts)),
    "image": Thing(_edited(image), _seen(lambda book: book[SHEET]._images)),
    "defined name": Thing(_edited(name), _seen(lambda book: "ranks" in book.defined_names)),
    "conditional format": Thing(
        _edited(rule),
        _seen(lambda book: any(str(area.sqref) == "B2:B99" for area in book[SHEET].conditional_formatting)),
    ),
    "data validation": Thing(_edited(choice), _seen(lambda book: book[SHEET].data_validations.dataValidation)),
    "hidden column": Thing(_edited(hidden), _seen(lambda book: book[SHEET].column_dimensions["C"].hidden)),
    "pivot table": Thing(_edited(pivot), _seen(lambda book: book[OWN]._pivots)),
    "slicer": Thing(_added("xl/slicers/slicer1.xml", f"<slicers {_NAMES}/>"), _has("^xl/slicers/")),
    "threaded comment": Thing(
        _added("xl/threadedComments/threadedComment1.xml", "<ThreadedComments/>"), _has("^xl/threadedComments/")
    ),
    "sparkline": Thing(_added("xl/spark.txt", "", _SPARK), _has("sparklineGroups")),
    "text box": Thing(_boxed, _has(r"<\w*:?sp[ >]")),
    "macro": Thing(_added("xl/vbaProject.bin", "code"), _has("^xl/vbaProject")),
}


def user_made(path: Path) -> None:
    """A workbook with everything that openpyxl can make, to be loaded, edited and saved."""
    book = opened(path)
    for make in (note, formulas, chart, image, name, rule, choice, comment, hidden):
        make(book)
    book.save(path)
