"""Statistics: intervals of means, paired comparisons, and corrections for many comparisons.

Student's t throughout. Its functions come from `scipy.special`, because `scipy.stats` takes a second to import.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import polygamma, psi, stdtr, stdtrit

Bounded = tuple[float, float | None, float | None]
"""A number and the ends of its 95 % interval, which are None if there is no interval."""


MOST_RESAMPLES, LEAST_RESAMPLES, RESAMPLED_ROWS = 1000, 200, 1_000_000  # of a bootstrap: less for many rows

# ---------------------------------------------------------------------------------------------------------- intervals


@dataclass(frozen=True, slots=True)
class Range:
    """The values that a quantity can have, both ends included: whoever shows an interval says of what, and it is cut.

    The true value lies in the range, so an interval that is cut off at its ends holds the true value as often as the
    whole one. The mean is never cut off.
    """

    low: float = -math.inf
    high: float = math.inf

    def lower(self, mean: np.ndarray | float, low: np.ndarray | float) -> np.ndarray:
        """The lower ends of intervals around these means, cut."""
        return np.minimum(mean, np.maximum(low, self.low))

    def upper(self, mean: np.ndarray | float, high: np.ndarray | float) -> np.ndarray:
        """The upper ends of intervals around these means, cut."""
        return np.maximum(mean, np.minimum(high, self.high))

    def cut(self, mean: float, low: float | None, high: float | None) -> Bounded:
        """A mean with the ends of its interval, cut; None where there is none."""
        if low is None or high is None:
            return mean, None, None
        return mean, float(self.lower(mean, low)), float(self.upper(mean, high))

    def bar(self, mean: float, half: float) -> tuple[float, float]:
        """How far a bar of this half length reaches down and up from a mean, cut."""
        return mean - float(self.lower(mean, mean - half)), float(self.upper(mean, mean + half)) - mean


OBJECTIVE: Final = Range(low=0.0)  # of every task, and its ratios
DIFFERENCE: Final = Range()


def interval(values: Sequence[float]) -> tuple[float, float | None, float | None, float | None]:
    """Mean, sample standard deviation and 95 % Student interval of the mean; (inf, None, None, None) of no values."""
    if not values:
        return math.inf, None, None, None
    mean = statistics.fmean(values)
    std = statistics.stdev(values) if len(values) > 1 else None
    return mean, std, *bounds(mean, std, len(values))


def bounds(mean: float, std: float | None, count: int) -> tuple[float | None, float | None]:
    """The 95 % interval of the mean of `count` values with the sample standard deviation `std`; none below two."""
    if std is None or count < 2:
        return None, None
    half = quantile(count - 1) * std / math.sqrt(count)
    return mean - half, mean + half


def quantile(freedom: float, probability: float = 0.975) -> float:
    """The quantile of Student's t distribution with these degrees of freedom."""
    return float(stdtrit(freedom, probability))


def welch(one: Sequence[float], other: Sequence[float]) -> Bounded:
    """The mean of `other` minus the mean of `one`, with Welch's 95 % interval.

    Welch, Biometrika 34 (1947), with the degrees of freedom of Satterthwaite. No interval below two values each.
    """
    mean = interval(other)[0] - interval(one)[0]
    if min(len(one), len(other)) < 2:
        return mean, None, None
    parts = [statistics.variance(each) / len(each) for each in (one, other)]
    if not sum(parts):
        return mean, mean, mean
    freedom = sum(parts) ** 2 / sum(part**2 / (len(each) - 1) for part, each in zip(parts, (one, other), strict=True))
    half = quantile(freedom) * math.sqrt(sum(parts))
    return mean, mean - half, mean + half


def over_rows(values: np.ndarray, weights: np.ndarray) -> Bounded:
    """The weighted mean of values of independent rows, and its 95 % interval by Student's t.

    The variance is the linearised one of a ratio (Cochran, Sampling Techniques, 1977, section 6.3). No interval for a
    single row with a weight.
    """
    used = np.asarray(weights, dtype=np.float64)
    mean, rows = float(np.average(values, weights=used)), int(np.count_nonzero(used))
    if rows < 2:
        return mean, None, None
    error = math.sqrt(rows / (rows - 1) * float(np.sum((used * (values - mean)) ** 2))) / float(used.sum())
    half = quantile(rows - 1) * error
    return mean, mean - half, mean + half


