"""Networks that are drawn instead of trained, and workers without processes: a study costs what is left of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pipeline.data.rows import Rows
from pipeline.models import mlp
from pipeline.training.jobs import rows_of
from pipeline.training.protocol import Protocol, Trained, outcome, seeds, signature_of
from pipeline.trial import Job, Training
from pipeline.workers.pool import Finished, StoppedError
from pipeline.workers.slots import Slot


def drawn(training: Training, rows: Rows, protocol: Protocol) -> Trained:
    """A network with its initial weights, the same ones for the same training."""
    first, _ = seeds(protocol.seed, training.index)
    weights = mlp.initial_weights(training.configuration, signature_of(rows), first)
    found = outcome(training, rows, protocol, weights, epochs_run=1, best_epoch=1)
    return Trained(training=training, seed=first, seconds=0.001, threads=1, **found)


@dataclass(frozen=True, slots=True)
class Drawing:
    """What stands where a study has `TrainJobs`."""

    rows: Path
    protocol: Protocol
    seconds: float = 0.0  # that a training takes longer

    def start(self) -> None:
        """Nothing takes time here."""

    def __call__(self, job: Job) -> tuple[Trained, ...]:
        """A drawn network for each training."""
        rows = rows_of(self.rows)
        return tuple(self._drawn(training, rows) for training in job.trainings)

    def _drawn(self, training: Training, rows: Rows) -> Trained:
        if self.seconds:
            time.sleep(self.seconds)
        return drawn(training, rows, self.protocol)


@dataclass(slots=True)
class Inline:
    """Workers that work in this process, one job after the other, and stop where those of the product would."""

    slots: Sequence[Slot]
    logs: Path
    stop: Any
    count: int = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """There is nothing to end."""

    def run(self, work: Any, jobs: Sequence[Any], **_: Any) -> Iterator[Finished[Any, Any]]:
        """Answer every job once; what it raises ends the run."""
        for job in jobs:
            if self.stop():
                raise StoppedError
            yield Finished(job, self.slots[0], work(job))
