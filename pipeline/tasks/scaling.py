"""The scalers of numbers, inputs and targets alike; scikit-learn's, which workers do without."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

Scaler = Literal["standard", "minmax", "robust", "none"]

SCALERS: Final = {"standard": StandardScaler, "minmax": MinMaxScaler, "robust": RobustScaler}


def widen(scaler: RobustScaler, values: np.ndarray) -> None:
    """Where the quartiles meet (mostly zeros, say), scale by the standard deviation: scikit-learn would not scale."""
    values = np.asarray(values)
    low, high = np.percentile(values, [25, 75], axis=0)
    deviation = values.std(axis=0)
    scaler.scale_ = np.where((low == high) & (deviation > 0), deviation, scaler.scale_)


def affine(values: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Offset and scale of each column of (n, columns): scaled = (value - offset) / scale."""
    if kind == "none":
        return np.zeros(values.shape[1]), np.ones(values.shape[1])
    with np.errstate(over="ignore", invalid="ignore"):
        scaler: Any = SCALERS[kind]().fit(values)
        if kind == "standard":
            return scaler.mean_, scaler.scale_
        if kind == "minmax":
            return scaler.data_min_, scaler.data_range_
        widen(scaler, values)
        return scaler.center_, scaler.scale_
