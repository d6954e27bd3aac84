"""Whole runs in this process and in a second or two: everything is the product's own but the gradient steps.

The networks are the ones that trainings begin with: their weights, scores and probes are real, and files, journal,
workbook and folder are written by the product. Workers do their jobs here, in an order that a seed gives.
"""

from __future__ import annotations

import itertools
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from pipeline.cli.commands import app
from pipeline.ledger import journal
from pipeline.saved_models import Member
from pipeline.training.jobs import TrainJobs
from pipeline.training.protocol import Trained
from pipeline.trial import Job, Training
from pipeline.workers.slots import Slot
from scripts.faults.drawing import Inline, draw, drawn

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
    """Stands in for an engine: a training gives the network that it begins with."""

    versions: str = "python 3, tensorflow 2"
    device: str = "cpu A"
    threads: int = 1

    def __call__(self, work: TrainJobs, job: Job) -> tuple[Trained, ...]:
        return tuple(self._trained(training, work) for training in job.trainings)

    def _trained(self, training: Training, work: TrainJobs) -> Trained:
        found = drawn(training, work.rows_of(training), work.protocol)
        return replace(
            found, seconds=0.01, threads=self.threads, program="none", device=self.device, versions=self.versions
        )


class Killed(BaseException):
    """The driver ends here, as it would by SIGKILL: nothing of ours catches it."""


@dataclass(frozen=True, slots=True)
class StandIn:
    """What runs have in the place of workers."""

    workers: int
    shuffle: int
    dies_after: int | None
    engine: Initial

    def places(self) -> Inline:
        """As many places as workers, whose jobs end in an order that the seed gives."""
        jobs = itertools.count()

        def answer(work: Callable[[Any], Any], job: Any) -> Any:
            if next(jobs) == self.dies_after:
                raise Killed
            if isinstance(work, TrainJobs):
                return self.engine(work, job)
            return draw(work, job, file=_keras_file)

        return Inline([Slot("here", (0,))] * self.workers, answer, self.shuffle)


def _keras_file(member: Member) -> bytes:
    return b"a Keras file of " + member.configuration.key.encode()


_standing_in: StandIn | None = None


def here(slots: Sequence[Slot], logs: Path) -> Inline:
    """The backend of runs that have a stand-in."""
    assert _standing_in is not None
    return _standing_in.places()


def stand_in(
    patch: pytest.MonkeyPatch,
    *,
    workers: int = 1,
    shuffle: int = 0,
    dies_after: int | None = None,
    engine: Initial | None = None,
) -> None:
    """Let runs of `arguments` do without TensorFlow, other processes, pictures and a look for idle cores."""
    patch.setattr(sys.modules[__name__], "_standing_in", StandIn(workers, shuffle, dies_after, engine or Initial()))
    patch.setattr("pipeline.report.figures.draw", lambda *_: None)
    patch.setattr("pipeline.workers.slots.LOOK", 0.0)


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
    cluster = {"cluster": f"{__name__}:here"} if _standing_in else {}
    chosen = {**given, **OPTIONS, **cluster, **options}
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
