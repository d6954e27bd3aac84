"""The files of a table that has one for each part of the split: how its rows are counted and called."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from pipeline.data.cells import rows_above
from pipeline.data.given_split import TEST, TRAIN, VALIDATION, GivenSplit
from pipeline.errors import UserError

FIRST_READING: Final = 2  # of the rules by which cells are read: earlier studies have one file
_OPTIONS: Final[Mapping[int, str]] = {TRAIN: "--data", VALIDATION: "--validation-data", TEST: "--test-data"}


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a table, whose rows are counted on from one file to the next, and the part that each one is."""

    sources: tuple[str, ...] = ()
    parts: tuple[int, ...] = ()
    rows: tuple[int, ...] = ()  # of each file
    above: tuple[int, ...] = ()  # blank rows of each file above its header

    @property
    def several(self) -> bool:
        """True if the number of a row does not say which one it is."""
        return len(self.sources) > 1

    @property
    def words(self) -> str:
        """The names of the files."""
        return ", ".join(self.sources)

    def of(self, positions: np.ndarray) -> np.ndarray:
        """The number of the file of each position."""
        return np.searchsorted(np.cumsum(self.rows), positions, side="right")

    def divided(self, frame: pd.DataFrame) -> list[pd.DataFrame]:
        """Rows of the table by file; the index has their positions."""
        if not self.several:
            return [frame]
        of_row = self.of(frame.index.to_numpy())
        return [frame.iloc[of_row == number] for number in range(len(self.sources))]

    def place(self, position: int) -> tuple[str, int]:
        """The file of a row of a table in several files, and the position of the row in it."""
        ends = [*accumulate(self.rows)]
        number = bisect_right(ends, position)
        return self.sources[number], position - (ends[number] - self.rows[number])

    def called(self, position: int) -> str:
        """A row of the table as its user finds it again: its number in the spreadsheet, and its file among several."""
        number = f"row {self.spreadsheet_row(position)}"
        return f"{number} of {self.place(int(position))[0]}" if self.several else number

    def spreadsheet_row(self, position: int) -> int:
        """The number of a row of the table in the spreadsheet of its file."""
        file = int(self.of(np.array([position]))[0]) if self.several else 0
        row = self.place(int(position))[1] if self.several else int(position)
        return row + 2 + (self.above[file] if self.above else 0)

    @contextmanager
    def within(self, number: int, above: int = 0) -> Iterator[None]:
        """Let errors about cells of one file name its rows, and begin with its name, if there are several files.

        `above` is how many blank rows it has above its header.
        """
        try:
            with rows_above(above):
                yield
        except UserError as error:
            if not self.several:
                raise
            raise error.within(self.sources[number]) from error

    def split(self, positions: np.ndarray) -> GivenSplit:
        """The split of the rows at these positions."""
        return GivenSplit(f"the files {self.words}", np.array(self.parts, dtype=np.int64)[self.of(positions)])


def files_of(source: str, validation_data: str | None, test_data: str | None) -> Files:
    """The files of a table, the training file first. Raise UserError for a file that is named for two parts."""
    named = {TRAIN: source, VALIDATION: validation_data, TEST: test_data}
    given = {part: each for part, each in named.items() if each}
    parts = [*given]
    for place, part in enumerate(parts):
        for other in parts[:place]:
            if _same(given[part], given[other]):
                raise UserError(
                    f"{_OPTIONS[part]} is the file of {_OPTIONS[other]}",
                    expected="another file for each part: a row is in one part alone",
                    got=given[part],
                    hint=f"name another file, or leave {_OPTIONS[part]} out",
                )
    return Files(tuple(given.values()), tuple(parts))


def _same(one: str, other: str) -> bool:
    try:
        return one == other or Path(one).expanduser().samefile(Path(other).expanduser())
    except (OSError, RuntimeError):  # built-in data, or no file: whoever reads it says so
        return False
