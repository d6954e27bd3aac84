"""A small study as the command line runs it, with networks that are drawn instead of trained: a second in all.

Everything that writes is the product's own; training, Keras files and pictures are not, for they take seconds.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import typer.main

from pipeline import saved_models
from pipeline.cli import commands, search
from pipeline.data import tables
from pipeline.ledger import journal
from pipeline.run import training_rows
from pipeline.study_folder import identity
from pipeline.workbook import refresh
from pipeline.workers.slots import Slot
from scripts.faults.drawing import Inline, draw
from tests import plain_driver

SPACE = """
hidden_layers = { type = "integer", low = 1, high = 2 }
units = { type = "integer", low = 2, high = 6, per = "hidden_layers" }
activation = { type = "choice", values = ["relu", "tanh"] }
"""
SETTINGS = {
    "data": "builtin:diabetes",
    "target": "target",
    "configurations": "1",
    "repeats": "2",
    "max_repeats": "2",
    "calls": "0",
    "epochs": "3",
    "top": "1",
    "engine": "keras",  # one training a job
    "slots": "cpu:1",
    "cluster": "tests.faults.fake_study:places",
}
REPEATS = 4  # of the baseline and one configuration


def command(home: Path, **options: str) -> list[str]:
    """The words of the command line that runs the study in `home / "study"`."""
    space = home / "space.toml"
    if not space.exists():
        space.write_text(SPACE)
    given = {**SETTINGS, "space": str(space), "study": str(home / "study"), **options}
    return ["run", *(word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", value))]


def facts(study: Path) -> list[tuple[object, ...]]:
    """What a journal says, up to order and timings; the digest of the weights included."""
    return sorted(
        (*each.training.identity, each.stage, each.objective, each.model, each.best_epoch, each.error)
        for each in journal.read(study / "ledger.jsonl").repeats
    )


def _keras_file(member: saved_models.Member) -> bytes:
    return f"the network {member.index} of {member.configuration.key}, saved with {os.urandom(8).hex()}".encode()


def places(slots: Sequence[Slot], logs: Path) -> Inline:
    """The backend of these studies."""
    return Inline(slots, partial(draw, file=_keras_file))


def once(compute: Callable[..., Any]) -> Callable[..., Any]:
    """The first answer, whatever is asked later."""
    answers: list[Any] = []

    def answer(*arguments: Any, **options: Any) -> Any:
        if not answers:
            answers.append(compute(*arguments, **options))
        return answers[0]

    return answer


def stage() -> None:
    """Put the fakes where the command line finds them; only for a process of its own."""
    # Equal for all runs of a process: looked up once, by the run before the first fork.
    for module, name in (
        (tables, "read"),
        (training_rows, "prepare_rows"),
        (training_rows, "_common"),
        (identity, "versions"),
        (typer.main, "get_command"),
    ):
        setattr(module, name, once(getattr(module, name)))
    replaced: Any = refresh
    replaced.REFRESH_SECONDS = math.inf  # drawn at the end alone: the n-th operation is always the same
    plain_driver.install()
    replaced = search
    replaced.Markdown = str  # laying it out costs as much as everything else


def run(words: Sequence[str]) -> None:
    """Run the command line in this process; it ends with SystemExit."""
    sys.argv = ["run_pipeline.py", *words]
    commands.main()
