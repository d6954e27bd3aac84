"""One compiled program that trains several perceptrons side by side, one in each of its places.

A place holds one training: its parameters, optimizer state and counters, and its hyperparameters as data. Everything
that differs between configurations of one program (learning rate, dropout, penalties, widths up to the padded ones,
which activation and which optimizer of those that the study offers) is an array with a leading axis of places. Programs
differ in their `Shape`. A place is independent of its neighbours and of its position.

In shapes, P is the number of places and B the batch size.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, NamedTuple

from pipeline.models.hyperparameters import EXPONENTIAL_END, PLATEAU_FACTOR, PLATEAU_PATIENCE, SCHEDULES
from pipeline.training.losses import loss, validated
from pipeline.training.optimizers import RULES, Step, nadam_momentum
from pipeline.training.shapes import Shape

VALIDATION_CHUNK: Final = 1024  # validation rows that are predicted at once: bounds memory


class Rows(NamedTuple):
    """Training rows, and validation rows in chunks of equal length, filled up with rows of weight zero."""

    inputs: Any  # (n, features)
    outputs: Any  # (n, outputs)
    weights: Any  # (n,)
    held_inputs: Any  # (chunks, rows, features)
    held_outputs: Any
    held_weights: Any


class Given(NamedTuple):
    """The hyperparameters of each place; per-layer entries have the shape (layers, P)."""

    masks: tuple[Any, ...]  # for each hidden layer (P, 1, padded width): 1 for its units, 0 for padding
    activation: Any  # position in the shape's activations
    dropout: Any
    l1: Any
    l2: Any
    optimizer: Any  # (P,) position in the shape's optimizers
    learning_rate: Any  # (P,), and so on
    momentum: Any
    nesterov: Any
    weight_decay: Any
    clip_norm: Any
    schedule: Any  # position in SCHEDULES
    steps: Any  # of the whole training, for schedules
    epochs: Any  # at most
    seed: Any  # of the dropout masks, uint32


class State(NamedTuple):
    """The state of training; parameters are kernel (P, in, out) and bias (P, 1, out) of each layer in turn."""

    parameters: tuple[Any, ...]
    first: tuple[Any, ...]  # the optimizer's slots
    second: tuple[Any, ...]
    best: tuple[Any, ...]  # the parameters with the lowest validation objective so far
    best_value: Any  # (P,), and so on
    best_epoch: Any
    waited: Any  # epochs since then
    epoch: Any
    step: Any
    product: Any  # Nadam's
    scale: Any  # of the learning rate, by the plateau schedule
    plateau_value: Any
    plateau_waited: Any
    done: Any
    diverged: Any


@cache
def compiled(shape: Shape) -> Any:
    """The program `(rows, given, state, orders) -> (state, losses)` of a shape.

    `orders` (epochs, P, steps, B) are the rows of each batch, filled up with -1 if a batch is short. It returns early
    when every place is done. `losses` (epochs, 2, P) are, after each epoch, the mean loss of its batches and the
    validation objective; they are undefined for epochs after the end of a training.
    """
    import tensorflow as tf

    # No branch of Python depends on a tensor; translating the functions all the same took each process 1.5 seconds.
    @tf.function(jit_compile=True, autograph=False)  # type: ignore[untyped-decorator]
    def advance(rows: Rows, given: Given, state: State, orders: Any) -> Any:
        def more(number: Any, now: State, _: Any) -> Any:
            return tf.logical_and(number < shape.epochs, tf.logical_not(tf.reduce_all(now.done)))

        def epoch(number: Any, now: State, losses: Any) -> tuple[Any, State, Any]:
            after, found = _epoch(shape, rows, given, now, orders[number])
            return number + 1, after, losses.write(number, found)

        losses = tf.TensorArray(tf.float32, shape.epochs, element_shape=(2, shape.places))
        _, after, losses = tf.while_loop(more, epoch, (tf.constant(0), state, losses))
        return after, losses.stack()

    return advance


def _epoch(shape: Shape, rows: Rows, given: Given, state: State, order: Any) -> tuple[State, Any]:
    """The state after one epoch, and (2, P) its mean training loss and its validation objective."""
    import tensorflow as tf

    def step(number: Any, now: State, total: Any) -> tuple[Any, State, Any]:
        after, loss = _step(shape, rows, given, now, order[:, number])
        return number + 1, after, total + loss

    start = (tf.constant(0), state, tf.zeros(shape.places))
    _, after, total = tf.while_loop(lambda number, *_: number < shape.steps, step, start)
    value = _validated(shape, rows, given, after.parameters)
    return _judge(shape, given, after, total, value), tf.stack([total / shape.steps, value])


def _step(shape: Shape, rows: Rows, given: Given, state: State, chosen: Any) -> tuple[State, Any]:
    """One optimizer step of every place on its own batch `chosen` (P, B)."""
    import tensorflow as tf

    real = tf.cast(chosen >= 0, tf.float32)
    places = tf.maximum(chosen, 0)
    inputs, outputs = tf.gather(rows.inputs, places), tf.gather(rows.outputs, places)
    weights = tf.gather(rows.weights, places) * real
    with tf.GradientTape() as tape:
        tape.watch(state.parameters)
        predicted = _forward(shape, given, state.parameters, inputs, state.step)
        # Keras divides the weighted sum by the number of rows, not by the sum of their weights.
        losses = tf.reduce_sum(weights * loss(shape.loss, predicted, outputs), 1) / tf.reduce_sum(real, 1)
        total = tf.reduce_sum(losses)
    gradients = _clipped(
        shape, given, _penalised(shape, given, state.parameters, tape.gradient(total, state.parameters))
    )
    return _updated(shape, given, state, gradients), losses


def _forward(shape: Shape, given: Given, parameters: Sequence[Any], values: Any, step: Any | None) -> Any:
    """Predictions (P, rows, outputs), with dropout if a step is given."""
    import tensorflow as tf

    for layer in range(len(shape.widths)):
        values = tf.matmul(values, parameters[2 * layer]) + parameters[2 * layer + 1]
        values = _activated(shape, given.activation[layer], values) * given.masks[layer]
        if step is not None and "dropout" in shape.uses:
            rate = _column(given.dropout[layer])
            kept = _uniform(given.seed, step, layer, shape.batch, shape.widths[layer]) >= rate
            values = tf.where(kept, values / (1.0 - rate), 0.0)
    return tf.matmul(values, parameters[-2]) + parameters[-1]


def _activated(shape: Shape, chosen: Any, values: Any) -> Any:
    """Compute every activation that the study offers and let each place take its own: a few cost next to nothing."""
    import tensorflow as tf

    functions = {
        "relu": tf.nn.relu,
        "tanh": tf.tanh,
        "sigmoid": tf.sigmoid,
        "elu": tf.nn.elu,
        "selu": tf.nn.selu,
        "gelu": lambda x: tf.nn.gelu(x, approximate=False),
        "swish": tf.nn.silu,
        "leaky_relu": lambda x: tf.nn.leaky_relu(x, 0.2),
    }
    taken = functions[shape.activations[0]](values)
    for position, name in enumerate(shape.activations[1:], 1):
        taken = tf.where(_column(chosen) == position, functions[name](values), taken)
    return taken


def _uniform(seed: Any, step: Any, layer: int, batch: int, width: int) -> Any:
    """Numbers in [0, 1), (P, B, width): a hash of the place's seed, step, layer and element, without any state.

    The finaliser is a 32-bit avalanche hash of two multiplications (C. Wellons, hash-prospector, 2018). It is cheap;
    Keras's generator made the same program several times slower.
    """
    import tensorflow as tf

    key = _hashed(_hashed(seed + tf.constant(layer * 0x9E3779B1 % 2**32, tf.uint32)) + tf.cast(step, tf.uint32))
    element = tf.reshape(tf.cast(tf.range(batch * width), tf.uint32), (1, batch, width))
    mixed = _hashed(tf.bitwise.bitwise_xor(_hashed(element), tf.reshape(key, (-1, 1, 1))))
    return tf.cast(tf.bitwise.right_shift(mixed, tf.constant(8, tf.uint32)), tf.float32) * (1.0 / 2**24)


def _hashed(number: Any) -> Any:
    import tensorflow as tf

    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        number = tf.bitwise.bitwise_xor(number, tf.bitwise.right_shift(number, tf.constant(shift, tf.uint32)))
        number = number * tf.constant(factor, tf.uint32)
    return tf.bitwise.bitwise_xor(number, tf.bitwise.right_shift(number, tf.constant(16, tf.uint32)))


def _penalised(shape: Shape, given: Given, parameters: Sequence[Any], gradients: Sequence[Any]) -> list[Any]:
    """Add the gradients of L1 and L2 penalties on the kernels of hidden layers, as in `models.mlp.build`."""
    import tensorflow as tf

    changed = list(gradients)
    for layer in range(len(shape.widths)):
        kernel = parameters[2 * layer]
        if "l2" in shape.uses:
            changed[2 * layer] += 2.0 * _column(given.l2[layer]) * kernel
        if "l1" in shape.uses:
            changed[2 * layer] += _column(given.l1[layer]) * tf.sign(kernel)
    return changed


def _clipped(shape: Shape, given: Given, gradients: list[Any]) -> list[Any]:
    """Scale the gradients of a place if their global norm exceeds its limit."""
    import tensorflow as tf

    if "clip_norm" not in shape.uses:
        return gradients
    norm = tf.sqrt(sum(tf.reduce_sum(tf.square(gradient), (1, 2)) for gradient in gradients))
    limit = given.clip_norm
    factor = tf.where(limit > 0.0, limit / tf.maximum(norm, limit), 1.0)
    return [gradient * _column(factor) for gradient in gradients]


def _updated(shape: Shape, given: Given, state: State, gradients: Sequence[Any]) -> State:
    import tensorflow as tf

    number = tf.cast(state.step + 1, tf.float32)
    product = state.product * nadam_momentum(number)
    rate = _column(_learning_rate(given, state))
    step = Step(rate, _column(number), _column(given.momentum), _column(given.nesterov), _column(product))
    parameters, first, second = [], [], []
    for parameter, gradient, *slots in zip(state.parameters, gradients, state.first, state.second, strict=True):
        decayed = parameter - parameter * _column(given.weight_decay) * rate
        taken = RULES[shape.optimizers[0]](decayed, gradient, (slots[0], slots[1]), step)
        for position, name in enumerate(shape.optimizers[1:], 1):
            other = RULES[name](decayed, gradient, (slots[0], slots[1]), step)
            here = _column(given.optimizer) == position
            taken = tf.nest.map_structure(lambda mine, rest, here=here: tf.where(here, mine, rest), other, taken)
        parameters.append(taken[0])
        first.append(taken[1][0])
        second.append(taken[1][1])
    return state._replace(
        parameters=tuple(parameters), first=tuple(first), second=tuple(second), step=state.step + 1, product=product
    )


def _learning_rate(given: Given, state: State) -> Any:
    """The learning rate (P,) of the next step, by the schedule of each place."""
    import tensorflow as tf

    passed = tf.cast(state.step, tf.float32) / given.steps
    cosine = 0.5 * (1.0 + tf.cos(3.141592653589793 * tf.minimum(passed, 1.0)))
    exponential = tf.pow(EXPONENTIAL_END, passed)
    factor = tf.where(given.schedule == SCHEDULES.index("cosine"), cosine, state.scale)
    factor = tf.where(given.schedule == SCHEDULES.index("exponential"), exponential, factor)
    return given.learning_rate * factor


def _validated(shape: Shape, rows: Rows, given: Given, parameters: Sequence[Any]) -> Any:
    """What early stopping looks at (P,), weighted over all validation rows, a chunk at a time; see `validated`."""
    import tensorflow as tf

    chunks, length = rows.held_inputs.shape[0], rows.held_inputs.shape[1]
    judged = validated(shape.loss, shape.watched)
    rooted = judged == "rmse"

    def chunk(number: Any, total: Any) -> tuple[Any, Any]:
        inputs = tf.broadcast_to(rows.held_inputs[number], (shape.places, length, shape.features))
        error = loss(
            "mse" if rooted else judged, _forward(shape, given, parameters, inputs, None), rows.held_outputs[number]
        )
        return number + 1, total + tf.reduce_sum(rows.held_weights[number] * error, 1)

    start = (tf.constant(0), tf.zeros(shape.places))
    _, total = tf.while_loop(lambda number, _: number < chunks, chunk, start)
    mean = total / tf.reduce_sum(rows.held_weights)
    return tf.sqrt(mean) if rooted else mean


def _judge(shape: Shape, given: Given, state: State, total: Any, value: Any) -> State:
    """Early stopping and the plateau schedule of every place, as in Keras's callbacks."""
    import tensorflow as tf

    diverged = tf.logical_not(tf.logical_and(tf.math.is_finite(total), tf.math.is_finite(value)))
    better = tf.logical_and(value - shape.min_delta < state.best_value, tf.logical_not(state.done))
    better = tf.logical_and(better, tf.logical_not(diverged))
    epoch = tf.where(state.done, state.epoch, state.epoch + 1)
    waited = tf.where(better, 0, state.waited + 1)
    tired = tf.logical_and(waited >= shape.patience, epoch > 1)
    lower = value < state.plateau_value
    plateau_waited = tf.where(lower, 0, state.plateau_waited + 1)
    reduce = tf.logical_and(plateau_waited >= PLATEAU_PATIENCE, given.schedule == SCHEDULES.index("plateau"))
    keep = [tf.where(_column(better), new, old) for new, old in zip(state.parameters, state.best, strict=True)]
    return state._replace(
        best=tuple(keep),
        best_value=tf.where(better, value, state.best_value),
        best_epoch=tf.where(better, epoch, state.best_epoch),
        waited=waited,
        epoch=epoch,
        scale=tf.where(reduce, state.scale * PLATEAU_FACTOR, state.scale),
        plateau_value=tf.minimum(value, state.plateau_value),
        plateau_waited=tf.where(reduce, 0, plateau_waited),
        done=state.done | tired | (epoch >= given.epochs) | diverged,
        diverged=state.diverged | (diverged & tf.logical_not(state.done)),
    )


def _column(values: Any) -> Any:
    """Reshape (P,) to (P, 1, 1), to broadcast over arrays with rows and columns."""
    import tensorflow as tf

    return tf.reshape(values, (-1, 1, 1))
