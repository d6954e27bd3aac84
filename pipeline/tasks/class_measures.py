"""The measures of predicted classes: what `probabilities` computes, as errors from 0 on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from pipeline.tasks import probabilities
from pipeline.tasks.task import Measure, Metric

USUAL: Final = "log-loss"


def _of(score: Callable[[np.ndarray, np.ndarray, np.ndarray], float], *, higher: bool) -> Callable[..., float]:
    def error(_target: Any, measured: np.ndarray, units: np.ndarray, weights: np.ndarray) -> float:
        found = score(np.asarray(measured)[:, 0].astype(int), units, weights)
        return 1.0 - found if higher else found

    return error


def _share(metric: Metric) -> Measure:
    name, error = metric.name.replace("_", "-"), _of(metric.score, higher=True)
    return Measure(name, metric.header, metric.header, error, higher=True, high=1.0)


_METRICS: Final = {metric.name: metric for metric in probabilities.METRICS}


MEASURES: Final[Mapping[str, Measure]] = {
    each.name: each
    for each in (
        Measure(USUAL, "log loss", "log loss", _of(probabilities.log_loss, higher=False)),
        *(_share(_METRICS[name]) for name in ("accuracy", "balanced_accuracy", "roc_auc", "macro_f1")),
        Measure("brier", "Brier score", "Brier score", _of(probabilities.brier, higher=False), high=2.0),
    )
}
"""Training and early stopping look at the log loss, whichever of them counts."""
