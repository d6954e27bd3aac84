"""Windows of a time series: a row for each moment, with the values before it as inputs and its own as targets.

Steps are rows in the order of the time column, and count as equally long. A window contains inputs and earlier targets
alike, named by `layout.steps`: `load[t-3]`, `load[t-2]`, ... It ends `horizon` steps before the moment to predict.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

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


def in_order(frame: pd.DataFrame, time: str, time_format: str = "") -> Ordered:
    """Sort the rows of a table by time, whose format is found unless it is given.

    Raise UserError for a time that cannot be read, see `times.moments`, and for one that occurs twice.
    """
    read = times.moments(frame[time], f"Time {time!r}", time_format)
    order = np.argsort(read.instants, kind="stable")
    instants = read.instants[order]
    twice = np.flatnonzero(instants[1:] == instants[:-1])
    spelled = times.spelled(frame[time])
    if twice.size:
        first, second = order[twice[0]], order[twice[0] + 1]
        raise UserError(
            f"Time {time!r} has {spelled[first]} more than once: in {row_number(first)} and {row_number(second)}",
            expected="one row for each moment",
            got=spelled[second],
            hint="use a table of one series, with one row for each moment; where a clock was set back, or 2018.1 and"
            " 2018.10 are two months, write times that tell them apart (2020-10-25 02:00+01:00, 2018-10)",
        )
    return Ordered(frame.iloc[order].set_axis(order), tuple(spelled[place] for place in order), read.format)


def windowed(
    ordered: Ordered, others: Collection[str], targets: Sequence[str], window: int, horizon: int
) -> pd.DataFrame:
    """One row for each moment with a whole window of all columns but `others` before it, with its index.

    Raise UserError for a series that is too short for one window, and for a column that is called like a step of one.
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
    return pd.concat([lags, frame[list(targets)].iloc[first:]], axis=1).set_axis(ordered.frame.index[first:])


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
