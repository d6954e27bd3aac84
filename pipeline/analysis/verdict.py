"""The best configurations on the test rows, compared with the baselines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.analysis.decisions import Deciding
from pipeline.analysis.ensemble import Ensemble
from pipeline.data.rows import Part
from pipeline.ranking.statistics import interval
from pipeline.tasks import Metric, Target, objective, scores
from pipeline.trial import Summary


@dataclass(frozen=True, slots=True)
class Tested:
    """The scores of a configuration on the test rows, with all its saved repeats."""

    summary: Summary  # on the validation rows, by which it was selected
    predictions: np.ndarray  # (repeats, rows, predicted), in units: see `tasks.Target`
    objectives: tuple[float, ...]  # one per repeat
    scores: Mapping[str, Mapping[str, float]]  # column -> metric -> mean over the repeats
    each: tuple[Mapping[str, Mapping[str, float]], ...] = ()  # the scores of every repeat

    @property
    def mean(self) -> float:
        """Mean objective over the repeats."""
        return interval(self.objectives)[0]

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """95 % interval of the mean over seeds; (None, None) for a single repeat."""
        return interval(self.objectives)[2:]

    def score(self, column: str, metric: str) -> tuple[float, float | None, float | None]:
        """Mean of a metric over the repeats, and the 95 % interval of the mean over seeds; NaN where one has none."""
        mean, _, low, high = interval([each[column].get(metric, math.nan) for each in self.each])
        return mean, low, high


@dataclass(frozen=True, slots=True)
class Baseline:
    """The scores of a prediction without seeds on the test rows."""

    objective: float
    scores: Mapping[str, Mapping[str, float]]  # column -> metric -> value


@dataclass(frozen=True, slots=True)
class Verdict:
    """All results on the test rows, for the summary, the figures and the workbook."""

    outputs: tuple[str, ...]
    rows: np.ndarray  # (rows,) positions in the user's table, from 0
    measured: np.ndarray  # (rows, outputs), original units, or positions of classes
    constant: float  # objective of the best constant prediction: median, or frequencies of classes
    constant_scores: Mapping[str, Mapping[str, float]]
    default: Tested | None  # the default network with as many repeats; None if all of them failed
    best: tuple[Tested, ...]  # the group of best configurations, best on validation rows first
    target: Target
    weights: np.ndarray  # (rows,) of the test rows
    ensembles: tuple[Ensemble, ...] = ()  # of networks of the best configurations
    further: tuple[Metric, ...] = ()  # user-defined, after those of the task
    times: tuple[str, ...] = ()  # of the test rows of a series, as the table spells them
    places: tuple[tuple[str, int], ...] = ()  # of the test rows of a table in several files: the file, the row from 0
    deciding: Deciding | None = None  # of classes: how predictors decide; None for the likeliest class as it is

    @property
    def counted(self) -> np.ndarray:
        """Whether each test row counts (rows,), True or False: one of weight 0 does not."""
        return np.asarray(self.weights) > 0

    @property
    def weighted(self) -> bool:
        """True if some test rows count more than others."""
        return bool(np.ptp(self.weights) > 0) if len(self.weights) else False

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics of the task, followed by user-defined ones."""
        return (*self.target.task.metrics, *self.further)


def tested(
    summary: Summary,
    predicted: np.ndarray,
    part: Part,
    target: Target,
    further: Sequence[Metric] = (),  # noqa: PT028 - not a test
) -> Tested:
    """Score the scaled predictions `(repeats, rows, outputs)` of the repeats of a configuration.

    `further` are user-defined metrics; one that is not a number for every repeat is left out.
    """
    units = target.to_units(predicted)
    each = tuple(scores(target, part.measured, one, part.weights, further) for one in units)
    return Tested(
        summary=summary,
        predictions=units,
        objectives=tuple(objective(target, part, one) for one in predicted),
        scores=_means(each),
        each=each,
    )


def judge(
    target: Target,
    part: Part,
    constant: Baseline,
    default: Tested | None,
    best: Sequence[Tested],
    *,
    further: Sequence[Metric] = (),
) -> Verdict:
    """Compare the tested configurations with the best constant on the training rows and the default network."""
    return Verdict(
        outputs=target.names,
        rows=part.rows,
        measured=part.measured,
        constant=constant.objective,
        constant_scores=constant.scores,
        default=default,
        best=tuple(best),
        target=target,
        weights=part.weights,
        further=tuple(further),
    )


def _means(each: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    return {
        output: {
            metric: float(np.mean([one[output][metric] for one in each]))
            for metric in metrics
            if all(metric in one[output] for one in each)
        }
        for output, metrics in each[0].items()
    }
