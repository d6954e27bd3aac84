"""The best configurations on the test rows, beside what they have to beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.data.task import Part, Target, objective, scores
from pipeline.trial import Summary, interval


@dataclass(frozen=True, slots=True)
class Tested:
    """A configuration on the test rows: every saved repeat predicts, none is picked."""

    summary: Summary  # of the validation rows, which chose it
    predictions: np.ndarray  # (repeats, rows, outputs), original units
    objectives: tuple[float, ...]  # one per repeat: MAE on scaled outputs
    scores: Mapping[str, Mapping[str, float]]  # output -> metric -> mean over the repeats, original units

    @property
    def mean(self) -> float:
        """Mean objective over the repeats."""
        return interval(self.objectives)[0]

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """95 % interval of the mean over seeds; (None, None) for one repeat."""
        return interval(self.objectives)[2:]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the summary, the figures and the workbook say of the test rows."""

    outputs: tuple[str, ...]
    rows: np.ndarray  # (rows,) positions in the user's table, from 0
    measured: np.ndarray  # (rows, outputs), original units
    median: float  # objective of predicting the training rows' median
    median_scores: Mapping[str, Mapping[str, float]]
    default: Tested | None  # the default network, as many repeats; None if none of them succeeded
    best: tuple[Tested, ...]  # the group of best configurations, best on validation rows first


def tested(summary: Summary, predicted: np.ndarray, part: Part, target: Target) -> Tested:
    """Score the predictions `(repeats, rows, outputs)`, on scaled outputs, of every repeat of a configuration."""
    units = target.to_units(predicted)
    each = [scores(part.measured, one, part.weights, target.names) for one in units]
    return Tested(
        summary=summary,
        predictions=units,
        objectives=tuple(objective(part.outputs, one, part.weights) for one in predicted),
        scores=_means(each),
    )


def judge(target: Target, part: Part, train: Part, default: Tested | None, best: Sequence[Tested]) -> Verdict:
    """Put the tested configurations beside the median of the training rows and the default network."""
    middle = np.median(train.measured, axis=0, keepdims=True)
    constant = np.repeat(middle, len(part.rows), axis=0)
    return Verdict(
        outputs=target.names,
        rows=part.rows,
        measured=part.measured,
        median=objective(part.outputs, target.to_scaled(constant), part.weights),
        median_scores=scores(part.measured, constant, part.weights, target.names),
        default=default,
        best=tuple(best),
    )


def _means(each: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    return {
        output: {metric: float(np.mean([one[output][metric] for one in each])) for metric in metrics}
        for output, metrics in each[0].items()
    }
