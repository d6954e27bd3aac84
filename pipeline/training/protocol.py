"""The interface of engines: what they get and what they return."""

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
    """The training protocol, the same for all trainings of a study."""

    model: str
    loss: str  # of `losses.LOSSES`
    patience: int  # epochs without a better validation score after which a training stops, best weights restored
    min_delta: float  # smaller improvements do not count
    seed: int  # of the study
    space: Space  # the space of the study, which together with a configuration determines its program
    engine: str
    tf32: bool = False  # on GPUs: matrix products with ten-bit mantissas, faster and less exact
    folds: int = 0  # with folds the rows depend on the number of the repeat; 0 for one split
    rows: int = 0  # of training, approximately: determines which networks have their own program; 0 for none
    places: int = 0  # trainings that share a program; 0 for the engine's own rule
    task: str = ""  # as the user named it; workers need it to read the rows of a user-defined task
    metrics: tuple[str, ...] = ()  # user-defined, as `module:object`
    watched: str = ""  # by early stopping: "mae" or "rmse"; "" for what the loss calls for, see `losses.validated`


@dataclass(frozen=True, slots=True)
class Trained:
    """The outcome of one training; `error` is empty if and only if there are weights.

    `weights` are the arrays of the model in its own order, `probe` the scaled predictions (rows, outputs) for the first
    validation rows, which a reloaded model has to reproduce.
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
    program: str = ""  # what computed it, if that can change the last bit; see `provenance` for the other two
    device: str = ""
    versions: str = ""
    started: str = ""  # wall clock when it began, see `utc_now`
    weights: tuple[np.ndarray, ...] = ()
    probe: np.ndarray | None = None
    curve: Curve | None = None  # of a training with weights; None if the engine does not report it


Trainer = Callable[[Sequence[Training], Rows, Protocol], Iterable[Trained]]
"""Return one outcome for each training, in any order; one with an error if it diverges or raises.

Equal trainings in equal studies give equal bits, regardless of what is trained beside them.
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
    """Objective of scaled predictions for the validation rows, and their scores per output in original units.

    `metrics` are additional user-defined ones, as `module:object`.
    """
    part = rows.validation
    units = rows.target.to_units(predicted)
    return (
        tasks.objective(rows.target, part, predicted),
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
    """The scores of weights on the validation rows, computed with the same function as for reloaded models."""
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
    """The intra-operation threads of this process, as set for its worker."""
    return int(os.environ.get("TF_NUM_INTRAOP_THREADS", "0"))
