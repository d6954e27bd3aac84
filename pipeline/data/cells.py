"""What a cell means, whatever the format of the file: a number, a truth value, a moment, a text, or nothing.

The same table gives the same values from CSV, Excel, Parquet and a data frame, as far as the format keeps them;
docs/tables.md has the rules as a table. They have the number 2: `first_rules` has those of studies of before.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from pipeline.errors import UserError

MISSING: Final = ""  # the text of an empty cell among categories
SHOWN_MISSING: Final = "(empty)"
UNCOMPUTED: Final = "(formula without a value)"  # what the reader of workbooks puts in the place of one
ERRORS: Final = frozenset(  # what spreadsheets show in the place of a value: missing in every column
    {"#N/A", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", UNCOMPUTED}
)
WORDS: Final = frozenset(  # spellings of a missing number: missing among numbers, a word among words
    {"NA", "N/A", "n/a", "<NA>", "NaN", "nan", "-NaN", "-nan", "None", "NULL", "null", "#NA", "#N/A N/A"}
    | {"1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"}
)
MISSING_NUMBERS: Final = frozenset({MISSING}) | WORDS | ERRORS

Kind = Literal["number", "truth", "text", "date", "empty", "other"]
"""Of a column. A text column with nothing but numbers is one of numbers."""

_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_INFINITE: Final = re.compile(r"[+-]?inf(inity)?", re.ASCII | re.IGNORECASE)
_WRITTEN_OUT: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?", re.ASCII)  # no code: 01, +1 and 1e5 may be one
_SCALED: Final = re.compile(r"-?\d(\.\d+)?e[+-]\d+", re.ASCII)  # as Python writes out very large and small numbers
_DECIMAL_COMMA: Final = re.compile(r"[+-]?[\d.]*,\d+", re.ASCII)
_SIGNED: Final = re.compile(r"\D{0,3}[+-]?\d[\d.,]*\s?\D{0,6}")  # $5, 5 %, 5 kg
_TRUTH: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_MOMENTS: Final = (
    dt.date,
    dt.time,
    dt.timedelta,
    np.datetime64,
    np.timedelta64,
    pd.Period,
)
_EXACT: Final = 2.0**53  # the integers below it are floats without loss


_above: ContextVar[int] = ContextVar("rows above the header", default=0)


@contextmanager
def rows_above(count: int) -> Iterator[None]:
    """Within, rows are numbered as in a file with `count` blank rows above its header."""
    token = _above.set(count)
    try:
        yield
    finally:
        _above.reset(token)


def row_number(position: int) -> str:
    """The row as a spreadsheet shows it: the header is row 1, or stands below blank rows; see `rows_above`."""
    return f"row {int(position) + 2 + _above.get()}"


def tidy(text: str) -> str:
    """A text without the spaces around it, its letters composed: spellings that look alike are one text."""
    return unicodedata.normalize("NFC", text.strip())


def kind_of(cell: object) -> Literal["number", "truth", "word", "missing word", "date", "empty", "other"]:
    """What one cell is by itself; a *missing word* is empty among numbers, and a word among words."""
    if isinstance(cell, str):
        return _kind_of_text(cell.strip())
    if is_missing(cell):
        return "empty"
    if isinstance(cell, bool | np.bool_):
        return "truth"
    if isinstance(cell, int | float | Decimal | np.integer | np.floating):
        return "number"
    return "date" if isinstance(cell, _MOMENTS) else "other"


def _kind_of_text(text: str) -> Literal["number", "truth", "word", "missing word", "empty"]:
    if not text or text in ERRORS:
        return "empty"
    if text in WORDS:
        return "missing word"
    if text in _TRUTH:
        return "truth"
    return "word" if _number_of_text(text) is None else "number"


def numbers(column: pd.Series[Any], what: str, otherwise: str = "") -> np.ndarray:
    """Convert the cells to float64 `(n,)`, with NaN for missing ones and 0 and 1 for truth values.

    A float32 is read as its shortest decimal, as a text file has it. Raise UserError for text and infinity. Its text
    begins with `what`, as in "Target 'price'"; for text it ends with `otherwise`.
    """
    values = _typed(column) if has_number_type(column) else _parsed(column, what, otherwise)
    infinite = np.flatnonzero(np.isinf(values))
    if infinite.size:
        raise UserError(
            f"{what} has an infinite value in {row_number(infinite[0])}",
            expected="finite numbers",
            got=f"{infinite.size} infinite or overflowing value(s)",
            hint="correct them, or leave cells of inputs empty if the value is not known",
        )
    return values + 0.0  # -0.0 becomes 0.0: one value, one hash


def has_number_type(column: pd.Series[Any]) -> bool:
    """True if the type of the column has nothing but numbers or truth values."""
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return False
    return pd.api.types.is_bool_dtype(dtype) or (pd.api.types.is_numeric_dtype(dtype) and dtype.kind != "c")


def _typed(column: pd.Series[Any]) -> np.ndarray:
    if _is_short(column):
        short = column.to_numpy(dtype=f"f{_size(column)}", na_value=np.nan)
        return short.astype(str).astype(np.float64)
    return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))


def _parsed(column: pd.Series[Any], what: str, otherwise: str) -> np.ndarray:
    cells = column.astype(object).tolist()
    parsed = [number(cell) for cell in cells]
    for position, value in enumerate(parsed):
        if value is None:
            some = any(each is not None and not math.isnan(each) for each in parsed)
            raise _not_a_number(what, cells[position], position, some=some, otherwise=otherwise)
    return np.array(parsed, dtype=np.float64)


def number(cell: object) -> float | None:
    """The number of a cell, NaN for a missing one, None for anything else."""
    if isinstance(cell, str):
        return _number_of_text(cell.strip())
    if isinstance(cell, np.float32 | np.float16):
        return float(str(cell))
    if isinstance(cell, bool | int | float | Decimal | np.number | np.bool_):
        try:
            return float(cell)  # complex numbers are np.number too, and fail
        except OverflowError:
            return math.inf
        except TypeError:
            return None
    return math.nan if is_missing(cell) else None


def _number_of_text(text: str) -> float | None:
    if _NUMBER.fullmatch(text) or _INFINITE.fullmatch(text):
        return float(text)
    if text in MISSING_NUMBERS:
        return math.nan
    return float(_TRUTH[text]) if text in _TRUTH else None


def _not_a_number(what: str, cell: object, position: int, *, some: bool, otherwise: str) -> UserError:
    hint = "correct the cell, or leave it empty if the value is missing"
    if not some:
        hint = "write numbers into its cells, or name a column of numbers"
    if isinstance(cell, str) and _DECIMAL_COMMA.fullmatch(cell.strip()):
        hint = "write decimal points instead of decimal commas, and no separators between thousands"
    elif isinstance(cell, str) and _SIGNED.fullmatch(cell.strip()):
        hint = "write numbers alone, without currencies, per cent or units"
    elif isinstance(cell, _MOMENTS):
        hint = "correct the cell: a spreadsheet has made a date of it"
    return UserError(
        f"{what} has {'text' if isinstance(cell, str) else 'something else'} where a number is needed",
        expected="numbers with a decimal point",
        got=f"{str(cell)!r} in {row_number(position)}",
        hint=hint + otherwise,
    )


def truths(column: pd.Series[Any], what: str) -> np.ndarray:
    """Convert true and false to float64 `(n,)`: 1, 0, and NaN for missing ones; 1 and 0 may stand in their place.

    Raise UserError, whose text begins with `what`, for everything else.
    """
    for position, cell in enumerate(column.astype(object).tolist()):
        value = number(cell)
        if value is None or not (math.isnan(value) or value in (0.0, 1.0)):
            raise UserError(
                f"{what} has another value than true and false, which it had in training",
                expected="true or false, or 1 and 0",
                got=f"{str(cell)!r} in {row_number(position)}",
                hint="write true or false in every cell of the column",
            )
    return numbers(column, what)


def texts(column: pd.Series[Any], what: str, *, spelled: bool = False) -> np.ndarray:
    """Convert the cells to texts of categories `(n,)`; a missing cell becomes `MISSING`.

    A number and the text that writes it out are one category: 1, 1.0, "1" and "1.0" are "1", True and "true" are
    "True". Codes are texts: "01", "+1" and "1e5" stay what they are. With `spelled` every text stays what it is. Raise
    UserError for cells that are neither numbers nor text.
    """
    cells = _objects(column)
    odd = (
        place for place, cell in enumerate(cells) if not isinstance(cell, str) and kind_of(cell) in {"date", "other"}
    )
    place = next(odd, None)
    if place is not None:
        raise UserError(
            f"{what} holds neither numbers nor text in {row_number(place)}",
            expected="a number or a text in every cell",
            got=f"{cells[place]} ({type(cells[place]).__name__})",
            hint="correct the cells; a study can leave the column out (`ignore`)",
        )
    known = {cell: text(cell, spelled=spelled) for cell in {cell for cell in cells if isinstance(cell, str)}}
    found = [known[cell] if isinstance(cell, str) else text(cell) for cell in cells]
    return np.array([*found, MISSING], dtype=object)[:-1]  # one-dimensional, whatever the cells are


def _objects(column: pd.Series[Any]) -> list[Any]:
    """The cells as Python objects; a float32 as the float of its shortest decimal."""
    short = has_number_type(column) and _is_short(column)
    found: list[Any] = (_typed(column) if short else column.astype(object)).tolist()
    return found


def _is_short(column: pd.Series[Any]) -> bool:
    return column.dtype.kind == "f" and _size(column) < 8


def _size(column: pd.Series[Any]) -> int:
    return int(getattr(column.dtype, "itemsize", 8))


def as_codes(column: pd.Series[Any], found: np.ndarray, known: Collection[str], what: str) -> np.ndarray:
    """The texts `found` of a column of new rows, where a number that is no category stands for the one of its value.

    What makes numbers of 01 and 02, as Excel and pandas do, has lost their zeros: 1 is then the category 01. Raise
    UserError for a number that stands for several categories, such as 007 and 7: a text says which.
    """
    codes: dict[float, list[str]] = {}
    for each in known:
        value = _number_of_text(each)
        if value is not None and not math.isnan(value):
            codes.setdefault(value, []).append(each)
    for place, cell in enumerate(_objects(column)):
        if kind_of(cell) != "number" or (isinstance(cell, str) and found[place] in known):
            continue
        fitting = codes.get(number(cell) or 0.0, [])
        if len(fitting) > 1 and not isinstance(cell, str):
            raise UserError(
                f"{what} has a number where training had several categories of its value",
                expected=f"one of the texts {', '.join(sorted(fitting))}",
                got=f"{cell} in {row_number(place)}",
                hint="read or write the column as text, which keeps the zeros before a number",
            )
        found[place] = fitting[0] if len(fitting) == 1 else found[place]
    return found


def text(cell: object, *, spelled: bool = False) -> str:
    """Convert one cell to the text of a category; see `texts`."""
    if is_missing(cell):
        return MISSING
    if isinstance(cell, bool | np.bool_):
        return str(bool(cell))
    if isinstance(cell, int | np.integer):
        return str(int(cell))
    if isinstance(cell, float | np.floating | Decimal):
        return _written_out(float(str(cell)))  # a float32 0.1 is "0.1", not "0.10000000149011612"
    found = tidy(str(cell))
    if found in ERRORS:
        return MISSING
    return found if spelled else plain(found)


def plain(text: str) -> str:
    """A text as a number or a truth value of this meaning is written out, where it is one; others as they are."""
    if _WRITTEN_OUT.fullmatch(text):
        return _written_out(float(text)) if "." in text or text == "-0" else text
    if _SCALED.fullmatch(text) and repr(float(text)) == text:
        return _written_out(float(text))
    return str(_TRUTH[text]) if text in _TRUTH else text


def _written_out(value: float) -> str:
    return str(int(value)) if abs(value) < _EXACT and value.is_integer() else repr(value)


def is_missing(cell: object) -> bool:
    """True for the values of an empty cell, other than the text `MISSING`."""
    return cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, float) and math.isnan(cell))
