"""Networks that predict through Keras, for kinds of networks without a version in NumPy."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from pipeline.models.model import Network


def network_of(build: Callable[[], Any], expected: Sequence[tuple[int, ...]], weights: Sequence[np.ndarray]) -> Network:
    """The function of a built keras.Model with these weights. Raise ValueError for weights of other shapes.

    The model is built only if the shapes agree, so that it is no larger than the weights that are there.
    """
    found = [weight.shape for weight in weights]
    if found != list(expected):
        raise ValueError(f"weights of the shapes {found} instead of {list(expected)}")
    model = build()
    model.set_weights(list(weights))

    def predict(inputs: np.ndarray) -> np.ndarray:
        return np.asarray(model(inputs.astype(np.float32, copy=False), training=False))

    return predict


def weight_seeds(seed: int) -> Iterator[int]:
    """Endless 32-bit seeds, one for each layer that draws something: a function of the seed and of their position."""
    for position in itertools.count():
        yield int(np.random.SeedSequence([seed, position]).generate_state(1)[0])
