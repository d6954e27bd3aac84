"""The interface of a model, which turns configurations into networks and defines their hyperparameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from pipeline.space import Space
from pipeline.trial import Configuration, Value

BATCH: Final = 1024  # rows that a trained network predicts at once


@dataclass(frozen=True, slots=True)
class Signature:
    """The inputs and outputs of a network: rows of `features` numbers, rows of `outputs` numbers.

    A row may have a shape, whose sizes multiply to `features`: (height, width, channels) of an image, (steps, columns)
    of a window. It is flat nevertheless: networks take (rows, features) and reshape the rows themselves.
    """

    features: int
    outputs: int
    shape: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Layers:
    """How the configurations of a model define the number of hidden layers and the units of each."""

    names: tuple[str, ...] = ()  # the hyperparameters that define it
    of: Callable[[Configuration], tuple[Value | None, Value | None]] = lambda _: (None, None)
    """The number of hidden layers and the units of each; None for those that a configuration does not define."""

    def depth(self, configuration: Configuration) -> int | None:
        """The number of hidden layers; None if the configuration does not define it."""
        value = self.of(configuration)[0]
        return value if isinstance(value, int) and not isinstance(value, bool) else None


Network = Callable[[np.ndarray], np.ndarray]
"""A trained network: scaled inputs (rows, features) to scaled outputs (rows, outputs), float32."""


class Model(Protocol):
    """The interface of a model. Only the methods that say so import Keras.

    Weights are float32 arrays in the order of Keras's `get_weights`, of known shapes for every configuration.
    """

    @property
    def layers(self) -> Layers:
        """How its configurations define hidden layers, for their names and for the elite of stage 2."""
        ...

    def complete(self, space: Space) -> Space:
        """The space with every hyperparameter of the model. Raise UserError for an unknown one."""
        ...

    def baseline(self, space: Space) -> Configuration:
        """The default network, with which the configurations of every complete space are compared."""
        ...

    def check(self, space: Space, signature: Signature) -> None:
        """Raise UserError unless every network of a complete space can take such rows."""
        ...

    def most_weights(self, space: Space, signature: Signature) -> int:
        """The number of weights of the largest network of a complete space, including the default network."""
        ...

    def build(self, configuration: Configuration, signature: Signature, seed: int) -> Any:
        """A new keras.Model (rows, features) -> (rows, outputs), linear at its end.

        Its initial weights and the draws of its random layers are a function of the arguments.
        """
        ...

    def weight_shapes(self, configuration: Configuration, signature: Signature) -> tuple[tuple[int, ...], ...]:
        """The shapes of a network's weights, in their order. Raise ValueError for configurations of other models."""
        ...

    def network(self, configuration: Configuration, signature: Signature, weights: Sequence[np.ndarray]) -> Network:
        """The trained network with these weights. Raise ValueError if their shapes are not the configuration's."""
        ...

    def optimizer(self, configuration: Configuration, steps: int) -> Any:
        """A new keras.optimizers.Optimizer for a training of at most `steps` steps."""
        ...

    def callbacks(self, configuration: Configuration) -> list[Any]:
        """The Keras callbacks of a training of the configuration; the validated metric is `val_objective`."""
        ...


def predict(network: Network, inputs: np.ndarray) -> np.ndarray:
    """Predict (rows, outputs) a thousand rows at a time: memory is bounded, and equal calls give equal bits."""
    return np.concatenate([network(inputs[first : first + BATCH]) for first in range(0, len(inputs), BATCH)])
