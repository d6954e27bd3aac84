"""Dates and times as inputs: elapsed days, and the positions in the year, the week and the day.

A column of times is read to moments in UTC, and a moment is a number of days since 1970. Its inputs are the days since
the first training row, and for each cycle that the training rows span the position in it, as sine and cosine: the last
hour of a day lies beside the first one. Which cycles these are follows from the training rows alone.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from pipeline.data.cells import kind_of, row_number
from pipeline.data.dates_as_numbers import pattern_of
from pipeline.data.roles import Columns
from pipeline.data.time_cells import NUMBER, Cells
from pipeline.data.time_cells import read_all as read_cells
from pipeline.data.time_patterns import is_pattern
from pipeline.data.times import is_format, moments
from pipeline.errors import UserError

OPTION: Final = "--times"
CYCLES: Final[Mapping[str, float]] = {"year": 365.25, "week": 7.0, "day": 1.0}  # days
LEAST_SPAN: Final = 0.75  # of a cycle, from the first training row to the last: twelve months on their first days
LEAST_SPREAD: Final = 1 / 12  # of a cycle, that holds the positions of all training rows
MONTHLY: Final = 4  # days of the month, at most: the ends of months. What has no more of them says nothing of weeks

_DAY: Final = 86_400 * 10**6  # microseconds
_EPOCH: Final = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - in UTC, like all moments
_MONDAY: Final = 3  # days from a Monday to 1970
_DIGITS: Final = "%Y%m%d"
_TIMES_OF_DAY: Final = ("%H:%M:%S", "%H:%M", "%I:%M %p")


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """A column of times."""

    moments: np.ndarray  # (n,) datetime64[us], in UTC where the cells have zones; NaT for missing ones
    format: str  # a pattern, see `time_patterns`
    zoned: bool  # the cells have zones


def named(asked: Iterable[str]) -> dict[str, str]:
    """The columns that a user names, with their formats, from texts like COLUMN and COLUMN=FORMAT.

    Raise UserError for a column that is named twice.
    """
    found: dict[str, str] = {}
    for text in asked:
        name, sign, given = (part.strip() for part in text.rpartition("="))
        if not sign or not ("%" in given or is_format(given)):
            name, given = text.strip(), ""  # an equals sign of its name
        if name in found:
            raise UserError(f"{OPTION} names {name!r} twice", expected="each column once", hint="leave one out")
        found[name] = given
    return found


def read_all(frame: pd.DataFrame, asked: Mapping[str, str], inputs: Sequence[str]) -> dict[str, Times]:
    """The columns of times, in the order of the table; `asked` are their formats, "" where the cells say it.

    Raise UserError for one that is not an input, for an input that has the name of one that is made of times, and for
    cells that `read` refuses.
    """
    outside = [name for name in asked if name not in inputs]
    if outside:
        listed = ", ".join(map(repr, outside))
        raise UserError(f"{listed} cannot be a time: it is not an input", hint="remove it from `times`")
    for name in asked:
        taken = sorted({*inputs} & {elapsed(name), *derived(name)})
        if taken:
            raise UserError(
                f"The column {taken[0]!r} is called like an input that is made of the time {name!r}",
                expected="other names",
                hint=f"rename {taken[0]!r} in the file",
            )
    return {name: read(frame[name], name, asked[name]) for name in inputs if name in asked}


def read(column: pd.Series[Any], name: str, time_format: str = "") -> Times:
    """Read the cells of a column; missing ones are those that are missing among numbers.

    Args:
        column: Moments with a type of their own, or texts, in the order of the user's table.
        name: What the column is called.
        time_format: The only format that fits; if empty, the one that fits every cell.

    Raises:
        UserError: A cell does not fit, or several formats fit all cells, see `times.moments`; or the column has
            numbers, or nothing.
    """
    gaps = _gaps(column)
    rows, filled = np.flatnonzero(~gaps), column[~gaps]
    values = np.full(len(column), np.datetime64("NaT", "us"))
    if not len(filled):
        if not time_format:
            raise UserError(
                f"Input {name!r} is empty", expected="at least one value", hint=f"name {name!r} in `ignore`"
            )
        return Times(values, time_format, zoned=False)
    if time_format == NUMBER or (not time_format and all(kind_of(cell) == "number" for cell in filled.astype(object))):
        raise _numbers(filled, name, int(rows[0]))
    found = moments(filled, f"Input {name!r}", time_format, option=f"{OPTION} {name}=", rows=rows)
    values[rows] = found.instants.astype("datetime64[us]")
    return Times(values, found.format, found.zoned)


def read_like(column: pd.Series[Any], name: str, columns: Columns) -> np.ndarray:
    """The moments (n,) of cells that are written as those of the training rows; UserError for others."""
    found, zoned = read(column, name, columns.times[name]), name in columns.zoned
    if found.zoned != zoned and not np.isnat(found.moments).all():
        has = ("no zone", "a zone")
        raise UserError(
            f"Input {name!r} has moments with {has[found.zoned]}",
            expected=f"moments with {has[zoned]}, as in training",
            hint="write them as in the table of the study: its zone decides which hour of the day a moment has",
        )
    return found.moments


def _gaps(column: pd.Series[Any]) -> np.ndarray:
    gaps = column.isna().to_numpy(dtype=bool)
    if column.dtype.kind == "M":
        return gaps
    return gaps | [kind_of(cell) in {"empty", "missing word"} for cell in column.astype(object).tolist()]


def _numbers(filled: pd.Series[Any], name: str, row: int) -> UserError:
    plain = pd.to_numeric(filled, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    doubtful = pattern_of(plain) if np.isfinite(plain).all() else ""
    fitting = [each for each in (doubtful, _DIGITS) if is_pattern(each) and _fits(filled, each)]
    dates = f"; or say how its dates are written: {OPTION} {name}={fitting[0]}" if fitting else ""
    return UserError(
        f"Input {name!r} has numbers, and not dates or times",
        expected="dates or times",
        got=f"{filled.iloc[0]} in {row_number(row)}",
        hint=f"leave it out of {OPTION}: numbers are inputs as they are{dates}",
    )


def _fits(filled: pd.Series[Any], pattern: str) -> bool:
    return read_cells(Cells.of(filled, "", ""), pattern) is not None


def offered(column: pd.Series[Any], name: str) -> str:
    """How `--times` takes a column that was not named there, or "" if it cannot."""
    for time_format in ("", *_TIMES_OF_DAY):
        try:
            read(column, name, time_format)
        except UserError:
            continue
        return f"{OPTION} {name}={time_format}" if time_format else f"{OPTION} {name}"
    texts = pd.api.types.infer_dtype(column, skipna=True) in ("string", "mixed")
    return f"{OPTION} {name}" if texts else ""  # which then says what is wrong with them, or which formats fit


# ------------------------------------------------------------------------------------------------- moments as numbers


def days(instants: np.ndarray) -> np.ndarray:
    """Moments, datetime64 (n,), as days since 1970, float64 (n,); NaN for missing ones."""
    exact = instants.astype("datetime64[us]")
    found: np.ndarray = exact.astype(np.int64) / _DAY
    return np.where(np.isnat(exact), np.nan, found)


def positions(values: np.ndarray, cycle: str) -> np.ndarray:
    """The position of days since 1970 in a cycle, from 0 up to 1; weeks begin on Monday, leap years are longer."""
    if cycle == "year":
        return _in_year(values)
    length = CYCLES[cycle]
    shifted = values + _MONDAY if cycle == "week" else values
    found: np.ndarray = (shifted / length) % 1.0
    return found


def _in_year(values: np.ndarray) -> np.ndarray:
    exact = _exact(values)
    years = exact.astype("datetime64[Y]")
    begin, end = (each.astype("datetime64[us]") for each in (years, years + 1))
    found: np.ndarray = (exact - begin) / (end - begin)  # NaN for NaT
    return found


def _exact(values: np.ndarray) -> np.ndarray:
    """Days since 1970 as datetime64[us]."""
    known = np.isfinite(values)
    found = np.full(values.shape, np.datetime64("NaT", "us"))
    found[known] = np.rint(values[known] * _DAY).astype(np.int64).view("datetime64[us]")
    return found


def written(value: float, time_format: str) -> str:
    """Days since 1970 as a text in the format of a column, with the time of day behind a date that has one."""
    try:
        moment = _EPOCH + dt.timedelta(microseconds=round(value * _DAY))
    except OverflowError:  # of years that only NumPy has
        return str(_exact(np.array([value]))[0])
    text = moment.strftime(time_format)
    timed = any(f"%{each}" in time_format for each in "HIMSpXTRc")
    return text if timed or moment.time() == dt.time() else f"{text} {moment:%H:%M:%S}"


def stored_rows(rows: Mapping[str, Sequence[Any]], times: Iterable[str]) -> pd.DataFrame:
    """Rows from JSON, in which moments stand by ISO 8601. Raise ValueError or TypeError for those that do not."""
    return pd.DataFrame({**rows, **{name: np.array(rows[name], dtype="datetime64[us]") for name in times}})


# ------------------------------------------------------------------------------------------------------------- inputs


def cycles_of(training: np.ndarray) -> tuple[str, ...]:
    """The cycles that training rows span, in the order of `CYCLES`, from their days since 1970, NaN for missing cells.

    They span a cycle if the last one is at least three quarters of it after the first one, and if their positions do
    not all lie within a twelfth of it: dates without a time of day have no position in the day. Rows on no more than
    four different days of the month are months or quarters, and say nothing of the week.
    """
    known = training[~np.isnan(training)]
    return tuple(cycle for cycle in CYCLES if known.size and _spanned(known, cycle))


def _spanned(known: np.ndarray, cycle: str) -> bool:
    if np.ptp(known) < LEAST_SPAN * CYCLES[cycle]:
        return False
    places = np.unique(positions(known, cycle))
    widest = float(np.diff(places, append=places[0] + 1.0).max())
    if 1.0 - widest < LEAST_SPREAD:
        return False
    dates = _exact(known).astype("datetime64[D]")
    return cycle != "week" or len(np.unique(dates - dates.astype("datetime64[M]"))) > MONTHLY


def derived(name: str, cycles: Iterable[str] = CYCLES) -> list[str]:
    """The names of the positions in these cycles."""
    return [f"{name}: {cycle} {part}" for cycle in cycles for part in ("sine", "cosine")]


def elapsed(name: str) -> str:
    """What the elapsed days of a column are called among the features."""
    return f"{name}: days"


def with_positions(names: Sequence[str], cycles: Mapping[str, Sequence[str]]) -> list[str]:
    """The columns of numbers of `as_numbers`, from those of the table."""
    return [each for name in names for each in (name, *derived(name, cycles.get(name, ())))]


def as_numbers(cells: pd.DataFrame, first: Mapping[str, float], cycles: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Cells whose times are days since 1970 as cells of numbers alone.

    Args:
        cells: The inputs (n rows).
        first: Days since 1970 of the first training row, by column of times.
        cycles: The cycles of each of these columns, see `cycles_of`.

    Returns:
        The same with the days since the first training row in the place of each column of times, and with its positions
        in columns of their own, called as `derived` says.
    """
    added: dict[str, np.ndarray] = {}
    for name, its in cycles.items():
        values = cells[name].to_numpy(dtype=np.float64)
        added |= {name: values - first[name], **dict(_positions(values, name, its))}
    return cells.assign(**added) if added else cells


def _positions(values: np.ndarray, name: str, cycles: Sequence[str]) -> Iterator[tuple[str, np.ndarray]]:
    for cycle in cycles:
        places, where = np.unique(positions(values, cycle), return_inverse=True)
        angles = (2.0 * math.pi * places).tolist()
        # One by one: NumPy's vectors may differ in a last bit by the length of the column.
        for of_name, function in zip(derived(name, [cycle]), (math.sin, math.cos), strict=True):
            yield of_name, np.array([function(each) for each in angles])[where]
