"""The rows of a worksheet as XML, read and written directly, because openpyxl's cells take ten times the memory."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import IO, Any, Final, NamedTuple
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, tostring
from xml.parsers import expat

from openpyxl.cell.rich_text import CellRichText
from openpyxl.formula.translate import Translator
from openpyxl.utils import column_index_from_string, get_column_letter

from pipeline.workbook.ooxml.grid import Formula, Grid, Line

_NAMES: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ROWS: Final = f"{_NAMES}sheetData"
_LINKS: Final = f"{_NAMES}hyperlinks"
_LINK: Final = f"{_NAMES}hyperlink"
RELATION: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_ROW: Final = f"{_NAMES}row"
_CELL: Final = f"{_NAMES}c"
_VALUE: Final = f"{_NAMES}v"
_FORMULA: Final = f"{_NAMES}f"
_INLINE: Final = f"{_NAMES}is"
_RUN: Final = f"{_NAMES}r"
_TEXT: Final = f"{_NAMES}t"
_SPOKEN: Final = f"{_NAMES}rPh"
_KEPT: Final = (
    "s",
    "customFormat",
    "ht",
    "customHeight",
    "hidden",
    "outlineLevel",
    "collapsed",
    "thickTop",
    "thickBot",
)
_BLOCK: Final = 1 << 16


class Read(NamedTuple):
    """The parts of a worksheet."""

    grid: Grid
    links: list[dict[str, str]]  # attributes of each; their relation under `RELATION`
    rest: bytes  # the worksheet without both


def read(opened: Callable[[], IO[bytes]], strings: Sequence[Any]) -> Read:
    """Split a worksheet into its parts; `opened` is called twice, `strings` are the workbook's shared ones.

    Raise ParseError for text that is not XML or declares a document type, ValueError or LookupError for broken cells.
    """
    reader = _Reader(strings)
    with opened() as part:
        reader.read(part)
    with opened() as part:
        rest, at = b"", 0
        for begin, end in reader.cuts:
            rest += part.read(begin - at)
            at = begin
            while at < end:
                at += len(part.read(min(_BLOCK, end - at)))
            while part.read(1) not in (b">", b""):  # of the end's mark
                at += 1
            at += 1
        return Read(reader.grid, reader.links, rest + part.read())


class _Reader:
    """Receives the events of the parser: one call for each start, end and text, so it is optimised for speed."""

    def __init__(self, strings: Sequence[Any]) -> None:
        self.grid = Grid()
        self.links: list[dict[str, str]] = []
        self.cuts: list[tuple[int, int]] = []  # bytes: where rows and links begin, and where their end is marked
        self._begin = 0
        self._strings = strings
        self._same: dict[Any, Any] = {}  # texts that many cells share
        self._shared: dict[str, Translator] = {}
        self._row = self._column = 0
        self._cells: tuple[list[int], list[int], list[str], list[Any]] = ([], [], [], [])
        self._cell: dict[str, str] = {}
        self._text: list[str] | None = None
        self._content: str | None = None
        self._formula: Any = None
        self._formula_of: dict[str, str] = {}
        self._rich: TreeBuilder | None = None
        self._inline = self._spoken = False
        self._parser = expat.ParserCreate(namespace_separator="}")

    def read(self, part: IO[bytes]) -> None:
        parser = self._parser
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._finish
        parser.CharacterDataHandler = self._add_text
        parser.StartDoctypeDeclHandler = self._refuse
        try:
            while block := part.read(_BLOCK):
                parser.Parse(block, False)
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise ParseError(str(error)) from error

    def _refuse(self, *_: Any) -> None:
        raise ParseError("a worksheet with a document type")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._rich is not None:
            self._rich.start("{" + name, attributes)
        elif name == _CELL:
            self._cell, self._content, self._formula = attributes, None, None
        elif name == _VALUE or (name == _TEXT and self._inline and not self._spoken):
            self._text = []
        elif name == _FORMULA:
            self._text, self._formula_of = [], attributes
        elif name == _INLINE:
            self._inline = True
        elif name == _SPOKEN:
            self._spoken = True
        elif name == _RUN and self._inline:
            self._rich = TreeBuilder()
            self._rich.start("{" + _INLINE, {})
            self._rich.start("{" + name, attributes)
        elif name == _ROW:
            self._row = int(float(attributes.get("r", self._row + 1)))
            self._column = 0
            kept = tuple((each, attributes[each]) for each in _KEPT if each in attributes)
            if kept:
                self.grid.attributes[self._row] = self._same.setdefault(kept, kept)
        elif name in (_ROWS, _LINKS):
            self._begin = self._parser.CurrentByteIndex
        elif name == _LINK:
            self.links.append(attributes)

    def _add_text(self, text: str) -> None:
        if self._rich is not None:
            self._rich.data(text)
        elif self._text is not None:
            self._text.append(text)

    def _finish(self, name: str) -> None:
        if name == _INLINE:
            self._inline = False
        if self._rich is not None:
            self._rich.end("{" + name)
            if name == _INLINE:
                tree: Any = self._rich.close()
                self._formula, self._rich = CellRichText.from_tree(tree), None
        elif name == _CELL:
            self._take()
        elif name in (_VALUE, _TEXT) and self._text is not None:
            self._content = (self._content or "") + "".join(self._text)
            self._text = None
        elif name == _FORMULA:
            self._formula = self._read_formula("".join(self._text or ()), self._formula_of)
            self._text = None
        elif name == _SPOKEN:
            self._spoken = False
        elif name == _ROW:
            self.grid.add(self._row, *self._cells)
            self._cells = ([], [], [], [])
        elif name in (_ROWS, _LINKS):
            self.cuts.append((self._begin, self._parser.CurrentByteIndex))

    def _take(self) -> None:
        place = self._cell.get("r")
        self._column = _column(place.rstrip("0123456789")) if place else self._column + 1
        kind, value = self._read_value(self._cell.get("t", "n"), self._content)
        columns, styles, kinds, values = self._cells
        if columns and columns[-1] >= self._column:
            raise ValueError(f"the cells of row {self._row} are out of order")
        columns.append(self._column)
        styles.append(int(self._cell.get("s", 0)))
        kinds.append(kind)
        values.append(value)

    def _read_value(self, kind: str, content: str | None) -> tuple[str, Any]:
        if self._formula is not None:
            return "r" if isinstance(self._formula, CellRichText) else "f", self._formula
        if content is None or (content == "" and kind not in ("s", "inlineStr", "str")):
            return "n", None
        if kind == "n":
            return "n", _number(content)
        if kind == "s":
            value = self._strings[int(content)]
            return "r" if isinstance(value, CellRichText) else "s", value
        if kind in ("inlineStr", "str"):
            return "s", self._same.setdefault(content, content) if len(content) < 40 else content
        if kind in ("b", "e", "d"):
            return kind, content
        raise ValueError(f"a cell of the kind {kind:.20}")

    def _read_formula(self, text: str, attributes: dict[str, str]) -> str | Formula:
        kind = attributes.get("t", "normal")
        if kind in ("array", "dataTable"):
            return Formula(text, tuple(attributes.items()))
        if kind == "shared":
            place, name = self._cell["r"], attributes["si"]
            if name in self._shared:
                return str(self._shared[name].translate_formula(place))
            self._shared[name] = Translator(f"={text}", place)
        return f"={text}"


# The largest floats, as spreadsheets write them: with 15 or 16 digits, rounded up to a number that no float is.
_LARGEST: Final = re.compile(r"-?1\.79769313486231[56]?\d?[eE]\+?308")


@lru_cache(maxsize=20_000)
def _column(letters: str) -> int:
    return column_index_from_string(letters)


@lru_cache(maxsize=20_000)
def _letters(column: int) -> str:
    return get_column_letter(column)


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        number = float(text)
    if math.isinf(number) and _LARGEST.fullmatch(text):
        return math.copysign(sys.float_info.max, number)
    if not math.isfinite(number):
        raise ValueError(f"a cell says {text:.20}")
    return number


def write(lines: Iterable[Line]) -> Iterator[bytes]:
    """The element `sheetData` with the rows, in blocks."""
    yield b"<sheetData>"
    block: list[str] = []
    for line in lines:
        number = line.number
        about = "".join(f' {name}="{_quoted(value)}"' for name, value in line.attributes)
        block.append(f'<row r="{number}"{about}>')
        block += [
            _cell(f"{_letters(column)}{number}", style, kind, value)
            for column, style, kind, value in zip(line.columns, line.styles, line.kinds, line.values, strict=True)
            if value is not None or style
        ]
        block.append("</row>")
        if len(block) > 2000:
            yield "".join(block).encode()
            block.clear()
    yield "".join(block).encode()
    yield b"</sheetData>"


def _cell(place: str, style: int, kind: str, value: Any) -> str:
    head = f'<c r="{place}" s="{style}"' if style else f'<c r="{place}"'
    if value is None:
        return f"{head}/>"
    if kind == "n":
        return f"{head}><v>{value!r}</v></c>"
    if kind == "s":
        keep = ' xml:space="preserve"' if value != value.strip() else ""
        return f'{head} t="inlineStr"><is><t{keep}>{_escaped(value)}</t></is></c>'
    if kind == "f":
        return f"{head}>{_formula(value)}<v/></c>"
    if kind == "r":
        tree: Element = value.to_tree()
        return f'{head} t="inlineStr">{tostring(tree, encoding="unicode")}</c>'
    return f'{head} t="{kind}"><v>{_escaped(value)}</v></c>'


def _formula(value: str | Formula) -> str:
    if isinstance(value, str):
        return f"<f>{_escaped(value[1:])}</f>"
    about = "".join(f' {name}="{_quoted(content)}"' for name, content in value.attributes)
    return f"<f{about}>{_escaped(value.text)}</f>"


_SPECIAL: Final = re.compile(r"[&<>\r]")


def _escaped(text: str) -> str:
    if _SPECIAL.search(text) is None:
        return text
    # A bare carriage return would be read back as a line feed.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")
