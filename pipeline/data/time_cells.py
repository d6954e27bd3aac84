"""The cells of a column of times one by one, whatever they are: texts, numbers, or moments with a type of their own."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pandas as pd

from pipeline.data.time_patterns import Read, has_date, reader

NUMBER: Final = "number"  # the format of times that are numbers
ISO: Final = "%Y-%m-%d"  # typed moments count as written like this

_FIGURE: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE: Final = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_EPOCH: Final = pd.Timestamp(1970, 1, 1)  # in UTC, like everything that is compared with it


@dataclass(frozen=True, slots=True)
class Cells:
    """The different cells of a column, and where each of them is."""

    what: str
    distinct: tuple[object, ...]  # in the order of the rows; texts without the spaces around them
    first: tuple[int, ...]  # position of the first cell of each
    codes: np.ndarray  # (n,) place among the distinct ones
    option: str  # how a user gives the format: what stands before it

    @classmethod
    def of(
        cls, column: pd.Series[Any], what: str, option: str, rows: Sequence[int] | np.ndarray | None = None
    ) -> Cells:
        """The cells of a column that has no empty ones; `rows` are their positions, if those are not 0, 1, ..."""
        known: dict[object, int] = {}
        first, codes = [], []
        for position, cell in enumerate(column.astype(object).tolist()):
            plain = cell.strip() if isinstance(cell, str) else cell
            key = (type(plain), plain) if is_moment(plain) or isinstance(plain, str | int | float) else repr(plain)
            if key not in known:
                known[key] = len(known)
                first.append((position, plain))
            codes.append(known[key])
        places = tuple(position if rows is None else int(rows[position]) for position, _ in first)
        return cls(what, tuple(cell for _, cell in first), places, np.array(codes), option)


CellReader = Callable[[object], Read | None]
"""From a cell to its moment; None for one that does not fit."""


def read_all(cells: Cells, time_format: str) -> list[Read] | None:
    """What the distinct cells are by a format; None if it does not fit them all."""
    read, found = reader_of(time_format), []
    for cell in cells.distinct:
        one = read(cell)
        if one is None:
            return None
        found.append(one)
    return found


def reader_of(time_format: str) -> CellReader:
    """How cells are read by NUMBER or a pattern."""
    if time_format == NUMBER:
        return _of_number
    read = reader(time_format)

    def of_cell(cell: object) -> Read | None:
        if isinstance(cell, str):
            return read(cell)
        if is_moment(cell):
            return _of_moment(cell)
        if isinstance(cell, dt.time) and not has_date(time_format):
            return read(cell.strftime(time_format))
        number = _of_number(cell)
        whole = number is not None and float(number.value).is_integer()
        return read(str(int(number.value))) if number is not None and whole else None

    return of_cell


def _of_number(cell: object) -> Read | None:
    if isinstance(cell, str):
        value = int(cell) if _WHOLE.fullmatch(cell) else float(cell) if _FIGURE.fullmatch(cell) else None
    elif isinstance(cell, int | np.integer) and not isinstance(cell, bool):
        value = int(cell)
    else:
        value = float(cell) if isinstance(cell, float | np.floating | Decimal) else None
    return Read(value) if value is not None and math.isfinite(value) else None


def is_moment(cell: object) -> bool:
    """True for a date, with or without a time, that has a type of its own."""
    return isinstance(cell, dt.date | np.datetime64)


def _of_moment(cell: object) -> Read:
    stamp = pd.Timestamp(cell)  # type: ignore[arg-type]
    zoned = stamp.tzinfo is not None
    since = (stamp.tz_convert("UTC").tz_localize(None) if zoned else stamp) - _EPOCH
    seconds = since.days * 86_400 + since.seconds
    return Read(seconds * 10**9 + since.microseconds * 1000 + since.nanoseconds, zoned)
