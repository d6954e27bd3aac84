"""Moments: one reading of a column of times, which has to fit every cell.

A column is read as a whole: of the known patterns exactly one must fit all of its cells, whatever the first of them
looks like. Where several fit (04/05/2020), the user decides; nothing is guessed. A time of day may follow a date, with
fractions of a second and a zone; see `time_patterns`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from pipeline.data.cells import row_number, text
from pipeline.data.dates_as_numbers import pattern_of
from pipeline.data.time_cells import ISO, NUMBER, Cells, is_moment, read_all, reader_of
from pipeline.data.time_patterns import DATES, UNASKED, Read, example, is_pattern, named
from pipeline.errors import UserError

OPTION: Final = "--time-format"

Rows = Sequence[int] | np.ndarray | None
"""Positions of cells in the user's table; None for 0, 1, ..."""

_INT64: Final = 2**63
_EPOCH: Final = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - in UTC, like everything that is compared here


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """The moments of a column: values to sort by, and the format that fits all of its cells."""

    instants: np.ndarray  # (n,) numbers, or datetime64, in UTC where the cells name their zones
    format: str  # NUMBER, or a pattern of `time_patterns`
    zoned: bool = False  # the cells name their zones


def is_format(text: str) -> bool:
    """True for what `moments` takes as a format: `number`, or a pattern."""
    return text == NUMBER or is_pattern(text)


def in_words(time_format: str) -> str:
    """A format for people: numbers, or a pattern with its name if it has one."""
    name = "numbers" if time_format == NUMBER else named(time_format)
    return name if name in ("numbers", time_format) else f"{name} ({time_format})"


def moments(
    column: pd.Series[Any], what: str, time_format: str = "", *, option: str = f"{OPTION} ", rows: Rows = None
) -> Moments:
    """Read a column of times.

    Args:
        column: Numbers, moments with a type of their own, or texts, in the order of the user's table.
        what: How errors name the column, as in "Time 't'".
        time_format: The only format that fits; if empty, the one that fits every cell.
        option: How a user gives the format, which errors name: what stands before it.
        rows: The positions of the cells in the user's table, if they are not 0, 1, ...

    Raises:
        UserError: A cell is empty, is not a moment or does not fit, which names its row; several formats fit all cells;
            or `time_format` is not a format.
    """
    if time_format and not is_format(time_format):
        raise UserError(
            f"{what} cannot be read by {option}{time_format!r}",
            expected=f"a pattern with a year, such as %d/%m/%Y, %d.%m.%y or %m/%d/%Y %I:%M %p; or {NUMBER}",
            hint="%d is the day, %m the month, %b its name, %Y the year, %y its last two digits, %H:%M:%S the time",
        )
    _check_filled(column, what)
    typed = _typed(column, time_format)
    if typed is None:
        typed = _parsed(Cells.of(column, what, option, rows), time_format)
    doubtful = pattern_of(typed.instants) if typed.format == NUMBER and not time_format else ""
    if doubtful:
        say = f"say what they are: {option}{doubtful}, or" if is_pattern(doubtful) else "add the year, or"
        raise UserError(
            f"{what} has numbers that look like dates ({doubtful}), and would be sorted as numbers",
            expected="numbers that grow with the time, or dates",
            got=f"{column.iloc[0]} in {row_number(0 if rows is None else rows[0])}",
            hint=f"{say} {option}{NUMBER} if they are numbers",
        )
    return typed


def _check_filled(column: pd.Series[Any], what: str) -> None:
    gaps = column.isna().to_numpy(dtype=bool)
    if not pd.api.types.is_numeric_dtype(column):
        gaps = gaps | [isinstance(cell, str) and not cell.strip() for cell in column.tolist()]
    if gaps.any():
        raise UserError(
            f"{what} has {int(gaps.sum())} empty cell(s), the first in {row_number(int(np.argmax(gaps)))}",
            expected="a moment in every row: a number, a date or a time",
            hint="fill them in, or remove those rows from the file",
        )


