"""By how much the best configuration is better than a baseline."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.analysis.verdict import Tested
from pipeline.ranking.statistics import interval, welch


@dataclass(frozen=True, slots=True)
class Gap:
    """How much lower one mean objective is than another, with its 95 % interval over seeds if there is one."""

    mean: float
    low: float | None = None
    high: float | None = None
    paired: bool = False

    @property
    def decided(self) -> bool:
        """True if the whole interval is above zero."""
        return self.low is not None and self.low > 0


def gap(best: Tested, other: Tested, repeats: int) -> Gap:
    """By how much `best` is below `other`: paired by seed if no repeat is missing, else with Welch's interval."""
    if len(best.objectives) == len(other.objectives) == repeats:
        pairs = [theirs - ours for ours, theirs in zip(best.objectives, other.objectives, strict=True)]
        mean, _, low, high = interval(pairs)
        return Gap(mean, low, high, paired=True)
    return Gap(*welch(best.objectives, other.objectives))


def gap_to(best: Tested, constant: float) -> Gap:
    """By how much `best` is below a number without seeds."""
    mean, _, low, high = interval([constant - each for each in best.objectives])
    return Gap(mean, low, high)
