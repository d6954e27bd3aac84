"""Launchers of the fake study, and quick folders for it."""

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
