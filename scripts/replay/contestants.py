"""The searches that are compared, each as its users run it: a function of a table, a seed and a budget."""

from __future__ import annotations

import contextlib
import importlib.util
import math
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from pipeline.space import Choice, Integer
from scripts.replay.product import pipeline
from scripts.replay.tables import Draws, Table


@dataclass(frozen=True, slots=True)
class Outcome:
    """The recommendation of a search after its budget of trainings, and the score that it reports."""

    budget: int
    row: int  # of the table
    reported: float
    low: float | None = None  # 95 % interval of the reported score, if the search has one
    high: float | None = None
    trainings: int = 0  # trainings used


@dataclass(slots=True)
class Replay:
    """Trains by looking up; a configuration that is trained again gets its next repeat."""

    table: Table
    seed: int
    draws: Draws
    rows: list[int]
    scores: list[float]

    def train(self, positions: Sequence[int]) -> float:
        """The score of another training at these positions of the grid; a failed one counts as the worst so far."""
        row = self.table.row(positions)
        score = self.table.score(row, self.rows.count(row), self.seed, self.draws)
        if not math.isfinite(score):
            score = max(self.scores, default=1e6)
        self.rows.append(row)
        self.scores.append(score)
        return score

    def best_seen(self, budgets: Sequence[int]) -> list[Outcome]:
        """The lowest score within each budget, as users of a search without repeats would choose."""
        outcomes = []
        for budget in budgets:
            place = int(np.argmin(self.scores[:budget]))
            outcomes.append(Outcome(budget, self.rows[place], self.scores[place], trainings=budget))
        return outcomes


Search = Callable[[Table, int, Sequence[int], Draws], list[Outcome]]


def _replay(table: Table, seed: int, draws: Draws) -> Replay:
    return Replay(table, seed, draws, [], [])


def random(table: Table, seed: int, budgets: Sequence[int], draws: Draws) -> list[Outcome]:
    """Every training is a random configuration."""
    replay, rng = _replay(table, seed, draws), np.random.default_rng(seed)
    for _ in range(max(budgets)):
        replay.train([int(rng.integers(len(values))) for values in table.values])
    return replay.best_seen(budgets)


