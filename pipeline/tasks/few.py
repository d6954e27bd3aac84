"""Numbers that could be classes or categories: whole ones, and few."""

from __future__ import annotations

from typing import Final

import numpy as np

MOST: Final = 20  # distinct values,
ROWS: Final = 5  # and rows for each of them on average


def few_values(distinct: np.ndarray, rows: int) -> int:
    """How many numbers these are, where they are whole and few; else 0.

    Few are at most `MOST`, and at most one for `ROWS` rows.
    """
    few = len(distinct) <= min(MOST, rows // ROWS)
    return len(distinct) if few and bool((distinct == np.rint(distinct)).all()) else 0
