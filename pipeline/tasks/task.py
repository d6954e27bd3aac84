"""The words of this room: what a task is, what the training rows teach it, and what a metric is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from pipeline.errors import UserError

Scaler = Literal["standard", "minmax", "robust", "none"]
InputScaler = Literal["standard", "minmax", "robust", "quantile", "none"]
"""*quantile* is not linear, so errors of a target would have no units: it is for inputs alone."""

Columns = Mapping[str, np.ndarray]
"""The target columns of some rows: float64 (n,) for numbers, objects (n,) for the texts of classes."""

Scores = dict[str, dict[str, float]]
"""Column that is predicted -> metric -> value, all of them finite."""


@dataclass(frozen=True, slots=True)
class Metric:
    """How good predictions of one column are, as a number that people read; it decides nothing."""

    name: str  # in the journal
    header: str  # in tables
    score: Callable[[np.ndarray, np.ndarray, np.ndarray], float]
    """Of the truth (n,), what was predicted and the rows' weights (n,); always finite.

    For numbers the truth and the predictions (n,) are in original units. For classes the truth are positions, and the
    predictions (n, classes) probabilities.
    """
    look: Literal["", "share", "percent"] = ""  # how a spreadsheet shows it: a share of 1, a percentage, or as it comes
    low: float = -math.inf  # the values that it can have, beyond which no interval of it is shown
    high: float = math.inf


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
    def labels(self) -> tuple[str, ...]:
        """The classes that are told apart, in the order of their probabilities; none where numbers are predicted."""
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

    def constant(self, measured: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """The outputs (1, outputs) of the best prediction that knows the training rows' outputs and no input.

        Best is the one with the least objective by the weights (n,) of the rows, with which they train.
        """
        ...

    def objective(self, scaled: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
        """How wrong predictions (n, outputs) are, from 0, lower is better; not finite where one of them is not."""
        ...

    def pairs(self, measured: np.ndarray, units: np.ndarray) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """For each column its name, the truth and what was predicted, as a `Metric` takes them."""
        ...

    def row_errors(self, measured: np.ndarray, units: np.ndarray) -> np.ndarray:
        """How wrong each row is (n,), from 0: what the objective is the mean of, rounding aside."""
        ...

    def table(self, units: np.ndarray) -> dict[str, np.ndarray]:
        """The columns of a table of predictions, from those of several networks (networks, n, predicted)."""
        ...

    def describe(self) -> dict[str, Any]:
        """Everything of it in JSON's types, the task's name as "task"; the task's `restore` gives back an equal one."""
        ...


@dataclass(frozen=True, slots=True)
class Task:
    """A kind of prediction. Its objective is a number from 0 on, and lower is always better.

    Everything that depends on the task is said here, in a `Target` and in the module `report`: no other module asks
    which task a study has.
    """

    name: str  # as --task names it: of `registry.TASKS`, or `module:object` of the user's
    takes: str  # which targets `--task auto` takes for it, in words
    targets: Literal["numbers", "texts"]  # what its target columns hold
    objective: str  # in headers and on axes
    about: str  # the objective, in a sentence
    metrics: tuple[Metric, ...]  # the first one stands beside every training
    constant: str  # what predicts without inputs,
    constantly: str  # and what it does
    predicts: str  # what saved models predict, in words
    stratified: bool  # the parts of a split have classes in equal shares
    losses: tuple[str, ...]  # that a training may have, of `training.losses.LOSSES`
    weightings: tuple[str, ...]  # what `weigh` knows
    report: str  # module of what the page says of this task alone: a `report.tasks.TaskReport`
    accepts: Callable[[Sequence[str]], str | None]
    """Why these kinds of target columns are this task's, "" where that goes without saying; None where they are not."""
    check: Callable[[Columns], None]  # UserError for whole target columns that cannot be predicted
    loss: Callable[[str, Columns], str]  # the loss that a setting means; UserError for one of another task
    fit: Callable[[Columns, np.ndarray, str, str], Target]  # training rows, their weights, scaler, loss
    weigh: Callable[[np.ndarray, np.ndarray, str], np.ndarray]  # measured, weights of training rows -> weights
    restore: Callable[[Mapping[str, Any]], Target]  # what `describe` gave; ValueError for anything else
    pictures: tuple[str, ...] = ()  # of other tasks' figures, those that fit this one too
    otherwise: str = ""  # ends the error about a text among numbers
    doubt: Callable[[Columns], str] = lambda _: ""
    """Which other task could take these targets, and by which option, where nobody named the task; "" for no doubt."""
    unsaid: bool = False  # the only task once: what is stored says nothing of it

    def facts(self, class_weights: str) -> dict[str, str]:
        """What a fingerprint says of the task."""
        return {} if self.unsaid else {"task": self.name, "class_weights": class_weights}


def scores(
    target: Target, measured: np.ndarray, units: np.ndarray, weights: np.ndarray, further: Sequence[Metric] = ()
) -> Scores:
    """Score predictions with the metrics of the target's task, and then with further ones of the user's own.

    Args:
        target: The target that the predictions are of.
        measured: The measured values (n, columns), as `Target.measured` gives them.
        units: The predictions in units (n, predicted).
        weights: The weights of the rows (n,).
        further: The user's own metrics. One that is not finite is left out, because a metric decides nothing.

    Returns:
        Name of a column -> name of a metric -> value.

    Raises:
        UserError: A further metric raised an error.
    """
    found = {}
    for name, truth, said in target.pairs(measured, units):
        values = {metric.name: metric.score(truth, said, weights) for metric in target.task.metrics}
        own = {metric.name: _called(metric, truth, said, weights) for metric in further}
        found[name] = {**values, **{metric: value for metric, value in own.items() if math.isfinite(value)}}
    return found


def _called(metric: Metric, truth: np.ndarray, said: np.ndarray, weights: np.ndarray) -> float:
    try:
        return float(metric.score(truth, said, weights))
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"The metric {metric.name} raised {type(error).__name__}",
            expected="a number, of the truth, the predictions and the weights of the rows",
            got=str(error)[:500],
        ) from error


def spread(units: np.ndarray) -> np.ndarray:
    """The sample standard deviation over the first axis, NaN where there is one alone."""
    found: np.ndarray = units.std(axis=0, ddof=1) if len(units) > 1 else np.full(units.shape[1:], np.nan)
    return found
