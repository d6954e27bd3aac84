"""Read a file, with a list of what saving would lose, and write it completely or not at all."""
# ruff: noqa: SLF001 - what openpyxl writes beside the rows of a sheet can be reached in its private attributes only

from __future__ import annotations

import os
import re
import stat
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Final
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.cell.cell import MergedCell
from openpyxl.comments.comment_sheet import CommentRecord
from openpyxl.drawing.spreadsheet_drawing import SpreadsheetDrawing
from openpyxl.reader.excel import ExcelReader
from openpyxl.worksheet._writer import WorksheetWriter
from openpyxl.worksheet.cell_range import CellRange
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.writer.excel import ExcelWriter

from pipeline.storage.atomic import sync_folder
from pipeline.storage.spreadsheet import cells_alone, read
from pipeline.storage.untrusted import Damage
from pipeline.workbook.ooxml import markup, mending, seal
from pipeline.workbook.ooxml.markup import RELATION
from pipeline.workbook.ooxml.seal import Stamp, stamp
from pipeline.workbook.ooxml.sheet import Book, Sheet

UNPACKED: Final = 2 << 30  # bytes: larger workbooks are not for people, but made to fill the memory

# The errors of openpyxl and its libraries for files that are not workbooks.
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

# Words of openpyxl's warnings when it drops something, and parts that it drops without a warning.
_LOSSES: Final = re.compile(r"removed|lost|dropped|discarded|ignored|[Uu]nable to read")
_PARTS: Final = re.compile(r"threadedComments/|slicers/|timelines/|ctrlProps/|embeddings/|diagrams/|vbaProject")
_SHAPES: Final = re.compile(rb"<(?:\w+:)?(?:sp|cxnSp|grpSp)[ >]")
_NO_SHEET: Final = "no worksheet is found in it"  # openpyxl says nothing of what it does not know, strict files say
_NO_ROWS: Final = re.compile(rb"<sheetData ?(?:/>|></sheetData>)")
_SHEET: Final = re.compile(r"xl/worksheets/[^/]+\.xml")


class _Bodiless(zipfile.ZipFile):
    """Gives openpyxl the worksheets without rows and links: its time grows with the square of the links.

    Styles and properties that it cannot read are given to it repaired; see `mending`.
    """

    def __init__(self, content: bytes, strings: Callable[[], Any]) -> None:
        super().__init__(BytesIO(content))
        self.taken: dict[str, markup.Read] = {}
        self._strings = strings
        self._mended, self.gone = mending.mended(self)

    def open(self, name: Any, *arguments: Any, **options: Any) -> IO[bytes]:
        if isinstance(name, str) and name in getattr(self, "_mended", ()):
            return BytesIO(self._mended[name])
        plain = super().open
        if not (isinstance(name, str) and _SHEET.fullmatch(name)):
            return plain(name, *arguments, **options)
        read = markup.read(lambda: plain(name), self._strings())
        self.taken[name] = read._replace(rest=b"")
        return BytesIO(read.rest)


@contextmanager
def _disk_errors_only() -> Iterator[None]:
    """Convert openpyxl's OSError for a package without a workbook, such as a text document: it is not the disk's."""
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


def load(path: Path) -> Book:
    """Read a workbook to edit it; the file is not changed.

    Raise OSError if the disk fails, and one of BROKEN for a file that is not a workbook or too large when unpacked.
    """
    content = path.read_bytes()  # all that the disk can refuse: an error from here on is one of the content
    lost = _unsupported(content)
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        reader = ExcelReader(BytesIO(content), rich_text=True)
        with _Bodiless(content, lambda: reader.shared_strings) as archive:
            reader.archive = archive
            with _disk_errors_only():
                reader.read()
            parts = {sheet.name: rel.target for sheet, rel in reader.parser.find_sheets()}
            sheets = {ws.title: _linked(ws, archive.taken[parts[ws.title]]) for ws in reader.wb.worksheets}
            gone = archive.gone
    if not sheets:
        raise ValueError(_NO_SHEET)
    lost += [str(each.message) for each in noted if _LOSSES.search(str(each.message))]
    return Book(reader.wb, sheets, "; ".join(dict.fromkeys(lost)), gone)


