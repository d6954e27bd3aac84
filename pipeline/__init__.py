"""A two-stage, parallel hyperparameter search for neural networks on tables, whose results can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.ranking.group import Group
    from pipeline.saved_models import TopModels
    from pipeline.trial import Summary

__all__ = ["best_group", "load_ensemble", "load_top_models", "pareto_front"]


def best_group(study: str | Path) -> Group:
    """The best configuration of a study folder, and those that cannot be told apart from it, best first."""
    from pathlib import Path

    from pipeline.ledger.known import open_study  # deferred: the package itself imports at once

    return open_study(Path(study)).group


def load_top_models(study: str | Path, count: int = 3, model: str = "", task: str = "") -> TopModels:
    """Reload the `count` best saved configurations of a study folder, all their repeats, as one predictor.

    `model` names the function that makes the networks, `module:function`, where it is one of yours, and `task` the
    task, `module:object`.
    """
    from pipeline.saved_models import load_top_models as load  # deferred: the package itself imports at once

    return load(study, count, model, task)


def load_ensemble(study: str | Path, name: str = "greedy", model: str = "", task: str = "") -> TopModels:
    """Reload an ensemble of a study folder, `greedy` or `mean`, as one predictor.

    `model` names the function that makes the networks, `module:function`, where it is one of yours, and `task` the
    task, `module:object`.
    """
    from pipeline.saved_models.ensembles import load_ensemble as load  # deferred: the package itself imports at once

    return load(study, name, model, task)


def pareto_front(study: str | Path, cost: str = "weights") -> tuple[Summary, ...]:
    """The configurations of a study folder of which every better one costs more `weights`, or `seconds`, best first."""
    from pathlib import Path

    from pipeline.ledger.known import open_study  # deferred: the package itself imports at once

    return open_study(Path(study)).front(cost)
