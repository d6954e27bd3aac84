"""The workbook of a run: drawn anew now and then while training goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from pipeline.storage.disk_space import FAILING
from pipeline.workbook import book
from pipeline.workbook.view import View

REFRESH_SECONDS: Final = 10.0  # the least time between two drawings while training goes on
REFRESH_RATIO: Final = 20.0  # the same, as a multiple of what the last drawing took


class Book:
    """The workbook of a run: drawn from the journal now and then while training goes on, and whenever asked."""

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
        """Draw it when the last time is long enough ago; a disk that refuses it is reported, and the run goes on."""
        if time.monotonic() > self._next:
            try:
                self.write()
            except OSError as error:
                self._failed(error)

    def write(self, elite: frozenset[str] = frozenset(), test: Mapping[str, float] | None = None) -> Path:
        """Draw it now; returns where it was written, which is beside the workbook while somebody has that open.

        Raises OSError where the disk is full or broken.
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
