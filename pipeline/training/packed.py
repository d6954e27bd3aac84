"""The packed engine: many perceptrons are trained in one compiled program, at the cost of their arithmetic.

Trainings of one shape (see `shapes`) run side by side in the places of a program (see `program`). A place whose
training ends is refilled at once; places without work run empty.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline import running_time
from pipeline.data.rows import Rows
from pipeline.errors import DivergedTraining
from pipeline.models import Signature, mlp
from pipeline.training import arrays, program
from pipeline.training.curve import Curve
from pipeline.training.protocol import Protocol, Trained, intra_op_threads, outcome, seeds, utc_now
from pipeline.training.shapes import Shape, fields_of, label, shape_of
from pipeline.trial import Configuration, Training


def train(trainings: Sequence[Training], rows: Rows, protocol: Protocol) -> Iterator[Trained]:
    """Train, and yield outcomes as places finish; equal trainings give equal bits.

    A training that diverges fails alone. If a program cannot be compiled or run, for example for lack of memory, its
    trainings are tried again with half the places, down to one; the record names the program that trained each.
    """
    groups: dict[Shape, list[Training]] = {}
    for training in trainings:
        groups.setdefault(shape_of(training, rows, protocol), []).append(training)
    for shape, group in groups.items():
        yield from _with_fewer_places(shape, group, rows, protocol)


def _with_fewer_places(shape: Shape, group: Sequence[Training], rows: Rows, protocol: Protocol) -> Iterator[Trained]:
    left = {training.identity: training for training in group}
    places = shape.places
    while left:
        started = utc_now()
        smaller = Shape(**{**fields_of(shape), "places": places})
        try:
            for trained in _Places(smaller, rows, protocol).run(left.values()):
                del left[trained.training.identity]
                yield trained
        except Exception as error:  # noqa: BLE001 - whatever a program raises, its trainings get another chance
            if places == 1:
                for training in left.values():
                    yield _failed(training, protocol, started, f"{type(error).__name__}: {error}")
                return
            places //= 2


@dataclass(slots=True)
class _Running:
    """A training that occupies a place."""

    training: Training
    seed: int
    order: np.random.Generator
    started: str
    seconds: float = field(default=0.0)
    losses: list[np.ndarray] = field(default_factory=list)  # (epochs, 2, places) of each call that it took part in


class _Places:
    """The places of one program: filled from a queue, advanced some epochs at a time, emptied as trainings end."""

    def __init__(self, shape: Shape, rows: Rows, protocol: Protocol) -> None:
        self._shape = shape
        self._rows = rows
        self._protocol = protocol
        self._running: list[_Running | None] = [None] * shape.places
        self._tensors = arrays.tensors(rows)
        self._given = arrays.no_hyperparameters(shape)
        self._state = arrays.empty_state(shape)

    def run(self, trainings: Iterable[Training]) -> Iterator[Trained]:
        waiting = deque(trainings)
        advance = program.compiled(self._shape)
        # With empty places it trains nothing but is compiled, so the first trainings' times do not include that.
        advance(self._tensors, self._given, self._state, self._orders())
        while waiting or any(self._running):
            began = running_time.seconds()
            self._fill(waiting)
            self._state, losses = advance(self._tensors, self._given, self._state, self._orders())
            done = np.flatnonzero(np.asarray(self._state.done))  # waits for the program
            busy = [running for running in self._running if running is not None]
            of_call = np.asarray(losses)
            for running in busy:
                running.losses.append(of_call)
                running.seconds += (running_time.seconds() - began) / len(busy)
            for place in done:
                finished = self._running[place]
                if finished is not None:
                    self._running[place] = None
                    yield self._outcome(int(place), finished)

    def _fill(self, waiting: deque[Training]) -> None:
        free = [place for place, running in enumerate(self._running) if running is None]
        if not waiting or not free:
            return
        self._state = arrays.writable(self._state)
        for place in free[: len(waiting)]:
            training = waiting.popleft()
            weight_seed, order_seed = seeds(self._protocol.seed, training.index)
            self._running[place] = _Running(training, weight_seed, np.random.default_rng(order_seed), utc_now())
            arrays.place_hyperparameters(self._shape, self._given, place, training, weight_seed)
            arrays.place_state(self._state, place, self._initial(training.configuration, weight_seed))

    def _initial(self, configuration: Configuration, seed: int) -> list[np.ndarray]:
        signature = Signature(self._shape.features, self._shape.outputs)
        return mlp.initial_weights(configuration, signature, seed)

    def _orders(self) -> np.ndarray:
        """Rows of each batch of the coming epochs (epochs, places, steps, batch): permutations, -1 beyond the end."""
        shape = self._shape
        passed = np.asarray(self._state.epoch)
        orders = np.full((shape.epochs, shape.places, shape.steps * shape.batch), -1, np.int32)
        orders[:, :, 0 :: shape.batch] = 0  # an empty place trains on some row, because its numbers must stay finite
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
            weights = arrays.cut(training.configuration, shape, [np.asarray(array)[place] for array in state.best])
            best = int(np.asarray(state.best_epoch)[place])
            scored = outcome(training, self._rows, self._protocol, weights, epochs_run=epochs, best_epoch=best)
            # The program returns early only if all places are done; otherwise it went through every epoch.
            losses, objectives = np.concatenate([each[:, :, place] for each in running.losses])[:epochs].T
        except DivergedTraining as error:
            return self._trained(running, error=str(error))
        return self._trained(running, curve=Curve.of(losses, objectives, best), **scored)

    def _trained(self, running: _Running, **outcome: Any) -> Trained:
        return Trained(
            training=running.training,
            seed=running.seed,
            seconds=running.seconds,
            threads=intra_op_threads(),
            program=label(self._shape),
            started=running.started,
            **outcome,
        )


def _failed(training: Training, protocol: Protocol, started: str, error: str) -> Trained:
    seed = seeds(protocol.seed, training.index)[0]
    return Trained(training=training, seed=seed, seconds=0.0, threads=intra_op_threads(), error=error, started=started)
