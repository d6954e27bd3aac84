"""What holds for all tests."""

import os
import sys

import pytest
from hypothesis import settings

settings.register_profile("busy", deadline=None)  # an example that takes long says something of the machine only
settings.load_profile("busy")

# A test runs on one of two cores, as a worker of the product does: TensorFlow reads this when it starts.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
# Byte code of the package is kept for the hundreds of processes that tests start; compiling it takes each a second.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests first."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
