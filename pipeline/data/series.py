"""Windows of a series: a row for each moment, with everything that was known some steps before it, and what came then.

Steps are rows in the order of the time column, taken as equally long. A window is inputs and targets alike, named as
`layout.steps` does: `load[t-3]`, `load[t-2]`, ...; the last one is as many steps back as the forecast reaches ahead.
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
    """One row for each moment with a whole window before it; its index is the moment's position in order of time.

    UserError for a time that is missing or comes twice, and for a series that is not longer than one window.
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
    lags = _lagged(ordered, steps(columns, first, horizon)).iloc[first : len(ordered)]
    return pd.concat([lags, ordered[list(targets)].iloc[first:]], axis=1)


def in_order(frame: pd.DataFrame, time: str) -> pd.DataFrame:
    """The rows in order of time; UserError for a time that is missing, no number or date, or comes twice."""
    column = frame[time]
    moments: pd.Series[Any] = _moments(column)
    if moments.isna().any():
        raise UserError(
            f"Time {time!r} is no moment in row {int(np.argmax(moments.isna())) + 2}",
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
        warnings.simplefilter("ignore")  # that every date is read by itself, where their form is unusual
        return pd.to_datetime(column, errors="coerce")


def unrolled(frame: pd.DataFrame, inputs: Sequence[str]) -> pd.DataFrame:
    """The windows that a model of these inputs needs, where the frame is the series itself; else the frame as it is.

    The rows of a series stand in order of time. Its windows are indexed by the position of the step that they predict,
    the last ones beyond the end of the series.
    """
    found = [_LAG.fullmatch(name) for name in inputs]
    bases = [each[1] for each in found if each]
    if not bases or len(bases) < len(inputs) or set(inputs) <= set(map(str, frame.columns)):
        return frame
    if not set(bases) <= set(map(str, frame.columns)):
        return frame  # what is missing is said by who needs it
    back = [int(each[2]) for each in found if each]
    if len(frame) <= max(back) - min(back):
        raise UserError(
            f"The series has {len(frame)} steps",
            expected=f"at least {max(back) - min(back) + 1}: one whole window",
            hint="give more of the past",
        )
    return _lagged(frame.reset_index(drop=True), inputs).iloc[max(back) : len(frame) + min(back)]


def _lagged(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Columns of earlier rows, for every row and as many beyond the last as the nearest of them reaches."""
    found = [(match[1], int(match[2])) for name in names if (match := _LAG.fullmatch(name))]
    longer = frame.reindex(pd.RangeIndex(len(frame) + min(back for _, back in found)))
    return pd.DataFrame({f"{name}[t-{back}]": longer[name].shift(back) for name, back in found})


def builtin(name: str) -> pd.DataFrame:
    """The built-in series of that name, with the columns `step` and `value`; equal on all machines to the last digits.

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