def is_workbook(path: Path) -> bool:
    """True where the file has worksheets whose cells can be read, whatever `load` says of all else."""
    try:
        cells_alone(path)
    except Damage:
        return False
    return True


def values(path: Path, sheets: Collection[str]) -> dict[str, list[tuple[object, ...]]]:
    """The values of sheets row by row, for formulas their last results; empty where there is no such sheet.

    What is beside the cells does not matter. Raise OSError if the disk fails, and one of BROKEN for a file that is not
    a workbook or too large unpacked.
    """
    _unsupported(path.read_bytes())
    return read(path, lambda file: _values(file, sheets))


def _values(file: BytesIO, sheets: Collection[str]) -> dict[str, list[tuple[object, ...]]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with _disk_errors_only():
            book = load_workbook(file, read_only=True, data_only=True)
        try:
            if not book.sheetnames:
                raise ValueError(_NO_SHEET)
            return {
                name: [tuple(row) for row in book[name].iter_rows(values_only=True)] if name in book.sheetnames else []
                for name in sheets
            }
        finally:
            book.close()


def _unsupported(content: bytes) -> list[str]:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > UNPACKED:
            raise ValueError(f"it unpacks to more than {UNPACKED} bytes")
        names = [member.filename for member in members]
        lost = [name for name in names if _PARTS.search(name)]
        drawings = (name for name in names if name.startswith("xl/drawings/drawing"))
        return lost + [f"shapes in {name}" for name in drawings if _SHAPES.search(archive.read(name))]


def save(book: Book, path: Path, before: Stamp | None, *, sealed: bool) -> None:
    """Replace the file by the workbook durably, or leave it unchanged without another file beside it.

    `sealed` marks the file as drawn by this program, until another program saves it. Drawn rows are consumed. Raise
    PermissionError if the file's stamp is not `before` any more (it was saved in the meantime), and OSError.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.unlink(missing_ok=True)  # of a killed run
    try:
        with temporary.open("xb") as file:
            written = _pack(book, file, sealed=sealed)
            file.flush()
            os.fsync(file.fileno())
        _check(temporary, written)
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
        """Write no extent: it is optional, and openpyxl does not know the cells."""

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
    """Writes rows directly into the archive; openpyxl would write every sheet to a temporary file first."""

    def __init__(self, book: Book, archive: zipfile.ZipFile) -> None:
        super().__init__(book.workbook, archive)
        self._into = archive
        self._sheets = book.sheets

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
            for block in markup.write(self._sheets[ws.title].lines):
                part.write(block)
            part.write(tail)
        self.manifest.append(ws)


_Contents = list[tuple[str, int, int]]  # of an archive: (name, checksum, bytes) of each part


def _pack(book: Book, file: IO[bytes], *, sealed: bool) -> _Contents:
    workbook = book.workbook
    workbook.properties.modified = datetime.now(UTC).replace(tzinfo=None)
    seal.unseal(workbook)
    if not sealed:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as plain:
            _BookWriter(book, plain).write_data()
        return _contents(plain)
    seal.prepare(workbook)
    with seal.SealedArchive(file, "w", zipfile.ZIP_DEFLATED) as archive:
        _BookWriter(book, archive).write_data()
        archive.seal()
    return _contents(archive)


def _contents(archive: zipfile.ZipFile) -> _Contents:
    return [(part.filename, part.CRC, part.file_size) for part in archive.infolist()]


def _check(path: Path, written: _Contents) -> None:
    with zipfile.ZipFile(path) as archive:
        if archive.testzip() is not None or _contents(archive) != written:
            raise OSError(f"{path} on the disk differs from what was written")
