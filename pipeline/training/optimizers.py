"""The update rules of Keras's optimizers, written out for arrays with a leading axis of places.

Optimizers act element by element, so one rule serves many trainings at once; each place has its own learning rate and
its own step count. Constants are Keras's defaults. Sources: momentum, Sutskever et al. 2013; RMSprop, Tieleman &
Hinton 2012; Adam, Kingma & Ba 2015; Nadam, Dozat 2016.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

BETA_1: Final = 0.9
BETA_2: Final = 0.999
RHO: Final = 0.9
EPSILON: Final = 1e-7
NADAM_DECAY: Final = 0.96


class Step(NamedTuple):
    """The inputs of a rule besides gradients; every entry has the shape (places, 1, 1)."""

    rate: Any  # learning rate of this step
    number: Any  # 1 for the first step
    momentum: Any
    nesterov: Any  # bool
    product: Any  # Nadam's running product of momenta, including this step's


Slots = tuple[Any, Any]  # first and second moment, or whatever else a rule keeps
Rule = Callable[[Any, Any, Slots, Step], tuple[Any, Slots]]
"""Maps a parameter (places, in, out), its gradient and its slots to the new parameter and slots."""


def sgd(parameter: Any, gradient: Any, slots: Slots, step: Step) -> tuple[Any, Slots]:
    """Gradient descent, optionally with momentum and Nesterov's look-ahead."""
    import tensorflow as tf

    moved = step.momentum * slots[0] - step.rate * gradient
    ahead = step.momentum * moved - step.rate * gradient
    return parameter + tf.where(step.nesterov, ahead, moved), (moved, slots[1])


def rmsprop(parameter: Any, gradient: Any, slots: Slots, step: Step) -> tuple[Any, Slots]:
    """Gradient divided by the root of its running mean square."""
    import tensorflow as tf

    square = RHO * slots[1] + (1.0 - RHO) * tf.square(gradient)
    moved = step.momentum * slots[0] + step.rate * gradient / tf.sqrt(square + EPSILON)
    return parameter - moved, (moved, square)


def adam(parameter: Any, gradient: Any, slots: Slots, step: Step) -> tuple[Any, Slots]:
    """Running mean of the gradient over the root of that of its square, both bias-corrected."""
    import tensorflow as tf

    mean, square = _moments(gradient, slots)
    rate = step.rate * tf.sqrt(1.0 - tf.pow(BETA_2, step.number)) / (1.0 - tf.pow(BETA_1, step.number))
    return parameter - mean * rate / (tf.sqrt(square) + EPSILON), (mean, square)


def nadam(parameter: Any, gradient: Any, slots: Slots, step: Step) -> tuple[Any, Slots]:
    """Adam with Nesterov's look-ahead and a momentum that grows in the first steps."""
    import tensorflow as tf

    mean, square = _moments(gradient, slots)
    now, following = nadam_momentum(step.number), nadam_momentum(step.number + 1.0)
    ahead = following * mean / (1.0 - step.product * following) + (1.0 - now) * gradient / (1.0 - step.product)
    corrected = square / (1.0 - tf.pow(BETA_2, step.number))
    return parameter - step.rate * ahead / (tf.sqrt(corrected) + EPSILON), (mean, square)


def nadam_momentum(number: Any) -> Any:
    """Nadam's momentum of a step, which grows towards `BETA_1`."""
    import tensorflow as tf

    return BETA_1 * (1.0 - 0.5 * tf.pow(NADAM_DECAY, number))


def _moments(gradient: Any, slots: Slots) -> Slots:
    import tensorflow as tf

    mean = slots[0] + (gradient - slots[0]) * (1.0 - BETA_1)
    square = slots[1] + (tf.square(gradient) - slots[1]) * (1.0 - BETA_2)
    return mean, square


# AdamW is Adam here: every rule is applied after the same decoupled weight decay.
RULES: Final[Mapping[str, Rule]] = {"adam": adam, "adamw": adam, "nadam": nadam, "rmsprop": rmsprop, "sgd": sgd}
