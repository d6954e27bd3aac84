"""Calibration of probabilities: one temperature, or for two classes Platt's two numbers, fitted by the log loss.

Probabilities are sharpened or softened by a power, p^(1/T), and normalised (temperature scaling, Guo et al. 2017,
arXiv:1706.04599); with a shift, the log odds of the second of two classes become logit(p)/T + shift (Platt 1999). Both
fits are convex in 1/T and the shift. Neither changes which rows are likelier than others to be of the second class, and
a temperature alone does not change which class is the likeliest.

Of few rows all may be right, and then no probability would be too sure to fit them best. So the fit is to n rows as if,
of two rows more, one had been wrong: a row counts for its class with 1 - 1/(n + 2), and for the others together with
the rest (Laplace's rule of succession; Platt does so for each of two classes).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from pipeline.tasks import probabilities

LEAST, MOST = 0.05, 20.0  # temperatures: beyond them probabilities are those of a coin, or 0 and 1
FARTHEST: Final = 20.0  # a shift of log odds
_STEPS: Final = 100  # of Newton's method, which needs about ten
_HALVINGS: Final = 40  # of one step
_ENOUGH: Final = 1e-15  # a relative decrease of the loss that is rounding
_TINY: Final = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is done to probabilities (..., classes)."""

    temperature: float = 1.0  # above 1 they become less sure, below 1 surer
    shift: float = 0.0  # added to the log odds of the second of two classes

    def __call__(self, chances: np.ndarray) -> np.ndarray:
        """The calibrated probabilities (..., classes), float64, which sum to 1; NaN stays NaN."""
        return probabilities.of_logits(_logits(_logs(chances), 1 / self.temperature, self.shift))

    @property
    def words(self) -> str:
        """In a sentence."""
        shifted = f" and the shift {self.shift:+.3g} of the log odds" if self.shift else ""
        return f"temperature {self.temperature:.3g}{shifted}"


def fit(chances: np.ndarray, truth: np.ndarray, weights: np.ndarray, *, shifted: bool = False) -> Calibration:
    """The calibration with the least log loss.

    Args:
        chances: Probabilities (n, classes) of rows that nothing was trained with.
        truth: The positions of their classes (n,), int.
        weights: The weights of the rows (n,), from 0 on, not all of them 0.
        shifted: Whether to fit Platt's shift, too; for two classes alone.

    Returns:
        The calibration, of a temperature from `LEAST` to `MOST`.
    """
    rows, free = _Rows.of(chances, truth, weights), 2 if shifted else 1
    low, high = np.array([1 / MOST, -FARTHEST])[:free], np.array([1 / LEAST, FARTHEST])[:free]
    point = np.array([1.0, 0.0])[:free]
    loss = rows.loss(point)
    for _ in range(_STEPS):
        step, before = _newton(*rows.slopes(point)), loss
        nearer = (np.clip(point + step * 0.5**times, low, high) for times in range(_HALVINGS))
        further = next(((there, found) for there in nearer if (found := rows.loss(there)) < loss), None)
        if further is None:
            break
        point, loss = further
        if before - loss <= _ENOUGH * abs(before):
            break
    return Calibration(1 / float(point[0]), float(point[1]) if shifted else 0.0)


def _newton(gradient: np.ndarray, hessian: np.ndarray) -> np.ndarray:
    """The step to the minimum of the quadratic; a little more than the Hessian, so that it can be solved always."""
    ridge = 1e-12 * float(np.trace(hessian)) + 1e-30
    return np.asarray(np.linalg.solve(hessian + ridge * np.eye(len(gradient)), -gradient))


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Rows to fit to; a point is the power 1/T, and the shift if there is one."""

    logs: np.ndarray  # of the probabilities (n, classes)
    aimed: np.ndarray  # the mean of a row's logs by what it should say (n,)
    second: np.ndarray  # what a row should say of the second class (n,)
    weights: np.ndarray  # (n,), which sum to 1

    @classmethod
    def of(cls, chances: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> _Rows:
        """The rows with these probabilities, classes and weights; unequal weights are fewer rows (Kish 1965)."""
        used, logs = np.asarray(weights, dtype=np.float64), _logs(chances)
        used = used / used.sum()
        doubt = 1 / (1 / float(used @ used) + 2)
        aims = np.where(truth[:, np.newaxis] == np.arange(logs.shape[1]), 1 - doubt, doubt / (logs.shape[1] - 1))
        return cls(logs, np.sum(aims * logs, axis=1), aims[:, 1], used)

    def loss(self, point: np.ndarray) -> float:
        """The mean log loss."""
        logits = _logits(self.logs, *point)
        highest = logits.max(axis=1)
        sums = np.log(np.exp(logits - highest[:, np.newaxis]).sum(axis=1)) + highest
        shift = float(point[1]) if len(point) > 1 else 0.0
        return float(self.weights @ (sums - point[0] * self.aimed - shift * self.second))

    def slopes(self, point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The gradient and the Hessian of the loss."""
        chances = probabilities.of_logits(_logits(self.logs, *point))
        mean = np.sum(chances * self.logs, axis=1)
        apart = self.logs - mean[:, np.newaxis]
        first, curve = self.weights @ (mean - self.aimed), self.weights @ np.sum(chances * apart**2, axis=1)
        if len(point) == 1:
            return np.array([first]), np.array([[curve]])
        said = chances[:, 1]
        mixed, own = self.weights @ (said * apart[:, 1]), self.weights @ (said * (1 - said))
        return np.array([first, self.weights @ (said - self.second)]), np.array([[curve, mixed], [mixed, own]])


