"""What a surrogate believed while a search went on, as values that a picture can be drawn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Belief:
    """What the surrogate of a space of one dimension believes after some evaluations, and what it makes of that."""

    name: str  # of the dimension
    log: bool
    values: np.ndarray  # (points,) of the dimension, from its low to its high end
    mean: np.ndarray  # (points,) of the objective
    deviation: np.ndarray  # (points,) of the mean, without the noise of a training
    acquisition: np.ndarray  # (points,) higher is more promising
    function: str  # which one that is
    seen: tuple[tuple[float, float], ...]  # value and objective of each evaluation, in order
    proposed: float | None  # what was evaluated next; None after the last
