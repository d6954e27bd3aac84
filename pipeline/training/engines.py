"""The engines, which train networks. Each is a module that workers import, described by an `Engine`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Final, cast

from pipeline.errors import UserError
from pipeline.plugins import is_reference, load_object
from pipeline.training import shapes
from pipeline.training.protocol import Protocol, Trainer
from pipeline.trial import Training


@dataclass(frozen=True, slots=True)
class Sharing:
    """How trainings share a program: a job holds trainings of one program, enough to fill it."""

    group: Callable[[Training, Protocol], str]  # the program that trains it, by a name
    alone: Callable[[Training, Protocol], bool]  # a single training fills its program
    widths: Callable[[Training, Protocol], tuple[int, ...]]  # of the hidden layers that the program has for it
    smallest_job: int  # trainings: fewer leave most places of a program empty
    largest_job: int  # a kill costs the jobs in flight, so no worker has many more trainings than these


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine: it trains networks.

    Its module has a function `train`, a `protocol.Trainer`, and is imported by workers alone.
    """

    name: str  # as --engine names it
    about: str  # for --help
    module: str
    models: tuple[str, ...] = ()  # the only ones that it trains; all of them if empty
    sharing: Sharing | None = None  # without it, every training is a job of its own
    step_seconds: float = 2e-2  # of one network's step on a slow core, regardless of its size
    tensorflow: bool = True  # its switches are set before the first training of a process

    @property
    def train(self) -> Trainer:
        """The function that trains; its module is imported, and TensorFlow with it."""
        return cast("Trainer", import_module(self.module).train)

    @property
    def largest_job(self) -> int:
        """Approximately the most trainings of a job: a group is cut into equal parts of about this size."""
        return self.sharing.largest_job if self.sharing else 1

    def trains(self, model: str) -> bool:
        """True for a model that it can train."""
        return not self.models or model in self.models


ENGINES: Final[Mapping[str, Engine]] = {
    engine.name: engine
    for engine in (
        Engine(
            "packed",
            "fast, for perceptrons only",
            "pipeline.training.packed",
            models=("mlp",),
            sharing=Sharing(shapes.group_of, shapes.pays, shapes.padded_widths, smallest_job=8, largest_job=40),
            step_seconds=1e-3,
        ),
        Engine("keras", "model.fit, for all models", "pipeline.training.keras_fit"),
    )
}


def load(name: str) -> Engine:
    """Find an engine by name.

    Args:
        name: One of `ENGINES`, or a `module:object`, which is imported: it has to come from the user.

    Returns:
        The engine.

    Raises:
        UserError: There is no such engine, or the object is not an `Engine`.
    """
    if is_reference(name):
        engine = load_object(name, expected="a pipeline.training.engines.Engine")
        if isinstance(engine, Engine):
            return engine
        raise UserError(f"{name} is not an engine", expected="a pipeline.training.engines.Engine")
    if name in ENGINES:
        return ENGINES[name]
    raise UserError(f"There is no engine {name!r}", expected=f"{', '.join(ENGINES)}, or your own as module:object")


def check(engine: str, model: str) -> None:
    """Raise UserError unless the engine can train the model."""
    found = load(engine)
    if not found.trains(model):
        raise UserError(
            f"The engine {engine} does not train --model {model}",
            expected=f"--model {' or '.join(found.models)}",
            hint=f"leave --engine out, or use --engine {default(model)}",
        )


def default(model: str) -> str:
    """The first built-in engine that trains the model."""
    return next(name for name, engine in ENGINES.items() if engine.trains(model))
