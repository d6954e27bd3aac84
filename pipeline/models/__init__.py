"""The models: each module of this folder turns a configuration into a Keras model, and knows its hyperparameters.

What a module offers is the protocol `Model` below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, Protocol, cast

import numpy as np

from pipeline.space import Space
from pipeline.trial import Configuration

MODELS: Final = ("mlp",)
BATCH: Final = 1024  # rows that a trained network is given at once


@dataclass(frozen=True, slots=True)
class Signature:
    """What goes into a network and comes out of it: rows of `features` numbers, rows of `outputs` numbers."""

    features: int
    outputs: int


Network = Callable[[np.ndarray], np.ndarray]
"""A trained network: scaled inputs (rows, features) to scaled outputs (rows, outputs), float32."""


class Model(Protocol):
    """What a module of this folder offers."""

    BASELINE: Configuration

    def complete(self, space: Space) -> Space:
        """The space with every hyperparameter that the model has; UserError for one that it does not know."""
        ...

    def most_weights(self, space: Space, signature: Signature) -> int:
        """How many numbers the largest network of a complete space has."""
        ...

    def build(self, configuration: Configuration, signature: Signature, seed: int) -> Any:
        """A new keras.Model whose initial weights and random layers are a function of the arguments."""
        ...

    def weight_shapes(self, configuration: Configuration, signature: Signature) -> tuple[tuple[int, ...], ...]:
        """The shapes of a network's weights, in their order; ValueError for what is no configuration of this model."""
        ...

    def network(self, configuration: Configuration, signature: Signature, weights: Sequence[np.ndarray]) -> Network:
        """The function that weights make; ValueError for weights of other shapes than the configuration's."""
        ...

    def optimizer(self, configuration: Configuration, steps: int) -> Any:
        """A new keras.optimizers.Optimizer for a training of at most so many steps."""
        ...

    def callbacks(self, configuration: Configuration) -> list[Any]:
        """Keras callbacks that a training of the configuration needs; what is validated is `val_objective`."""
        ...


def load(name: str) -> Model:
    """The module of that name in this folder, one of `MODELS`."""
    return cast("Model", import_module(f"pipeline.models.{name}"))


def predict(network: Network, inputs: np.ndarray) -> np.ndarray:
    """Outputs (rows, outputs) a thousand rows at a time: memory is bounded, and equal calls give equal bits."""
    return np.concatenate([network(inputs[first : first + BATCH]) for first in range(0, len(inputs), BATCH)])
