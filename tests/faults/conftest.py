"""Launchers of the fake study, and quick folders for it."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.runs import Launcher, launched

MEMORY = Path("/dev/shm")


@pytest.fixture(scope="session")
def launchers() -> Iterator[tuple[Launcher, ...]]:
    """As many as `runs.PARTS`, for tests that need hundreds of runs."""
    with launched() as first, launched() as second:
        yield first, second


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
