"""What a model is: it turns a configuration into a network, and knows its hyperparameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from pipeline.space import Space
from pipeline.trial import Configuration, Value

BATCH: Final = 1024  # rows that a trained network is given at once


@dataclass(frozen=True, slots=True)
class Signature:
    """What goes into a network and comes out of it: rows of `features` numbers, rows of `outputs` numbers.

    A row may have a shape, whose sizes multiply to `features`: (height, width, channels) of an image, (steps, columns)
    of a window. It is flat all the same: networks take (rows, features) and give it its shape themselves.
    """

    features: int
    outputs: int
    shape: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Layers:
    """How the configurations of a model say how many hidden layers a network has, and how many units each of them."""

    names: tuple[str, ...] = ()  # the hyperparameters that say it
    of: Callable[[Configuration], tuple[Value | None, Value | None]] = lambda _: (None, None)
    """The number of hidden layers and the units of each; None for what a configuration does not say."""

    def depth(self, configuration: Configuration) -> int | None:
        """The number of hidden layers; None where the configuration does not say."""
        value = self.of(configuration)[0]
        return value if isinstance(value, int) and not isinstance(value, bool) else None


Network = Callable[[np.ndarray], np.ndarray]
"""A trained network: scaled inputs (rows, features) to scaled outputs (rows, outputs), float32."""


class Model(Protocol):
    """What a model offers; Keras is imported by what says so alone.

    Weights are float32 arrays in the order of Keras's `get_weights`, of known shapes for every configuration.
    """

    @property
    def layers(self) -> Layers:
        """What its configurations say of hidden layers: by it people call them, and stage 2 finds its elite."""
        ...

    def complete(self, space: Space) -> Space:
        """The space with every hyperparameter that the model has; UserError for one that it does not know."""
        ...

    def baseline(self, space: Space) -> Configuration:
        """The default network, which every complete space is compared with."""
        ...

    def check(self, space: Space, signature: Signature) -> None:
        """Raise UserError unless every network of a complete space can take such rows."""
        ...

    def most_weights(self, space: Space, signature: Signature) -> int:
        """How many numbers the largest network of a complete space has, the default network among them."""
        ...

    def build(self, configuration: Configuration, signature: Signature, seed: int) -> Any:
        """A new keras.Model (rows, features) -> (rows, outputs), linear at its end.

        Its initial weights and what its random layers draw are a function of the arguments.
        """
        ...

    def weight_shapes(self, configuration: Configuration, signature: Signature) -> tuple[tuple[int, ...], ...]:
        """The shapes of a network's weights, in their order; ValueError for configurations of other models."""
        ...

    def network(self, configuration: Configuration, signature: Signature, weights: Sequence[np.ndarray]) -> Network:
        """The function that weights make; ValueError for weights of other shapes than the configuration's."""
        ...

    def optimizer(self, configuration: Configuration, steps: int) -> Any:
        """A new keras.optimizers.Optimizer for a training of at most `steps` steps."""
        ...

    def callbacks(self, configuration: Configuration) -> list[Any]:
        """Keras callbacks that a training of the configuration needs; what is validated is `val_objective`."""
        ...


def predict(network: Network, inputs: np.ndarray) -> np.ndarray:
    """Outputs (rows, outputs) a thousand rows at a time: memory is bounded, and equal calls give equal bits."""
    return np.concatenate([network(inputs[first : first + BATCH]) for first in range(0, len(inputs), BATCH)])
