"""Training of any Keras model with `model.fit`: the reference with which faster engines have to agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pipeline import models, running_time
from pipeline.data.rows import Part, Rows
from pipeline.errors import DivergedTraining
from pipeline.training.curve import Curve
from pipeline.training.losses import validated
from pipeline.training.protocol import Protocol, Trained, intra_op_threads, outcome, seeds, signature_of, utc_now
from pipeline.trial import Training


def train(trainings: Sequence[Training], rows: Rows, protocol: Protocol) -> Iterator[Trained]:
    """Train one after the other; equal trainings give equal bits on one machine with one number of threads."""
    for training in trainings:
        yield train_one(training, rows, protocol)


def train_one(training: Training, rows: Rows, protocol: Protocol) -> Trained:
    """Train once with `model.fit`.

    The order of the rows comes from the repeat's own generator, not from Keras: an epoch is a permutation of the
    training rows, cut into batches, the last one short.
    """
    started, began = utc_now(), running_time.seconds()
    weight_seed, order_seed = seeds(protocol.seed, training.index)
    try:
        scored = _fit(training, rows, protocol, weight_seed, order_seed)
    except Exception as error:  # noqa: BLE001 - whatever a training raises is that repeat's failure, and the run goes on
        scored = {
            "error": f"{type(error).__name__}: {error}" if not isinstance(error, DivergedTraining) else str(error)
        }
    return Trained(
        training=training,
        seed=weight_seed,
        seconds=running_time.seconds() - began,
        threads=intra_op_threads(),
        program="keras fit",
        started=started,
        **scored,
    )


def _fit(training: Training, rows: Rows, protocol: Protocol, weight_seed: int, order_seed: int) -> dict[str, Any]:
    import keras

    keras.utils.clear_session()
    keras.utils.set_random_seed(weight_seed)
    kind = models.load(protocol.model)
    model = kind.build(training.configuration, signature_of(rows), weight_seed)
    steps = -(-len(rows.train.rows) // _batch_size(training))
    model.compile(
        optimizer=kind.optimizer(training.configuration, steps * training.epochs),
        loss=_loss(protocol.loss),
        weighted_metrics=[_objective(validated(protocol.loss, protocol.watched))],
        jit_compile=False,  # compiling a program costs more than training a small network
        steps_per_execution=steps,
    )
    stopping = keras.callbacks.EarlyStopping(
        monitor="val_objective",
        mode="min",
        patience=protocol.patience,
        min_delta=protocol.min_delta,
        restore_best_weights=True,
    )
    history = model.fit(
        _batches(rows.train, training, order_seed),
        epochs=training.epochs,
        steps_per_epoch=steps,
        validation_data=_whole(rows.validation),
        shuffle=False,  # the batches are shuffled already
        callbacks=[stopping, keras.callbacks.TerminateOnNaN(), *kind.callbacks(training.configuration)],
        verbose=0,
    ).history
    validation = history.get("val_objective", [])
    if not np.all(np.isfinite(history["loss"])) or not np.all(np.isfinite(validation)) or not validation:
        raise DivergedTraining(f"diverged in epoch {len(history['loss'])}: the loss is no longer a finite number")
    best = int(stopping.best_epoch) + 1
    scored = outcome(training, rows, protocol, model.get_weights(), epochs_run=len(validation), best_epoch=best)
    return {**scored, "curve": Curve.of(history["loss"], validation, best)}


def _batch_size(training: Training) -> int:
    size = training.configuration["batch_size"]
    assert isinstance(size, int)
    return size


def _loss(name: str) -> Any:
    import keras

    kinds = {
        "mse": keras.losses.MeanSquaredError,
        "mae": keras.losses.MeanAbsoluteError,
        "huber": keras.losses.Huber,
        "binary_crossentropy": lambda: keras.losses.BinaryCrossentropy(from_logits=True),
        "categorical_crossentropy": lambda: keras.losses.CategoricalCrossentropy(from_logits=True),
    }
    return kinds[name]()


def _objective(watched: str) -> Any:
    """The metric of early stopping."""
    import keras

    kinds = {
        "mae": lambda: keras.metrics.MeanAbsoluteError(name="objective"),
        "rmse": lambda: keras.metrics.RootMeanSquaredError(name="objective"),
        "binary_crossentropy": lambda: keras.metrics.BinaryCrossentropy(name="objective", from_logits=True),
        "categorical_crossentropy": lambda: keras.metrics.CategoricalCrossentropy(name="objective", from_logits=True),
    }
    return kinds[watched]()


def _batches(part: Part, training: Training, order_seed: int) -> Any:
    """Endless batches (inputs, outputs, weights): one permutation of the rows after the other."""
    import tensorflow as tf

    rng = np.random.default_rng(order_seed)
    count = len(part.rows)
    columns = [tf.constant(array) for array in (part.inputs, part.outputs, part.weights)]

    def orders() -> Any:
        while True:
            yield rng.permutation(count).astype(np.int32)

    spec = tf.TensorSpec((count,), tf.int32)
    positions = tf.data.Dataset.from_generator(orders, output_signature=spec)
    batches = positions.flat_map(lambda order: tf.data.Dataset.from_tensor_slices(order).batch(_batch_size(training)))
    return batches.map(lambda chosen: tuple(tf.gather(column, chosen) for column in columns))


def _whole(part: Part) -> Any:
    """The part in batches of a thousand rows, in order."""
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((part.inputs, part.outputs, part.weights)).batch(models.BATCH)
