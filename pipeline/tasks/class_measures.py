"""The measures of predicted classes: what `probabilities` computes, as errors from 0 on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from pipeline.tasks import probabilities
from pipeline.tasks.task import Measure

USUAL: Final = "log-loss"


def _of(score: Callable[[np.ndarray, np.ndarray, np.ndarray], float], *, higher: bool) -> Callable[..., float]:
    def error(_target: Any, measured: np.ndarray, units: np.ndarray, weights: np.ndarray) -> float:
        if not np.all(np.isfinite(units)):
            return float("nan")
        found = score(np.asarray(measured)[:, 0].astype(int), units, weights)
        return 1.0 - found if higher else found

    return error


def _share(name: str, header: str, score: Callable[[np.ndarray, np.ndarray, np.ndarray], float]) -> Measure:
    return Measure(name, header, header, _of(score, higher=True), higher=True, high=1.0)


MEASURES: Final[Mapping[str, Measure]] = {
    each.name: each
    for each in (
        Measure(USUAL, "log loss", "log loss", _of(probabilities.log_loss, higher=False)),
        _share("accuracy", "accuracy", probabilities.accuracy),
        _share("balanced-accuracy", "balanced accuracy", probabilities.balanced_accuracy),
        _share("roc-auc", "ROC AUC", probabilities.roc_auc),
        _share("macro-f1", "macro F1", probabilities.macro_f1),
        Measure("brier", "Brier score", "Brier score", _of(probabilities.brier, higher=False), high=2.0),
    )
}
"""Training and early stopping look at the log loss, whichever of them counts."""
