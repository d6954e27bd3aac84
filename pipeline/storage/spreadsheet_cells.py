"""The rows of a worksheet and the texts that they share, copied without all that is beside them; see `spreadsheet`."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any, Final
from xml.parsers import expat
from xml.sax.saxutils import escape

from pipeline.storage.untrusted import Damage

MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
TRUTHS: Final = {"0": "0", "1": "1", "false": "0", "true": "1"}
_RETURN: Final = {"\r": "&#13;"}  # which would come back as a line feed
_BLOCK: Final = 1 << 16
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_PLACE: Final = re.compile(r"[A-Z]{1,3}[1-9]\d{0,6}", re.ASCII)


def local(name: str) -> str:
    """The name of an element or attribute without its namespace."""
    return name.rpartition("}")[2]


def digits(text: str | None) -> int | None:
    """A whole number from 0 on; None for anything else."""
    return int(text) if text is not None and text.isdecimal() and text.isascii() and len(text) < 10 else None


class _Parser:
    """Hands the elements of a large part to `start` and `end`, by their local names, with the text between the two."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self._parser = expat.ParserCreate(namespace_separator="}")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = lambda name, attributes: self._begin(local(name), attributes)
        self._parser.EndElementHandler = lambda name: self.end(local(name))
        self._parser.CharacterDataHandler = self.text.append
        self._parser.StartDoctypeDeclHandler = self._refuse

    def feed(self, source: IO[bytes]) -> None:
        while block := source.read(_BLOCK):
            self._parser.Parse(block, False)
        self._parser.Parse(b"", True)

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self.text.clear()
        self.start(name, attributes)

    def _refuse(self, *_: Any) -> None:
        raise Damage("it has a document type")

    def taken(self) -> str:
        """The text of the element that ends."""
        found = "".join(self.text)
        self.text.clear()
        return found

    def start(self, name: str, attributes: dict[str, str]) -> None:
        raise NotImplementedError

    def end(self, name: str) -> None:
        raise NotImplementedError


class _Strings(_Parser):
    """The texts that cells share; of several fonts one text, and how Japanese is spoken is left out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._pieces: list[str] = []
        self._spoken = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:  # noqa: ARG002 - as `_Parser` calls it
        self._spoken += name == "rPh"
        if name == "si":
            self._pieces = []

    def end(self, name: str) -> None:
        if name == "t" and not self._spoken:
            self._pieces.append(self.taken())
        elif name == "si":
            self.found.append("".join(self._pieces).replace("x005F_", ""))  # as openpyxl does
        self._spoken -= name == "rPh"


def texts(source: IO[bytes]) -> list[str]:
    """The texts of a workbook that its cells share."""
    strings = _Strings()
    strings.feed(source)
    return strings.found


def copy_rows(source: IO[bytes], into: IO[bytes], strings: Sequence[str]) -> None:
    """Copy a worksheet: of each cell its place, the number of its style, its formula and its value.

    Raise Damage for a document type, and what expat raises for what is not XML.
    """
    into.write(f'<worksheet xmlns="{MAIN}"><sheetData>'.encode())
    _Sheet(into, strings).feed(source)
    into.write(b"</sheetData></worksheet>")


@dataclass(slots=True)
class _Cell:
    attributes: Mapping[str, str]
    value: str | None = None
    formula: str | None = None
    pieces: list[str] = field(default_factory=list)


class _Sheet(_Parser):
    """Writes the rows that it reads."""

    def __init__(self, into: IO[bytes], strings: Sequence[str]) -> None:
        super().__init__()
        self._into = into
        self._strings = strings
        self._rows = False  # between the marks of the rows
        self._spoken = 0
        self._cell: _Cell | None = None
        self._written: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "sheetData":
            self._rows = True
        elif self._rows and name == "row":
            number = digits(attributes.get("r"))
            self._written = [f'<row r="{number}">' if number else "<row>"]
        elif self._rows and name == "c":
            self._cell = _Cell(attributes)
        self._spoken += name == "rPh"

    def end(self, name: str) -> None:
        cell = self._cell
        if name == "sheetData":
            self._rows = False
        elif name == "row" and self._rows:
            self._into.write("".join([*self._written, "</row>"]).encode("utf-8"))
        elif cell is not None:
            if name == "v":
                cell.value = self.taken()
            elif name == "f":
                cell.formula = self.taken()
            elif name == "t" and not self._spoken:
                cell.pieces.append(self.taken())
            elif name == "c":
                self._written.append(self._copied(cell))
                self._cell = None
        self._spoken -= name == "rPh"

    def _copied(self, cell: _Cell) -> str:
        kind, value = self._value(cell)
        place, style = cell.attributes.get("r", ""), digits(cell.attributes.get("s"))
        where = f' r="{place}"' if _PLACE.fullmatch(place) else ""
        looks = f' s="{style}"' if style else ""
        formula = "" if cell.formula is None else f"<f>{escape(cell.formula or '0')}</f>"
        content = "" if value is None else f"<v>{escape(value, _RETURN)}</v>"
        return f'<c{where}{looks} t="{kind}">{formula}{content}</c>'

    def _value(self, cell: _Cell) -> tuple[str, str | None]:
        """Kind and value of a cell, such that they go together: what is not of its kind is a text."""
        kind, value = cell.attributes.get("t", "n"), cell.value
        if kind == "inlineStr":
            return "str", "".join(cell.pieces)
        if not value:
            return "n", None
        if kind == "s":
            return "str", self._strings[int(value)]
        fitting = _FITTING[kind](value.strip()) if kind in _FITTING else ""
        return (kind, fitting) if fitting else ("str", value)


def _moment(text: str) -> str:
    """A date, a time or both as ISO 8601 has it, without a zone; empty for anything else."""
    with suppress(ValueError):
        return dt.date.fromisoformat(text).isoformat()
    for kind in (dt.time, dt.datetime):
        with suppress(ValueError):
            return kind.fromisoformat(text).replace(tzinfo=None).isoformat(timespec="milliseconds")
    return ""


_FITTING: Final[Mapping[str, Callable[[str], str]]] = {
    "n": lambda text: text if _NUMBER.fullmatch(text) else "",
    "e": lambda text: text,
    "b": lambda text: TRUTHS.get(text.lower(), ""),
    "d": _moment,
}
"""Kind of cell -> its value as openpyxl reads it; empty for what is not of that kind."""
