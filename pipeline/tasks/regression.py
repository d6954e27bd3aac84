"""Regression: one or several numbers, each on a scale of its own, judged by the mean absolute error."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from pipeline.errors import UserError
from pipeline.tasks import weighted
from pipeline.tasks.few import few_values
from pipeline.tasks.naming import distinct
from pipeline.tasks.task import Columns, Metric, Scores, Task, spread

LOSSES: Final = ("mse", "mae", "huber")


@dataclass(frozen=True, slots=True)
class Quantities:
    """The outputs and their affine scaling, one scale and offset each: scaled = (measured - offset) / scale."""

    names: tuple[str, ...]
    scale: tuple[float, ...]
    offset: tuple[float, ...]

    @property
    def task(self) -> Task:
        """Regression."""
        return TASK

    @property
    def labels(self) -> tuple[str, ...]:
        """None: numbers have no classes."""
        return ()

    @property
    def outputs(self) -> int:
        """One for each column."""
        return len(self.names)

    @property
    def words(self) -> str:
        """The columns."""
        return ", ".join(self.names)

    def measured(self, columns: Columns) -> np.ndarray:
        """The columns beside each other, float64 (n, columns)."""
        return np.column_stack([np.asarray(columns[name], dtype=np.float64) for name in self.names])

    def to_units(self, scaled: np.ndarray) -> np.ndarray:
        """Original units, float64, of scaled values `(..., outputs)`."""
        units: np.ndarray = np.asarray(scaled, dtype=np.float64) * np.asarray(self.scale) + np.asarray(self.offset)
        return units

    def of_units(self, units: np.ndarray) -> np.ndarray:
        """Scaled values: units are measured ones."""
        return self.to_scaled(units)

    def to_scaled(self, measured: np.ndarray) -> np.ndarray:
        """Scaled values, float64, of original units `(..., outputs)`."""
        scaled: np.ndarray = (np.asarray(measured, dtype=np.float64) - np.asarray(self.offset)) / np.asarray(self.scale)
        return scaled

    def constant(self, measured: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """The weighted median of each output, which has the least objective of all constants on these rows."""
        return self.to_scaled(np.array([[weighted.median(column, weights) for column in np.asarray(measured).T]]))

    def objective(self, scaled: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
        """The mean absolute error on scaled outputs; see `objective`."""
        return objective(scaled, predicted, weights)

    def pairs(self, measured: np.ndarray, units: np.ndarray) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """Each output in original units, float64 (n,)."""
        return _pairs(measured, units, self.names)

    def row_errors(self, measured: np.ndarray, units: np.ndarray) -> np.ndarray:
        """The mean over outputs of the absolute error on scaled outputs."""
        errors: np.ndarray = np.mean(np.abs(units - measured) / np.asarray(self.scale, dtype=float), axis=-1)
        return errors

    def table(self, units: np.ndarray) -> dict[str, np.ndarray]:
        """For each output its mean over the networks and, as `<output> spread`, their standard deviation.

        Where an output has the name of another one's spread, that is called `<output> spread (networks)`.
        """
        columns: dict[str, np.ndarray] = {}
        for position, name in enumerate(self.names):
            columns[name] = units[:, :, position].mean(axis=0)
            columns[distinct(f"{name} spread", {*self.names, *columns}, "networks")] = spread(units[:, :, position])
        return columns

    def describe(self) -> dict[str, Any]:
        """Names, scale and offset."""
        return {"names": list(self.names), "scale": list(self.scale), "offset": list(self.offset)}


def fit(columns: Columns, _weights: np.ndarray, scaler: str, _loss: str) -> Quantities:
    """Learn scales from the training rows; UserError for an output that is constant on them."""
    from pipeline.tasks.scaling import affine

    for name, values in columns.items():
        if np.ptp(values) == 0.0:
            raise UserError(
                f"Target {name!r} is constant on the {len(values)} training rows",
                expected="values that differ",
                got=f"{values[0]:g} in each of them",
                hint="use more rows, or smaller validation and test parts",
            )
    # One column after the other in memory, as a table has them: sums in another order end in another last bit.
    offset, scale = affine(np.stack(list(columns.values())).T, scaler)
    return Quantities(tuple(columns), tuple(map(float, scale)), tuple(map(float, offset)))


def restore(about: Mapping[str, Any]) -> Quantities:
    """The target that was described; ValueError or TypeError for anything else."""
    if not all(isinstance(value, list | tuple) for value in about.values()):
        raise ValueError("its outputs are not lists")
    target = Quantities(**{name: tuple(value) for name, value in about.items()})
    if not all(isinstance(name, str) for name in target.names) or not all(map(math.isfinite, _numbers(target))):
        raise ValueError("its outputs are not names with finite scales")
    if not len(target.names) == len(target.scale) == len(target.offset) > 0:
        raise ValueError("its scales do not belong to the outputs")
    return target


def _numbers(target: Quantities) -> tuple[float, ...]:
    return (*target.scale, *target.offset)


def loss(setting: str, _columns: Columns) -> str:
    """Squared errors where nothing is asked for; UserError for a loss of classes."""
    if setting == "auto":
        return "mse"
    if setting not in LOSSES:
        raise UserError(f"The loss {setting} is for classes", expected=f"{', '.join(LOSSES)} for numbers")
    return setting


def weigh(_measured: np.ndarray, weights: np.ndarray, setting: str) -> np.ndarray:
    """The weights as they are; UserError for class weights."""
    if setting != "none":
        raise UserError("Numbers have no class weights", expected="class_weights = none", hint="or task classification")
    return weights


def objective(outputs: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
    """The weighted mean over the rows of the mean absolute error over the outputs, in float64; lower is better.

    `outputs` and `predicted` are `(n, outputs)`, scaled; not finite where `predicted` is not.
    """
    errors = np.abs(_errors(outputs, predicted)).mean(axis=1)
    return weighted.mean(errors, weights)


def scores(measured: np.ndarray, predicted: np.ndarray, weights: np.ndarray, names: Sequence[str]) -> Scores:
    """The `METRICS` of each output, in original units and weighted by row: "mae", "rmse", "r2", "percent", "largest".

    "percent" is 100 times the mean absolute error over the mean absolute measurement (weighted MAPE, or MAD/mean ratio:
    Kolassa and Schuetz 2007, Foresight 6), which is defined where single measurements are 0. "r2" is scikit-learn's
    `r2_score`. Where all measurements of an output are equal (or, for "percent", 0), both say what perfect predictions
    have, 1 and 0, or else what useless ones have, 0 and 100. "largest" leaves out rows of weight 0.
    """
    return {
        name: {metric.name: metric.score(truth, said, weights) for metric in METRICS}
        for name, truth, said in _pairs(measured, predicted, names)
    }


def _pairs(
    measured: np.ndarray, predicted: np.ndarray, names: Sequence[str]
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    _check_shapes(measured, predicted)
    truth, said = (np.asarray(each, dtype=np.float64) for each in (measured, predicted))
    return ((name, truth[:, place], said[:, place]) for place, name in enumerate(names))


def _mae(measured: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
    return weighted.mean(np.abs(predicted - measured), weights)


def _mse(measured: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
    return weighted.mean((predicted - measured) ** 2, weights)


def _rmse(measured: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
    return float(np.sqrt(_mse(measured, predicted, weights)))


def _r2(measured: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
    mse = _mse(measured, predicted, weights)
    variance = weighted.mean((measured - weighted.mean(measured, weights)) ** 2, weights)
    return 1.0 - mse / variance if variance else float(mse == 0.0)


def _percent(measured: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
    mae, size = _mae(measured, predicted, weights), weighted.mean(np.abs(measured), weights)
    return 100.0 * mae / size if size else 100.0 * float(mae != 0.0)


def _largest(measured: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
    return float(np.abs((predicted - measured)[np.asarray(weights) > 0]).max())


METRICS: Final = (
    Metric("mae", "MAE", _mae, low=0.0),
    Metric("rmse", "RMSE", _rmse, low=0.0),
    Metric("r2", "R2", _r2, "share", high=1.0),
    Metric("percent", "percent error", _percent, "percent", low=0.0),
    Metric("largest", "largest error", _largest, low=0.0),
)


def _errors(measured: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    _check_shapes(measured, predicted)
    return np.asarray(predicted, dtype=np.float64) - np.asarray(measured, dtype=np.float64)


def _check_shapes(measured: np.ndarray, predicted: np.ndarray) -> None:
    if measured.shape != predicted.shape:
        # (n, 1) minus (n,) is (n, n) to numpy, and a score of nothing.
        raise ValueError(f"{measured.shape} outputs cannot be compared with {predicted.shape} predictions")


def accepts(kinds: Sequence[str]) -> str:  # noqa: ARG001 - what nothing else takes are numbers
    """Without a reason to be given: numbers are what targets are."""
    return ""


def check(columns: Columns) -> None:
    """Raise UserError for a target that has one value in every row."""
    for name, values in columns.items():
        if np.ptp(values) == 0.0:
            raise UserError(
                f"Target {name!r} is constant", expected="values that differ", got=f"{values[0]:g} in every row"
            )


def doubt(columns: Columns) -> str:
    """One target of few whole numbers could be one of classes; see `few_values`."""
    found = [few_values(np.unique(values), len(values)) for values in columns.values()]
    if len(found) > 1 or not found[0]:
        return ""
    return f"{found[0]} distinct values; --task classification takes them as classes"


TASK: Final = Task(
    name="regression",
    objective="MAE",
    takes="numbers",
    targets="numbers",
    about="MAE on scaled outputs",
    metrics=METRICS,
    constant="median",
    constantly="predicting the median of the training rows",
    predicts="in original units",
    stratified=False,
    losses=LOSSES,
    weightings=("none",),
    report="pipeline.report.tasks.regression",
    otherwise="; or use --task classification if these are classes",
    unsaid=True,
    doubt=doubt,
    accepts=accepts,
    check=check,
    loss=loss,
    fit=fit,
    weigh=weigh,
    restore=restore,
)
