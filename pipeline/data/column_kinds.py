"""What a column holds, as all of its cells say together, and what about it is doubtful; see `cells` for one cell."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from pipeline.data.cells import ERRORS, MISSING_NUMBERS, Kind, has_number_type, is_missing, kind_of, number, plain, tidy
from pipeline.data.time_patterns import is_date, is_time_of_day

# Figures as people write them: decimal commas, separators of thousands, a currency, per cent, a minus as printed.
_LOCAL: Final = re.compile(
    r"[€$£¥]?\s?[+\-\u2212]?(\d+|\d{1,3}(?:[.,'\u2019\s]\d{3})+)(?:[.,]\d+)?(?:[eE][+-]?\d+)?\s?[%\u2030€$£¥]?"
)
_GROUPED: Final = re.compile(r"[+-]?(\d{1,3}|[1-9]\d{0,2}\.\d{3})", re.ASCII)  # below a million: more have two points
_POINTED: Final = 3  # distinct numbers with a point, from which on they are doubted
_NUMBERS_TO_DOUBT: Final = 20  # with more distinct numbers than this, a text is a typing error, not a category
_NEARLY_ALL: Final = 0.9  # of the cells: from here on a column is what these are


@dataclass(frozen=True, slots=True)
class Distinct:
    """A value of a column, a text without the spaces around it, and the cells that have it."""

    value: object
    count: int
    first: int  # position of the first of them


def distinct(column: pd.Series[Any]) -> list[Distinct]:
    """The different values of a column, empty cells aside, in the order of their first cells.

    1 and 1.0 are one value; 1, True and "1" are three, and so are lists and whatever else has no hash.
    """
    found: dict[tuple[type, object], tuple[object, list[int]]] = {}
    for cell, count, position in _counted(column.astype(object)):
        value = tidy(cell) if isinstance(cell, str) else cell
        if is_missing(value) or (isinstance(value, str) and not value):  # an array is equal to nothing alone
            continue
        kind = type(value) if isinstance(value, str | bool | np.bool_) else object
        key = value if isinstance(value, Hashable) else id(value)
        known = found.setdefault((kind, key), (value, [0, position]))
        known[1][0] += count
    return [Distinct(value, count, first) for value, (count, first) in found.values()]


def _counted(cells: pd.Series[Any]) -> Iterator[tuple[object, int, int]]:
    """Values with the number of cells that have them and the first position; texts each once, others as they come."""
    if pd.api.types.infer_dtype(cells, skipna=False) != "string":
        yield from ((cell, 1, position) for position, cell in enumerate(cells.tolist()))
        return
    codes, texts = pd.factorize(cells)
    _, firsts = np.unique(codes, return_index=True)
    yield from zip(texts.tolist(), np.bincount(codes).tolist(), firsts.tolist(), strict=True)


def kind(column: pd.Series[Any]) -> Kind:
    """The kind of a column, missing cells aside."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        inner = kind(pd.Series(column.dtype.categories.astype(object)))
        return inner if inner in {"date", "empty"} else "text"
    if has_number_type(column):
        empty = bool(column.isna().all())
        return "empty" if empty else "truth" if pd.api.types.is_bool_dtype(column.dtype) else "number"
    return _kind_of(distinct(column))


def _kind_of(values: list[Distinct]) -> Kind:
    found = {kind_of(each.value) for each in values} - {"empty", "missing word"}
    if not found:
        return "empty"
    for only in ("number", "truth", "date"):
        if found == {only}:
            return only
    if "other" in found or "date" in found:
        return "other"
    return "date" if found == {"word"} and all(map(is_date, _words(values))) else "text"


def _words(values: list[Distinct]) -> list[str]:
    return [each.value for each in values if isinstance(each.value, str) and each.value not in MISSING_NUMBERS]


def spelled_apart(column: pd.Series[Any]) -> bool:
    """True if two texts of the column would be one category for `cells.texts`, as the versions 1.1 and 1.10 would.

    That true is written in two ways is no reason, nor that whole numbers are, as 1 and 1.0: these are one category.
    """
    if has_number_type(column):
        return False
    found: dict[str, str] = {}
    given = [each.value for each in distinct(column) if kind_of(each.value) != "truth" and isinstance(each.value, str)]
    written = [re.sub(r"(?<=\d)\.0$", "", each) for each in given]
    return any(found.setdefault(plain(each), each) != each for each in written)