def resampled(score: Callable[[np.ndarray], float], weights: np.ndarray) -> Bounded:
    """A score of independent rows, and its 95 % interval by the percentiles of a bootstrap of the rows (Efron 1979).

    For scores that are no means over rows, such as a root or an area under a curve. The same rows are drawn for every
    score of so many rows, so a difference of two scores may be given as one. No interval for a single row with a
    weight.

    Args:
        score: Of the weights of the rows (n,), in which a row that is drawn twice has twice its weight.
        weights: Those of the rows (n,), from 0 on.
    """
    used = np.asarray(weights, dtype=np.float64)
    if np.count_nonzero(used) < 2:
        return score(used), None, None
    drawn = np.random.default_rng(0)
    rounds = min(MOST_RESAMPLES, max(LEAST_RESAMPLES, RESAMPLED_ROWS // len(used)))
    found = []
    for _ in range(rounds):
        counts = np.bincount(drawn.integers(len(used), size=len(used)), minlength=len(used))
        if (counts * used).any():
            found.append(score(counts * used))
    low, high = np.quantile(found, [0.025, 0.975])
    return score(used), float(low), float(high)


# -------------------------------------------------------------------------------------------------------- comparisons


def paired(differences: Sequence[float]) -> float | None:
    """Two-sided p-value of the paired t-test; None below two differences."""
    mean, std, _, _ = interval(differences)
    if std is None:
        return None
    score = abs(mean) / (std / math.sqrt(len(differences))) if std else math.inf if mean else 0.0
    return float(2 * stdtr(len(differences) - 1, -min(score, 1e9)))


def holm(chances: np.ndarray) -> np.ndarray:
    """Adjust p-values (hypotheses,) by Holm (1979): reject, at a level, those at or below it."""
    order = np.argsort(chances, kind="stable")
    stepped = np.maximum.accumulate(chances[order] * (len(chances) - np.arange(len(chances))))
    adjusted = np.empty(len(chances))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def moderated(pairs: Sequence[np.ndarray], informative: int) -> np.ndarray:
    """One-sided p-values (pairs,) that the mean differences are not above zero: the moderated t-test (Smyth 2004).

    A few differences say little about the deviation of one pair, so it is shrunk towards the deviations of the first
    `informative` pairs.
    """
    if not pairs:
        return np.empty(0)
    counts = np.array([len(each) for each in pairs], float)
    means = np.array([each.mean() for each in pairs])
    variances = np.array([each.var(ddof=1) for each in pairs])
    freedom, variance = prior_of(variances[:informative], counts[:informative] - 1)
    together = counts - 1 + freedom
    weight = np.where(np.isinf(together), 1.0, freedom / np.where(np.isinf(together), 1.0, together))
    pooled = weight * variance + (1.0 - weight) * variances
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = np.nan_to_num(means / np.sqrt(pooled / counts), nan=0.0, posinf=1e9, neginf=-1e9)
    return np.asarray(stdtr(np.minimum(together, 1e6), -scores))


def prior_of(variances: np.ndarray, freedoms: np.ndarray) -> tuple[float, float]:
    """The prior of sample variances (Smyth 2004): its degrees of freedom, which may be infinite, and its variance."""
    positive = variances > 0
    if positive.sum() < 2:
        return (math.inf, float(variances.mean())) if len(variances) > 1 else (0.0, float(variances.mean()))
    values, halves = np.log(variances[positive]), freedoms[positive] / 2
    shifted = values - psi(halves) + np.log(halves)
    middle = float(shifted.mean())
    excess = float(shifted.var(ddof=1) - polygamma(1, halves).mean())
    if excess <= 0:
        return math.inf, math.exp(middle)
    half = _inverse_trigamma(excess)
    return 2 * half, math.exp(middle + float(psi(half)) - math.log(half))


def _inverse_trigamma(value: float) -> float:
    """The inverse of the trigamma function, by Newton's method on its reciprocal, which is convex."""
    point = 0.5 + 1.0 / value
    for _ in range(50):
        here = float(polygamma(1, point))
        step = here * (1.0 - here / value) / float(polygamma(2, point))
        point += step
        if -step / point < 1e-8:
            break
    return point
