"""How a process that trains imports TensorFlow: without what Keras imports for its pictures and its wrappers."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from functools import cache
from importlib.abc import MetaPathFinder
from typing import Final

# Keras does without them where they are not installed; they take a third of its four seconds of processor time.
LEFT_OUT: Final = frozenset({"matplotlib", "pandas", "sklearn"})


@cache
def start(tf32: bool) -> None:
    """Import TensorFlow and set its process-wide switches, before the first training of a process."""
    with left_out():
        import tensorflow as tf
    tf.config.experimental.enable_op_determinism()
    tf.config.experimental.enable_tensor_float_32_execution(tf32)


@contextlib.contextmanager
def left_out() -> Iterator[None]:
    """In this block this thread finds none of the modules in `LEFT_OUT` that are not imported yet.

    Afterwards they are imported as usual, and other threads find them at any time.
    """
    absent = _Absent()
    sys.meta_path.insert(0, absent)
    try:
        yield
    finally:
        sys.meta_path.remove(absent)


class _Absent(MetaPathFinder):
    """A finder that is asked before all others, and ends the search."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()

    def find_spec(self, name: str, path: object, target: object = None) -> None:  # noqa: ARG002 the signature of finders
        """Raise ModuleNotFoundError for them; None, so that the next finder is asked, for all others."""
        if name.partition(".")[0] in LEFT_OUT and threading.get_ident() == self._thread:
            raise ModuleNotFoundError(f"{name} is left out while Keras is imported", name=name)
