"""Prediction without inputs: the weighted median of the training rows, or the frequencies of their classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.analysis.verdict import Baseline
from pipeline.data.rows import Part
from pipeline.tasks import Metric, Target, objective, scores


def constant(target: Target, train: Part, part: Part, further: Sequence[Metric] = ()) -> Baseline:
    """The best constant of the training rows, scored on the rows of `part`; `further` are user-defined metrics."""
    predicted = np.repeat(target.constant(train.measured, train.weights), len(part.rows), axis=0)
    return Baseline(
        objective=objective(target, part, predicted),
        scores=scores(target, part.measured, target.to_units(predicted), part.weights, further),
    )
