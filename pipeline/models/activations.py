"""The activations as NumPy functions, equal to Keras's own: a trained perceptron predicts without TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from scipy.special import expit, ndtr

_SELU_ALPHA: Final = np.float32(1.6732632423543772)  # Klambauer et al. 2017
_SELU_SCALE: Final = np.float32(1.0507009873554805)
FUNCTIONS: Final[Mapping[str, Callable[[np.ndarray], np.ndarray]]] = {
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": expit,
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "selu": lambda x: _SELU_SCALE * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0))),
    "gelu": lambda x: x * ndtr(x),
    "swish": lambda x: x * expit(x),
    "leaky_relu": lambda x: np.where(x > 0, x, np.float32(0.2) * x),
}
