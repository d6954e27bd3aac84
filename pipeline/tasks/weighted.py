"""Statistics of rows, each of which counts as often as its weight says: the weights of the score, and of all beside it.

A row of weight 2 is two rows, one of weight 0 is none, and equal weights are no weights; the unit of the weights does
not matter.
"""

from __future__ import annotations

from typing import Final

import numpy as np

_ROUNDING: Final = float(np.finfo(np.float32).eps)  # of weights, relative to their sum: parts of a table hold float32


def mean(values: np.ndarray, weights: np.ndarray) -> float:
    """The mean of values (n,), in float64."""
    return float(np.average(values, weights=np.asarray(weights, dtype=np.float64)))


def median(values: np.ndarray, weights: np.ndarray) -> float:
    """The number with the least weighted mean absolute error to values (n,): the middle one where several have it.

    Two parts of the rows whose weights differ by no more than the rounding of a float32 count as two halves. For equal
    weights it is `np.median`, to the last bit.

    Args:
        values: Finite numbers (n,).
        weights: From 0 on (n,), not all of them 0.

    Raises:
        ValueError: No row has a weight above 0.
    """
    mass = np.asarray(weights, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    order = order[mass[order] > 0]
    if not len(order):
        raise ValueError("no row has a weight above 0")
    ordered, below = np.asarray(values, dtype=np.float64)[order], np.cumsum(mass[order])
    half, rounding = below[-1] / 2, min(_ROUNDING * below[-1], mass[order].min() / 4)
    lower = ordered[np.searchsorted(below, half - rounding)]
    upper = ordered[np.searchsorted(below, half + rounding, side="right")]
    return float(lower if lower == upper else (lower + upper) / 2)
