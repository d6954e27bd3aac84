"""What every engine is given and gives back: the seam between a study and the arithmetic of training."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline import models, tasks
from pipeline.data.layout import shape_of
from pipeline.data.rows import Part, Rows
from pipeline.errors import DivergedTraining
from pipeline.models import Signature
from pipeline.plugins import load_object
from pipeline.space import Space
from pipeline.training.curve import Curve
from pipeline.trial import Training


@dataclass(frozen=True, slots=True)
class Protocol:
    """How trainings are done in a study, the same for all of them."""

    model: str
    loss: str  # of `losses.LOSSES`
    patience: int  # epochs without a better validation objective after which a training stops, best weights restored
    min_delta: float  # smaller improvements do not count
    seed: int  # of the study
    space: Space  # what the study may train: decides, with a configuration, which program trains it
    engine: str
    tf32: bool = False  # on GPUs: matrix products of ten-bit mantissas, faster and less exact
    folds: int = 0  # the rows of a repeat follow from its number where there are folds; 0 for one split
    rows: int = 0  # of training, about: decides which networks have a program of their own; 0 where none has
    places: int = 0  # trainings that share a program of an engine that has such; 0 for the engine's own rule
    task: str = ""  # as the user named it; a worker that is to read rows of a user's task has to know
    metrics: tuple[str, ...] = ()  # of the user's, as `module:object`


@dataclass(frozen=True, slots=True)
class Trained:
    """One training's outcome; `error` is empty exactly when there are weights.

    `weights` are the arrays of the model in its own order, `probe` the predictions (rows, outputs) on the first
    validation rows, scaled, as a reloaded model has to give them again.
    """

    training: Training
    seed: int
    seconds: float
    threads: int
    error: str = ""
    objective: float | None = None
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    epochs_run: int = 0
    best_epoch: int = 0
    parameters: int = 0
    program: str = ""  # what computed it, where that can change the last bit; see `provenance` for the other two
    device: str = ""
    versions: str = ""
    started: str = ""  # wall clock when it began, see `utc_now`
    weights: tuple[np.ndarray, ...] = ()
    probe: np.ndarray | None = None
    curve: Curve | None = None  # of a training with weights; None where an engine does not say


Trainer = Callable[[Sequence[Training], Rows, Protocol], Iterable[Trained]]
"""One outcome for each training, in any order. One that diverges or raises is an outcome with an error.

Equal trainings in equal studies give equal bits, whatever else is trained beside them.
"""

PROBE_ROWS = 16


def seeds(study_seed: int, index: int) -> tuple[int, int]:
    """Two independent 32-bit seeds of repeat `index`, for weights and row order, the same for all configurations."""
    first, second = np.random.SeedSequence([study_seed, index]).generate_state(2)
    return int(first), int(second)


def probe_inputs(validation: Part) -> np.ndarray:
    """The first validation rows, scaled inputs: the batch that reloaded models are checked with."""
    return validation.inputs[:PROBE_ROWS]


def judged(predicted: np.ndarray, rows: Rows, metrics: Sequence[str] = ()) -> tuple[float, tasks.Scores]:
    """Objective (scaled outputs) and scores per output (original units) of predictions for the validation rows.

    `metrics` are further ones of the user's, as `module:object`.
    """
    part = rows.validation
    units = rows.target.to_units(predicted)
    return (
        rows.target.objective(part.outputs, predicted, part.weights),
        tasks.scores(rows.target, part.measured, units, part.weights, tasks.metrics(metrics, load_object)),
    )


def signature_of(rows: Rows) -> Signature:
    """Inputs and outputs of a network for these rows."""
    return Signature(rows.train.inputs.shape[1], rows.target.outputs, shape_of(rows.features))


def outcome(
    training: Training,
    rows: Rows,
    protocol: Protocol,
    weights: Sequence[np.ndarray],
    *,
    epochs_run: int,
    best_epoch: int,
) -> dict[str, Any]:
    """What weights score on the validation rows, computed by the function that a reloaded model predicts with."""
    network = models.load(protocol.model).network(training.configuration, signature_of(rows), weights)
    predicted = models.predict(network, rows.validation.inputs)
    if not np.all(np.isfinite(predicted)):
        raise DivergedTraining("diverged: a prediction for the validation rows is not a finite number")
    objective, scores = judged(predicted, rows, protocol.metrics)
    return {
        "objective": objective,
        "scores": scores,
        "epochs_run": epochs_run,
        "best_epoch": best_epoch,
        "parameters": sum(weight.size for weight in weights),
        "weights": tuple(weights),
        "probe": models.predict(network, probe_inputs(rows.validation)),
    }


def utc_now() -> str:
    """The wall clock in UTC, ISO 8601 with milliseconds: `2026-11-27T05:12:00.123Z`."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def intra_op_threads() -> int:
    """The threads that one operation may use in this process, as its worker was set up."""
    return int(os.environ.get("TF_NUM_INTRAOP_THREADS", "0"))
