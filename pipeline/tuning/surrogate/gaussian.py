"""A Gaussian process with a Matern-5/2 kernel, one length scale for each coordinate, and noise divided by repeats.

Its parameters are the most probable ones under log-normal priors (Hvarfner et al. 2024, https://arxiv.org/abs/2402.02229,
choose them so that length scales grow with the number of coordinates).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from scipy.linalg import cho_factor, cho_solve, lapack
from scipy.optimize import minimize
from scipy.spatial.distance import cdist

JITTER: Final = 1e-6
ITERATIONS: Final = 25  # of the optimizer, which starts from the last parameters
SOFTENED: Final = 0.01  # fraction of the distance from the lowest objective to the median one
ROOT: Final = math.sqrt(5.0)


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of the process, as logarithms."""

    lengths: tuple[float, ...]  # of each coordinate
    amplitude: float  # variance of the signal
    noise: float  # variance of one training

    @property
    def vector(self) -> np.ndarray:
        """(coordinates + 2,)."""
        return np.array([*self.lengths, self.amplitude, self.noise])


@dataclass(frozen=True, slots=True)
class Prior:
    """Means and deviations of the normal distributions of the logarithms."""

    length: float
    length_deviation: float = 1.0
    amplitude: float = 0.0
    amplitude_deviation: float = 0.5
    noise: float = -3.0
    noise_deviation: float = 1.5

    def start(self, count: int) -> Parameters:
        """The mode of the prior."""
        return Parameters((self.length,) * count, self.amplitude, self.noise)


def prior_of(count: int) -> Prior:
    """The prior for a number of coordinates."""
    return Prior(length=math.log(0.5) + 0.5 * math.log(count))


def matern(distance: np.ndarray) -> np.ndarray:
    """The correlation at a distance in units of the length scales."""
    scaled = ROOT * distance
    return np.asarray((1.0 + scaled + scaled**2 / 3.0) * np.exp(-scaled))


def stretched(columns: np.ndarray, group: np.ndarray, parameters: Parameters) -> np.ndarray:
    """(rows, features) divided by the length scales of their coordinates."""
    return np.asarray(columns / np.exp(np.asarray(parameters.lengths))[group])


def most_probable(
    columns: np.ndarray, group: np.ndarray, targets: np.ndarray, repeats: np.ndarray, start: Parameters | None
) -> Parameters:
    """The most probable parameters given these targets, each the mean of `repeats` trainings."""
    count = int(group.max()) + 1
    prior = prior_of(count)
    squares = np.stack(
        [cdist(columns[:, group == axis], columns[:, group == axis], "sqeuclidean").ravel() for axis in range(count)]
    )
    begin = (start or prior.start(count)).vector
    middle = prior.start(count).vector
    spread = np.array([prior.length_deviation] * count + [prior.amplitude_deviation, prior.noise_deviation])
    found = minimize(
        partial(_cost, squares=squares, targets=targets, shares=1.0 / repeats, middle=middle, spread=spread),
        begin,
        jac=True,
        method="L-BFGS-B",
        bounds=[(each - 6 * wide, each + 6 * wide) for each, wide in zip(middle, spread, strict=True)],
        options={"maxiter": ITERATIONS, "maxfun": ITERATIONS + 15, "ftol": 1e-5},
    ).x
    return Parameters(tuple(float(each) for each in found[:count]), float(found[-2]), float(found[-1]))


def _cost(
    vector: np.ndarray,
    *,
    squares: np.ndarray,
    targets: np.ndarray,
    shares: np.ndarray,
    middle: np.ndarray,
    spread: np.ndarray,
) -> tuple[float, np.ndarray]:
    """Negative log posterior and its gradient; `squares` is (coordinates, n * n)."""
    count = len(targets)
    weights = np.exp(-2.0 * vector[:-2])
    amplitude, noise = np.exp(vector[-2:])
    scaled = ROOT * np.sqrt(weights @ squares).reshape(count, count)
    decay = np.exp(-scaled)
    signal = amplitude * (1.0 + scaled + scaled**2 / 3.0) * decay
    covariance = signal + np.diag(noise * shares + JITTER * amplitude)
    lower, failed = lapack.dpotrf(covariance, lower=1)
    if failed:
        return 1e25, np.zeros_like(vector)
    solved = cho_solve((lower, True), targets)
    inverse, _ = lapack.dpotri(lower, lower=1)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    slope = 0.5 * (inverse - np.outer(solved, solved))  # of the cost, with respect to the covariance
    by_square = (slope * (-amplitude * 5.0 / 6.0) * (1.0 + scaled) * decay).ravel()
    diagonal = np.diag(slope)
    gradient = np.concatenate(
        [
            -2.0 * weights * (squares @ by_square),
            [np.sum(slope * signal) + JITTER * amplitude * diagonal.sum(), noise * np.sum(diagonal * shares)],
        ]
    )
    apart = (vector - middle) / spread
    cost = 0.5 * targets @ solved + np.log(np.diag(lower)).sum() + 0.5 * apart @ apart
    return float(cost), gradient + apart / spread


