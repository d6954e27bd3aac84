"""Regression: one or several numbers, each on a scale of its own, judged by the mean absolute error."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, Final

import numpy as np

from pipeline.errors import UserError
from pipeline.tasks import transforms, weighted
from pipeline.tasks.asked import Asked, of_target
from pipeline.tasks.class_measures import MEASURES as CLASSES
from pipeline.tasks.few import few_values
from pipeline.tasks.measures import named
from pipeline.tasks.naming import distinct
from pipeline.tasks.number_measures import (
    MEASURES,
    OPTIONAL,
    TOGETHER,
    USUAL,
    WITHIN,
    most_within,
    of_transform,
    share_within,
)
from pipeline.tasks.number_metrics import METRICS, objective, pairs
from pipeline.tasks.number_options import SHARES, TOLERANCE, TRANSFORM, check_asked
from pipeline.tasks.task import Columns, Metric, Scores, Task, spread
from pipeline.tasks.tolerance import Tolerance
from pipeline.tasks.transforms import Transform

__all__ = ["METRICS", "TASK", "Quantities", "fit", "restore", "wanted"]

LOSSES: Final = ("mse", "mae", "huber")


@dataclass(frozen=True, slots=True)
class Quantities:
    """The outputs and their affine scaling, one scale and offset each: scaled = (measured - offset) / scale."""

    names: tuple[str, ...]
    scale: tuple[float, ...]
    offset: tuple[float, ...]
    transforms: tuple[Transform, ...] = ()  # before scaling, one for each output; none at all: no output has one
    measure: str = ""  # of `MEASURES`, where it is not the mean absolute error on scaled outputs
    original: tuple[float, ...] = ()  # scales in original units, if transformed outputs are judged in those
    shares: tuple[float, ...] = ()  # weights of the outputs in the score, which sum to 1; none: all the same
    tolerances: tuple[Tolerance, ...] = ()  # one for each output, or none

    @property
    def task(self) -> Task:
        """Regression, judged by the measure of the study."""
        plain = not (self.measure or self.transforms or self.original or self.shares or self.tolerances)
        return TASK if plain else _judged_task(self)

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
        """The columns, and what was asked of each."""
        return ", ".join(f"{name}{_asked_of(self, place)}" for place, name in enumerate(self.names))

    def measured(self, columns: Columns) -> np.ndarray:
        """The columns beside each other, float64 (n, columns)."""
        return np.column_stack([np.asarray(columns[name], dtype=np.float64) for name in self.names])

    def to_units(self, scaled: np.ndarray) -> np.ndarray:
        """Original units, float64, of scaled values `(..., outputs)`."""
        units: np.ndarray = np.asarray(scaled, dtype=np.float64) * np.asarray(self.scale) + np.asarray(self.offset)
        return _each(self.transforms, Transform.back, units)

    def of_units(self, units: np.ndarray) -> np.ndarray:
        """Scaled values: units are measured ones."""
        return self.to_scaled(units)

    def to_scaled(self, measured: np.ndarray) -> np.ndarray:
        """Scaled values, float64, of original units `(..., outputs)`."""
        values = _each(self.transforms, Transform.forward, np.asarray(measured, dtype=np.float64))
        scaled: np.ndarray = (values - np.asarray(self.offset)) / np.asarray(self.scale)
        return scaled

    def judged(self, units: np.ndarray) -> np.ndarray:
        """Values (..., outputs) on the scale on which errors count: transformed and scaled, or scaled alone."""
        if self.original:
            return np.asarray(np.asarray(units, dtype=np.float64) / np.asarray(self.original))
        values = _each(self.transforms, Transform.forward, np.asarray(units, dtype=np.float64))
        return np.asarray(values / np.asarray(self.scale))

    def constant(self, measured: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """What has the least objective of all constants on these rows; see the measures."""
        values = np.asarray(measured)
        if self.measure == "within-tolerance":
            return self.to_scaled(most_within(self, values, weights)[np.newaxis])
        middle = weighted.mean if self.measure in ("rmse", "r2") else weighted.median
        if not self.transforms or self.original or self.measure == "percent-error":
            return self.to_scaled(np.array([[middle(column, weights) for column in values.T]]))
        return np.array([[middle(column, weights) for column in self.to_scaled(values).T]])

    def objective(self, scaled: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
        """The mean absolute error on scaled outputs; see `objective`."""
        return objective(scaled, predicted, weights)

    def over_outputs(self, each: Sequence[float] | np.ndarray) -> Any:
        """The mean over the outputs, the last axis, by their weights in the score."""
        return np.average(each, axis=-1, weights=self.shares or None)

    def within(self, measured: np.ndarray, units: np.ndarray) -> np.ndarray | None:
        """Whether every output of each row is within its tolerance (n,); None where no tolerance was asked for."""
        if not self.tolerances:
            return None
        columns = [each.within(measured[..., at], units[..., at]) for at, each in enumerate(self.tolerances)]
        return np.asarray(np.logical_and.reduce(columns))

    def metrics_of(self, name: str) -> Sequence[Metric]:
        """The metrics of one output: those of all, then errors on its transformed scale, and its share within."""
        place = self.names.index(name)
        found = list(METRICS)
        if self.transforms:
            found += of_transform(self.transforms[place])
        if self.tolerances:
            found.append(share_within(self.tolerances[place]))
        return found

    def together(self, measured: np.ndarray, units: np.ndarray, weights: np.ndarray) -> Scores:
        """What is said of several outputs together: the share of the rows in which all of them are within."""
        found = self.within(measured, units)
        if found is None or len(self.names) < 2:
            return {}
        return {distinct(TOGETHER, self.names, "together"): {WITHIN: weighted.mean(found, weights)}}

    def pairs(self, measured: np.ndarray, units: np.ndarray) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """Each output in original units, float64 (n,)."""
        return pairs(measured, units, self.names)

    def row_errors(self, measured: np.ndarray, units: np.ndarray) -> np.ndarray:
        """The mean over outputs of the absolute error on scaled outputs, or on the scale on which errors count."""
        if self.transforms or self.original or self.shares:
            return np.asarray(self.over_outputs(np.abs(self.judged(units) - self.judged(measured))))
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
        """Names, scale and offset, and what else was asked for."""
        return {
            "names": list(self.names),
            "scale": list(self.scale),
            "offset": list(self.offset),
            **({"transforms": [each.describe() for each in self.transforms]} if self.transforms else {}),
            **({"measure": self.measure} if self.measure else {}),
            **({"original": list(self.original)} if self.original else {}),
            **({"shares": list(self.shares)} if self.shares else {}),
            **({"tolerances": [[each.share, each.size] for each in self.tolerances]} if self.tolerances else {}),
        }


def fit(columns: Columns, _weights: np.ndarray, scaler: str, _loss: str, *, asked: Asked | None = None) -> Quantities:
    """Learn scales from the training rows; UserError for an output that is constant on them.

    `asked` are the user's options, checked by `wanted`.
    """
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
    values = np.stack(list(columns.values())).T
    if asked is None:
        offset, scale = affine(values, scaler)
        return Quantities(tuple(columns), tuple(map(float, scale)), tuple(map(float, offset)))
    return _fitted(tuple(columns), values, scaler, asked)


def _fitted(names: tuple[str, ...], values: np.ndarray, scaler: str, asked: Asked) -> Quantities:
    """The target of these training values (n, outputs), with everything that was asked for."""
    from pipeline.tasks.scaling import affine

    kinds = of_target(asked.transforms, names, TRANSFORM)
    made = tuple(transforms.fit(str(kinds.get(name, "none")), values[:, at]) for at, name in enumerate(names))
    changing = any(each.kind != "none" for each in made)
    kept = made if changing else ()
    offset, scale = affine(_each(kept, Transform.forward, values), scaler)
    original = affine(values, scaler)[1] if changing and asked.judge_on == "original" else ()
    given = of_target(asked.shares, names, SHARES)
    shares = np.array([float(given.get(name, 1.0)) for name in names])
    limits = of_target(asked.tolerances, names, TOLERANCE)
    return Quantities(
        names,
        tuple(map(float, scale)),
        tuple(map(float, offset)),
        transforms=kept,
        measure="" if asked.objective in ("auto", USUAL) else asked.objective,
        original=tuple(map(float, original)),
        shares=tuple(map(float, shares / shares.sum())) if np.ptp(shares) else (),
        tolerances=tuple(Tolerance.of(name, limits[name]) for name in names) if limits else (),
    )


def wanted(asked: Asked) -> Task:
    """Regression with the user's options; UserError for a mistake in them that can be told without the table."""
    named(MEASURES, asked.objective, USUAL, CLASSES, "numbers")
    if asked == Asked():
        return TASK
    return replace(TASK, fit=partial(fit, asked=asked), check_rows=partial(check_asked, asked=asked))


