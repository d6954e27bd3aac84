"""New rows as a model needs them: those of a table as they are, and the windows of a series, sorted as in training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from pipeline.data import series, time_inputs
from pipeline.data.header import above_header
from pipeline.data.preprocessing import typed
from pipeline.data.roles import Columns, unknown_column
from pipeline.data.rules import rules_of
from pipeline.data.times import spelled
from pipeline.errors import UserError
from pipeline.tasks.naming import distinct

ROW: Final = "spreadsheet row"  # the header is row 1, or stands below blank rows


@dataclass(frozen=True, slots=True, eq=False)
class NewRows:
    """Rows to predict, and where each of their predictions stands in the answer.

    The answer to a series has the rows of the user's table in their order, the first steps in time without a
    prediction, and then the steps after its end.
    """

    frame: pd.DataFrame  # inputs, unscaled; its index is the position of each row in the answer
    index: pd.Index  # of the answer

    @property
    def places(self) -> np.ndarray:
        """The position of each prediction in the answer, int64 (predictions,)."""
        return self.frame.index.to_numpy(dtype=np.int64)

    def aligned(self, values: np.ndarray) -> np.ndarray:
        """Predictions (members, predictions, outputs) as rows of the answer (members, rows, outputs), NaN elsewhere."""
        whole = np.full((values.shape[0], len(self.index), values.shape[2]), np.nan, dtype=values.dtype)
        whole[:, self.places] = values
        return whole

    def answer(self, columns: dict[str, np.ndarray]) -> pd.DataFrame:
        """Columns of predictions as the answer."""
        table = pd.DataFrame(columns, index=self.places)
        whole = table if len(table) == len(self.index) else table.reindex(range(len(self.index)))
        return whole.set_axis(self.index)


def texts_of(columns: Columns) -> tuple[str, ...]:
    """The columns of a table to predict whose cells are texts, whatever they look like: categories, written times."""
    written = (columns.time,) if columns.time else ()
    named = (*columns.categories, *map(series.base, columns.categories), *written, *columns.times)
    return (*dict.fromkeys(named),)


def new_rows(frame: pd.DataFrame, columns: Columns) -> NewRows:
    """Prepare the rows of a user's table for a model with these columns; a series is sorted by its time column.

    Raise UserError for times that cannot be read as in training, and for a series without its time column, with times
    that occur twice, with cells that the model cannot read, and with fewer rows than a window; errors name the row of
    the table.
    """
    given = frame.reset_index(drop=True)
    names = [rules_of(columns.reading).tidy(str(name)) for name in frame.columns]
    if not series.is_series(columns.inputs, names) or not (columns.time or columns.reading == 1):
        return NewRows(_with_moments(given, names, columns), frame.index)
    if columns.reading == 1:
        return _by_first_rules(frame, columns)
    return _of_series(given.set_axis(names, axis=1), frame.index, columns)


def _with_moments(given: pd.DataFrame, names: list[str], columns: Columns) -> pd.DataFrame:
    """The rows with the moments of their dates and times, which have zones if those of the training rows have."""
    found = given
    for name in (each for each in columns.times if names.count(each) == 1):  # `typed` reports the others
        place = names.index(name)
        moments = time_inputs.read_like(given.iloc[:, place], name, columns)
        before, after = found.iloc[:, :place], found.iloc[:, place + 1 :]
        found = pd.concat([before, pd.Series(moments, given.index, name=given.columns[place]), after], axis=1)
    return found


def _by_first_rules(frame: pd.DataFrame, columns: Columns) -> NewRows:
    """Studies of before do not know their time column: they take the rows in their order, and answer windows alone."""
    if not {*map(series.base, columns.inputs)} <= {*map(str, frame.columns)}:
        return NewRows(frame.reset_index(drop=True), frame.index)  # missing columns are reported later
    windows = series.ahead(frame, columns.inputs)
    return NewRows(windows.reset_index(drop=True), windows.index)


def _of_series(given: pd.DataFrame, index: pd.Index, columns: Columns) -> NewRows:
    time, names = columns.time, [*given.columns]
    if time not in names:
        raise unknown_column(time, names, f"The table lacks the column {time!r}, by which the series is sorted")
    if names.count(time) > 1:
        raise UserError(f"The table has more than one column {time!r}", expected="one", hint="rename the other")
    cells = typed(given, _steps_of(columns))  # before rows are sorted and repeated: errors name those of the file
    ordered = series.in_order(
        cells.assign(**{columns.time: given[columns.time]}), columns.time, columns.time_format
    ).frame
    windows, total = series.ahead(ordered, columns.inputs), len(given)
    steps = windows.index.to_numpy()
    places = np.where(steps < total, ordered.index.to_numpy()[np.minimum(steps, total - 1)], steps)
    beyond = int((steps >= total).sum())
    return NewRows(windows.set_axis(places), _extended(index, beyond))


def _steps_of(columns: Columns) -> Columns:
    """The columns of a series from those of its windows."""
    several = {each.name: getattr(columns, each.name) for each in fields(columns)}
    named = {name: (*dict.fromkeys(map(series.base, each)),) for name, each in several.items() if type(each) is tuple}
    changes: dict[str, Any] = {name: each for name, each in named.items() if name != "targets"}
    return replace(columns, **changes)


def _extended(index: pd.Index, beyond: int) -> pd.Index:
    """The index and the labels of the steps after its end: the next numbers, or else +1, +2 and so on."""
    if index.equals(pd.RangeIndex(len(index))):
        return pd.RangeIndex(len(index) + beyond)
    return pd.Index([*index, *(f"+{step}" for step in range(1, beyond + 1))], dtype=object, name=index.name)


def labelled(predicted: pd.DataFrame, frame: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """The answer to a series with the time and the row of each line, empty after its end; other answers as they are."""
    if not columns.time:
        return predicted
    after = [""] * (len(predicted) - len(frame))
    first = 2 + above_header(frame)
    added: list[tuple[str, Sequence[object]]] = [(ROW, range(first, len(frame) + first))]
    if columns.time in frame.columns:
        times = frame[columns.time]
        added.insert(0, (columns.time, times.tolist() if pd.api.types.is_numeric_dtype(times) else spelled(times)))
    labels: dict[str, list[object]] = {}
    for name, cells in added:
        labels[distinct(name, {*predicted.columns, *labels}, "table")] = [*cells, *after]
    return pd.concat([pd.DataFrame(labels, index=predicted.index, dtype=object), predicted], axis=1)


def about(predicted: pd.DataFrame, frame: pd.DataFrame, columns: Columns) -> tuple[str, ...]:
    """Which lines of the answer to a series are not what people expect, as sentences."""
    if not columns.time:
        return ()
    after, early = len(predicted) - len(frame), int(predicted.isna().all(axis=1).sum())
    windowless = f"No prediction for the first {early} rows in order of {columns.time}: they have no whole window"
    beyond = f"The last lines are {after} step(s) after the end of the series: they have neither time nor row"
    return (*([windowless] if early else []), *([beyond] if after else []))
