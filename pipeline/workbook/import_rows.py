"""Import of workbook rows that are not in the journal: a colleague's results, or one's own after a lost journal.

There is one rule. A row that has a hyperparameter and a score is meant as a result, and every cell of it that is read
must be correct: otherwise nothing is imported, and the error names all such rows. Other rows, and results that the
study cannot use, are left as they are, and named.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Final

from pipeline.errors import UserError
from pipeline.ledger.imports import impossible, incomparable
from pipeline.trial import Configuration, Imported
from pipeline.workbook.columns import COUNT, FAILURES, JSON, KEY, LEAST, LIMIT, MEAN, MOST, STAGE, STD
from pipeline.workbook.read import Cells, written
from pipeline.workbook.typed_cells import Typed, Wrong, configuration_of, learn, names_one, number, whole

_ROUNDING: Final = 0.005  # of a mean that somebody typed with two or three digits

Possible = Callable[[Configuration], str]
"""Why no network of the study can have a configuration, as the end of a sentence; empty where one can."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the rows of a sheet come to."""

    results: tuple[Imported, ...] = ()  # of configurations that are not known, each once
    skipped: int = 0  # rows that were not taken
    remarks: tuple[str, ...] = ()  # what people are told of these: a sentence for each reason


def unknown_results(
    rows: Sequence[tuple[int, Cells]],
    path: Path,
    known: Collection[str],
    epochs: int,
    *,
    possible: Possible = lambda _: "",
    shown: Callable[[str], str] = str,
    kept: Callable[[float], float] = float,
) -> Found:
    """Read the rows `(number, header -> value)` whose keys are not known.

    `epochs` are those of the study, and of a row that does not say; `shown` is what its sheet calls a column,
    and `kept` makes a score as the sheet has it to one as the journal has it.
    Raises UserError, naming the rows, where some are meant as results and are wrong.
    """
    reading = _Reading(path, frozenset(known), epochs, possible, shown, kept, learn(rows))
    for row, cells in rows:
        reading.take(row, cells)
    return reading.found()


def _sentence(rows: Sequence[int], path: Path, why: str) -> str:
    one = len(rows) == 1
    return f"Row{'' if one else 's'} {listed(rows)} of {path} {'was' if one else 'were'} not imported: {why}."


def listed(numbers: Sequence[int]) -> str:
    """`3, 5 to 9 and 12`: every number of a sorted list, in as few words as that takes."""
    runs = [[each for _, each in run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    parts = [f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs]
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


@dataclass(slots=True)
class _Reading:
    """One reading of a sheet: what was found so far."""

    path: Path
    known: frozenset[str]
    epochs: int
    possible: Possible
    shown: Callable[[str], str]
    kept: Callable[[float], float]  # its own inverse
    typed: Typed
    keys: dict[str, int] = field(default_factory=dict)  # key -> the first row that has it in its cell
    results: dict[str, Imported] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)  # key -> the row of its result
    left: list[tuple[int, str]] = field(default_factory=list)
    wrong: list[tuple[int, Wrong]] = field(default_factory=list)

    def take(self, row: int, cells: Cells) -> None:
        """Read one row."""
        key = written(cells.get(KEY))
        if key and self.keys.setdefault(key, row) != row:
            other = f"its key is that of row {self.keys[key]}"
            self.left.append((row, f"{other}; with the cells {KEY} and {JSON} empty its own columns count"))
        elif key not in self.known and not (key and cells.get(STAGE) == "baseline"):
            try:
                why = self._taken(row, cells)
            except Wrong as wrong:
                self.wrong.append((row, wrong))
            else:
                if why:
                    self.left.append((row, why))

    def _taken(self, row: int, cells: Cells) -> str:
        """Take a row where it is a result; else why not, which is empty for rows without anything of ours."""
        if not names_one(cells, self.typed):
            return f"it has a {self.shown(MEAN)}, and no hyperparameter" if MEAN in cells else ""
        if MEAN not in cells:
            return f"its {self.shown(MEAN)} is empty"
        if whole(cells, FAILURES, least=0):
            return "some of its trainings failed: the search may train it here"
        result = self._result(row, cells)
        key = result.configuration.key
        if key in self.known:
            own = f"; with the cell {JSON} empty its own columns count" if JSON in cells else ""
            return f"the study has results of its configuration already, which count{own}"
        if key in self.results:
            return f"it is the configuration of row {self.rows[key]}, which counts"
        why = incomparable(result, self.epochs)
        if not why:
            self.results[key] = result
            self.rows[key] = row
        return why

    def _result(self, row: int, cells: Cells) -> Imported:
        configuration = configuration_of(cells, self.typed)
        mean = self._mean(cells)
        result = Imported(
            configuration=configuration,
            epochs=whole(cells, LIMIT) or self.epochs,
            repeats=whole(cells, COUNT) or 1,
            mean=self.kept(mean),
            std=number(cells, STD, self.shown(STD)),
            source=f"{self.path.name}, row {row}",
        )
        for part, why in (("configuration", self.possible(configuration)), ("result", impossible(result, self.kept))):
            if why:
                raise Wrong(part, "is not possible", got=why)
        return result

    def _mean(self, cells: Cells) -> float:
        """The mean score as the sheet has it; Wrong for one that lies outside of the scores of the single trainings."""
        mean = number(cells, MEAN, self.shown(MEAN)) or 0.0
        least, most = (number(cells, name, self.shown(name)) for name in (LEAST, MOST))
        margin = _ROUNDING * abs(mean)
        if (least is not None and mean < least - margin) or (most is not None and mean > most + margin):
            raise Wrong(
                self.shown(MEAN),
                "lies outside of the scores of the single trainings beside it",
                expected=f"a mean between {self.shown(LEAST)} and {self.shown(MOST)}",
                got=f"{mean:g}, beside {' to '.join('-' if each is None else f'{each:g}' for each in (least, most))}",
                hint=f"correct the cells, or empty {self.shown(LEAST)} and {self.shown(MOST)}",
            )
        return mean

    def found(self) -> Found:
        """Everything that was found; UserError where rows are wrong."""
        if len(self.wrong) == 1:
            ((row, wrong),) = self.wrong
            raise wrong.error(f"row {row} of {self.path}", self.shown(MEAN))
        if self.wrong:
            raise UserError(
                f"The rows {listed([row for row, _ in self.wrong])} of {self.path} are wrong",
                expected="in a row with a score a whole configuration, and numbers where numbers are",
                got="; ".join(f"row {row}: {wrong}" for row, wrong in self.wrong),
                hint=f"correct them, or empty their {self.shown(MEAN)}: they are remarks then",
            )
        by_reason: dict[str, list[int]] = {}
        for row, why in self.left:
            by_reason.setdefault(why, []).append(row)
        remarks = tuple(_sentence(rows, self.path, why) for why, rows in by_reason.items())
        return Found(tuple(self.results.values()), len(self.left), remarks)
