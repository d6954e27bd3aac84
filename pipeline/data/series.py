"""Windows of a time series: a row for each moment, with the values before it as inputs and its own as targets.

Steps are rows in the order of the time column, and count as equally long. A window contains inputs and earlier targets
alike, named by `layout.steps`: `load[t-3]`, `load[t-2]`, ... It ends `horizon` steps before the moment to predict.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from pipeline.data import times
from pipeline.data.cells import row_number
from pipeline.data.layout import step_of, steps
from pipeline.errors import UserError

NAMES: Final = ("mackey_glass",)


@dataclass(frozen=True, slots=True, eq=False)
class Ordered:
    """A series in order of time."""

    frame: pd.DataFrame  # its index: the position of each row in the user's table
    times: tuple[str, ...] = ()  # of each row, as the table spells them
    format: str = ""  # of the times, see `times.moments`


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """The times of the rows of a table, or of several files one after another."""

    instants: np.ndarray  # (n,) to sort by
    spelled: tuple[str, ...]  # as the table spells them
    format: str
    zoned: bool


def times_of(column: pd.Series[Any], time: str, time_format: str = "") -> Times:
    """Read the column `time`; see `times.moments`, which raises UserError."""
    read = times.moments(column, f"Time {time!r}", time_format)
    return Times(read.instants, times.spelled(column), read.format, read.zoned)


def times_like(first: Times, column: pd.Series[Any], time: str, training: str) -> Times:
    """Read the column `time` of a further file by the format of `first`, the times of the file `training`.

    Raise UserError as `times_of` does, and unless the times of both have zones, or none.
    """
    read = times_of(column, time, first.format)
    if read.zoned != first.zoned:
        has = ("without a zone", "with a zone")
        raise UserError(
            f"Time {time!r} has moments {has[read.zoned]}",
            expected=f"moments {has[first.zoned]}, as in {training}",
            got=read.spelled[0],
            hint="write the times of all files alike",
        )
    return read


def joined(each: Sequence[Times]) -> Times:
    """The times of several files, one after another."""
    instants, spelled = np.concatenate([one.instants for one in each]), tuple(t for one in each for t in one.spelled)
    return replace(each[0], instants=instants, spelled=spelled)


def in_order(frame: pd.DataFrame, time: str, time_format: str = "") -> Ordered:
    """Sort the rows of a table by time, whose format is found unless it is given.

    Raise UserError for a time that cannot be read, see `times.moments`, and for one that occurs twice.
    """
    return sorted_by(frame, time, times_of(frame[time], time, time_format))


def sorted_by(frame: pd.DataFrame, time: str, read: Times, called: Callable[[int], str] = row_number) -> Ordered:
    """Sort the rows of a table by their times; `called` says what the row at a position is called, as in "row 3".

    Raise UserError for a time that occurs twice.
    """
    order = np.argsort(read.instants, kind="stable")
    instants, spelled = read.instants[order], read.spelled
    twice = np.flatnonzero(instants[1:] == instants[:-1])
    if twice.size:
        first, second = order[twice[0]], order[twice[0] + 1]
        raise UserError(
            f"Time {time!r} has {spelled[first]} more than once: in {called(first)} and {called(second)}",
            expected="one row for each moment",
            got=spelled[second],
            hint="use a table of one series, with one row for each moment; where a clock was set back, or 2018.1 and"
            " 2018.10 are two months, write times that tell them apart (2020-10-25 02:00+01:00, 2018-10)",
        )
    return Ordered(frame.iloc[order].set_axis(order), tuple(spelled[place] for place in order), read.format)


def windowed(
    ordered: Ordered, others: Collection[str], targets: pd.DataFrame, window: int, horizon: int
) -> pd.DataFrame:
    """One row for each moment with a whole window of all columns but `others` before it, with its index.

    `targets` are the columns of that moment itself, of the same rows. Raise UserError for a series that is too short
    for one window, and for a column that is called like a step of one.
    """
    frame = ordered.frame.reset_index(drop=True)
    columns = [str(name) for name in frame.columns if name not in others]
    first = window + horizon - 1
    if len(frame) <= first + 2:
        raise UserError(
            f"The series has {len(frame)} steps",
            expected=f"more than {first + 2}: a window of {window} that ends {horizon} before the step to predict",
            hint="lower window, or use more data",
        )
    named = steps(columns, first, horizon)
    _check_names(named, frame)
    lags = _lagged(frame, named).iloc[first : len(frame)]
    measured = targets.reset_index(drop=True).iloc[first:]
    return pd.concat([lags, measured], axis=1).set_axis(ordered.frame.index[first:])


def _check_names(named: Sequence[str], frame: pd.DataFrame) -> None:
    """Windows are recognised by their names when the model predicts: no column of the series may have one of them."""
    doubled = sorted(set(named) & set(map(str, frame.columns)))
    if doubled:
        raise UserError(
            f"The column {doubled[0]!r} is called like a step of the window of {base(doubled[0])!r}",
            expected="other names: the windows of a series call their steps so",
            hint=f"rename {doubled[0]!r} in the file; the windows have the steps before already",
        )


def base(name: str) -> str:
    """The column that an input has from an earlier step: `load` for `load[t-3]`; other names as they are."""
    return step_of(name)[0]


def is_series(inputs: Sequence[str], names: Iterable[str]) -> bool:
    """True if inputs are those of windows that a table with these columns does not have, and has to become."""
    return bool(inputs) and all(step_of(name)[1] for name in inputs) and not {*inputs} <= {*names}


def ahead(frame: pd.DataFrame, inputs: Sequence[str]) -> pd.DataFrame:
    """The windows of a series for a model with these inputs: of every step that has a whole one before it.

    The rows have to be in order of time. The index is the position of the step in that order; the last ones lie beyond
    the end of the series. Raise UserError for a series that is shorter than a window.
    """
    back = [step_of(name)[1] for name in inputs]
    if len(frame) <= max(back) - min(back):
        raise UserError(
            f"The series has {len(frame)} steps",
            expected=f"at least {max(back) - min(back) + 1}: one whole window",
            hint="give more steps of the past",
        )
    return _lagged(frame.reset_index(drop=True), inputs).iloc[max(back) : len(frame) + min(back)]


def _lagged(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Columns of earlier rows, for every row and for those after the last that have all of them."""
    found = [step_of(name) for name in names]
    longer = frame.reindex(pd.RangeIndex(len(frame) + min(back for _, back in found)))
    return pd.DataFrame({f"{name}[t-{back}]": longer[name].shift(back) for name, back in found})


def builtin(name: str) -> pd.DataFrame:
    """A built-in series with the columns `step` and `value`; equal on all machines except for the last digits.

    mackey_glass: 1500 steps of one unit of time of the chaotic equation for a delay of 17 (Mackey & Glass 1977,
    https://doi.org/10.1126/science.267326), by Runge and Kutta's method in tenths, after 500 units of transient.
    """
    if name not in NAMES:
        raise UserError(f"There is no built-in series {name!r}", expected=", ".join(NAMES))
    each, delay, count = 10, 170, 20_000
    values = np.full(delay + count, 1.2)
    for place in range(delay, delay + count - 1):
        now, then, after = values[place], values[place - delay], values[place - delay + 1]
        middle = (then + after) / 2
        first = _slope(now, then)
        second = _slope(now + 0.05 * first, middle)
        third = _slope(now + 0.05 * second, middle)
        fourth = _slope(now + 0.1 * third, after)
        values[place + 1] = now + 0.1 * (first + 2 * second + 2 * third + fourth) / 6
    kept = values[delay:][::each][500:]
    return pd.DataFrame({"step": np.arange(len(kept)), "value": kept})


def _slope(now: float, then: float) -> float:
    return 0.2 * then / (1.0 + then**10) - 0.1 * now
