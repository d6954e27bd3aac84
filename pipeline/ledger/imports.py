"""Which results from elsewhere may stand beside those of a study, whichever ledger they come from."""

from __future__ import annotations

import math

from pipeline.trial import Imported


def impossible(row: Imported) -> str:
    """Why these numbers are not a result, as the end of a sentence; empty where they are one."""
    if not (math.isfinite(row.mean) and row.mean >= 0):
        return f"its score is {row.mean:g}, and no score is below 0"
    if row.std is not None and not (math.isfinite(row.std) and row.std >= 0):
        return f"its standard deviation is {row.std:g}, and none is below 0"
    return "" if row.repeats >= 1 else f"it has {row.repeats} repeats"


def incomparable(row: Imported, epochs: int) -> str:
    """Why a result cannot be compared with those of a study of so many epochs, as `impossible`."""
    return "" if row.epochs == epochs else f"it had up to {row.epochs} epochs, and the study's results have {epochs}"
