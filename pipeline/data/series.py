"""Windows of a time series: a row for each moment, with the values before it as inputs and its own as targets.

Steps are rows in the order of the time column, and count as equally long. A window contains inputs and earlier targets
alike, named by `layout.steps`: `load[t-3]`, `load[t-2]`, ... It ends `horizon` steps before the moment to predict.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from pipeline.data.layout import steps
from pipeline.errors import UserError

NAMES: Final = ("mackey_glass",)
_LAG: Final = re.compile(r"(.+)\[t-(\d{1,6})\]", re.DOTALL)


def windowed(
    frame: pd.DataFrame, *, time: str, targets: Sequence[str], ignore: Sequence[str], window: int, horizon: int
) -> pd.DataFrame:
    """One row for each moment with a whole window before it; the index is the moment's position in order of time.

    Raise UserError for a time that is missing or occurs twice, for a series that is too short for one window, and for a
    column that is called like a step of a window.
    """
    ordered = in_order(frame, time)
    columns = [str(name) for name in ordered.columns if name not in {time, *ignore}]
    first = window + horizon - 1
    if len(ordered) <= first + 2:
        raise UserError(
            f"The series has {len(ordered)} steps",
            expected=f"more than {first + 2}: a window of {window} that ends {horizon} before the step to predict",
            hint="lower window, or use more data",
        )
    named = steps(columns, first, horizon)
    _check_names(named, frame)
    lags = _lagged(ordered, named).iloc[first : len(ordered)]
    return pd.concat([lags, ordered[list(targets)].iloc[first:]], axis=1)


def _check_names(named: Sequence[str], frame: pd.DataFrame) -> None:
    """Windows are recognised by their names when the model predicts: no column of the series may have one of them."""
    doubled = sorted(set(named) & set(map(str, frame.columns)))
    if doubled:
        match = _LAG.fullmatch(doubled[0])
        assert match is not None
        raise UserError(
            f"The column {doubled[0]!r} is called like a step of the window of {match[1]!r}",
            expected="other names: the windows of a series call their steps so",
            hint=f"rename {doubled[0]!r} in the file; the windows have the steps before already",
        )


def in_order(frame: pd.DataFrame, time: str) -> pd.DataFrame:
    """Sort the rows by time. Raise UserError if a time is missing, neither a number nor a date, or occurs twice."""
    column = frame[time]
    moments: pd.Series[Any] = _moments(column)
    if moments.isna().any():
        raise UserError(
            f"Time {time!r} is not a moment in row {int(np.argmax(moments.isna())) + 2}",
            expected="numbers or dates, one in every row",
            got=repr(column[moments.isna()].iloc[0]),
            hint="correct the cell",
        )
    if moments.duplicated().any():
        raise UserError(
            f"Time {time!r} has {column[moments.duplicated()].iloc[0]} more than once",
            expected="one row for each moment",
            hint="use a table of one series, with one row for each moment",
        )
    return frame.loc[moments.sort_values(kind="stable").index].reset_index(drop=True)


def _moments(column: pd.Series[Any]) -> pd.Series[Any]:
    if pd.api.types.is_numeric_dtype(column):
        return column
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas warns that unusual dates are parsed one by one
        return pd.to_datetime(column, errors="coerce")


def unrolled(frame: pd.DataFrame, inputs: Sequence[str]) -> pd.DataFrame:
    """Make the windows that a model with these inputs needs if the frame is a series; return other frames unchanged.

    The rows of a series have to be in order of time. Windows are indexed by the position of the step that they predict;
    the last ones lie beyond the end of the series.
    """
    found = [_LAG.fullmatch(name) for name in inputs]
    bases = [each[1] for each in found if each]
    if not bases or len(bases) < len(inputs) or set(inputs) <= set(map(str, frame.columns)):
        return frame
    if not set(bases) <= set(map(str, frame.columns)):
        return frame  # the caller reports missing columns
    back = [int(each[2]) for each in found if each]
    if len(frame) <= max(back) - min(back):
        raise UserError(
            f"The series has {len(frame)} steps",
            expected=f"at least {max(back) - min(back) + 1}: one whole window",
            hint="give more steps of the past",
        )
    return _lagged(frame.reset_index(drop=True), inputs).iloc[max(back) : len(frame) + min(back)]


def _lagged(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Columns of earlier rows, for every row and for those after the last that have all of them."""
    found = [(match[1], int(match[2])) for name in names if (match := _LAG.fullmatch(name))]
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
