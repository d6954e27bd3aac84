"""Further files of a table, for validation and test rows: what they must have in common with the training file.

The training file decides what every column holds. The others are read as a model reads new rows: by the same rules,
with the same columns in any order, and with cells of the same kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from pipeline.data import series
from pipeline.data.cells import MISSING, as_codes, row_number
from pipeline.data.layout import shape_of
from pipeline.data.part_files import Files
from pipeline.data.roles import Columns, Named, quoted
from pipeline.data.rules import rules_of
from pipeline.data.series import Times
from pipeline.errors import UserError
from pipeline.tasks import Task

_LISTED: Final = 5  # columns in an error
_HOLDS: Final[Mapping[str, str]] = {
    "number": "numbers",
    "truth": "truth values",
    "text": "texts",
    "date": "dates or times",
    "other": "neither numbers nor text",
}


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The cells of a file, or of several one after another."""

    frame: pd.DataFrame  # as they were read, of all columns
    checked: pd.DataFrame  # of the used columns; of one that is an input and a target, as an input
    targets: pd.DataFrame  # the checked cells of the targets
    times: Times | None = None  # of the rows of a series

    @property
    def of_every_column(self) -> pd.DataFrame:
        """The checked cells among all columns, in the order of the file; the others are empty."""
        return self.checked.reindex(columns=self.frame.columns)


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """The training file, and what it says of all others."""

    source: str
    cells: Cells
    columns: Columns
    named: Named
    task: Task

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns whose cells are texts, whatever they look like."""
        columns = self.columns
        classes = columns.targets if self.task.targets == "texts" else ()
        written = (columns.time,) if columns.time else ()
        return (*columns.categories, *columns.groups, *classes, *written, *columns.times)


def joined(files: Files, each: Sequence[Cells], ignore: Sequence[str]) -> tuple[Files, Cells]:
    """The cells of all files, one after another, and the files with their numbers of rows.

    Raise UserError for a column to leave out that no file has.
    """
    files = files.read([one.frame for one in each])
    if not files.several:
        return files, each[0]
    frame = pd.concat([one.frame for one in each], ignore_index=True)
    Named((), ignore=ignore).check_existence([*frame.columns], files.words)
    checked = pd.concat([one.checked for one in each], ignore_index=True)
    targets = pd.concat([one.targets for one in each], ignore_index=True)
    times = [one.times for one in each if one.times is not None]
    return files, Cells(frame, checked, targets, series.joined(times) if times else None)


def check_columns(frame: pd.DataFrame, source: str, trained: Trained) -> None:
    """Raise UserError, with their names, for columns that a file lacks or has beyond those of the training file.

    Columns to leave out may be in any of the files, and where the user names the inputs, there may be others.
    """
    names, columns, training = [*map(str, frame.columns)], trained.columns, trained.source
    shape, other = shape_of(columns.inputs), _image(names, columns)
    if len(shape) == 3 and other and other != shape:
        raise UserError(
            f"{source} has images of {' x '.join(map(str, other))} numbers",
            expected=f"images of {' x '.join(map(str, shape))}, as {training} has",
            hint="bring all images to one size",
        )
    used = (*columns.targets, *columns.inputs, columns.weight, *columns.groups, columns.time)
    missing = [name for name in dict.fromkeys(used) if name and name not in names]
    known = {*map(str, trained.cells.frame.columns), *trained.named.ignore}
    extra = [name for name in names if name not in known]
    if missing:
        raise UserError(
            f"{source} lacks {len(missing)} column(s) that {training} has: {_listed(missing)}",
            expected=f"the columns of {training}, in any order",
            got=f"{_listed(extra)}, which {training} lacks" if extra else "",
            hint="correct the names, or add the columns to the file",
        )
    if extra and not trained.named.inputs:
        raise UserError(
            f"{source} has {len(extra)} column(s) that {training} lacks: {_listed(extra)}",
            expected=f"the columns of {training}, in any order",
            hint="remove them from the file, or name them in `ignore`",
        )


def _image(names: Sequence[str], columns: Columns) -> tuple[int, ...]:
    others = {*columns.targets, *columns.groups, columns.weight}
    found = shape_of([name for name in names if name not in others])
    return found if len(found) == 3 else ()


def _listed(names: Sequence[str]) -> str:
    return quoted(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")


def check_kinds(frame: pd.DataFrame, trained: Trained) -> None:
    """Raise UserError for an input that holds something else than in the training file.

    Empty cells are no other kind. Where the training file has texts, cells that look like something else are texts too
    if it has all of them, as a small file may have the codes alone that are figures, or if the user says so.
    """
    columns, training, rules = trained.columns, trained.source, rules_of(trained.columns.reading)
    for name in columns.inputs:
        found, what = rules.kind(frame[name]), f"Input {name!r}"
        if name in columns.times:
            continue  # `time_inputs.read` says what is none, by the format of the training file
        if name in columns.truths:
            rules.truths(frame[name], what)
        elif name not in columns.categories:
            if found in ("truth", "date", "other") or (found == "text" and not rules.has_numbers(frame[name])):
                raise _other_kind(frame[name], what, _HOLDS[found], f"numbers, as in {training}", 0)
        elif name not in trained.named.categories and found in ("number", "truth", "date"):
            texts = rules.texts(frame[name], what, spelled=name in columns.spelled)
            theirs = trained.cells.checked[name]
            known = {*theirs, MISSING}
            strange = [text not in known for text in as_trained(frame[name], texts, theirs, what)]
            if any(strange):
                expected = f"texts, as in {training}, or some of those"
                raise _other_kind(frame[name], what, _HOLDS[found], expected, strange.index(True))


def _other_kind(column: pd.Series[Any], what: str, holds: str, expected: str, after: int) -> UserError:
    cells = column.astype(object).tolist()
    row = next((row for row in range(after, len(cells)) if not pd.isna(cells[row]) and cells[row] != MISSING), after)
    return UserError(
        f"{what} holds {holds}",
        expected=expected,
        got=f"{str(cells[row])!r} in {row_number(row)}",
        hint=f"write the column alike in all files, or name {str(column.name)!r} in `categories`: then it holds texts",
    )


def as_trained(column: pd.Series[Any], texts: np.ndarray, trained: pd.Series[Any], what: str) -> np.ndarray:
    """The texts of a column of a further file, in which a number stands for the text of its value; see `as_codes`.

    `trained` are the cells of the training file: of a group that is a number, no text has another spelling.
    """
    return texts if trained.dtype.kind == "f" else as_codes(column, texts, {*trained} - {MISSING}, what)


def check_classes(targets: pd.DataFrame, trained: Trained) -> None:
    """Raise UserError for a class, among checked cells of targets, that the training file lacks."""
    for name in targets if trained.task.targets == "texts" else ():
        strange = ~targets[name].isin([*trained.cells.targets[name].unique()]).to_numpy()
        if strange.any():
            row = int(np.argmax(strange))
            raise UserError(
                f"Target {name!r} has a class that {trained.source} lacks",
                expected="the classes of the training rows",
                got=f"{targets[name].iloc[row]!r} in {row_number(row)}",
                hint="correct the cell, merge rare classes, or remove such rows",
            )
