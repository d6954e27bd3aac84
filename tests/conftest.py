"""What holds for all tests."""

import pytest
from hypothesis import settings

settings.register_profile("busy", deadline=None)  # an example that takes long says something of the machine only
settings.load_profile("busy")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests first."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