@cache
def _judged_task(target: Quantities) -> Task:
    """The task in the words of what was asked for; targets are few, and their tasks are asked for often."""
    measure = MEASURES[target.measure or USUAL]
    outputs = (
        "outputs in original units" if target.original else "transformed outputs" if target.transforms else "outputs"
    )
    if measure.name in ("mae", "rmse"):
        measure = replace(measure, about=f"{measure.header} on scaled {outputs}")
    elif measure.name == "r2" and target.transforms:
        measure = replace(measure, about=f"R2 on {outputs}")
    found = {metric.name: metric for name in target.names for metric in target.metrics_of(name)}
    return replace(TASK.judged_by(measure), metrics=tuple(found.values()))


def _each(
    made: Sequence[Transform], way: Callable[[Transform, np.ndarray], np.ndarray], values: np.ndarray
) -> np.ndarray:
    """The outputs (..., outputs), each through its transform; the same array where there are none."""
    return np.stack([way(each, values[..., at]) for at, each in enumerate(made)], axis=-1) if made else values


def _asked_of(target: Quantities, place: int) -> str:
    kind = target.transforms[place].kind if target.transforms else "none"
    words = [] if kind == "none" else [f"transformed by {kind}"]
    words += [f"within {target.tolerances[place].words}"] if target.tolerances else []
    words += [f"{100 * target.shares[place]:.3g} % of the score"] if target.shares else []
    return f" ({', '.join(words)})" if words else ""


