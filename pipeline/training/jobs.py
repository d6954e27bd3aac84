"""What a worker does with a job: load the study's rows once, then train one recipe after the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final

from pipeline.data import task
from pipeline.data.task import Rows
from pipeline.training.protocol import Protocol, Trained, Trainer
from pipeline.trial import Job

ENGINES: Final = {"keras": "pipeline.training.keras_fit"}


@dataclass(frozen=True, slots=True)
class TrainJobs:
    """A function from jobs to outcomes that travels to the workers: small, for the rows wait in a file."""

    rows: Path
    protocol: Protocol

    def __call__(self, job: Job) -> tuple[Trained, ...]:
        """Train everything that the job names, in its order."""
        train: Trainer = import_module(ENGINES[self.protocol.engine]).train
        rows = rows_of(self.rows)
        return tuple(train(training, rows, self.protocol) for training in job.trainings)


@cache
def rows_of(path: Path) -> Rows:
    """The rows of a study, read once in the life of a process."""
    return task.load(path)
