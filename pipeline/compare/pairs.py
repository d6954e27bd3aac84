"""Methods compared in pairs over the same seeds, corrected for the number of comparisons."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.ranking.statistics import holm, interval, paired


@dataclass(frozen=True, slots=True)
class Pair:
    """How much higher the scores of `other` are than those of `one` on the same seeds; None if unknown."""

    one: str
    other: str
    seeds: int  # that both have
    mean: float
    low: float | None  # 95 % interval of the mean, Student's t
    high: float | None
    chance: float | None  # two-sided p-value of the paired t-test
    adjusted: float | None  # Holm-corrected over all pairs

    def apart(self, level: float) -> bool:
        """True if the two differ significantly at this level, corrected for all comparisons."""
        return self.adjusted is not None and self.adjusted <= level


def compared(scores: Mapping[str, Sequence[float]]) -> tuple[Pair, ...]:
    """Compare every pair of methods, in their order. Scores (seeds,) are in the same order of seeds; NaN is missing.

    The paired t-test, because five seeds cannot make a signed-rank test significant (its smallest p-value is 1/16).
    """
    pairs = [_pair(one, other, scores[one], scores[other]) for one, other in itertools.combinations(scores, 2)]
    tested = [pair for pair in pairs if pair[-1] is not None]
    after = iter(holm(np.array([pair[-1] for pair in tested], float)))
    return tuple(Pair(*pair, adjusted=None if pair[-1] is None else float(next(after))) for pair in pairs)


_Tested = tuple[str, str, int, float, float | None, float | None, float | None]


def _pair(one: str, other: str, ours: Sequence[float], theirs: Sequence[float]) -> _Tested:
    both = [(a, b) for a, b in zip(ours, theirs, strict=True) if math.isfinite(a) and math.isfinite(b)]
    differences = [b - a for a, b in both]
    mean, _, low, high = interval(differences)
    return one, other, len(both), mean if both else math.nan, low, high, paired(differences)