def restore(about: Mapping[str, Any]) -> Quantities:
    """The target that was described; ValueError or TypeError for anything else."""
    given = dict(about)
    measure = given.pop("measure", USUAL)
    if not all(isinstance(value, list | tuple) and value for value in given.values()):
        raise ValueError("its outputs are not lists")
    given = {name: tuple(value) for name, value in given.items()}
    given["transforms"] = tuple(map(transforms.restore, given.get("transforms", ())))
    given["tolerances"] = tuple(Tolerance(*each) for each in given.get("tolerances", ()))
    target = Quantities(**given, measure="" if measure == USUAL else measure)
    if not all(isinstance(name, str) for name in target.names) or not all(map(math.isfinite, _numbers(target))):
        raise ValueError("its outputs are not names with finite scales")
    if not len(target.names) == len(target.scale) == len(target.offset) > 0:
        raise ValueError("its scales do not belong to the outputs")
    further = (target.transforms, target.original, target.shares, target.tolerances)
    if any(len(each) not in (0, len(target.names)) for each in further) or measure not in MEASURES:
        raise ValueError("what was asked of its outputs does not belong to them")
    return target


def _numbers(target: Quantities) -> tuple[float, ...]:
    limits = itertools.chain.from_iterable((each.share, each.size) for each in target.tolerances)
    return (*target.scale, *target.offset, *target.original, *target.shares, *limits)


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
    optional=OPTIONAL,
    measures=MEASURES,
    asked=wanted,
)
