"""The words of this room: what a task is, what the training rows teach it, and what a metric is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np

from pipeline.errors import UserError
from pipeline.tasks.asked import Asked

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


@dataclass(frozen=True, slots=True)
class Measure:
    """What ranks configurations, where a user asks for another objective than the task's own.

    Kept is a number from 0 on, lower is better, so that one search serves all of them. Some are known to people the
    other way round: accuracy is kept as 1 - accuracy, and shown as accuracy.
    """

    name: str  # as --objective names it
    header: str  # in headers and on axes
    about: str  # in a sentence
    error: Callable[[Any, np.ndarray, np.ndarray, np.ndarray], float]
    """How wrong predictions are, of the target, the measured values (n, columns), predictions in units (n, predicted)
    and the rows' weights (n,); from 0 on, not finite where a prediction is not."""
    higher: bool = False  # people know it as 1 minus the error, and higher is better
    high: float = math.inf  # the largest error that is possible
    watched: Literal["", "mae", "rmse"] = ""  # what early stopping looks at; "" for what the loss calls for
    constant: str = ""  # what predicts best without inputs, where that is not what the task says,
    constantly: str = ""  # and what it does


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
    optional: tuple[Metric, ...] = ()  # that some columns have, by what was asked: names and headers alone count
    measures: Mapping[str, Measure] = field(default_factory=dict)  # what --objective may name, the usual one first
    measure: Measure | None = None  # what it is judged by, where that is not the objective of the target
    check_rows: Callable[[Columns, Sequence[str]], None] | None = None
    """UserError for whole target columns that an option cannot take, naming rows by where they stand."""
    chances: bool = False
    """True if the units of its one column are probabilities of the labels, and measured are positions of these: then
    probabilities can be calibrated, and classes decided by costs."""
    asked: Callable[[Asked], Task] | None = None
    """The task with the options of a user; UserError for those that it does not have. None: it takes none of them."""

    @property
    def higher(self) -> bool:
        """True if people know the objective as 1 minus it, and higher is better."""
        return self.measure is not None and self.measure.higher

    @property
    def kept(self) -> str:
        """What is kept, lower is better: the objective itself, or 1 - accuracy, say."""
        return f"1 - {self.objective}" if self.higher else self.objective

    def shown(self, value: float) -> float:
        """A value of the objective as people know it, and the way back."""
        return 1.0 - value if self.higher else value

    def shown_bounds(
        self, mean: float, low: float | None, high: float | None
    ) -> tuple[float, float | None, float | None]:
        """A mean of the objective with the ends of its interval, as people know them: the lower end first."""
        if not self.higher:
            return mean, low, high
        return 1.0 - mean, None if high is None else 1.0 - high, None if low is None else 1.0 - low

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest value that the objective can have, as people know it."""
        high = self.measure.high if self.measure else math.inf
        return (1.0 - high, 1.0) if self.higher else (0.0, high)

    def judged_by(self, measure: Measure) -> Task:
        """The same task, judged by one of its measures."""
        return replace(
            self,
            measure=measure,
            objective=measure.header,
            about=measure.about,
            constant=measure.constant or self.constant,
            constantly=measure.constantly or self.constantly,
        )

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
        values = {metric.name: metric.score(truth, said, weights) for metric in metrics_of(target, name)}
        own = {metric.name: _called(metric, truth, said, weights) for metric in further}
        found[name] = {**values, **{metric: value for metric, value in own.items() if math.isfinite(value)}}
    together = getattr(target, "together", None)
    return {**found, **together(measured, units, weights)} if together else found


def metrics_of(target: Target, name: str) -> Sequence[Metric]:
    """The metrics of one of its columns: those of the task, unless the target says which of them the column has."""
    own = getattr(target, "metrics_of", None)
    found: Sequence[Metric] = own(name) if own else target.task.metrics
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