def _logs(chances: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(np.maximum(np.asarray(chances, dtype=np.float64), _TINY)))


def _logits(logs: np.ndarray, power: float, shift: float = 0.0) -> np.ndarray:
    logits = power * logs
    if shift:
        logits[..., 1] += shift
    return logits


# ------------------------------------------------------------------------------------------------------- cross-fitting


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A calibration that was fitted on held-out rows, and what it was worth there."""

    calibration: Calibration | None  # None where it does not lower the cross-fitted log loss
    loss: float  # the log loss of the probabilities as they are
    fitted: Mapping[str, float]  # name of a kind -> its log loss, each part of the rows by what the others were fitted
    rows: int  # on which it was fitted
    parts: int  # of the cross-fitting; 0 where there are too few rows, and nothing is fitted

    @property
    def best(self) -> float:
        """The lowest cross-fitted log loss; NaN where nothing was fitted."""
        return min(self.fitted.values(), default=math.nan)


TEMPERATURE: Final = "temperature"
PLATT: Final = "temperature and shift"


def calibrated(
    chances: np.ndarray, truth: np.ndarray, weights: np.ndarray, parts: np.ndarray | None, *, shifts: bool = True
) -> Calibrated:
    """Fit a calibration, and keep it only if it lowers the cross-fitted log loss.

    Every part of the rows is scored with what was fitted to the other parts. Of the temperature, and for two classes
    the temperature with Platt's shift, the one with the lower cross-fitted log loss is fitted to all rows.

    Args:
        chances: The mean probabilities (n, classes) of a predictor, for rows that it was not trained with.
        truth: The positions of their classes (n,), int.
        weights: The weights of the rows (n,), from 0 on, not all of them 0.
        parts: The part of each row (n,), from 0 on without gaps, at least two; None where there are too few rows.
        shifts: Whether Platt's shift may be fitted. It can change which class is the likeliest.

    Returns:
        The calibration, if any, and the log losses before and after. Equal arguments give equal bits.
    """
    used = np.asarray(weights, dtype=np.float64)
    loss = probabilities.log_loss(truth, chances, used)
    if parts is None:
        return Calibrated(None, loss, {}, len(truth), 0)
    kinds = {TEMPERATURE: False, **({PLATT: True} if shifts and chances.shape[1] == 2 else {})}
    losses = {name: _cross_fitted(chances, truth, used, parts, shifted=kind) for name, kind in kinds.items()}
    name = min(losses, key=lambda each: losses[each])  # the first of equals, which is the simpler one
    kept = fit(chances, truth, used, shifted=kinds[name]) if losses[name] < loss else None
    return Calibrated(kept, loss, losses, len(truth), int(parts.max()) + 1)


def _cross_fitted(
    chances: np.ndarray, truth: np.ndarray, weights: np.ndarray, parts: np.ndarray, *, shifted: bool
) -> float:
    """The log loss of rows that are calibrated by the rows of the other parts."""
    said = np.array(chances, dtype=np.float64)
    for part in range(int(parts.max()) + 1):
        own, others = parts == part, parts != part
        if weights[others].sum() > 0:
            said[own] = fit(chances[others], truth[others], weights[others], shifted=shifted)(chances[own])
    return probabilities.log_loss(truth, said, weights)
