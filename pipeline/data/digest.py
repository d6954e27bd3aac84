"""The hash of a table's cells, the same from every format that a table can have."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pandas as pd


def digest_of(frame: pd.DataFrame) -> str:
    """The SHA-256 of the columns' names and of their cells: float64, or texts."""
    digest = hashlib.sha256()
    for name in frame.columns:
        values = frame[name].to_numpy()
        if values.dtype.kind == "f":
            # The same NaN everywhere: readers and platforms differ in its sign and payload.
            content = np.where(np.isnan(values), np.nan, values).astype("<f8").tobytes()
        else:
            content = json.dumps([str(value) for value in values]).encode()
        digest.update(json.dumps([name, values.dtype.kind == "f", len(content)]).encode())
        digest.update(content)
    return digest.hexdigest()
