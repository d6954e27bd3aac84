"""Many perceptrons as one compiled program: the engine that makes trainings cost what their arithmetic costs.

The program that trains a configuration is a function of the configuration and of the study alone: padded widths from
its own widths, places from the padded widths and the number of rows, activations and optimizers from the search
space. So the bits of a training do not depend on what else waits, on the workers or on an interruption; places without
work run empty. Places are refilled as trainings end.

Cost model, measured on one core. A program takes one to two seconds to compile, and training 64-64 units on a few
hundred rows 0.2 ms an epoch: a second of compiling buys thousands of epochs, and padding to twice the width costs less
than another program while layers are narrow. So all layers of a configuration get one width, that of the widest
network of the space up to 128, and a half, a quarter, ... of it beyond, whichever is the smallest that fits. Depths and
batch sizes have programs of their own: padding those would cost every training more than the compilation.
Places pay as long as the arrays of all of them stay in a core's cache (ms per network and epoch):

    places                       2      4      8     16
    265 rows, 48-48           0.29   0.20   0.15   0.12
    618 rows, 96-96-96        1.75   1.67   1.90   2.24
    2,000 rows, 128-128-128    6.5    7.2    8.0    8.9
    13,000 rows, 64-64         7.5    6.5    7.1    7.2

Small networks get 8 and not 16 places, because the repeats of a few configurations leave more of 16 empty.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import numpy as np

from pipeline.data.task import Part, Rows
from pipeline.errors import DivergedTraining
from pipeline.models import Signature, mlp
from pipeline.space import Choice, Domain, Space, ends
from pipeline.training import program
from pipeline.training.program import VALIDATION_CHUNK, Given, Shape, State
from pipeline.training.protocol import Protocol, Trained, intra_op_threads, outcome, seeds
from pipeline.trial import Configuration, Scalar, Training

GRAIN: Final = 16  # padded widths of the widest network are multiples of this: whole vector registers
ONE_WIDTH: Final = 128  # up to here all networks of a study are padded to the same width


def train(trainings: Sequence[Training], rows: Rows, protocol: Protocol) -> Iterator[Trained]:
    """Train everything that is asked for, and yield outcomes as places finish; equal trainings give equal bits.

    A training that diverges fails alone. Where a program cannot be compiled or run, for lack of memory say, its
    trainings are tried again with half the places, down to one; the record names the program that trained each.
    """
    groups: dict[Shape, list[Training]] = {}
    for training in trainings:
        groups.setdefault(shape_of(training.configuration, rows, protocol), []).append(training)
    for shape, group in groups.items():
        yield from _with_fewer_places(shape, group, rows, protocol)


def _with_fewer_places(shape: Shape, group: Sequence[Training], rows: Rows, protocol: Protocol) -> Iterator[Trained]:
    left = {training.identity: training for training in group}
    places = shape.places
    while left:
        smaller = Shape(**{**_fields(shape), "places": places})
        try:
            for trained in _Places(smaller, rows, protocol).run(left.values()):
                del left[trained.training.identity]
                yield trained
        except Exception as error:  # noqa: BLE001 - whatever a program raises, its trainings get another chance
            if places == 1:
                for training in left.values():
                    yield _failed(training, protocol, f"{type(error).__name__}: {error}")
                return
            places //= 2


def _fields(shape: Shape) -> dict[str, Any]:
    return {name: getattr(shape, name) for name in Shape.__dataclass_fields__}


# ------------------------------------------------------------------------------------------------------------- shapes


def group_of(configuration: Configuration, space: Space) -> str:
    """Equal for configurations that one program can train, whatever the rows: what a job is made of."""
    widths = padded_widths(configuration, space)
    return f"{_words(widths)} b{configuration['batch_size']}"


def shape_of(configuration: Configuration, rows: Rows, protocol: Protocol) -> Shape:
    """The program of a configuration: a function of it and of the study alone."""
    widths = padded_widths(configuration, protocol.space)
    train = len(rows.train.rows)
    batch = configuration["batch_size"]
    assert isinstance(batch, int)
    offered = _offered(protocol.space)
    features, outputs = rows.train.inputs.shape[1], len(rows.target.names)
    sizes = itertools.pairwise((features, *widths, outputs))
    return Shape(
        features=features,
        outputs=outputs,
        widths=widths,
        batch=batch,
        places=protocol.places or places_of(sum((inputs + 1) * units for inputs, units in sizes)),
        train=train,
        validation=len(rows.validation.rows),
        epochs=max(1, min(8, 4000 // train)),
        loss=protocol.loss,
        patience=protocol.patience,
        min_delta=protocol.min_delta,
        activations=offered["activation"],
        optimizers=offered["optimizer"],
        uses=frozenset(name for name in ("dropout", "l1", "l2", "clip_norm") if offered[name]),
    )


def padded_widths(configuration: Configuration, space: Space) -> tuple[int, ...]:
    """One width for all hidden layers: the smallest that the study has and that holds the widest of them."""
    units = [int(each) for each in mlp.each_layer(configuration, "units")]
    return (_width(max(units), _widest(space)),) * len(units) if units else ()


def _width(units: int, widest: int) -> int:
    """The widest network's width, halved as long as the units fit and the half is no less than 64."""
    width = max(-(-units // GRAIN), -(-widest // GRAIN)) * GRAIN
    while width > ONE_WIDTH and width // 2 >= units:
        width //= 2
    return width


@cache
def _widest(space: Space) -> int:
    baseline = max(int(each) for each in mlp.each_layer(mlp.BASELINE, "units"))
    return max(baseline, *(int(each) for each in _reach(space, "units")))


def places_of(parameters: int) -> int:
    """How many trainings of padded networks with so many parameters share a program; see the cost model above.

    A GPU is filled by many more. The rule knows the kind of device, never how much of it is free.
    """
    if os.environ.get("CUDA_VISIBLE_DEVICES"):
        return 64
    return 8 if parameters <= 6_000 else 4 if parameters <= 24_000 else 2


@cache
def _offered(space: Space) -> dict[str, tuple[Any, ...]]:
    """What a study may train, baseline included: the words of each choice, and which penalties are not always zero."""
    offered: dict[str, tuple[Any, ...]] = {}
    for name in ("activation", "optimizer"):
        words = {str(mlp.value(mlp.BASELINE, name)), *(str(word) for word in _reach(space, name))}
        offered[name] = tuple(sorted(words))
    for name in ("dropout", "l1", "l2", "clip_norm"):
        offered[name] = tuple(value for value in _reach(space, name) if value)
    return offered


def _reach(space: Space, name: str) -> tuple[Scalar, ...]:
    if name not in space:
        return ()
    domain: Domain = space[name].domain
    return domain.values if isinstance(domain, Choice) else ends(domain)


# ------------------------------------------------------------------------------------------------------------- places


@dataclass(slots=True)
class _Running:
    """A training that occupies a place."""

    training: Training
    seed: int
    order: np.random.Generator
    seconds: float = field(default=0.0)


class _Places:
    """The places of one program: filled from a queue, advanced some epochs at a time, emptied as trainings end."""

    def __init__(self, shape: Shape, rows: Rows, protocol: Protocol) -> None:
        self._shape = shape
        self._rows = rows
        self._protocol = protocol
        self._running: list[_Running | None] = [None] * shape.places
        self._tensors = _tensors(rows)
        self._given = _no_hyperparameters(shape)
        self._state = _empty_state(shape)

    def run(self, trainings: Iterable[Training]) -> Iterator[Trained]:
        waiting = deque(trainings)
        advance = program.compiled(self._shape)
        while waiting or any(self._running):
            began = time.perf_counter()
            self._fill(waiting)
            self._state = advance(self._tensors, self._given, self._state, self._orders())
            done = np.flatnonzero(np.asarray(self._state.done))  # waits for the program
            busy = [running for running in self._running if running is not None]
            for running in busy:
                running.seconds += (time.perf_counter() - began) / len(busy)
            for place in done:
                finished = self._running[place]
                if finished is not None:
                    self._running[place] = None
                    yield self._outcome(int(place), finished)

    def _fill(self, waiting: deque[Training]) -> None:
        free = [place for place, running in enumerate(self._running) if running is None]
        if not waiting or not free:
            return
        self._state = _writable(self._state)
        for place in free[: len(waiting)]:
            training = waiting.popleft()
            weight_seed, order_seed = seeds(self._protocol.seed, training.index)
            self._running[place] = _Running(training, weight_seed, np.random.default_rng(order_seed))
            _place_hyperparameters(self._shape, self._given, place, training, weight_seed)
            _place_state(self._state, place, self._initial(training.configuration, weight_seed))

    def _initial(self, configuration: Configuration, seed: int) -> list[np.ndarray]:
        signature = Signature(self._shape.features, self._shape.outputs)
        return mlp.initial_weights(configuration, signature, seed)

    def _orders(self) -> np.ndarray:
        """Rows of each batch of the coming epochs (epochs, places, steps, batch): permutations, -1 beyond the end."""
        shape = self._shape
        passed = np.asarray(self._state.epoch)
        orders = np.full((shape.epochs, shape.places, shape.steps * shape.batch), -1, np.int32)
        orders[:, :, 0 :: shape.batch] = 0  # an empty place trains on something, for its numbers must stay finite
        for place, running in enumerate(self._running):
            if running is not None:
                left = running.training.epochs - int(passed[place])
                for epoch in range(min(shape.epochs, left)):
                    orders[epoch, place] = -1
                    orders[epoch, place, : shape.train] = running.order.permutation(shape.train)
        return orders.reshape(shape.epochs, shape.places, shape.steps, shape.batch)

    def _outcome(self, place: int, running: _Running) -> Trained:
        shape, state, training = self._shape, self._state, running.training
        epochs = int(np.asarray(state.epoch)[place])
        if np.asarray(state.diverged)[place]:
            return self._trained(running, error=f"diverged in epoch {epochs}: the loss is no longer a finite number")
        try:
            weights = _cut(training.configuration, shape, [np.asarray(array)[place] for array in state.best])
            best = int(np.asarray(state.best_epoch)[place])
            scored = outcome(training, self._rows, self._protocol.model, weights, epochs_run=epochs, best_epoch=best)
        except DivergedTraining as error:
            return self._trained(running, error=str(error))
        return self._trained(running, **scored)

    def _trained(self, running: _Running, **outcome: Any) -> Trained:
        return Trained(
            training=running.training,
            seed=running.seed,
            seconds=running.seconds,
            threads=intra_op_threads(),
            program=label(self._shape),
            **outcome,
        )


def label(shape: Shape) -> str:
    """The program as the ledger names it: padded widths, batch size, places, and a digest of its whole shape."""
    parts = [
        f"{name}={sorted(value) if isinstance(value, frozenset) else value}" for name, value in _fields(shape).items()
    ]
    digest = hashlib.sha256("; ".join(parts).encode()).hexdigest()[:6]
    return f"packed {_words(shape.widths)} b{shape.batch} p{shape.places} {digest}"


def _words(widths: Sequence[int]) -> str:
    return "-".join(str(width) for width in widths) or "linear"


def _failed(training: Training, protocol: Protocol, error: str) -> Trained:
    seed = seeds(protocol.seed, training.index)[0]
    return Trained(training=training, seed=seed, seconds=0.0, threads=intra_op_threads(), error=error)


def _cut(configuration: Configuration, shape: Shape, padded: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The used block of padded parameters: the exact network, for masked units have weights that never mattered."""
    signature = Signature(shape.features, shape.outputs)
    cut = []
    for layer, (inputs, outputs) in enumerate(mlp.shapes(configuration, signature)):
        cut += [padded[2 * layer][:inputs, :outputs].copy(), padded[2 * layer + 1][0, :outputs].copy()]
    return cut


# ------------------------------------------------------------------------------------------------------------- arrays


def _writable(state: State) -> State:
    """The state as NumPy arrays of its own."""
    fields: list[Any] = [tuple(map(np.array, each)) if isinstance(each, tuple) else np.array(each) for each in state]
    return State(*fields)


def _tensors(rows: Rows) -> program.Rows:
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


def _no_hyperparameters(shape: Shape) -> Given:
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


def _place_hyperparameters(shape: Shape, given: Given, place: int, training: Training, seed: int) -> None:
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


def _empty_state(shape: Shape) -> State:
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


def _place_state(state: State, place: int, weights: Sequence[np.ndarray]) -> None:
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
