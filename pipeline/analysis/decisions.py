"""How predictors decide between classes: fitted on rows that their networks were not trained with, and tested.

What is calibrated is the mean probability of the networks that predict together, so each predictor has a calibration of
its own. Nothing here looks at test rows but `tested`, which chooses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pipeline.data.rows import Part
from pipeline.ranking.statistics import Bounded, over_rows
from pipeline.tasks import Decision, Target, objective_of_units, probabilities
from pipeline.tasks.calibration import Calibrated, calibrated
from pipeline.tasks.decisions import Costs, best_threshold, row_costs, thresholded


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Rows that no network of a predictor was trained with, in any order."""

    measured: np.ndarray  # (n, columns)
    weights: np.ndarray  # (n,)
    parts: np.ndarray | None  # (n,), for cross-fitting; None where there are too few rows


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """Networks that predict together, and their mean probabilities."""

    name: str
    networks: tuple[tuple[str, int, int], ...]  # key of the configuration, number of the repeat, count in the mean
    held_out: np.ndarray | None  # (n, classes) of the held-out rows; None where the networks leave some of them out
    tested: np.ndarray  # (test rows, classes)
    group: bool = False  # all networks of the best configurations: the first, the first two and so on


@dataclass(frozen=True, slots=True)
class Paid:
    """What decisions cost on the test rows, by row."""

    decided: Bounded  # by the expected costs
    likeliest: Bounded  # by naming the likeliest class by the probabilities as they are


@dataclass(frozen=True, slots=True)
class Divided:
    """The measure of a study on the test rows, as people know it: at the threshold that was fitted, and without."""

    fitted: float
    likeliest: float  # of the likeliest class by the probabilities as they are


@dataclass(frozen=True, slots=True)
class OnTestRows:
    """Mean probabilities of a predictor on the test rows, as they are and calibrated."""

    loss: float
    calibrated_loss: float
    gain: Bounded  # the first minus the second, over the test rows
    error: float  # calibration error
    calibrated_error: float
    paid: Paid | None  # with costs
    divided: Divided | None  # with a threshold


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """A predictor with its decision, what it was fitted by, and what it is worth on the test rows."""

    name: str
    networks: tuple[tuple[str, int, int], ...]
    decision: Decision
    fitted: Calibrated | None  # None where no calibration was asked for, or there are no held-out rows
    tested: OnTestRows
    group: bool = False  # as of `Predictor`


@dataclass(frozen=True, slots=True)
class Deciding:
    """What a study decides by, and the decisions of its predictors."""

    calibrates: bool
    shifts: bool  # a calibration may be Platt's two numbers
    costs: Costs | None
    threshold: str  # the measure whose best threshold is taken; empty for none
    predictors: tuple[Decided, ...]  # the best configuration first; the default network last, if it was trained
    constant: tuple[str, Bounded] | None = None  # with costs: the cheapest class to name always, and what it costs


def decide(
    predictor: Predictor,
    rows: HeldOut | None,
    part: Part,
    target: Target,
    *,
    calibrates: bool,
    shifts: bool,
    costs: Costs | None,
) -> Decided:
    """Fit the decision of a predictor on held-out rows, and look what it is worth on the test rows of `part`.

    With costs there is no threshold: the expected costs decide. `shifts` allows Platt's two numbers beside a
    temperature, for two classes.
    """
    fitted, threshold = None, None
    decision = Decision(target.labels, costs=costs)
    if rows is not None and predictor.held_out is not None:
        truth = rows.measured[:, 0].astype(int)
        if calibrates:
            fitted = calibrated(predictor.held_out, truth, rows.weights, rows.parts, shifts=shifts)
            decision = replace(decision, calibration=fitted.calibration)
        measure = target.task.measure
        if measure is not None and costs is None and thresholded(measure.name, target.labels):
            second = decision.chances(predictor.held_out)[:, 1]
            threshold = best_threshold(second, truth, rows.weights, measure.name)
            decision = replace(decision, threshold=threshold)
    outcome = tested(predictor.tested, decision, part, target)
    return Decided(predictor.name, predictor.networks, decision, fitted, outcome, predictor.group)


def tested(units: np.ndarray, decision: Decision, part: Part, target: Target) -> OnTestRows:
    """What a decision is worth on test rows, for which these are the mean probabilities (n, classes)."""
    chances, truth = decision.chances(units), part.measured[:, 0].astype(int)
    before, after = (target.row_errors(part.measured, each) for each in (units, chances))
    return OnTestRows(
        loss=float(np.average(before, weights=part.weights)),
        calibrated_loss=float(np.average(after, weights=part.weights)),
        gain=over_rows(before - after, part.weights),
        error=probabilities.calibration_error(truth, units, part.weights),
        calibrated_error=probabilities.calibration_error(truth, chances, part.weights),
        paid=_paid(units, decision, part),
        divided=_divided(units, decision, part, target),
    )


def _paid(units: np.ndarray, decision: Decision, part: Part) -> Paid | None:
    if decision.costs is None:
        return None
    truth, chosen = part.measured[:, 0].astype(int), (decision.chosen(decision.chances(units)), units.argmax(axis=1))
    return Paid(*(over_rows(row_costs(decision.costs, truth, each), part.weights) for each in chosen))


def _divided(units: np.ndarray, decision: Decision, part: Part, target: Target) -> Divided | None:
    if decision.threshold is None:
        return None
    # A measure of classes takes the likeliest one: that which was chosen is the only one.
    chosen = np.eye(len(target.labels))[decision.chosen(decision.chances(units))]
    values = (objective_of_units(target, part.measured, each, part.weights) for each in (chosen, units))
    return Divided(*(target.task.shown(each) for each in values))


def cheapest(costs: Costs, frequencies: np.ndarray, part: Part, labels: tuple[str, ...]) -> tuple[str, Bounded]:
    """The class that is cheapest to name always, by frequencies (classes,) of training rows, and what it costs."""
    place = int(Decision(labels, costs=costs).chosen(frequencies[np.newaxis])[0])
    truth = part.measured[:, 0].astype(int)
    return labels[place], over_rows(row_costs(costs, truth, np.full(len(truth), place)), part.weights)
