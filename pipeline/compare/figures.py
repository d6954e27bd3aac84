"""The figures of a comparison over the seeds: the table, the tests, the goal reached, and the importance."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.analysis.importance import Importance
from pipeline.compare.pairs import Pair, compared
from pipeline.compare.request import BASELINE
from pipeline.compare.studies import Outcome
from pipeline.ranking.statistics import OBJECTIVE, interval
from pipeline.tasks.naming import distinct

LEVEL: Final = 0.05
SCORES: Final = ("validation", "test")

Outcomes = Mapping[str, Sequence[Outcome]]
"""By method, one for each seed, in the order of the seeds."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean of scores or their ratios over the seeds that have a value, with its 95 % interval (Student's t)."""

    value: float
    low: float | None
    high: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> Mean:
        """The mean of the finite values, with its interval."""
        mean, _, low, high = interval([each for each in values if math.isfinite(each)])
        return cls(*OBJECTIVE.cut(mean if math.isfinite(mean) else math.nan, low, high))


@dataclass(frozen=True, slots=True)
class Line:
    """The results of one method."""

    method: str
    validation: Mean
    test: Mean
    ratio: Mean  # of the test score to that of the default network on the same rows
    configurations: float  # means over the seeds, from here on
    screened: float
    trainings: float  # in full ones
    borrowed: float  # fraction of its trainings that another method's study had
    seconds: float  # of training
    reached: int  # seeds in which it reached the goal
    reached_trainings: float  # median over those
    reached_seconds: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """All figures derived from the outcomes."""

    lines: tuple[Line, ...]
    pairs: tuple[Pair, ...]  # of test scores
    importance: Importance
    seeds: tuple[int, ...]
    objective: str
    epochs: int
    budget: str  # of each search, in words
    target: str  # the score to reach, in words


def lines_of(outcomes: Outcomes, target: float | None) -> tuple[Line, ...]:
    """A line for each method; without a score to reach, it is for each seed the final score of the reference."""
    goals = _goals(outcomes, target)
    return tuple(_line(method, each, goals) for method, each in outcomes.items())


def reference(outcomes: Outcomes) -> str:
    """The method whose final score is the goal of the others."""
    searched = [method for method in outcomes if method != BASELINE]
    return "random" if "random" in searched else searched[0]


def _goals(outcomes: Outcomes, target: float | None) -> list[float]:
    return [each.validation if target is None else target for each in outcomes[reference(outcomes)]]


def _line(method: str, outcomes: Sequence[Outcome], goals: Sequence[float]) -> Line:
    steps = [each.reached(goal) for each, goal in zip(outcomes, goals, strict=True)]
    there = [step for step in steps if step is not None]
    return Line(
        method=method,
        validation=Mean.of([each.validation for each in outcomes]),
        test=Mean.of([each.test for each in outcomes]),
        ratio=Mean.of([each.test / each.default_test for each in outcomes if each.default_test]),
        configurations=statistics.fmean(each.configurations for each in outcomes),
        screened=statistics.fmean(each.screened for each in outcomes),
        trainings=statistics.fmean(each.trainings for each in outcomes),
        borrowed=sum(each.borrowed for each in outcomes) / max(1, sum(each.trained for each in outcomes)),
        seconds=statistics.fmean(each.training_seconds for each in outcomes),
        reached=len(there),
        reached_trainings=statistics.median([step.trainings for step in there]) if there else math.nan,
        reached_seconds=statistics.median([step.seconds for step in there]) if there else math.nan,
    )


def pairs_of(outcomes: Outcomes) -> tuple[Pair, ...]:
    """Every two methods on the test rows, paired by seed."""
    return compared({method: [each.test for each in seeds] for method, seeds in outcomes.items()})


def apart(pairs: Sequence[Pair], scores: Mapping[str, float]) -> str:
    """Say in sentences which methods differ significantly."""
    if all(pair.chance is None for pair in pairs):
        return "No difference can be tested: a test needs two methods, two seeds and scores that vary."
    differing = [pair for pair in pairs if pair.apart(LEVEL)]
    test = f"at {100 * LEVEL:.0f} % (paired t-test over the seeds, Holm-corrected)"
    if not differing:
        none = "The two methods do not differ" if len(pairs) == 1 else f"None of the {len(pairs)} pairs differs"
        return f"{none} significantly {test}."
    better = [(pair.one, pair.other) if pair.mean > 0 else (pair.other, pair.one) for pair in differing]
    by_winner = {one: [other for first, other in better if first == one] for one in dict.fromkeys(w for w, _ in better)}
    parts = [
        f"{one} is better than {', '.join(others)}"
        for one, others in sorted(by_winner.items(), key=lambda each: scores[each[0]])
    ]
    return f"{len(differing)} of {len(pairs)} pairs differ significantly {test}: {'; '.join(parts)}."


def flat(comparison: Comparison) -> dict[str, float]:
    """Every figure by its name, intervals as NAME_low and NAME_high; unknown values are left out."""
    numbers: dict[str, float] = {}
    for line in comparison.lines:
        name = line.method.replace("-", "_")
        for field in (*SCORES, "ratio"):
            each: Mean = getattr(line, field)
            numbers |= {f"{name}_{field}": each.value}
            if each.low is not None and each.high is not None:
                numbers |= {f"{name}_{field}_low": each.low, f"{name}_{field}_high": each.high}
        for field in ("configurations", "screened", "trainings", "borrowed", "seconds", "reached"):
            numbers[f"{name}_{field}"] = float(getattr(line, field))
        numbers |= {
            f"{name}_reached_trainings": line.reached_trainings,
            f"{name}_reached_seconds": line.reached_seconds,
        }
    for pair in comparison.pairs:
        if pair.adjusted is not None:
            both = f"{pair.one}_vs_{pair.other}".replace("-", "_")
            numbers |= {f"{both}_difference": pair.mean, f"{both}_adjusted": pair.adjusted}
    numbers["importance_explained"] = comparison.importance.explained
    for part in comparison.importance.parts:
        numbers[distinct("importance_" + "_x_".join(part.names), numbers, "hyperparameter")] = part.mean
    return {name: value for name, value in numbers.items() if math.isfinite(value)}
