"""What the last bits of a result depend on besides its study: recorded by the process that trains it."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

# The packages that compute weights and scores; results do not depend on the versions of others.
PACKAGES: Final = ("tensorflow", "keras", "numpy", "scipy", "scikit-learn")


@cache
def versions() -> str:
    """Python and the packages that compute, as `name version` with commas, without importing them."""
    return ", ".join([f"python {platform.python_version()}", *(f"{name} {version(name)}" for name in PACKAGES)])


@cache
def device() -> str:
    """The device of this process, as `cpu NAME` or `gpu NAME`: compiled programs differ between processors."""
    if os.environ.get("CUDA_VISIBLE_DEVICES"):
        import tensorflow as tf

        names = [
            str(tf.config.experimental.get_device_details(each).get("device_name", "unknown"))
            for each in tf.config.list_physical_devices("GPU")
        ]
        return f"gpu {', '.join(names)}" if names else f"cpu {processor()}"
    return f"cpu {processor()}"


def processor(table: Path = Path("/proc/cpuinfo")) -> str:
    """The name of the processor, or its architecture if the name is unknown."""
    try:
        lines = table.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()
