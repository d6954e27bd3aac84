"""Workbooks that spreadsheet programs open and openpyxl does not: their cells alone, as a workbook that it reads.

openpyxl checks every style, property, name and rule of a file when it opens it, and gives up at the first that is not
as it expects: an empty `<fill/>`, which instruments write, or a date of creation that is none. What a cell holds
depends on none of these but the number formats, by which numbers are dates. So `read` tries a file as it is, and where
that fails once more with what `cells_alone` makes of it: sheets, rows, cells, formulas, number formats, and no more.

Both transitional and strict files are understood, and cells of odd writers: a number that is none, `NaN` say, is the
text that it is. Files may come from anybody: nothing is unpacked beyond `LARGEST`, and documents with a type of their
own are refused.
"""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Final, TypeVar
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

from pipeline.errors import UserError
from pipeline.storage.spreadsheet_cells import MAIN, TRUTHS, copy_rows, digits, local, texts
from pipeline.storage.untrusted import Damage, damage

Result = TypeVar("Result")

LARGEST: Final = 2 << 30  # bytes unpacked: a larger workbook is not one that people read, it is made to fill the memory
_SMALL: Final = 32 << 20  # bytes of a part without rows
_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml."
_RELATIONS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"


def read(path: Path, how: Callable[[BytesIO], Result]) -> Result:
    """Read a workbook, whatever it says beside its cells.

    Args:
        path: The file.
        how: Reads a workbook with openpyxl, from a binary file.

    Returns:
        What `how` makes of the file, or where that fails of its cells alone.

    Raises:
        What `how` raises for the file as it is, if it is no workbook at all, and OSError if the disk refuses it.
    """
    content = path.read_bytes()
    try:
        return how(BytesIO(content))
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever openpyxl raises for a file that it does not understand
        try:
            cells = cells_alone(path)
        except Damage:
            raise error from None
    return how(cells)


def cells_alone(path: Path) -> BytesIO:
    """A workbook of the same sheets, with nothing but their cells and number formats. Raise Damage if it is none."""
    with path.open("rb") as file, damage():
        parts = _Parts(file)
        made = BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            _write(parts, archive)
    made.seek(0)
    return made


# ---------------------------------------------------------------------------------------------------- where parts are


@dataclass(frozen=True, slots=True)
class _Related:
    """A part that another one names."""

    kind: str  # last word of its type: "worksheet", "styles"
    name: str  # in the archive


class _Parts:
    """The parts of a workbook, found by what they say of each other."""

    def __init__(self, file: IO[bytes]) -> None:
        self._archive = zipfile.ZipFile(file)
        members = self._archive.infolist()
        if sum(each.file_size for each in members) > LARGEST:
            raise Damage(f"it unpacks to more than {LARGEST} bytes")
        # Some programs write backslashes, or names in other cases than they refer to.
        self._members = {_plain(each.filename): each for each in members}
        first = [each.name for each in self._related("", "_rels/.rels").values() if each.kind == "officeDocument"]
        self.workbook = self.tree(first[0] if first else "xl/workbook.xml")
        folder, _, name = (first[0] if first else "xl/workbook.xml").rpartition("/")
        self.related = self._related(folder, f"{folder}/_rels/{name}.rels")

    def one(self, kind: str) -> str:
        """The part of a kind that a workbook has once, empty where it has none."""
        named = [each.name for each in self.related.values() if each.kind == kind]
        return next(filter(self.has, [*named, f"xl/{kind}.xml"]), "")

    def has(self, name: str) -> bool:
        return _plain(name) in self._members

    def tree(self, name: str) -> ET.Element:
        """A part without rows."""
        found = self._members[_plain(name)]
        if found.file_size > _SMALL:
            raise Damage(f"its part {name} is too large")
        content = self._archive.read(found)
        if b"<!DOCTYPE" in content:
            raise Damage("it has a document type")
        return ET.fromstring(content)  # noqa: S314 - without a document type there is nothing to expand

    def open(self, name: str) -> IO[bytes]:
        return self._archive.open(self._members[_plain(name)])

    def _related(self, folder: str, name: str) -> dict[str, _Related]:
        if not self.has(name):
            return {}
        return {
            each.get("Id", ""): _Related(
                each.get("Type", "").rpartition("/")[2],
                posixpath.normpath(posixpath.join("/", folder, each.get("Target", "").replace("\\", "/")))[1:],
            )
            for each in self.tree(name)
            if each.get("TargetMode") != "External"
        }


