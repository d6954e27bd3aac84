"""A backend that trains in a few milliseconds, in a module that worker processes can import.

They do so hundreds of times: what reloads models imports scikit-learn, so the driver, which has it, does that for them.
"""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from pipeline.models import Signature, mlp
from pipeline.training.jobs import TrainJobs, rows_of
from pipeline.training.protocol import Trained, intra_op_threads
from pipeline.trial import Configuration, Job, Training
from pipeline.workers.guard import Watched
from pipeline.workers.local import LocalPlaces
from pipeline.workers.places import Parcel, Place
from scripts.faults.drawing import drawn, examined
from tests.faults import harm

if TYPE_CHECKING:
    from pipeline.saved_models import Examine, Examined

SECONDS = "FAKE_SECONDS"  # variable: how long a fake training takes, 4 ms otherwise
STARTS = "FAKE_STARTS"  # variable: a file that gets the time of each start of a training
HARM = "FAKE_HARM"  # variable: what trainings with the activation below do
HARMFUL = "selu"
REAL = "REAL_ENGINE"  # variable: train with it


class FakePlaces(LocalPlaces):
    """The processes of this machine, which do a fake's work in the place of the real one's; its real harm if asked."""

    def begin(self, place: Place, work: Watched[Any, Any], job: Any, needs: Sequence[Parcel] = ()) -> None:
        if isinstance(work.work, TrainJobs):
            fake = PoisonedJobs(work.work) if REAL in os.environ else FakeJobs(work.work)
            work = replace(work, work=fake, start=fake.start)
        elif type(work.work).__name__ == "Examine" and REAL not in os.environ:
            work = replace(work, work=Known.of(replace(examined(cast("Examine", work.work), job), keras={})))
        super().begin(place, work, job, needs)


@dataclass(frozen=True, slots=True)
class FakeJobs:
    """In the place of TrainJobs: weights that are a function of the training, scores and probes of real networks."""

    jobs: TrainJobs

    def __call__(self, job: Job) -> tuple[Trained, ...]:
        return tuple(self._train(training) for training in job.trainings)

    def start(self) -> None:
        rows_of(self.jobs.rows[0])

    def _train(self, training: Training) -> Trained:
        seconds = float(os.environ.get(SECONDS, "0.004"))
        if STARTS in os.environ:
            with Path(os.environ[STARTS]).open("a") as file:
                file.write(f"{time.time()}\n")
        time.sleep(seconds)
        if HARM in os.environ and training.configuration["activation"] == HARMFUL:
            harm.do(os.environ[HARM])
        found = drawn(training, self.jobs.rows_of(training), self.jobs.protocol)
        return replace(found, seconds=seconds, threads=intra_op_threads(), program="fake")


@dataclass(frozen=True, slots=True)
class Known:
    """In the place of Examine: an answer that the driver knows, without Keras files, which would import TensorFlow.

    It travels to the worker and back as it is, and is unpickled in the driver alone.
    """

    pickled: bytes

    @classmethod
    def of(cls, answer: Examined) -> Known:
        return cls(pickle.dumps(answer))

    def __call__(self, _: str) -> Answer:
        return Answer(self.pickled)


class Answer:
    """Becomes what it holds where it is unpickled."""

    def __init__(self, pickled: bytes) -> None:
        self.pickled = pickled

    def __reduce__(self) -> tuple[Any, ...]:
        return pickle.loads, (self.pickled,)


@dataclass(frozen=True, slots=True)
class PoisonedJobs:
    """In the place of TrainJobs: the real engine, which meets a harmful configuration where it draws its weights."""

    jobs: TrainJobs

    def __call__(self, job: Job) -> tuple[Trained, ...]:
        draw = mlp.initial_weights

        def drawn(configuration: Configuration, signature: Signature, seed: int) -> list[np.ndarray]:
            if configuration["activation"] == HARMFUL:
                harm.do(os.environ[HARM])
            return draw(configuration, signature, seed)

        mlp.initial_weights = drawn
        try:
            return self.jobs(job)
        finally:
            mlp.initial_weights = draw

    def start(self) -> None:
        self.jobs.start()
