"""Rows that occur more than once: what a network has seen in training is no test of it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from pipeline.data.rows import Part
from pipeline.data.tables import Table


def equal_rows(table: Table, part: Part, others: Iterable[Part]) -> int:
    """How many rows of a part have the inputs and targets of a row of the others."""
    used = [*table.columns.inputs, *table.columns.targets]
    of_row = pd.util.hash_pandas_object(table.frame[used], index=False)
    theirs = np.concatenate([each.rows for each in others])
    return int(of_row.loc[part.rows].isin(of_row.loc[theirs]).sum())
