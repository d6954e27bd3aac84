"""The arrays of a program's places, made and filled with NumPy on the host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.data.rows import Part, Rows
from pipeline.models import Signature, mlp
from pipeline.training import program
from pipeline.training.program import VALIDATION_CHUNK, Given, State
from pipeline.training.shapes import Shape
from pipeline.trial import Configuration, Training


def writable(state: State) -> State:
    """A copy of the state as NumPy arrays."""
    fields: list[Any] = [tuple(map(np.array, each)) if isinstance(each, tuple) else np.array(each) for each in state]
    return State(*fields)


def tensors(rows: Rows) -> program.Rows:
    """The rows in the form that a program takes."""
    import tensorflow as tf

    train, held = rows.train, _chunks(rows.validation)
    return program.Rows(*(tf.constant(array) for array in (train.inputs, train.outputs, train.weights, *held)))


def _chunks(part: Part) -> list[np.ndarray]:
    """Inputs, outputs and weights of a part in chunks of equal length, the last filled up with rows of weight zero."""
    count = -(-len(part.rows) // VALIDATION_CHUNK)
    length = -(-len(part.rows) // count)
    filled = []
    for array in (part.inputs, part.outputs, part.weights):
        padding = [(0, count * length - len(array)), *[(0, 0)] * (array.ndim - 1)]
        filled.append(np.pad(array, padding).reshape(count, length, *array.shape[1:]))
    return filled


def no_hyperparameters(shape: Shape) -> Given:
    """The hyperparameters of empty places."""
    depth, places = len(shape.widths), shape.places

    def floats(*size: int) -> np.ndarray:
        return np.zeros(size, np.float32)

    def whole(*size: int) -> np.ndarray:
        return np.zeros(size, np.int32)

    return Given(
        masks=tuple(floats(places, 1, width) for width in shape.widths),
        activation=whole(depth, places),
        dropout=floats(depth, places),
        l1=floats(depth, places),
        l2=floats(depth, places),
        optimizer=whole(places),
        learning_rate=floats(places),
        momentum=floats(places),
        nesterov=np.zeros(places, bool),
        weight_decay=floats(places),
        clip_norm=floats(places),
        schedule=whole(places),
        steps=np.ones(places, np.float32),
        epochs=whole(places),
        seed=np.zeros(places, np.uint32),
    )


def place_hyperparameters(shape: Shape, given: Given, place: int, training: Training, seed: int) -> None:
    """Write the training's hyperparameters into one place."""
    configuration = training.configuration
    units = mlp.each_layer(configuration, "units")
    for mask, width in zip(given.masks, units, strict=True):
        mask[place, 0] = np.arange(mask.shape[2]) < width
    names = mlp.each_layer(configuration, "activation")
    given.activation[:, place] = [shape.activations.index(str(name)) for name in names]
    for name in ("dropout", "l1", "l2"):
        getattr(given, name)[:, place] = mlp.each_layer(configuration, name)
    for name in ("learning_rate", "momentum", "weight_decay", "clip_norm", "nesterov"):
        getattr(given, name)[place] = mlp.value(configuration, name)
    given.optimizer[place] = shape.optimizers.index(str(configuration["optimizer"]))
    given.schedule[place] = mlp.SCHEDULES.index(str(mlp.value(configuration, "schedule")))
    given.steps[place] = shape.steps * training.epochs
    given.epochs[place] = training.epochs
    given.seed[place] = seed


def empty_state(shape: Shape) -> State:
    """The state of empty places, which count as done."""
    places = shape.places

    def parameters() -> tuple[np.ndarray, ...]:
        sizes = [size for inputs, outputs in shape.layers for size in ((inputs, outputs), (1, outputs))]
        return tuple(np.zeros((places, *size), np.float32) for size in sizes)

    def numbers(value: float, kind: Any = np.float32) -> np.ndarray:
        return np.full(places, value, kind)

    return State(
        parameters=parameters(),
        first=parameters(),
        second=parameters(),
        best=parameters(),
        best_value=numbers(np.inf),
        best_epoch=numbers(0, np.int32),
        waited=numbers(0, np.int32),
        epoch=numbers(0, np.int32),
        step=numbers(0, np.int32),
        product=numbers(1.0),
        scale=numbers(1.0),
        plateau_value=numbers(np.inf),
        plateau_waited=numbers(0, np.int32),
        done=np.ones(places, bool),
        diverged=np.zeros(places, bool),
    )


def place_state(state: State, place: int, weights: Sequence[np.ndarray]) -> None:
    """Restart one place from these weights, padded with zeros."""
    for arrays in (state.parameters, state.first, state.second, state.best):
        for array in arrays:
            array[place] = 0.0
    for parameters in (state.parameters, state.best):
        for array, weight in zip(parameters, weights, strict=True):
            block = weight if weight.ndim == 2 else weight[np.newaxis]
            array[place, : block.shape[0], : block.shape[1]] = block
    for name, value in {"best_value": np.inf, "plateau_value": np.inf, "product": 1.0, "scale": 1.0}.items():
        getattr(state, name)[place] = value
    for name in ("best_epoch", "waited", "epoch", "step", "plateau_waited", "done", "diverged"):
        getattr(state, name)[place] = 0


def cut(configuration: Configuration, shape: Shape, padded: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The used block of padded parameters: the exact network, because masked units have no effect."""
    signature = Signature(shape.features, shape.outputs)
    cut = []
    for layer, (inputs, outputs) in enumerate(mlp.shapes(configuration, signature)):
        cut += [padded[2 * layer][:inputs, :outputs].copy(), padded[2 * layer + 1][0, :outputs].copy()]
    return cut
