"""The files of a table that has one for each part of the split: how its rows are counted and called."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from pipeline.data.cells import row_number, rows_above
from pipeline.data.given_split import TEST, TRAIN, VALIDATION, GivenSplit
from pipeline.data.header import above_header
from pipeline.errors import UserError

FIRST_READING: Final = 2  # of the rules by which cells are read: earlier studies have one file
_OPTIONS: Final[Mapping[int, str]] = {TRAIN: "--data", VALIDATION: "--validation-data", TEST: "--test-data"}


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a table, whose rows are counted on from one file to the next, and the part that each one is."""

    sources: tuple[str, ...] = ()
    parts: tuple[int, ...] = ()
    rows: tuple[int, ...] = ()  # of each file
    above: tuple[int, ...] = ()  # empty rows above the header of each file

    @property
    def several(self) -> bool:
        """True if the number of a row does not say which one it is."""
        return len(self.sources) > 1

    @property
    def numbered(self) -> bool:
        """True if the position of a row says where it stands: in the only file, whose header is its first row."""
        return not self.several and not any(self.above)

    def read(self, frames: Sequence[pd.DataFrame]) -> Files:
        """The same with what was found in the files."""
        above = tuple(map(above_header, frames))
        return replace(self, rows=tuple(map(len, frames)), above=above)

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
        """The file of a row of the table, and the position of the row in it if its header were the first row."""
        ends = [*accumulate(self.rows)]
        number = bisect_right(ends, position)
        above = self.above[number] if self.above else 0
        return self.sources[number], position - (ends[number] - self.rows[number]) + above

    def called(self, position: int) -> str:
        """A row of the table as its user finds it again: its number in the spreadsheet, and its file among several."""
        if self.numbered:
            return row_number(position)
        source, row = self.place(int(position))
        return f"{row_number(row)} of {source}" if self.several else row_number(row)

    @contextmanager
    def within(self, number: int, frame: pd.DataFrame) -> Iterator[None]:
        """Let errors about cells of one file say so, if there are several: they name rows of that file."""
        with below(frame, self.sources[number], named=self.several):
            yield

    def split(self, positions: np.ndarray) -> GivenSplit:
        """The split of the rows at these positions."""
        return GivenSplit(f"the files {self.words}", np.array(self.parts, dtype=np.int64)[self.of(positions)])


@contextmanager
def below(frame: pd.DataFrame, source: str, *, named: bool = False) -> Iterator[None]:
    """Let errors about cells count the rows as the file does, above whose header may be empty ones.

    With `named` they begin with the name of the file.
    """
    try:
        with rows_above(above_header(frame)):
            yield
    except UserError as error:
        if named:
            raise error.within(source) from error
        raise


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
