"""Rows that occur more than once: what a network has seen in training is no test of it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.data.rows import Rows
from pipeline.data.tables import Table


def equal_test_rows(table: Table, rows: Rows) -> int:
    """How many test rows have the inputs and targets of a training or validation row."""
    used = [*table.columns.inputs, *table.columns.targets]
    of_row = pd.util.hash_pandas_object(table.frame[used], index=False)
    others = np.concatenate([rows.train.rows, rows.validation.rows])
    return int(of_row.loc[rows.test.rows].isin(of_row.loc[others]).sum())
