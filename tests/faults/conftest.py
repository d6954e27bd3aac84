"""Launchers of the fake study, and quick folders for it."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.runs import Launcher, launched

QUICK = 1.0  # seconds: a new interpreter imports numpy and pandas in half of that
MEMORY = Path("/dev/shm")


@pytest.fixture(scope="session")
def launchers() -> Iterator[tuple[Launcher, ...]]:
    """As many as `runs.PARTS`, for tests that need hundreds of runs."""
    with launched() as first, launched() as second:
        yield first, second


@pytest.fixture(scope="session")
def slowness() -> float:
    """How many times slower than an idle core this machine is now, at least 1: bounds in seconds scale with it."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import numpy, pandas"], check=True)
    return max(1.0, (time.perf_counter() - began) / QUICK)


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder in memory, where there is that: a sync costs nothing there, and a SIGKILL leaves the same behind."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def finished(launchers, tmp_path_factory) -> Path:
    """The home of a finished study; tests work on copies of it."""
    folder: Path = tmp_path_factory.mktemp("finished")
    assert launchers[0].run(folder).code == 0
    return folder


@pytest.fixture
def study(finished, home) -> Path:
    """A finished study to harm."""
    shutil.copytree(finished, home, dirs_exist_ok=True)
    study: Path = home / "study"
    return study
