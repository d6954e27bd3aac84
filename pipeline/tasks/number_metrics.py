"""How good predictions of numbers are: functions of arrays (n,), weighted by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from pipeline.tasks import weighted
from pipeline.tasks.task import Metric, Scores


def objective(outputs: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
    """The weighted mean over the rows of the mean absolute error over the outputs, in float64; lower is better.

    `outputs` and `predicted` are `(n, outputs)`, scaled; not finite where `predicted` is not.
    """
    errors = np.abs(errors_of(outputs, predicted)).mean(axis=1)
    return weighted.mean(errors, weights)


def scores(measured: np.ndarray, predicted: np.ndarray, weights: np.ndarray, names: Sequence[str]) -> Scores:
    """The `METRICS` of each output, in original units and weighted by row: "mae", "rmse", "r2", "percent", "largest".

    "percent" is 100 times the mean absolute error over the mean absolute measurement (weighted MAPE, or MAD/mean ratio:
    Kolassa and Schuetz 2007, Foresight 6), which is defined where single measurements are 0. "r2" is scikit-learn's
    `r2_score`. Where all measurements of an output are equal (or, for "percent", 0), both say what perfect predictions
    have, 1 and 0, or else what useless ones have, 0 and 100. "largest" leaves out rows of weight 0.
    """
    return {
        name: {metric.name: metric.score(truth, said, weights) for metric in METRICS}
        for name, truth, said in pairs(measured, predicted, names)
    }


def pairs(
    measured: np.ndarray, predicted: np.ndarray, names: Sequence[str]
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Each name with its column of the measured and of the predicted values (n, names)."""
    check_shapes(measured, predicted)
    truth, said = (np.asarray(each, dtype=np.float64) for each in (measured, predicted))
    return ((name, truth[:, place], said[:, place]) for place, name in enumerate(names))


def _mae(measured: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
    return weighted.mean(np.abs(predicted - measured), weights)


def _mse(measured: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
    return weighted.mean((predicted - measured) ** 2, weights)


def rmse(measured: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
    """The root of the mean squared error."""
    return float(np.sqrt(_mse(measured, predicted, weights)))


def r2(measured: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
    """The share of the variance that is explained; see `scores` for measurements that are all equal."""
    mse = _mse(measured, predicted, weights)
    variance = weighted.mean((measured - weighted.mean(measured, weights)) ** 2, weights)
    return 1.0 - mse / variance if variance else float(mse == 0.0)


def percent(measured: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
    """100 times the mean absolute error over the mean absolute measurement; see `scores`."""
    mae, size = _mae(measured, predicted, weights), weighted.mean(np.abs(measured), weights)
    return 100.0 * mae / size if size else 100.0 * float(mae != 0.0)


def _largest(measured: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
    return float(np.abs((predicted - measured)[np.asarray(weights) > 0]).max())


METRICS: Final = (
    Metric("mae", "MAE", _mae, low=0.0),
    Metric("rmse", "RMSE", rmse, low=0.0),
    Metric("r2", "R2", r2, "share", high=1.0),
    Metric("percent", "percent error", percent, "percent", low=0.0),
    Metric("largest", "largest error", _largest, low=0.0),
)


def errors_of(measured: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Predicted minus measured values, float64."""
    check_shapes(measured, predicted)
    return np.asarray(predicted, dtype=np.float64) - np.asarray(measured, dtype=np.float64)


def check_shapes(measured: np.ndarray, predicted: np.ndarray) -> None:
    """Raise ValueError for predictions of another shape than the measured values."""
    if measured.shape != predicted.shape:
        # (n, 1) minus (n,) is (n, n) to numpy, and a score of nothing.
        raise ValueError(f"{measured.shape} outputs cannot be compared with {predicted.shape} predictions")
