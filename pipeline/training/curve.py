"""Learning curves: the training loss and the validation objective of each epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

POINTS: Final = 500  # most points of a curve


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """The losses of one training: of all epochs, or of `POINTS` evenly spread ones.

    The first, the last and the best epoch are always among them.
    """

    epochs: np.ndarray  # (points,) int32, from 1, ascending
    training: np.ndarray  # (points,) float32, mean loss of the epoch's batches, as minimised by the engine; NaN: none
    validation: np.ndarray  # (points,) float32, objective on the validation rows after the epoch

    @classmethod
    def of(cls, training: Sequence[float] | np.ndarray, validation: Sequence[float] | np.ndarray, best: int) -> Curve:
        """The curve of a training with a loss and an objective for each epoch (epochs,); `best` counts from 1."""
        chosen = _chosen(len(validation), best - 1)
        losses = (np.asarray(each, np.float32)[chosen] for each in (training, validation))
        return cls((chosen + 1).astype(np.int32), *losses)


def _chosen(count: int, best: int) -> np.ndarray:
    """Positions of the epochs to keep, ascending."""
    if count <= POINTS:
        return np.arange(count)
    spread = np.linspace(0, count - 1, POINTS).round().astype(np.int64)
    inner = spread[1:-1]
    if best not in (0, count - 1):
        inner[np.argmin(np.abs(inner - best))] = best
    return spread
