"""The posterior of a surrogate in one dimension, at one moment of a search, as values for a figure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class PosteriorCurve:
    """Posterior and acquisition function over a space of one dimension, after some evaluations."""

    name: str  # of the dimension
    log: bool
    values: np.ndarray  # (points,) of the dimension, from its low to its high end
    mean: np.ndarray  # (points,) of the objective
    deviation: np.ndarray  # (points,) of the mean, without the noise of a training
    acquisition: np.ndarray  # (points,) higher is better
    function: str  # which acquisition function that is
    seen: tuple[tuple[float, float], ...]  # value and objective of each evaluation, in order
    proposed: float | None  # the next evaluation; None after the last