@dataclass(frozen=True, slots=True)
class Posterior:
    """The process conditioned on the targets: predicts means and deviations, without the noise."""

    points: np.ndarray  # (n, features), scaled
    parameters: Parameters
    group: np.ndarray
    solved: np.ndarray  # (n,)
    inverse: np.ndarray  # (n, n) of the covariance

    def cross(self, columns: np.ndarray) -> np.ndarray:
        """(rows, n) covariances between new rows and the known ones."""
        return math.exp(self.parameters.amplitude) * matern(
            cdist(stretched(columns, self.group, self.parameters), self.points)
        )

    def predict(self, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means and deviations, (rows,) each."""
        cross = self.cross(columns)
        variance = math.exp(self.parameters.amplitude) - np.sum((cross @ self.inverse) * cross, axis=1)
        return cross @ self.solved, np.sqrt(np.maximum(variance, 1e-12))

    def slopes(self, columns: np.ndarray) -> tuple[float, float, np.ndarray, np.ndarray]:
        """Mean and deviation at one row, (1, features), and their gradients (features,)."""
        amplitude = math.exp(self.parameters.amplitude)
        here = stretched(columns, self.group, self.parameters)[0]
        apart = here - self.points
        scaled = ROOT * np.sqrt(np.sum(apart**2, axis=1))
        decay = np.exp(-scaled)
        cross = amplitude * (1.0 + scaled + scaled**2 / 3.0) * decay
        lengths = np.exp(np.asarray(self.parameters.lengths))[self.group]
        slope = (-amplitude * 5.0 / 3.0 * (1.0 + scaled) * decay)[:, None] * apart / lengths
        weighted = self.inverse @ cross
        deviation = math.sqrt(max(amplitude - float(cross @ weighted), 1e-12))
        return float(cross @ self.solved), deviation, self.solved @ slope, -(weighted @ slope) / deviation


def posterior(
    columns: np.ndarray, group: np.ndarray, targets: np.ndarray, repeats: np.ndarray, parameters: Parameters
) -> Posterior:
    """Condition the process on targets, each the mean of `repeats` trainings."""
    points = stretched(columns, group, parameters)
    amplitude, noise = math.exp(parameters.amplitude), math.exp(parameters.noise)
    covariance = amplitude * matern(cdist(points, points))
    covariance[np.diag_indices(len(points))] += noise / repeats + JITTER * amplitude
    factor = cho_factor(covariance, lower=True)
    return Posterior(points, parameters, group, cho_solve(factor, targets), cho_solve(factor, np.eye(len(points))))


def expected_improvement(mean: np.ndarray, deviation: np.ndarray, best: float) -> np.ndarray:
    """The expected improvement on `best`; (rows,)."""
    from scipy.stats import norm

    gap = (best - mean) / deviation
    return np.asarray(deviation * (gap * norm.cdf(gap) + norm.pdf(gap)))


def standardised(objectives: Sequence[float]) -> np.ndarray:
    """Targets of the process: logarithms of the objectives, centred and divided by their deviation.

    A hundredth of the distance from the lowest to the median is added first, because of values near zero.
    """
    values = np.asarray(objectives, float)
    low = float(values.min())
    soft = SOFTENED * (float(np.median(values)) - low) or 1.0
    logarithms = np.log(values - min(0.0, low) + soft)
    deviation = float(logarithms.std())
    return np.asarray((logarithms - logarithms.mean()) / (deviation if deviation > 1e-9 else 1.0))
