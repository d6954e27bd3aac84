"""The measures of predicted numbers, and the metrics of what a user asks of an output: a transform, a tolerance.

Several outputs have the mean of their errors, by the weights of the targets. Errors count on the scale of the study:
see `Quantities.judged`; percentages and tolerances are always of original units.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final

import numpy as np

from pipeline.tasks import weighted
from pipeline.tasks.number_metrics import METRICS, check_shapes, percent, r2, rmse
from pipeline.tasks.task import Measure, Metric
from pipeline.tasks.tolerance import Tolerance
from pipeline.tasks.transforms import KINDS, Transform

USUAL: Final = "mae"  # the objective where nothing else is asked for
WITHIN: Final = "within"  # the metric of a tolerance
TOGETHER: Final = "all outputs"  # the name under which several outputs are scored together


@cache
def of_transform(transform: Transform) -> tuple[Metric, ...]:
    """The metrics on a transformed scale; none without a transform."""
    if transform.kind == "none":
        return ()

    def there(metric: Metric) -> Metric:
        def score(measured: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
            return metric.score(transform.forward(measured), transform.forward(predicted), weights)

        return replace(
            metric, name=f"{metric.name}_{transform.kind}", header=f"{metric.header} {transform.words}", score=score
        )

    return tuple(there(metric) for metric in METRICS if metric.name in ("mae", "rmse", "r2"))


@cache
def share_within(tolerance: Tolerance) -> Metric:
    """The share of the rows in which an output is within its tolerance."""

    def score(measured: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
        return weighted.mean(tolerance.within(measured, predicted), weights)

    return Metric(WITHIN, "within tolerance", score, "share", low=0.0, high=1.0)


OPTIONAL: Final = (
    *(metric for kind in KINDS for metric in of_transform(Transform(kind))),
    share_within(Tolerance()),
)


# ------------------------------------------------------------------------------------------------------------- measures


def _mean_absolute(target: Any, measured: np.ndarray, units: np.ndarray, weights: np.ndarray) -> float:
    check_shapes(measured, units)
    return weighted.mean(target.row_errors(measured, units), weights)


def _over_outputs(score: Callable[[np.ndarray, np.ndarray, np.ndarray], float]) -> Callable[..., float]:
    """The mean over the outputs of a metric on the scale on which errors count."""

    def error(target: Any, measured: np.ndarray, units: np.ndarray, weights: np.ndarray) -> float:
        check_shapes(measured, units)
        truth, said = target.judged(measured), target.judged(units)
        return float(target.over_outputs([score(truth[:, at], said[:, at], weights) for at in range(truth.shape[1])]))

    return error


def _percent_error(target: Any, measured: np.ndarray, units: np.ndarray, weights: np.ndarray) -> float:
    check_shapes(measured, units)
    each = [percent(measured[:, at], units[:, at], weights) for at in range(measured.shape[1])]
    return float(target.over_outputs(each))


def _not_within(target: Any, measured: np.ndarray, units: np.ndarray, weights: np.ndarray) -> float:
    check_shapes(measured, units)
    found = target.within(measured, units)
    assert found is not None  # `regression.wanted` refuses the measure without tolerances
    return 1.0 - weighted.mean(found, weights)


_CANDIDATES: Final = 1000  # rows whose values are tried as the constant of most rows


def most_within(target: Any, measured: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The values (outputs,) of the row that most rows are within tolerance of; of many rows, evenly spaced ones."""
    places = np.unique(np.linspace(0, len(measured) - 1, min(_CANDIDATES, len(measured))).astype(int))
    errors = [_not_within(target, measured, np.broadcast_to(measured[at], measured.shape), weights) for at in places]
    return np.asarray(measured[places[int(np.argmin(errors))]])


_HEADERS: Final = {metric.name: metric.header for metric in METRICS}
_MEAN: Final = {"constant": "mean", "constantly": "predicting the mean of the training rows"}


def _on_scaled(name: str, header: str, error: Callable[..., float], **further: Any) -> Measure:
    return Measure(name, header, f"{header} on scaled outputs", error, **further)


MEASURES: Final[Mapping[str, Measure]] = {
    each.name: each
    for each in (
        _on_scaled(USUAL, _HEADERS["mae"], _mean_absolute),
        _on_scaled("rmse", _HEADERS["rmse"], _over_outputs(rmse), watched="rmse", **_MEAN),
        Measure(
            "r2",
            _HEADERS["r2"],
            _HEADERS["r2"],
            _over_outputs(lambda *part: 1.0 - r2(*part)),
            higher=True,
            watched="rmse",
            constant=_MEAN["constant"],
            constantly=_MEAN["constantly"],
        ),
        Measure("percent-error", _HEADERS["percent"], _HEADERS["percent"], _percent_error),
        Measure(
            "within-tolerance",
            "share within tolerance",
            "share of rows within tolerance",
            _not_within,
            higher=True,
            high=1.0,
            watched="rmse",
            constant="constant",
            constantly="predicting the values of the training row that most others are within tolerance of",
        ),
    )
}
