"""How wrong predictions are by the measure of a study: here alone it is decided which measure counts."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Protocol

import numpy as np

from pipeline.errors import UserError
from pipeline.tasks.asked import NOTHING_ASKED, Asked
from pipeline.tasks.task import Measure, Target, Task


class Judged(Protocol):
    """Rows with their truth: a `Part` of a table is one."""

    @property
    def outputs(self) -> np.ndarray:
        """What a perfect network gives, (n, outputs)."""
        ...

    @property
    def measured(self) -> np.ndarray:
        """The measured values (n, columns)."""
        ...

    @property
    def weights(self) -> np.ndarray:
        """The weights of the rows (n,)."""
        ...


def objective(target: Target, part: Judged, predicted: np.ndarray) -> float:
    """How wrong predictions (n, outputs) are by the measure of the study: from 0, lower is better.

    Args:
        target: The target that they are of; its task says the measure.
        part: The rows that they are for.
        predicted: What a network gave, scaled.

    Returns:
        The objective; not finite where a prediction is not.

    Raises:
        ValueError: The predictions have another shape than the outputs.
    """
    measure = target.task.measure
    if measure is None:
        return target.objective(part.outputs, predicted, part.weights)
    if part.outputs.shape != predicted.shape:
        raise ValueError(f"{part.outputs.shape} outputs cannot be compared with {predicted.shape} predictions")
    if not np.all(np.isfinite(predicted)):
        return math.nan  # a share of rows, or an area, would be a number
    return float(measure.error(target, part.measured, target.to_units(predicted), part.weights))


def objective_of_units(target: Target, measured: np.ndarray, units: np.ndarray, weights: np.ndarray) -> float:
    """The same of predictions in units (n, predicted), such as the mean of several networks."""
    measure = target.task.measure
    if measure is None:
        return float(np.average(target.row_errors(measured, units), weights=weights))
    return float(measure.error(target, measured, units, weights))


def with_options(task: Task, asked: Asked) -> Task:
    """The task with the options of a user; UserError for a mistake, and for options that the task does not have."""
    if asked == NOTHING_ASKED:
        return task
    if task.asked is None:
        raise UserError(
            f"The task {task.name} has no other objective than its own, and no transform, target weights or tolerance",
            hint="leave --objective, --target-transform, --target-weights and --tolerance out",
        )
    return task.asked(asked)


def named(measures: Mapping[str, Measure], name: str, usual: str, others: Collection[str], of: str) -> Measure:
    """The measure of a task by its name; UserError for one that it does not have.

    Args:
        measures: Those of the task.
        name: As the user gave it; `auto` for the usual one.
        usual: The one that the task is judged by as ever.
        others: The measures of other tasks, told apart in the error.
        of: What the task predicts, in words.
    """
    found = measures.get(usual if name == "auto" else name)
    if found is None:
        which = f"The objective {name} is not one of {of}" if name in others else f"There is no objective {name!r:.60}"
        raise UserError(which, expected=", ".join(measures), hint=f"leave --objective out for {usual}")
    return found
