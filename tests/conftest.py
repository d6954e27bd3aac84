"""What holds for all tests."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.readme import Commands

settings.register_profile("busy", deadline=None)  # an example that takes long says something of the machine only
settings.load_profile("busy")

# A test runs on one of two cores, as a worker of the product does: TensorFlow reads this when it starts.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
# Byte code of the package is kept for the hundreds of processes that tests start; compiling it takes each a second.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


# Modules whose fixtures cost seconds, by what they share: the tests of a group run in one process, which makes it once.
DEAR = {
    "test_readme.py": "readme",
    "models/test_studies.py": "readme",
    "run/test_launch.py": "launch",
    "run/test_fidelity.py": "launch",
    "golden/test_golden.py": "golden",
    "faults/test_audit.py": "launchers",
    "faults/test_bombs.py": "bombs",
    "faults/test_disk.py": "launchers",
    "faults/test_disk_space.py": "launchers",
    "faults/test_journal_damage.py": "launchers",
    "faults/test_rebuild_import.py": "launchers",
    "faults/test_real_engine.py": "real engine",
    "faults/test_real_kills.py": "real kills",
    "training/test_packed.py": "packed",
}
TESTS = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before xdist looks for groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long tests, groups and slow tests first, so that no core waits at the end; `make soak`'s only if asked for."""
    soak = "soak" in config.option.markexpr
    left_out = [item for item in items if item.get_closest_marker("soak") and not soak]
    config.hook.pytest_deselected(items=left_out)
    kept = [item for item in items if item not in set(left_out)]
    for item in kept:
        if group := DEAR.get(item.path.relative_to(TESTS).as_posix()):
            item.add_marker(pytest.mark.xdist_group(group))
    kept.sort(key=lambda item: not any(map(item.get_closest_marker, ("long", "xdist_group"))))
    kept.sort(key=lambda item: item.get_closest_marker("slow") is None and not item.get_closest_marker("xdist_group"))
    items[:] = kept


@pytest.fixture(scope="session")
def readme(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    """The commands of the README in a folder of their own; what reads it belongs to the group "readme"."""
    from tests import readme

    folder = tmp_path_factory.mktemp("readme")
    readme.checkout(folder)
    return readme.Commands(folder)


@pytest.fixture
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the runs of a test train in this process, with the real engine: see `warm`."""
    from tests import warm

    warm.install(monkeypatch)
