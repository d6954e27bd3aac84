"""Jobs: how trainings are grouped, and how a worker does a job: load the study's rows once, then train."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from pipeline import tasks
from pipeline.data.layout import shape_of
from pipeline.data.rows import Rows, load_rows
from pipeline.plugins import load_object
from pipeline.training import engines, provenance, tensorflow_start
from pipeline.training.protocol import Protocol, Trained
from pipeline.trial import Job, Training
from pipeline.workers.parcels import path_of

SMALLEST_JOB: Final = 8  # trainings: the time limit of a job is at least that of these
KEPT: Final = 10  # files of rows that a process keeps in memory, with folds

# When a job counts as hung: about 80 times (Keras: 25 times) the time measured on one slow core.
COMPILE_SECONDS: Final = 600.0  # of its programs, and other delays of a busy machine
RATE: Final = 1e9  # floating point operations in a second


def jobs_of(trainings: Sequence[Training], protocol: Protocol, workers: int) -> tuple[Job, ...]:
    """Group the trainings into jobs, each once. The grouping affects when results arrive, never the results.

    If the trainings of an engine share programs, a job has trainings of one program, enough to fill it, but few enough
    to keep all workers busy. A program with a single place is always full, so few such trainings are one job for each
    worker. With folds all trainings of a job have the same number, and so the same rows.
    """
    sharing = engines.load(protocol.engine).sharing
    if sharing is None:
        return tuple(Job((training,)) for training in trainings)
    size = min(-(-len(trainings) // (2 * workers)), sharing.largest_job)
    groups: dict[tuple[str, int], list[Training]] = {}
    for training in trainings:
        rows = training.index if protocol.folds else 0
        groups.setdefault((sharing.group(training, protocol), rows), []).append(training)
    return tuple(
        Job(tuple(part), name)
        for (name, _), group in groups.items()
        for part in _cut(group, size if sharing.alone(group[0], protocol) else max(size, sharing.smallest_job))
    )


def _cut(group: Sequence[Training], size: int) -> Iterator[Sequence[Training]]:
    """Cut into parts of nearly equal length, of at most about `size`."""
    parts = max(1, round(len(group) / size))
    length = -(-len(group) // parts)
    return (group[first : first + length] for first in range(0, len(group), length))


def parts_of(job: Job) -> tuple[Job, ...]:
    """The parts of a job that got no answer: its configurations, or the trainings of its single configuration."""
    groups: dict[str, list[Training]] = {}
    for training in job.trainings:
        groups.setdefault(training.configuration.key, []).append(training)
    if len(groups) > 1:
        return tuple(Job(tuple(group), job.kind) for group in groups.values())
    return tuple(Job((training,), job.kind) for training in job.trainings)


def limit_of(job: Job, protocol: Protocol, rows: Rows, most_weights: int) -> float:
    """Seconds after which a job counts as hung: many times the time of its arithmetic and steps on a slow core.

    `most_weights` is the size of the largest network of the study.
    """
    slowest = max(_seconds(training, protocol, rows, most_weights) for training in job.trainings)
    return COMPILE_SECONDS + max(len(job.trainings), SMALLEST_JOB) * slowest


def _seconds(training: Training, protocol: Protocol, rows: Rows, most_weights: int) -> float:
    # A weight is used at every step of a window and, at most, at every pixel of an image.
    weights = most_weights * math.prod(shape_of(rows.features)[:-1])
    engine = engines.load(protocol.engine)
    if engine.sharing is not None:
        widths = (len(rows.features), *engine.sharing.widths(training, protocol), rows.target.outputs)
        weights = sum((inputs + 1) * units for inputs, units in itertools.pairwise(widths))
    batch = training.configuration["batch_size"]
    assert isinstance(batch, int)
    count = len(rows.train.rows)
    # Two operations for each weight forwards, four backwards; validation is no more than a third of that again.
    arithmetic = (6 * count + 2 * len(rows.validation.rows)) * weights / RATE
    return training.epochs * (-(-count // batch) * engine.step_seconds + arithmetic)


def sound(trained: Trained) -> Trained:
    """The outcome, or a failed one if its figures are none that a ledger can have: engines may be the user's."""
    figures = [trained.objective, *itertools.chain.from_iterable(each.values() for each in trained.scores.values())]
    if trained.error or all(each is not None and math.isfinite(each) for each in figures):
        return trained
    return Trained(
        training=trained.training,
        seed=trained.seed,
        seconds=trained.seconds,
        threads=trained.threads,
        error="diverged: the engine's objective, or a score, is not a finite number",
        program=trained.program,
        started=trained.started,
    )


@dataclass(frozen=True, slots=True)
class TrainJobs:
    """A function from jobs to outcomes that is sent to the workers; it is small, because rows are sent as parcels."""

    rows: tuple[str, ...]  # digests: of the rows of all repeats, or with folds of each repeat in turn
    protocol: Protocol

    def __call__(self, job: Job) -> tuple[Trained, ...]:
        """Train the trainings of the job."""
        self.start()
        train = engines.load(self.protocol.engine).train
        device, versions = provenance.device(), provenance.versions()
        trained = train(job.trainings, self.rows_of(job.trainings[0]), self.protocol)
        return tuple(replace(sound(each), device=device, versions=versions) for each in trained)

    def start(self) -> None:
        """Import the engine, set up TensorFlow and read the rows: takes seconds, once in the life of a worker."""
        if self.protocol.task:
            tasks.use(self.protocol.task, load_object)  # named by the user; the rows may belong to it
        engine = engines.load(self.protocol.engine)
        _ = engine.train
        if engine.tensorflow:
            tensorflow_start.start(self.protocol.tf32)
        if not self.protocol.folds:
            rows_of(self.rows[0])

    def rows_of(self, training: Training) -> Rows:
        """The rows of the training and of its whole job."""
        return rows_of(self.rows[training.index if self.protocol.folds else 0])


@lru_cache(maxsize=KEPT)
def rows_of(digest: str) -> Rows:
    """The rows of a study or of one of its repeats, from a parcel of this process; the latest files stay in memory."""
    return load_rows(path_of(digest))
