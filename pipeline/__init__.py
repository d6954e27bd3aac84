"""A two-stage, parallel hyperparameter search for neural networks on tables, whose results can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.bundle import TopModels

__all__ = ["load_top_models"]


def load_top_models(study: str | Path, count: int = 3, model: str = "") -> TopModels:
    """Reload the `count` best saved configurations of a study folder, all their repeats, as one predictor.

    `model` names the function that makes the networks, `module:function`, where it is one of yours.
    """
    from pipeline.bundle import load_top_models as load  # deferred: the package itself imports at once

    return load(study, count, model)
