"""The tasks: each module of this room knows what a kind of study predicts, how that is encoded, and how good it is.

What a module offers is its `TASK`, a value of `Task`; what the training rows teach it is a `Target`. Workers import
this room, so it needs nothing but numpy; what a target needs to be fitted with is imported there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, Protocol

import numpy as np

TASKS: Final = ("regression", "classification")

Columns = Mapping[str, np.ndarray]
"""The target columns of some rows: float64 (n,) for numbers, objects (n,) for the texts of classes."""

Scores = dict[str, dict[str, float]]
"""Column that is predicted -> metric -> value, all of them finite."""


class Target(Protocol):
    """What the training rows taught about the outputs; a frozen value, stored as JSON by `describe`.

    Three ways to write the same thing: *measured* (n, columns) float64, what the table says; *scaled* (n, outputs),
    what a network should give and gives; *units* (n, predicted) float64, what people are told. The k columns of units
    are values in original units for numbers, and a probability for each class.
    """

    @property
    def task(self) -> Task:
        """The task whose target this is."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that are predicted, at least one."""
        ...

    @property
    def outputs(self) -> int:
        """How many numbers a network gives for a row."""
        ...

    @property
    def words(self) -> str:
        """What is predicted, in a line for people."""
        ...

    def measured(self, columns: Columns) -> np.ndarray:
        """The columns as numbers (n, columns); UserError for what the training rows never had."""
        ...

    def to_scaled(self, measured: np.ndarray) -> np.ndarray:
        """What a perfect network gives for measured values (n, columns): float64 (n, outputs)."""
        ...

    def to_units(self, scaled: np.ndarray) -> np.ndarray:
        """What people are told of a network's outputs (..., outputs): float64 (..., predicted)."""
        ...

    def of_units(self, units: np.ndarray) -> np.ndarray:
        """What a network gives (..., outputs) that people are told this of: the way back from `to_units`."""
        ...

    def constant(self, measured: np.ndarray) -> np.ndarray:
        """The outputs (1, outputs) of the best prediction that knows the training rows' outputs and no input."""
        ...

    def objective(self, scaled: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
        """How wrong predictions (n, outputs) are, from 0, lower is better; not finite where one of them is not."""
        ...

    def scores(self, measured: np.ndarray, units: np.ndarray, weights: np.ndarray) -> Scores:
        """The metrics of the task, weighted by row, of predictions in units (n, predicted)."""
        ...

    def row_errors(self, measured: np.ndarray, units: np.ndarray) -> np.ndarray:
        """How wrong each row is (n,), from 0: what the objective is the mean of, rounding aside."""
        ...

    def table(self, units: np.ndarray) -> dict[str, np.ndarray]:
        """The columns of a table of predictions, from those of several networks (networks, n, predicted)."""
        ...

    def describe(self) -> dict[str, Any]:
        """Everything of it in JSON's types; the task's `restore` gives back an equal one."""
        ...


@dataclass(frozen=True, slots=True)
class Task:
    """A kind of prediction. Its objective is a number from 0 on, and lower is always better."""

    name: str  # one of `TASKS`
    objective: str  # in headers and on axes
    about: str  # the objective, in a sentence
    metrics: Mapping[str, str]  # of `Target.scores`, each with its header; the first one stands beside every training
    constant: str  # what predicts without inputs,
    constantly: str  # and what it does
    stratified: bool  # the parts of a split have classes in equal shares
    pictures: tuple[str, ...]  # of `report.figures`, besides those that every study has
    weightings: tuple[str, ...]  # what `weigh` knows
    loss: Callable[[str, Columns], str]  # the loss that a setting means; UserError for one of another task
    fit: Callable[[Columns, np.ndarray, str, str], Target]  # training rows, their weights, scaler, loss
    weigh: Callable[[np.ndarray, np.ndarray, str], np.ndarray]  # measured, weights of training rows -> weights
    restore: Callable[[Mapping[str, Any]], Target]  # what `describe` gave; ValueError for anything else


def load(name: str) -> Task:
    """The task of that name, one of `TASKS`."""
    task = import_module(f"pipeline.tasks.{TASKS[TASKS.index(name)]}").TASK
    assert isinstance(task, Task)
    return task


def restore(about: Mapping[str, Any]) -> Target:
    """The target that `describe` took apart; ValueError, KeyError or TypeError for what it never writes."""
    given = dict(about)
    name = given.pop("task", "regression")  # which says nothing of itself, for it was the only one once
    if not isinstance(name, str):
        raise ValueError("its task is no name")  # noqa: TRY004 - one kind of error for all damage
    return load(name).restore(given)


def spread(units: np.ndarray) -> np.ndarray:
    """The sample standard deviation over the first axis, NaN where there is one alone."""
    found: np.ndarray = units.std(axis=0, ddof=1) if len(units) > 1 else np.full(units.shape[1:], np.nan)
    return found
