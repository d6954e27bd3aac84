"""Whether a file is still the one that was drawn: a stamp for the duration of a refresh, a seal for longer.

The seal is a document property: the digest of all other parts of the file as drawn. If another program saves the file,
parts of it change and the seal no longer matches.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from openpyxl.packaging.custom import StringProperty
from openpyxl.xml.constants import ARC_CUSTOM, ARC_WORKBOOK

_SEAL: Final = "two-stage-search seal"
_BLANK: Final = "0" * 64
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, LookupError, ValueError, RuntimeError, EOFError, OSError)
_KEY: Final = re.compile(rb"<t>([0-9a-f]{16})</t>")
_TITLE: Final = re.compile(rb'<sheet [^>]*?name="([^"]*)"')
_SMALL: Final = 100_000  # bytes: the inspected parts have a few hundred

Stamp = tuple[int, int, int]
"""A value that changes when a file is saved: equal stamps mean equal files."""


def stamp(path: Path) -> Stamp | None:
    """The file's stamp; None if there is no file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size)


def untouched(path: Path) -> bool:
    """True if the file's table of contents is the one that was drawn, so nobody saved it since."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _sealed(archive)
    except _BROKEN:
        return False


def knows_only(path: Path, sheet: str, known: Collection[str]) -> bool:
    """True if nobody saved the file since it was drawn, and the sheet has only known keys.

    A key is a text of 16 hexadecimal digits; any other text of that form counts as well.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _sealed(archive) and _keys(archive, sheet) <= frozenset(known)
    except _BROKEN:
        return False


class SealedArchive(zipfile.ZipFile):
    """Writes the document properties last, with the digest of everything before them instead of the blank."""

    held: str | bytes = b""

    def writestr(self, zinfo_or_arcname: Any, data: Any, *arguments: Any, **options: Any) -> None:
        """Like any archive, but hold the document properties back."""
        if zinfo_or_arcname == ARC_CUSTOM:
            self.held = data
        else:
            super().writestr(zinfo_or_arcname, data, *arguments, **options)

    def seal(self) -> None:
        """Write the document properties, after everything else."""
        held = self.held.decode() if isinstance(self.held, bytes) else self.held
        super().writestr(ARC_CUSTOM, held.replace(_BLANK, _digest(self)))


def unseal(workbook: Any) -> None:
    """Remove the seal from a workbook of openpyxl."""
    if _SEAL in workbook.custom_doc_props.names:
        del workbook.custom_doc_props[_SEAL]


def prepare(workbook: Any) -> None:
    """Put a blank seal, which `SealedArchive` fills in, on a workbook of openpyxl that has none."""
    workbook.custom_doc_props.append(StringProperty(name=_SEAL, value=_BLANK))


def _digest(archive: zipfile.ZipFile) -> str:
    parts = sorted(
        (part.filename, part.CRC, part.file_size) for part in archive.infolist() if part.filename != ARC_CUSTOM
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _sealed(archive: zipfile.ZipFile) -> bool:
    return _digest(archive).encode() in _small(archive, ARC_CUSTOM)


def _small(archive: zipfile.ZipFile, part: str) -> bytes:
    if archive.getinfo(part).file_size > _SMALL:
        raise ValueError(f"{part} is larger than any that was drawn")
    return archive.read(part)


def _keys(archive: zipfile.ZipFile, sheet: str) -> frozenset[str]:
    """The keys in a sheet of a file that was drawn here; its parts are numbered in the order of the titles."""
    number = 1 + _TITLE.findall(_small(archive, ARC_WORKBOOK)).index(sheet.encode())
    found: set[str] = set()
    with archive.open(f"xl/worksheets/sheet{number}.xml") as part:
        rest = b""
        while block := part.read(1 << 20):
            text = rest + block
            found.update(key.decode() for key in _KEY.findall(text))
            rest = text[-32:]
    return frozenset(found)
