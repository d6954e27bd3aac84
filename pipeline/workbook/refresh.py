"""The workbook of a run, redrawn from time to time during training."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from pipeline.storage.disk_space import FAILING
from pipeline.workbook import book
from pipeline.workbook.view import View

REFRESH_SECONDS: Final = 10.0  # shortest time between two drawings during training
REFRESH_RATIO: Final = 20.0  # the same, as a multiple of the time of the last drawing


class Book:
    """The workbook of a run: drawn from the journal from time to time during training, and on request."""

    def __init__(
        self,
        path: Path,
        view: Callable[[frozenset[str], Mapping[str, float]], View],
        say: Callable[[str], None],
    ) -> None:
        self._path = path
        self._view = view  # of the keys of the elite, and of the objectives on the test rows by key
        self._say = say
        self._next = time.monotonic() + REFRESH_SECONDS
        self._shown: set[str] = set()

    def refresh(self) -> None:
        """Draw it if the last time is long enough ago; if the disk fails, report that and continue."""
        if time.monotonic() > self._next:
            try:
                self.write()
            except OSError as error:
                self._failed(error)

    def write(self, elite: frozenset[str] = frozenset(), test: Mapping[str, float] | None = None) -> Path:
        """Draw it now. Return the path that was written, which is beside the workbook while that is open.

        Raise OSError if the disk is full or broken.
        """
        began = time.monotonic()
        try:
            return book.write(self._path, self._view(elite, test or {}), self._once)
        except OSError as error:
            if error.errno in FAILING:
                raise
            self._failed(error)
            return self._path
        finally:
            self._next = time.monotonic() + max(REFRESH_SECONDS, REFRESH_RATIO * (time.monotonic() - began))

    def _failed(self, error: OSError) -> None:
        self._once(f"{self._path} cannot be written ({error.strerror or error}): the results are safe in the journal.")

    def _once(self, text: str) -> None:
        if text not in self._shown:
            self._shown.add(text)
            self._say(text)