def gp_minimize(table: Table, seed: int, budgets: Sequence[int], draws: Draws) -> list[Outcome]:
    """scikit-optimize's gp_minimize with its defaults."""
    import skopt

    replay = _replay(table, seed, draws)
    dimensions = [
        skopt.space.Integer(0, each.domain.high)
        if isinstance(each.domain, Integer)
        else skopt.space.Categorical(list(range(each.domain.size or 1)))
        for each in table.space.parameters
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        skopt.gp_minimize(replay.train, dimensions, n_calls=max(budgets), random_state=seed)
    return replay.best_seen(budgets)


def _optuna(sampler: Callable[[int], Any], table: Table, seed: int, budgets: Sequence[int], draws: Draws) -> Replay:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    replay = _replay(table, seed, draws)

    def objective(trial: Any) -> float:
        return replay.train(
            [
                trial.suggest_int(each.name, 0, each.domain.high)
                if isinstance(each.domain, Integer)
                else trial.suggest_categorical(each.name, list(range(each.domain.size or 1)))
                for each in table.space.parameters
            ]
        )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        optuna.create_study(sampler=sampler(seed)).optimize(objective, n_trials=max(budgets))
    return replay


def tpe(table: Table, seed: int, budgets: Sequence[int], draws: Draws) -> list[Outcome]:
    """Optuna's TPE with its defaults."""
    import optuna

    return _optuna(lambda seed: optuna.samplers.TPESampler(seed=seed), table, seed, budgets, draws).best_seen(budgets)


def gp_sampler(table: Table, seed: int, budgets: Sequence[int], draws: Draws) -> list[Outcome]:
    """Optuna's GPSampler with its defaults."""
    import optuna

    return _optuna(lambda seed: optuna.samplers.GPSampler(seed=seed), table, seed, budgets, draws).best_seen(budgets)


def smac(table: Table, seed: int, budgets: Sequence[int], draws: Draws) -> list[Outcome]:
    """SMAC3's facade for hyperparameters, which retrains its incumbents with other seeds; one run for each budget."""
    import logging

    from ConfigSpace import Categorical, ConfigurationSpace
    from ConfigSpace import Integer as Whole
    from smac import HyperparameterOptimizationFacade, Scenario

    outcomes = []
    for budget in budgets:
        replay = _replay(table, seed, draws)
        space = ConfigurationSpace(seed=seed)
        for each in table.space.parameters:
            size = each.domain.size or 1
            free = isinstance(each.domain, Choice) or size == 1
            space.add(Categorical(each.name, list(range(size))) if free else Whole(each.name, (0, size - 1)))

        def objective(configuration: Any, seed: int = 0, *, replay: Replay = replay) -> float:  # noqa: ARG001 the signature of SMAC
            return replay.train([int(configuration[name]) for name in replay.table.names])

        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scenario = Scenario(space, n_trials=budget, seed=seed, output_directory=Path(folder))
            facade = HyperparameterOptimizationFacade(scenario, objective, overwrite=True, logging_level=logging.ERROR)
            best: Any = facade.optimize()
            best = best[0] if isinstance(best, list) else best
            row = table.row([int(best[name]) for name in table.names])
            reported = float(facade.runhistory.get_cost(best))
        outcomes.append(Outcome(budget, row, reported, trainings=len(replay.rows)))
    return outcomes


def _product(**settings: Any) -> Search:
    def search(table: Table, seed: int, budgets: Sequence[int], draws: Draws) -> list[Outcome]:
        return [Outcome(*pipeline(table, seed, budget, draws, settings)) for budget in budgets]

    return search


METHODS: Final[Mapping[str, Search]] = {
    "pipeline": _product(),  # the defaults of a study with a budget of trainings, including `repeats = 1`
    "pipeline_2": _product(repeats=2),
    "pipeline_4": _product(repeats=4),
    "pipeline_single": _product(elite=1),  # one proposal at a time, which keeps one worker busy
    "pipeline_batches": _product(repeats=2, max_repeats=4, elite=3),  # the defaults of a study without such a budget
    "random": random,
    "tpe": tpe,
    "gp_sampler": gp_sampler,
    "gp_minimize": gp_minimize,
    "smac": smac,
}
ANYTIME: Final = {"random", "tpe", "gp_sampler", "gp_minimize"}  # a run of 200 trainings begins with one of 100
NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "tpe": ("optuna",),
    "gp_sampler": ("optuna", "torch"),
    "smac": ("smac",),
}


def missing(method: str) -> tuple[str, ...]:
    """The missing libraries of a method."""
    return tuple(each for each in NEEDS.get(method, ()) if importlib.util.find_spec(each) is None)


@dataclass(frozen=True, slots=True)
class Task:
    """One replay, done by one process."""

    method: str
    table: Table
    seed: int
    budgets: tuple[int, ...]
    draws: Draws


@dataclass(frozen=True, slots=True)
class Run:
    """The recommendation of one search on one table with one budget, evaluated with the table."""

    method: str
    table: str
    seed: int
    budget: int
    draws: Draws
    regret: float
    optimism: float  # how much better the reported score is than the true mean, relative to the median's regret
    covered: bool | None  # the true mean lies in the reported interval; None without one
    trainings: int
    seconds: float  # of the whole replay, shared by its budgets


def answer(task: Task) -> list[Run]:
    """Replay one search; its runs, one for each budget."""
    from threadpoolctl import threadpool_limits

    began = time.perf_counter()
    with threadpool_limits(1), contextlib.ExitStack():
        outcomes = METHODS[task.method](task.table, task.seed, task.budgets, task.draws)
    seconds = time.perf_counter() - began
    runs = []
    for each in outcomes:
        truth = float(task.table.truth[each.row])
        covered = None if each.low is None or each.high is None else each.low <= truth <= each.high
        runs.append(
            Run(
                task.method, task.table.name, task.seed, each.budget, task.draws, task.table.regret(each.row),
                (truth - each.reported) / task.table.scale, covered, each.trainings, seconds,
            )
        )  # fmt: skip
    return runs
