"""The activations as NumPy functions, equal to Keras's, so that a trained perceptron predicts without TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

_SELU_ALPHA: Final = np.float32(1.6732632423543772)  # Klambauer et al. 2017
_SELU_SCALE: Final = np.float32(1.0507009873554805)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    from scipy.special import expit  # deferred, as below: settings name the models, and --help is quick

    found: np.ndarray = expit(x)
    return found


def _normal(x: np.ndarray) -> np.ndarray:
    from scipy.special import ndtr

    found: np.ndarray = ndtr(x)
    return found


FUNCTIONS: Final[Mapping[str, Callable[[np.ndarray], np.ndarray]]] = {
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "selu": lambda x: _SELU_SCALE * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0))),
    "gelu": lambda x: x * _normal(x),
    "swish": lambda x: x * _sigmoid(x),
    "leaky_relu": lambda x: np.where(x > 0, x, np.float32(0.2) * x),
}
