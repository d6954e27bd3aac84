"""The product's scripts in this process, with the real engines: TensorFlow starts once for all tests of a process.

A run in processes of its own costs about ten processor seconds, nine of them for what a process imports and compiles.
Here a run costs what it trains, for a program that was compiled for one serves the next. Everything is the product's
own but that there are no worker processes and no pictures, which have tests of their own.
"""

from __future__ import annotations

import contextlib
import io
import runpy
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.saved_models import test_answers
from pipeline.training.jobs import TrainJobs
from tests.faults import small_study

KERAS_FILE = test_answers._keras_file
SCRIPTS = Path(__file__).parents[1] / "scripts"


@dataclass(frozen=True, slots=True)
class Answer:
    """How a script ended; the fields have the names of `subprocess.CompletedProcess`."""

    returncode: int
    stdout: str
    stderr: str


def install(patch: pytest.MonkeyPatch, **order: Any) -> None:
    """Let runs of this process train in it; `order` says which job ends next, see `small_study.stand_in`."""
    small_study.stand_in(patch, engine=TrainJobs, **order)
    patch.setattr("pipeline.saved_models.test_answers._keras_file", KERAS_FILE)
    patch.setattr("pipeline.run.model_size.Workers", lambda slots, *_, **__: small_study.Here(slots, 0, None, 1))


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
