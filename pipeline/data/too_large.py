"""Numbers that no float holds once they are scaled or squared: the error names the cell that is to blame.

One such cell makes a whole scale infinite, and with it all rows: the first row that suffers is hardly ever the one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
import pandas as pd

from pipeline.data.layout import step_of
from pipeline.data.tables import Table
from pipeline.errors import UserError
from pipeline.tasks import Target

LARGEST_TARGET: Final = 1e150  # its square is finite, and the sum of all squares
_VAST: Final = 1e30  # times the median: beside such a weight the others vanish
_FINITE: Final = "numbers that stay finite when they are scaled"
_TARGET_HINT: Final = "correct the cell, or change the unit"


def check_scales(
    numbers: pd.DataFrame, rows: pd.Index, ends: pd.DataFrame, scaled: np.ndarray, called: Callable[[int], str]
) -> None:
    """Raise UserError where a number is so large that the scale of its column, or the scaled number, is not finite.

    Then any row may have become infinite, NaN or 0, so the number to name is the largest.

    Args:
        numbers: The training rows, with NaN for missing cells.
        rows: Their positions in the user's table.
        ends: The lowest and the highest number of each column: scalers keep the order, so the ends are enough.
        scaled: The same, scaled (2, columns), float64.
        called: What the row at a position is called, as in "row 3".
    """
    spoilt = ~np.isfinite(scaled.astype(np.float32)).all(axis=0)
    low, high = ends.to_numpy()
    with np.errstate(over="ignore"):
        spoilt |= (scaled[0] == scaled[1]) & np.isinf((high - low) ** 2)
    if spoilt.any():
        sizes = numbers.loc[:, spoilt].abs()
        name = str(sizes.max().idxmax())
        place = int(np.nanargmax(sizes[name].to_numpy()))
        raise input_too_large(name, float(numbers[name].iloc[place]), called(int(rows[place])))


def input_too_large(name: str, value: float, row: str) -> UserError:
    """For an input of the row that is called so; a cell of a window stands some steps before it."""
    base, back = step_of(name)
    steps = f"{back} step{'' if back == 1 else 's'} before" if back else "in"
    hint = "correct the cell, or leave it empty if the value is not known"
    return _too_large(f"Input {base!r}", value, f"{steps} {row}", hint)


def check_targets(table: Table) -> None:
    """Raise UserError for a target so large that errors cannot be squared."""
    for name in table.columns.targets:
        values = table.frame[name].to_numpy()
        if values.dtype.kind == "f" and np.abs(values).max() > LARGEST_TARGET:
            place = int(np.argmax(np.abs(values)))
            where = f"in {table.files.called(table.frame.index[place])}"
            raise _too_large(f"Target {name!r}", float(values[place]), where, _TARGET_HINT)


def check_outputs(outputs: np.ndarray, measured: np.ndarray, target: Target, called: Callable[[int], str]) -> None:
    """Raise UserError for scaled outputs (n, outputs) that are not finite, of measured ones.

    `called` says what the row of a place among them is called, as in "row 3".
    """
    finite = np.isfinite(outputs)
    if not finite.all():
        place, output = (int(each[0]) for each in np.nonzero(~finite))
        column = output if outputs.shape[1] == measured.shape[1] else 0
        what, value = f"Target {target.names[column]!r}", float(measured[place, column])
        raise _too_large(what, value, f"in {called(place)}", _TARGET_HINT)


def check_weights(table: Table, given: np.ndarray, weights: np.ndarray, parts: Iterable[np.ndarray]) -> None:
    """Raise UserError for a weight beside which others vanish, or which is infinite beside them.

    `given` are those of the table, `weights` what became of them, and `parts` the positions of the rows of each part.
    """
    with np.errstate(over="ignore"):
        sound = np.isfinite(weights).all() and np.isfinite(given.sum())
    vanish = any(given[rows].sum() > 0 and not weights[rows].sum() > 0 for rows in parts)
    if not sound or (vanish and given.max() > _VAST * np.median(given)):
        place = int(np.argmax(given))
        where = f"in {table.files.called(table.frame.index[place])}"
        what, expected = f"Weight {table.columns.weight!r}", "weights beside which others neither vanish nor overflow"
        raise _too_large(what, float(given[place]), where, "correct the cell", expected)


def _too_large(what: str, value: float, where: str, hint: str, expected: str = _FINITE) -> UserError:
    return UserError(f"{what} is too large {where}", expected=expected, got=f"{value:.6g}", hint=hint)
