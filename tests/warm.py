"""The product's scripts in this process, with the real engines: TensorFlow starts once for all tests of a process.

A run in processes of its own costs about ten processor seconds, nine of them for what a process imports and compiles.
Here a run costs what it trains, for a program that was compiled for one serves the next. Everything is the product's
own but that there are no worker processes and no pictures, which have tests of their own.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import runpy
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.workers import backends
from pipeline.workers.slots import Slot
from scripts.faults.drawing import Inline
from tests.faults.small_study import Killed

SCRIPTS = Path(__file__).parents[1] / "scripts"


@dataclass(frozen=True, slots=True)
class Answer:
    """How a script ended; the fields have the names of `subprocess.CompletedProcess`."""

    returncode: int
    stdout: str
    stderr: str


def install(
    patch: pytest.MonkeyPatch, *, workers: int = 0, shuffle: int | None = None, dies_after: int | None = None
) -> None:
    """Let runs of this process train in it; with `workers` as many places, whose jobs end in an order of the seed.

    `dies_after` jobs the driver ends, as it would by SIGKILL.
    """
    jobs = itertools.count()

    def answer(work: Callable[[Any], Any], job: Any) -> Any:
        if next(jobs) == dies_after:
            raise Killed
        return work(job)

    def places(slots: Sequence[Slot], _: Path) -> Inline:
        return Inline([slots[0]] * workers if workers else slots, answer, shuffle)

    patch.setattr(backends, "load", lambda _: places)
    patch.setattr("pipeline.run.model_size.LocalPlaces", places)
    patch.setattr("pipeline.report.figures.draw", lambda *_: None)
    patch.setattr("pipeline.workers.slots.LOOK", 0.0)  # seconds of waiting, to see which cores are idle


def script(folder: Path, name: str, *words: str, **order: Any) -> Answer:
    """Run a script as if it was started in `folder`."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", [str(SCRIPTS / name), *words])
        patch.setattr(sys, "path", [*sys.path])
        install(patch, **order)
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            try:
                runpy.run_path(str(SCRIPTS / name), run_name="__main__")
                code: Any = 0
            except SystemExit as ended:
                code = ended.code
            finally:
                forget(folder)
    return Answer(int(code or 0), stdout.getvalue(), stderr.getvalue())


def forget(folder: Path) -> None:
    """Let modules of the folder, a user's own network say, be imported anew by the next run."""
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(f"{folder}/"):
            del sys.modules[name]