def _plain(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()


def _children(tree: ET.Element | None, *names: str) -> Iterator[ET.Element]:
    """The elements at the end of a path of local names."""
    for each in () if tree is None else tree:
        if local(each.tag) == names[0]:
            yield from _children(each, *names[1:]) if names[1:] else (each,)


# -------------------------------------------------------------------------------------------------- what is written


def _write(parts: _Parts, archive: zipfile.ZipFile) -> None:
    titles = _copy_sheets(parts, archive)
    if not titles:
        raise Damage("it has no worksheet")
    names = [f"sheet{number}" for number in range(1, len(titles) + 1)]
    sheets = [(name, "worksheet", f"worksheets/{name}.xml") for name in names]
    overrides = [_override(f"xl/worksheets/{name}.xml", "worksheet") for name in names]
    overrides += [_override("xl/workbook.xml", "sheet.main"), _override("xl/styles.xml", "styles")]
    archive.writestr("xl/workbook.xml", _workbook(parts, dict(zip(names, titles, strict=True))))
    archive.writestr("xl/_rels/workbook.xml.rels", _relations([*sheets, ("styles", "styles", "styles.xml")]))
    archive.writestr("xl/styles.xml", _styles(parts))
    archive.writestr("_rels/.rels", _relations([("workbook", "officeDocument", "xl/workbook.xml")]))
    archive.writestr(
        "[Content_Types].xml",
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f"{''.join(overrides)}</Types>",
    )


def _copy_sheets(parts: _Parts, archive: zipfile.ZipFile) -> list[str]:
    """Copy the rows of every worksheet; returns the titles in their order."""
    shared, strings = parts.one("sharedStrings"), list[str]()
    if shared:
        with parts.open(shared) as source:
            strings = texts(source)
    titles: list[str] = []
    for title, name in _sheets(parts):
        titles.append(title)
        with parts.open(name) as source, archive.open(f"xl/worksheets/sheet{len(titles)}.xml", "w") as sheet:
            copy_rows(source, sheet, strings)
    return titles


def _workbook(parts: _Parts, titles: Mapping[str, str]) -> str:
    """The list of the sheets, by name, and whether days are counted from 1904 on."""
    old = next(_children(parts.workbook, "workbookPr"), None)
    since = ' date1904="1"' if old is not None and TRUTHS.get(old.get("date1904", "0")) == "1" else ""
    sheets = "".join(
        f'<sheet name={quoteattr(title)} sheetId="{number}" r:id="{name}"/>'
        for number, (name, title) in enumerate(titles.items(), 1)
    )
    space = f'xmlns="{MAIN}" xmlns:r="{_RELATIONS}"'
    return f"<workbook {space}><workbookPr{since}/><sheets>{sheets}</sheets></workbook>"


def _override(name: str, kind: str) -> str:
    return f'<Override PartName="/{name}" ContentType="{_TYPE}{kind}+xml"/>'


def _relations(related: list[tuple[str, str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="{name}" Type="{_RELATIONS}/{kind}" Target="{target}"/>' for name, kind, target in related
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{listed}</Relationships>'


def _sheets(parts: _Parts) -> Iterator[tuple[str, str]]:
    """Title and part of each worksheet, in their order; sheets that are charts have no cells."""
    for each in _children(parts.workbook, "sheets", "sheet"):
        name = next((value for name, value in each.items() if local(name) == "id"), "")
        found = parts.related.get(name)
        if found is not None and found.kind == "worksheet" and parts.has(found.name):
            yield each.get("name", ""), found.name


def _styles(parts: _Parts) -> str:
    """The number formats, by the numbers that cells have; fonts, fills and borders are not looked at."""
    name = parts.one("styles")
    tree = parts.tree(name) if name else None
    codes = "".join(
        f'<numFmt numFmtId="{number}" formatCode={quoteattr(each.get("formatCode", "General"))}/>'
        for each in _children(tree, "numFmts", "numFmt")
        if (number := digits(each.get("numFmtId"))) is not None
    )
    formats = "".join(
        f'<xf numFmtId="{digits(each.get("numFmtId")) or 0}"/>' for each in _children(tree, "cellXfs", "xf")
    )
    return (
        f'<styleSheet xmlns="{MAIN}"><numFmts>{codes}</numFmts><fonts><font/></fonts>'
        "<fills><fill><patternFill/></fill></fills><borders><border/></borders>"
        f"<cellStyleXfs><xf/></cellStyleXfs><cellXfs>{formats or '<xf/>'}</cellXfs>"
        '<cellStyles><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )
