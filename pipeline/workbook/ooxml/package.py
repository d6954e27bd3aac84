"""The workbook as a file: read with what would be lost, written whole or not at all, sealed so that edits show."""
# ruff: noqa: SLF001 - what openpyxl writes beside the rows of a sheet can be reached in its private attributes only

from __future__ import annotations

import hashlib
import os
import re
import stat
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Final
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.cell.cell import MergedCell
from openpyxl.comments.comment_sheet import CommentRecord
from openpyxl.drawing.spreadsheet_drawing import SpreadsheetDrawing
from openpyxl.packaging.custom import StringProperty
from openpyxl.reader.excel import ExcelReader
from openpyxl.worksheet._writer import WorksheetWriter
from openpyxl.worksheet.cell_range import CellRange
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.writer.excel import ExcelWriter
from openpyxl.xml.constants import ARC_CUSTOM

from pipeline.storage.atomic import sync_folder
from pipeline.workbook.columns import CONFIGURATIONS
from pipeline.workbook.ooxml import markup
from pipeline.workbook.ooxml.grid import Grid, Sheet
from pipeline.workbook.ooxml.markup import RELATION, Line

SEAL: Final = "two-stage-search seal"  # a document property: the digest of all other parts as they were drawn
BLANK: Final = "0" * 64
UNPACKED: Final = 2 << 30  # bytes: a larger workbook is not one that people read, it is made to fill the memory

# What openpyxl and the libraries below it raise for files that are not the workbooks they should be.
BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ParseError,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    AssertionError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
)

Stamp = tuple[int, int, int]

# What openpyxl says, or does not even say, when it leaves something out.
_LOSSES: Final = re.compile(r"removed|lost|dropped|discarded|ignored|[Uu]nable to read")
_PARTS: Final = re.compile(r"threadedComments/|slicers/|timelines/|ctrlProps/|embeddings/|diagrams/|vbaProject")
_SHAPES: Final = re.compile(rb"<(?:\w+:)?(?:sp|cxnSp|grpSp)[ >]")
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, LookupError, ValueError, RuntimeError, EOFError, OSError)
_KEY: Final = re.compile(rb"<t>([0-9a-f]{16})</t>")
_NO_ROWS: Final = re.compile(rb"<sheetData ?(?:/>|></sheetData>)")
_SHEET: Final = re.compile(r"xl/worksheets/[^/]+\.xml")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A workbook to edit, and what of it saving would lose (empty: nothing)."""

    content: Any  # openpyxl's workbook, without the cells
    sheets: dict[str, Sheet]
    lost: str

    @property
    def drawing(self) -> Drawing:
        """The workbook as it is to be saved."""
        return Drawing(self.content, {name: lines(sheet.grid) for name, sheet in self.sheets.items()})


@dataclass(frozen=True, slots=True)
class Drawing:
    """A workbook to be saved: what openpyxl knows of it, and the rows of its sheets, which are used up."""

    content: Any
    rows: Mapping[str, Iterable[Line]]


def lines(grid: Grid) -> Iterable[Line]:
    """The rows of a sheet from top to bottom."""
    for number in sorted(grid.rows.keys() | grid.attributes.keys()):
        row = grid.rows.get(number)
        columns, styles, kinds = row.shape if row else ((), (), "")
        yield Line(number, grid.attributes.get(number, ()), columns, styles, kinds, row.values if row else ())


class _Bodiless(zipfile.ZipFile):
    """Shows worksheets without their rows and links: openpyxl's time grows with the square of the links."""

    def __init__(self, path: Path, strings: Callable[[], Any]) -> None:
        super().__init__(path)
        self.taken: dict[str, markup.Read] = {}
        self._strings = strings

    def open(self, name: Any, *arguments: Any, **options: Any) -> IO[bytes]:
        plain = super().open
        if not (isinstance(name, str) and _SHEET.fullmatch(name)):
            return plain(name, *arguments, **options)
        read = markup.read(lambda: plain(name), self._strings())
        self.taken[name] = read._replace(rest=b"")
        return BytesIO(read.rest)


@contextmanager
def _told() -> Iterator[None]:
    """Openpyxl raises OSError for a package without a workbook (a text document, say): that is no fault of the disk."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise ValueError(str(error)) from error
        raise


def _linked(ws: Any, taken: markup.Read) -> Sheet:
    targets = {rel.Id: rel.Target for rel in ws._rels}
    for attributes in taken.links:
        about = {name: attributes[name] for name in ("location", "tooltip", "display") if name in attributes}
        target = targets[attributes[RELATION]] if RELATION in attributes else None
        for row in CellRange(attributes["ref"]).rows:
            for place in row:
                cell = ws.cell(*place)
                if not isinstance(cell, MergedCell):
                    cell.hyperlink = Hyperlink(ref=cell.coordinate, target=target, **about)
    return Sheet(ws, taken.grid)


def load(path: Path) -> Loaded:
    """Read a workbook to edit it; the file is not changed. ValueError for one that is too large unpacked."""
    lost = _unsupported(path)
    with warnings.catch_warnings(record=True) as said, path.open("rb") as file:
        warnings.simplefilter("always")
        reader = ExcelReader(file, rich_text=True)
        with _Bodiless(path, lambda: reader.shared_strings) as archive:
            reader.archive = archive
            with _told():
                reader.read()
            parts = {sheet.name: rel.target for sheet, rel in reader.parser.find_sheets()}
            sheets = {ws.title: _linked(ws, archive.taken[parts[ws.title]]) for ws in reader.wb.worksheets}
    lost += [str(each.message) for each in said if _LOSSES.search(str(each.message))]
    return Loaded(reader.wb, sheets, "; ".join(dict.fromkeys(lost)))


def values(path: Path, sheet: str) -> list[tuple[object, ...]]:
    """The values of a sheet row by row, formulas as what they last gave; nothing where it has no such sheet."""
    _unsupported(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with _told():
            book = load_workbook(path, read_only=True, data_only=True)
        try:
            return [tuple(row) for row in book[sheet].iter_rows(values_only=True)] if sheet in book.sheetnames else []
        finally:
            book.close()


def _unsupported(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > UNPACKED:
            raise ValueError(f"{path} unpacks to more than {UNPACKED} bytes")
        names = [member.filename for member in members]
        lost = [name for name in names if _PARTS.search(name)]
        drawings = (name for name in names if name.startswith("xl/drawings/drawing"))
        return lost + [f"shapes in {name}" for name in drawings if _SHAPES.search(archive.read(name))]


def stamp(path: Path) -> Stamp | None:
    """What changes when somebody else saves the file; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size)


def save(make: Callable[[], Drawing], path: Path, before: Stamp | None, *, sealed: bool) -> None:
    """Replace the file by the workbook that `make` gives, durably, or leave it as it is and no other file beside it.

    Raises PermissionError where the file is no longer what `before` says: somebody saved it meanwhile.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.unlink(missing_ok=True)  # of a run that was killed
    try:
        with temporary.open("xb") as file:
            _pack(make(), file, sealed=sealed)
            file.flush()
            os.fsync(file.fileno())
        _check(temporary)
        if before is not None:
            temporary.chmod(stat.S_IMODE(path.stat().st_mode))
        _replace(temporary, path, before)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _replace(temporary: Path, path: Path, before: Stamp | None) -> None:
    if stamp(path) != before:
        raise PermissionError(f"{path} was changed while it was being refreshed")
    temporary.replace(path)


class _SheetWriter(WorksheetWriter):
    """Writes a worksheet without its rows; comments and links still come from openpyxl's cells."""

    def write_dimensions(self) -> None:
        """Nothing: the extent is optional, and openpyxl does not know the cells."""

    def write_rows(self) -> None:
        rows: Any = self.xf.send(True)
        with rows.element("sheetData"):
            pass
        self.xf.send(None)
        sheet: Any = self.ws
        for _, cell in sorted(sheet._cells.items()):
            if cell._comment is not None:
                sheet._comments.append(CommentRecord.from_cell(cell))
            if cell.hyperlink:
                sheet._hyperlinks.append(cell.hyperlink)


class _BookWriter(ExcelWriter):
    """Writes rows straight into the archive: openpyxl would lay every sheet down in a temporary file before."""

    def __init__(self, drawing: Drawing, archive: zipfile.ZipFile) -> None:
        super().__init__(drawing.content, archive)
        self._into = archive
        self._rows = drawing.rows

    def write_worksheet(self, ws: Any) -> None:
        ws._drawing = SpreadsheetDrawing()
        ws._drawing.charts, ws._drawing.images = ws._charts, ws._images
        about = BytesIO()
        writer: Any = _SheetWriter(ws, about)
        writer.write()
        ws._rels = writer._rels
        head, tail = _NO_ROWS.split(about.getvalue())
        with self._into.open(ws.path[1:], "w") as part:
            part.write(head)
            for block in markup.write(self._rows[ws.title]):
                part.write(block)
            part.write(tail)
        self.manifest.append(ws)


class _Sealing(zipfile.ZipFile):
    """Writes the document properties last, with the digest of everything before them in the place of the blank."""

    held: str | bytes = b""

    def writestr(self, zinfo_or_arcname: Any, data: Any, *arguments: Any, **options: Any) -> None:
        if zinfo_or_arcname == ARC_CUSTOM:
            self.held = data
        else:
            super().writestr(zinfo_or_arcname, data, *arguments, **options)

    def seal(self) -> None:
        held = self.held.decode() if isinstance(self.held, bytes) else self.held
        super().writestr(ARC_CUSTOM, held.replace(BLANK, _digest(self)))


def _pack(drawing: Drawing, file: IO[bytes], *, sealed: bool) -> None:
    book = drawing.content
    book.properties.modified = datetime.now(UTC).replace(tzinfo=None)
    if SEAL in book.custom_doc_props.names:
        del book.custom_doc_props[SEAL]
    if not sealed:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as plain:
            _BookWriter(drawing, plain).write_data()
        return
    book.custom_doc_props.append(StringProperty(name=SEAL, value=BLANK))
    with _Sealing(file, "w", zipfile.ZIP_DEFLATED) as archive:
        _BookWriter(drawing, archive).write_data()
        archive.seal()


def _digest(archive: zipfile.ZipFile) -> str:
    parts = sorted(
        (part.filename, part.CRC, part.file_size) for part in archive.infolist() if part.filename != ARC_CUSTOM
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def untouched(path: Path) -> bool:
    """True where the file's table of contents is the one that was drawn: nobody saved it since."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _sealed(archive)
    except _BROKEN:
        return False


def knows_only(path: Path, known: Collection[str]) -> bool:
    """True where nobody saved the file since it was drawn, and all keys in it are among the known ones."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _sealed(archive) and _keys(archive) <= frozenset(known)
    except _BROKEN:
        return False


def _sealed(archive: zipfile.ZipFile) -> bool:
    member = archive.getinfo(ARC_CUSTOM)
    return member.file_size < 100_000 and _digest(archive).encode() in archive.read(member)


def _keys(archive: zipfile.ZipFile) -> frozenset[str]:
    """The keys in the first sheet, and whatever else looks like one."""
    found: set[str] = set()
    with archive.open("xl/worksheets/sheet1.xml") as sheet:
        rest = b""
        while block := sheet.read(1 << 20):
            text = rest + block
            found.update(key.decode() for key in _KEY.findall(text))
            rest = text[-32:]
    return frozenset(found)


def _check(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        if archive.testzip() is not None or CONFIGURATIONS.encode() not in archive.read("xl/workbook.xml"):
            raise OSError(f"{path} did not arrive on the disk as it was written")
