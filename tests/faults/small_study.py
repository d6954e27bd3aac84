"""Whole runs in this process and in a second or two: everything is the product's own but the gradient steps.

The networks are the ones that trainings begin with: their weights, scores and probes are real, and files, journal,
workbook and folder are written by the product. Workers do their jobs here, in an order that a seed gives.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from pipeline.cli.commands import app
from pipeline.data.rows import Rows, load_rows, rows_file
from pipeline.ledger import journal
from pipeline.models import mlp
from pipeline.training.protocol import Protocol, Trained, outcome, seeds, signature_of
from pipeline.trial import Job, Training
from pipeline.workers.pool import Finished
from pipeline.workers.slots import Slot

SPACE = """
hidden_layers = { type = "integer", low = 1, high = 2 }
units = { type = "integer", low = 4, high = 6, per = "hidden_layers" }
learning_rate = { type = "real", low = 1e-3, high = 5e-2, scale = "log" }
activation = { type = "choice", values = ["relu", "tanh", "gelu", "swish", "elu", "selu", "sigmoid", "leaky_relu"] }
"""
OPTIONS = {
    "target": "y,z",
    "configurations": "3",
    "repeats": "2",
    "max_repeats": "2",
    "elite": "1",
    "calls": "2",
    "epochs": "5",
    "patience": "3",
    "top": "2",
    "slots": "cpu:1",
    "engine": "keras",
}
TRAININGS = (1 + 3 + 2) * 2


@dataclass(frozen=True, slots=True)
class Initial:
    """Stands in for `TrainJobs`: a training gives the network that it begins with."""

    rows: Path
    protocol: Protocol
    versions: str = "python 3, tensorflow 2"
    device: str = "cpu A"
    threads: int = 1

    def start(self) -> None:
        """Nothing takes time here."""

    def __call__(self, job: Job) -> tuple[Trained, ...]:
        rows = load_rows(rows_file(self.rows, self.protocol.folds, job.trainings[0].index))
        return tuple(self._trained(training, rows) for training in job.trainings)

    def _trained(self, training: Training, rows: Rows) -> Trained:
        seed, _ = seeds(self.protocol.seed, training.index)
        weights = mlp.initial_weights(training.configuration, signature_of(rows), seed)
        return Trained(
            training=training,
            seed=seed,
            seconds=0.01,
            threads=self.threads,
            program="none",
            device=self.device,
            versions=self.versions,
            **outcome(training, rows, self.protocol, weights, epochs_run=1, best_epoch=1),
        )


class Killed(BaseException):
    """The driver ends here, as it would by SIGKILL: nothing of ours catches it."""


@dataclass(slots=True)
class Here:
    """Stands in for `Workers`: jobs are done in this process, and end in the order of a seed."""

    slots: Sequence[Slot]
    shuffle: int
    dies_after: int | None
    count: int

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to end."""

    def run(
        self, work: Callable[[Any], Any], jobs: Sequence[Any], *_: object, **__: object
    ) -> Iterator[Finished[Any, Any]]:
        """Answer every job once, any of the `count` ones next that a worker can have begun."""
        waiting, rng = list(jobs), np.random.default_rng([self.shuffle, len(jobs)])
        while waiting:
            if self.dies_after == 0:
                raise Killed
            self.dies_after = None if self.dies_after is None else self.dies_after - 1
            job = waiting.pop(int(rng.integers(min(self.count, len(waiting)))))
            yield Finished(job, Slot("here", (0,)), work(job))


def stand_in(
    patch: pytest.MonkeyPatch,
    *,
    workers: int = 1,
    shuffle: int = 0,
    dies_after: int | None = None,
    engine: Callable[[Path, Protocol], Any] = Initial,
) -> None:
    """Let runs of this process do without TensorFlow, other processes and pictures."""
    patch.setattr("pipeline.run.launch.Workers", lambda slots, *_, **__: Here(slots, shuffle, dies_after, workers))
    patch.setattr("pipeline.run.launch.TrainJobs", engine)
    patch.setattr(
        "pipeline.saved_models.test_answers._keras_file",
        lambda member: b"a Keras file of " + member.configuration.key.encode(),
    )
    patch.setattr("pipeline.report.figures.draw", lambda *_: None)


def table(folder: Path) -> Path:
    """A table with a gap, categories and two outputs."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=80), "b": rng.integers(0, 9, 80), "c": rng.choice(["x", "y", "=z"], 80)})
    frame["y"] = frame["a"] * 2 + frame["b"] + (frame["c"] == "x")
    frame["z"] = frame["a"] - frame["b"] + rng.normal(size=80)
    frame.loc[[3, 17, 40], "a"] = np.nan
    path = folder / "table.csv"
    frame.to_csv(path, index=False)
    return path


def arguments(folder: Path, **options: str) -> list[str]:
    """The words of the command that runs or resumes the study in `folder`."""
    (folder / "space.toml").write_text(SPACE)
    given = {"data": str(table(folder)), "space": str(folder / "space.toml"), "study": str(folder / "study")}
    chosen = {**given, **OPTIONS, **options}
    words = [word for name, value in chosen.items() for word in (f"--{name.replace('_', '-')}", value)]
    return ["run", *words]


def command(*words: str) -> Result:
    """What the command line says and exits with."""
    return CliRunner().invoke(app, list(words))


def run(folder: Path, **options: str) -> Result:
    """Run or resume the study in `folder`."""
    return command(*arguments(folder, **options))


def predict(folder: Path) -> Result:
    """Predict the study's own rows with its best models."""
    study, data, output = (str(folder / name) for name in ("study", "table.csv", "predicted.csv"))
    return command("predict", "--study", study, "--input", data, "--output", output, "--top", "2")


def copied(source: Path, folder: Path) -> Path:
    """A copy of a finished study to damage, beside its table: the folder of the study."""
    shutil.copytree(source, folder, dirs_exist_ok=True)
    return folder / "study"


def facts(study: Path) -> list[tuple[object, ...]]:
    """What a journal says up to order, timings and the slot; the digests of the weights included."""
    return sorted(
        (
            *each.training.identity,
            each.training.configuration.json,
            each.stage,
            each.seed,
            each.objective,
            repr(each.scores),
            each.epochs_run,
            each.best_epoch,
            each.model,
            each.program,
            each.device,
            each.versions,
            each.threads,
            each.error,
        )
        for each in journal.read(study / "ledger.jsonl").repeats
    )


def weights(study: Path) -> dict[str, bytes]:
    """The files of weights, byte by byte."""
    return {str(path.relative_to(study)): path.read_bytes() for path in sorted(study.glob("models/*/*.npz"))}
