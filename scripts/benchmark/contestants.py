"""The contestants: each is prepared once and then trains its networks for some epochs on request.

Libraries are imported by the function that needs them, because each contestant has a process of its own.
All train a dense network with relu and a linear output: Adam with 1e-3, batches of 32 in a new order each epoch, mean
squared error, and all validation rows predicted after each epoch.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from pipeline.data.rows import Rows, load_rows

BATCH: Final = 32
RATE: Final = 1e-3
FOREVER: Final = 1_000_000  # patience that no training exhausts: every epoch is needed
WIDEST: Final = 512  # units of the spaces in which narrower layers are padded, or have separate programs
PRODUCT: Final = 2048  # rows and columns of the matrices whose product is the reference for arithmetic


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the benchmark: who trains what. All fields are plain values, because they are sent as JSON."""

    library: str  # which of `PREPARE`, and which process
    rows: str = ""  # file of `pipeline.data.rows.save_rows`
    units: tuple[int, ...] = (64, 64)
    dropout: float = 0.0
    variant: str = ""  # how a library is used
    places: int = 0  # places of this engine; 0 for its own rule


@dataclass(frozen=True, slots=True)
class Contestant:
    """Ready to train: `train(epochs)` trains that many epochs of each of its `networks`."""

    networks: int
    train: Callable[[int], None]


def prepare(case: Case) -> Contestant:
    """Prepare a case; the first call of `train` may still compile."""
    rows = load_rows(Path(case.rows)) if case.rows else None
    return PREPARE[case.library](case, rows)


def engine(case: Case, rows: Rows) -> Contestant:
    """As many trainings as the program has places, so none runs empty.

    The variants are those of a space of up to `WIDEST` units: a program of its own, or layers padded to these.
    """
    from pipeline import space
    from pipeline.models import mlp
    from pipeline.training import packed, shapes
    from pipeline.training.protocol import Protocol
    from pipeline.trial import Configuration, Training

    fixed = {"dropout": case.dropout} if case.dropout else {}
    depth = len(case.units)
    units = [max(case.units), *([WIDEST] if case.variant else [])]
    entries = {"hidden_layers": depth, "units": {"type": "choice", "values": units, "per": "hidden_layers"}}
    searched = mlp.complete(space.parse({**entries, **fixed}))
    protocol = Protocol("mlp", "mse", FOREVER, 0.0, seed=0, space=searched, engine="packed", places=case.places)
    # With this many rows padding always costs more than compiling; with none, never.
    protocol = replace(protocol, rows=FOREVER * FOREVER if case.variant == "own" else 0)
    configuration = Configuration.of({
        **mlp.BASELINE.as_dict(), **fixed, "hidden_layers": depth, "units": case.units,
        "batch_size": BATCH, "learning_rate": RATE,
    })  # fmt: skip
    networks = shapes.shape_of(Training(configuration, 1, 0), rows, protocol).places

    def train(epochs: int) -> None:
        trainings = [Training(configuration, epochs, index) for index in range(networks)]
        for outcome in packed.train(trainings, rows, protocol):
            if outcome.error or outcome.epochs_run != epochs:
                raise RuntimeError(f"{outcome.epochs_run} epochs instead of {epochs}: {outcome.error}")

    return Contestant(networks, train)