def missing_words(column: pd.Series[Any]) -> dict[str, int]:
    """The words in a column that can mean a missing cell, and how many cells have them; empty cells aside."""
    if has_number_type(column):
        return {}
    return {
        each.value: each.count
        for each in distinct(column)
        if isinstance(each.value, str) and each.value in MISSING_NUMBERS
    }


def stray_text(column: pd.Series[Any]) -> tuple[str, int] | None:
    """The first text, and its position, in a column of numbers; None for a column of categories."""
    values = distinct(column)
    others = [each for each in values if kind_of(each.value) in {"word", "truth"}]
    read = (number(each.value) for each in values if kind_of(each.value) == "number")
    figures = {value for value in read if value is not None and not math.isnan(value)}
    if not others or len(figures) <= max(_NUMBERS_TO_DOUBT, len(others)):
        return None
    return str(others[0].value), others[0].first


@dataclass(frozen=True, slots=True)
class Grouped:
    """Numbers that are read as decimals, and whose points may separate thousands."""

    cell: str  # the first of them
    first: int  # its position
    cells: int  # that have a point


def grouped(column: pd.Series[Any]) -> Grouped | None:
    """Say which cells of a text column of numbers could be whole numbers with points between their thousands.

    They could where every cell is such a number, some with points and some below a thousand: 946 and 17.711. Nobody is
    sure: numbers that were rounded to three decimals look alike as long as none of them ends in 0.
    """
    if has_number_type(column):
        return None
    values = [each for each in distinct(column) if not (isinstance(each.value, str) and each.value in MISSING_NUMBERS)]
    if not values or not all(isinstance(each.value, str) and _GROUPED.fullmatch(each.value) for each in values):
        return None
    pointed = [each for each in values if "." in str(each.value)]
    if len(pointed) < _POINTED or len(pointed) == len(values):
        return None
    return Grouped(str(pointed[0].value), pointed[0].first, sum(each.count for each in pointed))


@dataclass(frozen=True, slots=True)
class Local:
    """What nearly all texts of a column are: numbers or moments, in a spelling that is not read as such."""

    holds: str  # "numbers", or "dates or times"
    cell: str  # the first cell that is spelled so
    first: int  # its position
    cells: str  # how many cells these are, in words
    hint: str  # "" for moments, which may be inputs: see `time_inputs`


def local_spelling(column: pd.Series[Any]) -> Local | None:
    """Say what the texts of a column really are; None for a column of categories."""
    values = [each for each in distinct(column) if each.value not in ERRORS]
    words = [each for each in values if isinstance(each.value, str) and kind_of(each.value) == "word"]
    figures = [each for each in words if _LOCAL.fullmatch(str(each.value))]
    plain_ones = [each for each in values if kind_of(each.value) in {"number", "missing word"}]
    moments = [each for each in words if is_date(str(each.value)) or is_time_of_day(str(each.value))]
    return _mostly("numbers", figures, [*figures, *plain_ones], values, _FIGURES) or _mostly(
        "dates or times", moments, moments, [each for each in values if each not in plain_ones], ""
    )


def _mostly(
    holds: str, odd: list[Distinct], fitting: list[Distinct], values: list[Distinct], hint: str
) -> Local | None:
    cells, fits = (sum(each.count for each in some) for some in (values, fitting))
    if not odd or fits < _NEARLY_ALL * cells:
        return None
    return Local(holds, str(odd[0].value), odd[0].first, f"{fits} of {cells} cells", hint)


_FIGURES: Final = "write decimal points, and no separators of thousands, currencies or per cent"


def stray_moment(column: pd.Series[Any]) -> tuple[str, int] | None:
    """The first date, and its position, in a column whose other cells are numbers; None for any other column."""
    if has_number_type(column):
        return None
    values = distinct(column)
    kinds = {kind_of(each.value) for each in values} - {"empty", "missing word"}
    if kinds != {"number", "date"}:
        return None
    found = next(each for each in values if kind_of(each.value) == "date")
    return str(found.value), found.first


def has_numbers(column: pd.Series[Any]) -> bool:
    """True if any cell of a text column is a number, including those in a local spelling."""
    return any(kind_of(each.value) == "number" or _LOCAL.fullmatch(str(each.value)) for each in distinct(column))