def _typed(column: pd.Series[Any], time_format: str) -> Moments | None:
    """The moments of a column whose type says what they are; None where its cells have to be looked at."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iuf" and time_format in ("", NUMBER):
        values = column.to_numpy()
        return Moments(values, NUMBER) if np.isfinite(values).all() else None
    zoned = isinstance(column.dtype, pd.DatetimeTZDtype)
    if zoned:
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    if isinstance(column.dtype, np.dtype) and column.dtype.kind == "M" and time_format != NUMBER:
        return Moments(column.to_numpy(), time_format or ISO, zoned)
    return None


def _parsed(cells: Cells, time_format: str) -> Moments:
    _check_one_type(cells)
    found, read = (time_format, read_all(cells, time_format)) if time_format else _only_format(cells)
    if read is None:
        raise _unfit(cells, found, list(map(reader_of(found), cells.distinct)).index(None), given=True)
    zoned = [each.zoned for each in read]
    if any(zoned) and not all(zoned):
        raise _without_zone(cells, zoned.index(False))
    given = [each.value for each in read]
    return Moments((np.array(given) if found == NUMBER else _datetimes(given))[cells.codes], found, any(zoned))


def _only_format(cells: Cells) -> tuple[str, list[Read]]:
    """The format that fits every cell, and what they are. Raise UserError if there is none, or more than one."""
    fitting = []
    for each in (NUMBER, *([ISO] if any(map(is_moment, cells.distinct)) else DATES)):
        read = read_all(cells, each)
        if read is not None:
            fitting.append((each, read))
            if each == NUMBER:  # digits alone are a number
                break
    if len(fitting) > 1:
        raise _ambiguous(cells, [each for each, _ in fitting])
    if fitting:
        return fitting[0]
    fits = {each: [reader_of(each)(cell) is not None for cell in cells.distinct] for each in (NUMBER, *DATES)}
    best = max(fits, key=lambda each: sum(fits[each]))
    raise _unfit(cells, best if any(fits[best]) else "", fits[best].index(False), given=False)


def _datetimes(nanoseconds: Sequence[int | float]) -> np.ndarray:
    """As datetime64[ns], or [us] for years that the former cannot have."""
    exact = all(-_INT64 < each < _INT64 for each in nanoseconds)
    values = np.array([int(each) if exact else int(each) // 1000 for each in nanoseconds], dtype=np.int64)
    return values.view("datetime64[ns]" if exact else "datetime64[us]")


# ------------------------------------------------------------------------------------------------------------- errors


def _unfit(cells: Cells, time_format: str, place: int, *, given: bool) -> UserError:
    row = row_number(cells.first[place])
    fitting = [each for each in UNASKED if not given and read_all(cells, each)]
    asked = [f"or say what the cells are: {cells.option}{each}" for each in fitting]
    like = "1 or 2.5" if time_format == NUMBER else example(time_format or DATES[0])
    ordering = cells.option.startswith(OPTION)  # of a series, in which every row has its moment
    dates = f"{'numbers, or ' if ordering else ''}dates in one format such as {', '.join(map(example, DATES[:6]))}"
    correct = f"write all cells like {like}" if not time_format else "correct the cell"
    correct += f", or say how they are written, as in {OPTION} '%a %d.%m.%Y'" if ordering and not time_format else ""
    correct += "" if ordering else ", or leave it empty if the moment is not known"
    return UserError(
        f"{cells.what} {'does not fit its format' if time_format else 'is not a moment'} in {row}",
        expected=in_words(time_format) if time_format else dates,
        got=_shown(cells.distinct[place]),
        hint=", ".join((f"write all cells like {like}" if given else correct, *asked)),
    )


def _shown(cell: object) -> str:
    return repr(cell) if isinstance(cell, str) else f"{cell} ({type(cell).__name__})"


def _ambiguous(cells: Cells, fitting: Sequence[str]) -> UserError:
    """The error for a column that can be read in several ways, shown by a cell that they read differently."""
    read = [[reader_of(each)(cell) for each in fitting] for cell in cells.distinct]
    differing = (place for place, found in enumerate(read) if len({each.value for each in found if each}) > 1)
    place = next(differing, 0)
    days = [_day(each.value) for each in read[place] if each]
    ways = ", or ".join(f"{day} ({each})" for day, each in zip(days, fitting, strict=True))
    return UserError(
        f"{cells.what} can be read in {len(fitting)} ways: {cells.distinct[place]!r} in"
        f" {row_number(cells.first[place])} is {ways}",
        expected="a column whose cells fit one format alone",
        hint=f"say which it is: {', or '.join(f'{cells.option}{each}' for each in fitting)}",
    )


def _day(nanoseconds: float) -> str:
    day = _EPOCH + dt.timedelta(days=int(nanoseconds) // (86_400 * 10**9))
    return f"{day.day} {day:%B %Y}"


def _without_zone(cells: Cells, place: int) -> UserError:
    return UserError(
        f"{cells.what} has no zone in {row_number(cells.first[place])}, as other cells have",
        expected="a zone, such as Z or +01:00, in every cell or in none",
        got=_shown(cells.distinct[place]),
        hint="correct the cell",
    )


def _check_one_type(cells: Cells) -> None:
    """Raise UserError for other cells among dates: a spreadsheet has read the dates, by a format of its own."""
    if not any(map(is_moment, cells.distinct)):
        return
    read = reader_of(ISO)
    for cell, position in zip(cells.distinct, cells.first, strict=True):
        if read(cell) is None:
            raise UserError(
                f"{cells.what} has dates in some cells and something else in others, first in {row_number(position)}",
                expected="dates in every cell, or texts in every cell",
                got=_shown(cell),
                hint="give all cells of the column one format in the spreadsheet, and look whether its days are right",
            )


# ---------------------------------------------------------------------------------------------------------- as texts


def spelled(column: pd.Series[Any]) -> tuple[str, ...]:
    """The cells of a column of times as a person would write them; texts as they are."""
    cells = column.astype(object).tolist()
    midnight = all(getattr(cell, "time", dt.time)() == dt.time() for cell in cells if is_moment(cell))
    return tuple(_as_text(cell, midnight=midnight) for cell in cells)


def _as_text(cell: object, *, midnight: bool) -> str:
    written = text(cell) if not isinstance(cell, str) else cell.strip()
    return written.removesuffix(" 00:00:00") if midnight and is_moment(cell) else written