def keras_fit(case: Case, rows: Rows) -> Contestant:
    """`fit` on NumPy arrays: as people write it, or tuned to run whole epochs without Python, to compile, or both."""
    import keras

    dropped = [keras.layers.Dropout(case.dropout)] if case.dropout else []
    hidden = [layer for units in case.units for layer in (keras.layers.Dense(units, activation="relu"), *dropped)]
    model = keras.Sequential([keras.Input((rows.train.inputs.shape[1],)), *hidden, keras.layers.Dense(1)])
    compiled: dict[str, Any] = {}
    fitted: dict[str, Any] = {}
    if case.variant:
        compiled = {"jit_compile": "jit" in case.variant}
        fitted = {"validation_batch_size": 1024}
    if "epoch" in case.variant:
        compiled["steps_per_execution"] = -(-len(rows.train.rows) // BATCH)
    model.compile(optimizer=keras.optimizers.Adam(RATE), loss="mse", **compiled)

    def train(epochs: int) -> None:
        model.fit(
            rows.train.inputs,
            rows.train.outputs,
            batch_size=BATCH,
            epochs=epochs,
            validation_data=(rows.validation.inputs, rows.validation.outputs),
            callbacks=[keras.callbacks.EarlyStopping(patience=FOREVER, restore_best_weights=True)],
            verbose=0,
            **fitted,
        )

    return Contestant(1, train)


def sklearn(case: Case, rows: Rows) -> Contestant:
    """`partial_fit` is one epoch of `fit`; prediction of the validation rows follows each."""
    from sklearn.neural_network import MLPRegressor

    model = MLPRegressor(
        hidden_layer_sizes=case.units,
        solver="adam",
        alpha=0.0,
        batch_size=BATCH,
        learning_rate_init=RATE,
        tol=0.0,
        early_stopping=False,
    )
    measured = rows.train.outputs[:, 0]

    def train(epochs: int) -> None:
        for _ in range(epochs):
            model.partial_fit(rows.train.inputs, measured)
            np.abs(model.predict(rows.validation.inputs) - rows.validation.outputs[:, 0]).mean()

    return Contestant(1, train)


def torch(case: Case, rows: Rows) -> Contestant:
    """A plain loop: tensors in memory, a permutation cut into batches, one prediction of all validation rows."""
    import torch as library

    library.set_num_threads(1)
    sizes = (rows.train.inputs.shape[1], *case.units)
    layers: list[Any] = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [library.nn.Linear(inputs, outputs), library.nn.ReLU()]
    model = library.nn.Sequential(*layers, library.nn.Linear(sizes[-1], 1))
    optimizer = library.optim.Adam(model.parameters(), lr=RATE)
    loss_of = library.nn.MSELoss()
    inputs, outputs = (library.from_numpy(array) for array in (rows.train.inputs, rows.train.outputs))
    held = [library.from_numpy(array) for array in (rows.validation.inputs, rows.validation.outputs)]

    def train(epochs: int) -> None:
        for _ in range(epochs):
            model.train()
            order = library.randperm(len(inputs))
            for first in range(0, len(inputs), BATCH):
                chosen = order[first : first + BATCH]
                optimizer.zero_grad()
                loss_of(model(inputs[chosen]), outputs[chosen]).backward()
                optimizer.step()
            model.eval()
            with library.no_grad():
                loss_of(model(held[0]), held[1]).item()

    return Contestant(1, train)


def product(case: Case, _: Rows | None) -> Contestant:
    """A product of large float32 matrices counts as an epoch."""
    values = np.random.default_rng(0).standard_normal((2, PRODUCT, PRODUCT), np.float32)
    if case.variant == "numpy":

        def multiply() -> None:
            values[0] @ values[1]
    else:
        import tensorflow as tf

        one, other = tf.constant(values[0]), tf.constant(values[1])

        def multiply() -> None:
            tf.matmul(one, other).numpy()

    def train(count: int) -> None:
        for _ in range(count):
            multiply()

    return Contestant(1, train)


PREPARE: Final[Mapping[str, Callable[[Case, Any], Contestant]]] = {
    "engine": engine,
    "keras": keras_fit,
    "sklearn": sklearn,
    "torch": torch,
    "product": product,
}
NEEDS: Final = {"torch": "torch", "kerastuner": "keras_tuner", "optuna": "optuna"}  # not part of the product


def operations(train: int, validation: int, features: int, units: tuple[int, ...]) -> float:
    """Floating-point operations of an epoch: a training row goes forward and, at twice that, backward."""
    sizes = (features, *units, 1)
    weights = sum(inputs * outputs for inputs, outputs in itertools.pairwise(sizes))
    return (6.0 * train + 2.0 * validation) * weights
