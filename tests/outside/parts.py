"""Parts of a user's own, each named as `module:object`: a task, a model, an engine, a metric and a figure."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipeline import models, tasks
from pipeline.data.rows import Rows
from pipeline.tasks import Columns, Metric, Task, weighted
from pipeline.tasks.regression import METRICS
from pipeline.training.engines import Engine
from pipeline.training.protocol import Protocol, Trained, outcome, seeds, signature_of
from pipeline.trial import Training

# ---------------------------------------------------------------------------------------------- a task: counted things


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers from 0 on, on a log scale."""

    names: tuple[str, ...]

    @property
    def task(self) -> Task:
        return COUNTS

    @property
    def labels(self) -> tuple[str, ...]:
        return ()

    @property
    def outputs(self) -> int:
        return len(self.names)

    @property
    def words(self) -> str:
        return f"counts of {', '.join(self.names)}"

    def measured(self, columns: Columns) -> np.ndarray:
        return np.column_stack([np.asarray(columns[name], dtype=np.float64) for name in self.names])

    def to_scaled(self, measured: np.ndarray) -> np.ndarray:
        return np.log1p(np.asarray(measured, dtype=np.float64))

    def to_units(self, scaled: np.ndarray) -> np.ndarray:
        return np.expm1(np.clip(np.asarray(scaled, dtype=np.float64), -0.5, 50))

    def of_units(self, units: np.ndarray) -> np.ndarray:
        return np.log1p(units)

    def constant(self, measured: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return self.to_scaled(np.array([[weighted.median(column, weights) for column in measured.T]]))

    def objective(self, scaled: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
        return float(np.average(np.abs(np.subtract(predicted, scaled, dtype=float)).mean(axis=1), weights=weights))

    def pairs(self, measured: np.ndarray, units: np.ndarray) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        return ((name, measured[:, place], units[:, place]) for place, name in enumerate(self.names))

    def row_errors(self, measured: np.ndarray, units: np.ndarray) -> np.ndarray:
        return np.abs(self.to_scaled(units) - self.to_scaled(measured)).mean(axis=-1)

    def table(self, units: np.ndarray) -> dict[str, np.ndarray]:
        columns = {name: units[:, :, place].mean(axis=0) for place, name in enumerate(self.names)}
        spreads = {f"{name} spread": tasks.spread(units[:, :, place]) for place, name in enumerate(self.names)}
        return {**columns, **spreads}

    def describe(self) -> dict[str, Any]:
        return {"task": COUNTS.name, "names": list(self.names)}


def restored(about: Mapping[str, Any]) -> Counts:
    if about.keys() != {"names"} or not all(isinstance(name, str) for name in about["names"]):
        raise ValueError("its columns have no names")
    return Counts(tuple(about["names"]))


def within_two(truth: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
    ratio = (1 + predicted) / (1 + truth)
    return float(np.average((ratio < 2) & (ratio > 0.5), weights=weights))


COUNTS = Task(
    name="parts:COUNTS",
    takes="counts",
    targets="numbers",
    objective="log error",
    about="mean error of logarithms",
    metrics=(*METRICS, Metric("doubled", "share within a factor of 2", within_two, "share")),
    constant="median count",
    constantly="predicting the median count",
    predicts="how many there are",
    stratified=False,
    losses=("mae",),
    weightings=("none",),
    report="parts_report",
    accepts=lambda _: None,
    check=lambda _: None,
    loss=lambda setting, _: "mae" if setting == "auto" else setting,
    fit=lambda columns, *_: Counts(tuple(columns)),
    weigh=lambda _measured, weights, _setting: weights,
    restore=restored,
    pictures=("predicted_against_measured",),
)


# ------------------------------------------------------------------------------------------------------------- a metric

BIAS = Metric("bias", "bias", lambda truth, said, weights: float(np.average(said - truth, weights=weights)))


# -------------------------------------------------------------------------------------------------------------- a model


def build(configuration: Mapping[str, Any], signature: models.Signature) -> Any:
    import keras

    hidden = keras.layers.Dense(configuration["width"], "relu")
    return keras.Sequential([keras.Input((signature.features,)), hidden, keras.layers.Dense(signature.outputs)])


# ------------------------------------------------------------------------------------------------------------ an engine


def train(trainings: Sequence[Training], rows: Rows, protocol: Protocol) -> Iterator[Trained]:
    """Draws weights, and takes those of a few draws that predict best: slow to learn, and quick."""
    for training in trainings:
        began, seed = time.perf_counter(), seeds(protocol.seed, training.index)[0]
        kind, found = models.load(protocol.model), []
        shapes = kind.weight_shapes(training.configuration, signature_of(rows))
        rng = np.random.default_rng(seed)
        for epoch in range(training.epochs):
            weights = [np.asarray(rng.normal(0, 0.1, shape), dtype=np.float32) for shape in shapes]
            scored = outcome(training, rows, protocol, weights, epochs_run=training.epochs, best_epoch=epoch + 1)
            found.append(Trained(training, seed, 0.0, 1, program="drawn", **scored))
        best = min(found, key=lambda each: float(each.objective or 0))
        yield replace(best, seconds=time.perf_counter() - began)


DRAWN = Engine("parts:DRAWN", "draws weights", "parts", models=("mlp", "parts:build"), tensorflow=False)
