"""A trainer of a few milliseconds in the place of the real one, in a module that worker processes can import.

They do so hundreds of times: what reloads models imports scikit-learn, and is imported where models are reloaded.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.models import Signature, mlp
from pipeline.study_folder.layout import StudyFolder
from pipeline.training.jobs import TrainJobs, rows_of
from pipeline.training.protocol import Protocol, Trained, intra_op_threads, outcome, seeds, signature_of
from pipeline.trial import Configuration, Job, Repeat, Summary, Training
from tests import plain_driver
from tests.faults import harm

if TYPE_CHECKING:
    from pipeline.saved_models.member_files import Digests

SECONDS = "FAKE_SECONDS"  # variable: how long a fake training takes, 4 ms otherwise
STARTS = "FAKE_STARTS"  # variable: a file that gets the time of each start of a training
HARM = "FAKE_HARM"  # variable: what trainings with the activation below do
HARMFUL = "selu"
REAL = "REAL_ENGINE"  # variable: train with it


@dataclass(frozen=True, slots=True)
class FakeJobs:
    """In the place of TrainJobs: weights that are a function of the training, scores and probes of real networks."""

    rows: Path
    protocol: Protocol

    def __call__(self, job: Job) -> tuple[Trained, ...]:
        return tuple(self._train(training) for training in job.trainings)

    def start(self) -> None:
        rows_of(self.rows)

    def _train(self, training: Training) -> Trained:
        seconds = float(os.environ.get(SECONDS, "0.004"))
        if STARTS in os.environ:
            with Path(os.environ[STARTS]).open("a") as file:
                file.write(f"{time.time()}\n")
        time.sleep(seconds)
        if HARM in os.environ and training.configuration["activation"] == HARMFUL:
            harm.do(os.environ[HARM])
        rows = rows_of(self.rows)
        seed = seeds(self.protocol.seed, training.index)[0]
        weights = mlp.initial_weights(training.configuration, signature_of(rows), seed)
        scored = outcome(training, rows, self.protocol.model, weights, epochs_run=1, best_epoch=1)
        return Trained(training, seed, seconds, intra_op_threads(), program="fake", **scored)


@dataclass(frozen=True, slots=True)
class FakeExamine:
    """In the place of Examine: everything but the Keras files, which would import TensorFlow."""

    study: Path
    rows: Path
    digests: Mapping[str, Digests]
    model: str
    folds: int

    @classmethod
    def of(
        cls, study: Path, repeats: Collection[Repeat], wanted: Iterable[Summary], model: str, folds: int
    ) -> FakeExamine:
        from pipeline.saved_models import digests_of

        return cls(study, study / "rows.npz", {each.key: digests_of(repeats, each) for each in wanted}, model, folds)

    def __call__(self, key: str) -> object:
        from pipeline.saved_models import Examined
        from pipeline.saved_models.member_files import load_members

        _, members = load_members(StudyFolder(self.study).model(key), self.digests[key], self.model)
        return Examined.of(members, self.rows, {}, self.folds)


@dataclass(frozen=True, slots=True)
class PoisonedJobs:
    """In the place of TrainJobs: the real engine, which meets a harmful configuration where it draws its weights."""

    rows: Path
    protocol: Protocol

    def __call__(self, job: Job) -> tuple[Trained, ...]:
        draw = mlp.initial_weights

        def drawn(configuration: Configuration, signature: Signature, seed: int) -> list[np.ndarray]:
            if configuration["activation"] == HARMFUL:
                harm.do(os.environ[HARM])
            return draw(configuration, signature, seed)

        mlp.initial_weights = drawn
        try:
            return TrainJobs(self.rows, self.protocol)(job)
        finally:
            mlp.initial_weights = draw

    def start(self) -> None:
        TrainJobs(self.rows, self.protocol).start()


def install() -> None:
    """Let the runs of this process train with the fake; with the real engine and its harm where that is asked for."""
    from pipeline import saved_models
    from pipeline.run import launch

    plain_driver.install()
    if REAL in os.environ:
        launch.TrainJobs = PoisonedJobs  # type: ignore[attr-defined,assignment]
        return
    launch.TrainJobs = FakeJobs  # type: ignore[attr-defined,assignment]
    saved_models.Examine = FakeExamine  # type: ignore[misc,assignment]
