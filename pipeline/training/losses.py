"""The losses of a program, and what early stopping looks at; tests compare them with Keras's."""

from __future__ import annotations

from typing import Any, Final

LOSSES: Final = ("mse", "mae", "huber", "binary_crossentropy", "categorical_crossentropy")
LOG_LOSSES: Final = ("binary_crossentropy", "categorical_crossentropy")  # of logits


def validated(name: str, watched: str = "") -> str:
    """What early stopping looks at on the validation rows after each epoch, of scaled outputs.

    Args:
        name: The loss.
        watched: What the measure of the study calls for: "rmse", or "mae", which is also meant by "".

    Returns:
        The loss itself if it is a log loss; otherwise "mae" or "rmse".
    """
    return name if name in LOG_LOSSES else watched or "mae"


def loss(name: str, predicted: Any, measured: Any) -> Any:
    """Loss of each row (P, rows): the mean over its outputs, or the cross-entropy of its logits.

    `predicted` (P, rows, outputs); `measured` the same, or (rows, outputs) for all places.
    """
    import tensorflow as tf

    error = predicted - measured
    losses = {
        "mse": lambda: tf.reduce_mean(tf.square(error), -1),
        "mae": lambda: tf.reduce_mean(tf.abs(error), -1),
        "huber": lambda: tf.reduce_mean(_huber(error), -1),
        "binary_crossentropy": lambda: tf.reduce_mean(tf.nn.softplus(predicted) - measured * predicted, -1),
        "categorical_crossentropy": lambda: -tf.reduce_sum(measured * tf.nn.log_softmax(predicted), -1),
    }
    return losses[name]()


def _huber(error: Any) -> Any:
    """Squared below 1 and linear above (Huber 1964)."""
    import tensorflow as tf

    return tf.where(tf.abs(error) <= 1.0, 0.5 * tf.square(error), tf.abs(error) - 0.5)
