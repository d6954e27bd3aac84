"""The contents of cells: texts that stay texts, and numbers that spreadsheets support."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Final

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

LIMIT: Final = 32_767  # UTF-16 units of a cell, Excel's own
_FORBIDDEN: Final = re.compile("[\ud800-\udfff\ufffe\uffff]")  # not allowed in XML, or not alone
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_RETURNS: Final = re.compile("\r\n?")
_ESCAPED: Final = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


@dataclass(frozen=True, slots=True)
class Link:
    """A cell with a link to a file beside the workbook."""

    text: str
    target: str  # relative to the workbook


def text(value: str) -> str:
    """The text as a cell can hold it: without characters that XML forbids, at most 32,767 UTF-16 units long.

    Lines end with a line feed: spreadsheets change all other line ends when they save.
    """
    if value.isascii() and value.isprintable() and "_x" not in value and len(value) <= LIMIT:
        return value
    clean = _FORBIDDEN.sub("\ufffd", ILLEGAL_CHARACTERS_RE.sub("", _RETURNS.sub("\n", value)))
    # Excel reads `_x0041_` as an escaped A; an escaped underscore in front keeps the text as it is.
    clean = _ESCAPED.sub("_x005F_", clean) if "_x" in clean else clean
    if len(clean) * 2 <= LIMIT:
        return clean
    return clean.encode("utf-16-le")[: 2 * LIMIT].decode("utf-16-le", "ignore")


def content(value: str | bool | float | Link | None) -> tuple[str, Any, bool]:
    """Kind, value and quote mark of a cell. A text stays a text whatever it begins with; NaN and infinity are empty.

    Without the quote mark Excel turns such a text into a formula as soon as somebody edits the cell.
    """
    if isinstance(value, Link):
        return "s", text(value.text), False
    if isinstance(value, str):
        clean = text(value)
        return ("s", clean, clean.startswith(_FORMULA)) if clean else ("n", None, False)
    if isinstance(value, bool):
        return "b", str(int(value)), False
    return "n", None if value is None or _infinite(value) else value, False


def _infinite(value: float) -> bool:
    try:
        return not math.isfinite(value)
    except OverflowError:  # an integer beyond the floats, which is read as infinity
        return True
