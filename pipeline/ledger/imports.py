"""Which results from elsewhere may stand beside those of a study, whichever ledger they come from."""

from __future__ import annotations

import math
from collections.abc import Callable

from pipeline.trial import Imported


def impossible(row: Imported, said: Callable[[float], float] = float) -> str:
    """Why these numbers are not a result, as the end of a sentence; empty where they are one.

    `said` makes a score as people know it of one as it is kept, from 0 on.
    """
    if not (math.isfinite(row.mean) and row.mean >= 0):
        bound = "below 0" if said(0.0) == 0.0 else f"above {said(0.0):g}"
        return f"its score is {said(row.mean):g}, and no score is {bound}"
    if row.std is not None and not (math.isfinite(row.std) and row.std >= 0):
        return f"its standard deviation is {row.std:g}, and none is below 0"
    return "" if row.repeats >= 1 else f"it has {row.repeats} repeats"


def incomparable(row: Imported, epochs: int) -> str:
    """Why a result cannot be compared with those of a study of so many epochs, as `impossible`."""
    return "" if row.epochs == epochs else f"it had up to {row.epochs} epochs, and the study's results have {epochs}"
