"""What a checked table holds, as values: what each column was taken for, what is missing in it, and what is odd.

A guess about a column, and a cell that may be a mistake, are to be told before anything is trained.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np
import pandas as pd

from pipeline.data.cells import ERRORS, MISSING, SHOWN_MISSING
from pipeline.data.far_off import far_off
from pipeline.data.layout import PIXELS, quantities, shape_of, step_of
from pipeline.data.tables import Table
from pipeline.data.time_inputs import days, written
from pipeline.tasks import few_values

Kind = Literal["number", "truth value", "category", "time"]

LEAST: Final = 20  # texts that do not repeat
SURE: Final = 20.0  # a chance of exp(-20) that numbers drawn at random do not repeat


@dataclass(frozen=True, slots=True)
class Odd:
    """A number that lies far off from all others of its column; see `far_off`."""

    value: float
    cells: int
    row: int | None  # position in the user's file of the first cell; None for the first steps of a series


@dataclass(frozen=True, slots=True)
class Column:
    """What one column was taken for; all steps of a window are one column, and so are all pixels."""

    name: str
    kind: Kind
    distinct: int  # values, missing cells aside; 0 for pixels, which are not counted
    missing: int  # cells
    words: Mapping[str, int] = field(default_factory=dict)  # spellings of missing cells that are not empty -> cells
    kept: Mapping[str, int] = field(default_factory=dict)  # words of categories that elsewhere mean a missing cell
    few: bool = False  # whole numbers, and few: they could be categories
    low: float = np.nan  # the lowest and the highest number that is not odd, of times as days since 1970; or NaN
    high: float = np.nan
    odd: tuple[Odd, ...] = ()
    time_format: str = ""  # of times, see `time_inputs`
    only: str = ""  # the value that all rows have, or else all training rows
    only_in_training: bool = False
    unrepeated: bool = False  # whole numbers, or texts, of which none occurs twice, as in an identifier


@dataclass(frozen=True, slots=True)
class Overview:
    """What the columns of a table were taken for, and the shape of a row as `layout.shape_of` has it."""

    inputs: tuple[Column, ...]
    targets: tuple[Column, ...]  # numbers alone: a task describes its classes. None that is an input too, in a series
    shape: tuple[int, ...]


def overview(table: Table, training: Sequence[int] | np.ndarray) -> Overview:
    """Look at every column once; `training` are the labels of the training rows in the index of the table."""
    grouped, shape = quantities(table.columns.inputs), shape_of(table.columns.inputs)
    rows = table.frame.index.get_indexer(pd.Index(training))
    inputs = tuple(
        _pixels(table.frame, names) if len(shape) == 3 else _column(table, name, names, rows)
        for name, names in grouped.items()
    )
    targets = tuple(
        _column(table, name, (name,), rows)
        for name in table.columns.targets
        if name not in grouped and table.frame[name].dtype.kind == "f"
    )
    return Overview(inputs, targets, shape)


def _pixels(frame: pd.DataFrame, names: Sequence[str]) -> Column:
    """All pixels as one column, of which single values are not looked at: there are millions."""
    columns = [frame[name].to_numpy() for name in names]
    missing = sum(int(np.isnan(each).sum()) for each in columns)
    low, high = min(float(np.nanmin(each)) for each in columns), max(float(np.nanmax(each)) for each in columns)
    return Column(PIXELS, "number", 0, missing, low=low, high=high)


def _column(table: Table, name: str, names: tuple[str, ...], training: np.ndarray) -> Column:
    frame, own = table.frame, names == (name,)
    values, rows = _whole(frame, name, names)
    timed = name in table.columns.times
    values = days(values) if timed else values
    found = _texts(name, values) if values.dtype == object else _numbers(name, values, rows)
    words: Counter[str] = Counter()
    for each in {name, *names}:
        words.update(table.words.get(each, {}))
    time_format = table.columns.times.get(name, "")
    always = _only(values, time_format)
    trained = values[training] if own else np.concatenate([frame[each].to_numpy()[training] for each in names])
    in_training = "" if always else _only(trained, time_format)
    truth = bool({name, *names} & {*table.columns.truths})
    return replace(
        found,
        kind="time" if timed else "truth value" if truth else found.kind,
        few=found.few and not timed,
        time_format=time_format,
        words={word: cells for word, cells in words.items() if found.kind == "number" or word in ERRORS},
        kept={word: cells for word, cells in words.items() if found.kind == "category" and word not in ERRORS},
        only=always or in_training,
        only_in_training=bool(in_training),
        # A single input is hardly an identifier of its rows, and a series may count.
        unrepeated=found.unrepeated and own and len(table.columns.inputs) > 1 and not timed,
    )


def _whole(frame: pd.DataFrame, name: str, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The cells of a column and their rows; those of a series each once, though several windows have them.

    The first steps of a series are in windows alone, and their row is -1.
    """
    rows = frame.index.to_numpy()
    if names == (name,):
        return frame[name].to_numpy(), rows
    first, kind = step_of(names[0])[1], frame[names[0]].to_numpy().dtype
    values, known = np.empty(len(frame) + first, dtype=kind), np.zeros(len(frame) + first, dtype=bool)
    for each in (*names, *({name} & {*frame.columns})):  # a target is an input of later windows
        if frame[each].to_numpy().dtype == kind:
            steps = slice(first - step_of(each)[1], first - step_of(each)[1] + len(frame))
            values[steps], known[steps] = frame[each].to_numpy(), True
    return values[known], np.concatenate([np.full(first, -1), rows])[known]


def _numbers(name: str, values: np.ndarray, rows: np.ndarray) -> Column:
    distinct, cells = np.unique(values[~np.isnan(values)], return_counts=True)
    far, low, high = far_off(distinct, cells) if len(distinct) else (distinct, np.nan, np.nan)
    first = {float(each): int(rows[np.argmax(values == each)]) for each in far}
    counted = {float(each): int(cells[np.searchsorted(distinct, each)]) for each in far}
    odd = tuple(Odd(each, counted[each], None if row < 0 else row) for each, row in first.items())
    return Column(
        name,
        "number",
        len(distinct),
        missing=len(values) - int(cells.sum()),
        few=few_values(distinct, len(values)) > 0,
        low=low,
        high=high,
        odd=odd,
        unrepeated=len(distinct) == len(values) and _is_dense(distinct),
    )


def _is_dense(distinct: np.ndarray) -> bool:
    """True for whole numbers so close that as many drawn from their range would hardly all be different."""
    pairs, places = len(distinct) * (len(distinct) - 1) / 2, distinct[-1] - distinct[0] + 1
    return bool(pairs > SURE * places) and bool((distinct == np.rint(distinct)).all())


def _texts(name: str, values: np.ndarray) -> Column:
    counted = Counter(values.tolist())
    missing = counted.pop(MISSING, 0)
    return Column(name, "category", len(counted), missing, unrepeated=LEAST <= len(counted) == len(values))


def _only(values: np.ndarray, time_format: str = "") -> str:
    """The one value that all cells have, as text; "" where there are several, or gaps among numbers."""
    first = values[0]
    if time_format and (values == first).all():
        return written(float(first), time_format)
    return "" if not (values == first).all() else f"{first:.6g}" if values.dtype.kind == "f" else first or SHOWN_MISSING
