"""The scalers of numbers, inputs and targets alike; scikit-learn's, which workers do without."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

SCALERS: Final = {"standard": StandardScaler, "minmax": MinMaxScaler, "robust": RobustScaler}


def widen(scaler: RobustScaler, values: np.ndarray) -> None:
    """Where the quartiles meet (mostly zeros, say), scale by the standard deviation: scikit-learn would not scale."""
    values = np.asarray(values)
    low, high = np.percentile(values, [25, 75], axis=0)
    deviation = values.std(axis=0)
    scaler.scale_ = np.where((low == high) & (deviation > 0), deviation, scaler.scale_)


def pool(scaler: Any) -> None:
    """One scale for all pixels: one of its own for each would blow up those at the edges, which are nearly constant."""
    if isinstance(scaler, StandardScaler):
        variance = float(np.mean(scaler.var_) + np.var(scaler.mean_))
        scaler.mean_ = np.full_like(scaler.mean_, np.mean(scaler.mean_))
        scaler.var_ = np.full_like(scaler.var_, variance)
        scaler.scale_ = np.full_like(scaler.scale_, np.sqrt(variance) or 1.0)
    elif isinstance(scaler, MinMaxScaler):
        ends = (scaler.data_min_.min(), scaler.data_max_.max())
        scaler.fit(np.repeat(np.reshape(ends, (2, 1)), len(scaler.data_min_), axis=1))
    else:
        scaler.center_ = np.full_like(scaler.center_, np.median(scaler.center_))
        scaler.scale_ = np.full_like(scaler.scale_, np.median(scaler.scale_))


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
