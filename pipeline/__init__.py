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
    """Find the best configuration of a study, and those that are not significantly worse.

    Configurations are compared in pairs, seed by seed, with a moderated t-test at 5 %, corrected for the number of
    comparisons (Holm). The default network is not among them, nor are imported results, which have no models here.

    Args:
        study: Folder of the study.

    Returns:
        The group: its `members` are summaries, best first; `smallest` is the member with the fewest weights and
        `fastest` the one with the shortest training, in seconds. A group without members if the best configuration
        failed or was trained only once.

    Raises:
        UserError: The folder is not a study.
        DamagedFile: The journal or `study.json` was altered.

    Example:
        >>> group = best_group("results/housing")
        >>> group.members[0].configuration["learning_rate"], group.members[0].mean
        (0.0107, 0.2811)
    """
    from pathlib import Path

    from pipeline.ledger.known import open_study  # deferred: importing the package has to be quick

    return open_study(Path(study)).group


def load_top_models(study: str | Path, count: int = 3, model: str = "", task: str = "") -> TopModels:
    """Reload the best saved configurations of a study, with all their repeats, as one predictor.

    Every file is checked before it is used, and nothing in the folder is executed.

    Args:
        study: Folder of the study.
        count: Number of configurations, at least 1; fewer are loaded if the study has fewer.
        model: The function that builds the networks, as `module:function`, if it is your own. It is imported.
            A study folder alone never leads to an import.
        task: The task, as `module:object`, if it is your own. It is imported.

    Returns:
        The predictor, in original units. Its `configurations` are sorted from best to worst. Of classes, `about` says
        how they are decided and whether probabilities are calibrated.

    Raises:
        UserError: The folder is not a study or has no saved models, `count` is below 1, or the study needs your
            own function or task and `model` or `task` does not name it.
        DamagedFile: A file is not what was saved.

    Example:
        >>> top = load_top_models("results/housing", 3)
        >>> top.predict(pandas.read_csv("new.csv"))
               price  price spread
        0  231455.10       3120.75
        1  187702.33       2214.08
    """
    from pipeline.saved_models import load_top_models as load  # deferred: importing the package has to be quick

    return load(study, count, model, task)


def load_ensemble(study: str | Path, name: str = "greedy", model: str = "", task: str = "") -> TopModels:
    """Reload an ensemble of a study as one predictor.

    Args:
        study: Folder of the study.
        name: `greedy`, the networks that were selected on the validation rows, some of them counted several times; or
            `mean`, all networks of the best configurations, each counted once.
        model: The function that builds the networks, as `module:function`, if it is your own. It is imported.
            A study folder alone never leads to an import.
        task: The task, as `module:object`, if it is your own. It is imported.

    Returns:
        The predictor, in original units, which gives the same numbers that were scored at the end of the run; for
        classes these probabilities are calibrated if the study has a calibration for them (see `about`).

    Raises:
        UserError: The folder is not a study, it has no ensemble of that name, or the study needs your own
            function or task and `model` or `task` does not name it.
        DamagedFile: The ensemble or one of its members is not what was saved.

    Example:
        >>> ensemble = load_ensemble("results/housing", "greedy")
        >>> ensemble.predict(pandas.read_csv("new.csv"))["price"]
        0    231102.87
        1    187954.60
        Name: price, dtype: float64
    """
    from pipeline.saved_models.ensembles import load_ensemble as load  # deferred: importing the package has to be quick

    return load(study, name, model, task)


def pareto_front(study: str | Path, cost: str = "weights") -> tuple[Summary, ...]:
    """Find the configurations to which no other is superior at the same or a lower cost (the Pareto front).

    Args:
        study: Folder of the study.
        cost: `weights`, the number of trainable numbers; or `seconds`, the mean wall time of a training.

    Returns:
        Summaries, from the best and most expensive to the worst and cheapest. The default network is not among them.

    Raises:
        UserError: The folder is not a study, or there is no such cost.
        DamagedFile: The journal or `study.json` was altered.

    Example:
        >>> [(each.weights, round(each.mean, 3)) for each in pareto_front("results/housing")]
        [(9473, 0.281), (2241, 0.285), (321, 0.302)]
    """
    from pathlib import Path

    from pipeline.ledger.known import open_study  # deferred: importing the package has to be quick

    return open_study(Path(study)).front(cost)
