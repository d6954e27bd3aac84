"""What holds for all tests."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.readme import Commands

settings.register_profile("busy", deadline=None)  # an example that takes long says something of the machine only
settings.load_profile("busy")

# A test runs on one of two cores, as a worker of the product does; libraries read this when they start. Two threads of
# OpenBLAS take six times the processor time of one for the small matrices of a Gaussian process: they wait busily.
for name in ("TF_NUM_INTRAOP_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")
# The kernels that OpenBLAS has for every processor with AVX2, so that all of those give golden predictions bit by bit.
if (cpuinfo := Path("/proc/cpuinfo")).exists() and " avx2 " in cpuinfo.read_text():
    os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")
# Byte code of the package is kept for the hundreds of processes that tests start; compiling it takes each a second.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# A program of the packed engine is compiled once in a session, for two seconds, whichever process needs it first. What
# tests/faults/test_real_engine.py says of equal bits it says of processes that compile for themselves.
if "PYTEST_XDIST_WORKER" not in os.environ and "TF_XLA_FLAGS" not in os.environ:
    programs = tempfile.mkdtemp(prefix="programs-")
    atexit.register(shutil.rmtree, programs, ignore_errors=True)
    os.environ["TF_XLA_FLAGS"] = f"--tf_xla_persistent_cache_directory={programs}"


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


def group_of(nodeid: str) -> str | None:
    """The group that a test belongs to, if it belongs to one."""
    return DEAR.get(nodeid.partition("::")[0].removeprefix("tests/"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """One process for each group; other tests go to whichever process is free.

    That is `--dist loadgroup`, which sends no group to one process where pytest 9 meets xdist 3.8.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid) or nodeid

    return Groups(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Groups, long and slow tests first, so that no core waits at the end; `make soak`'s only if asked for."""
    soak = "soak" in config.option.markexpr
    left_out = [item for item in items if item.get_closest_marker("soak") and not soak]
    config.hook.pytest_deselected(items=left_out)
    kept = [item for item in items if soak or not item.get_closest_marker("soak")]
    kept.sort(key=lambda item: item.get_closest_marker("slow") is None)
    kept.sort(key=lambda item: not (group_of(item.nodeid) or item.get_closest_marker("long")))
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
